package io.vecferry.store.qdrant;

import com.google.protobuf.Message;
import io.grpc.MethodDescriptor;
import io.qdrant.client.grpc.Collections.AliasOperations;
import io.qdrant.client.grpc.Collections.ChangeAliases;
import io.qdrant.client.grpc.Collections.CreateAlias;
import io.qdrant.client.grpc.Collections.CreateCollection;
import io.qdrant.client.grpc.Collections.DeleteCollection;
import io.qdrant.client.grpc.Collections.Distance;
import io.qdrant.client.grpc.Collections.VectorParams;
import io.qdrant.client.grpc.Collections.VectorsConfig;
import io.qdrant.client.grpc.CollectionsGrpc;
import io.qdrant.client.grpc.JsonWithInt.Value;
import io.qdrant.client.grpc.Points.DenseVector;
import io.qdrant.client.grpc.Points.PointStruct;
import io.qdrant.client.grpc.Points.UpsertPoints;
import io.qdrant.client.grpc.Points.Vector;
import io.qdrant.client.grpc.Points.Vectors;
import io.qdrant.client.grpc.PointsGrpc;
import io.vecferry.store.StoreSettings;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/** A collection as users make it, without vecferry. Dropped with its aliases when it is closed. */
final class NativeCollection implements AutoCloseable {
  private final Connection connection;
  private final String url;
  private final String name;

  NativeCollection(String url, CreateCollection.Builder create) {
    this(url, QdrantTests.uniqueName(), create);
  }

  NativeCollection(String url, String name, CreateCollection.Builder create) {
    this.url = url;
    this.connection = QdrantTests.connect(url);
    this.name = name;
    call(CollectionsGrpc.getCreateMethod(), create.setCollectionName(name).build());
  }

  /** One vector without a name. */
  static CreateCollection.Builder unnamed(int size, Distance distance) {
    return CreateCollection.newBuilder()
        .setVectorsConfig(VectorsConfig.newBuilder().setParams(params(size, distance)));
  }

  static VectorParams.Builder params(int size, Distance distance) {
    return VectorParams.newBuilder().setSize(size).setDistance(distance);
  }

  String name() {
    return name;
  }

  StoreSettings settings() {
    return QdrantTests.settings("source", url, name);
  }

  void upsert(PointStruct... points) {
    call(
        PointsGrpc.getUpsertMethod(),
        UpsertPoints.newBuilder()
            .setCollectionName(name)
            .setWait(true)
            .addAllPoints(
                Stream.of(points).map(point -> spoken(point, connection.version())).toList())
            .build());
  }

  /** A point with its only vector in the form that the oldest servers understand. */
  @SuppressWarnings("deprecation")
  static PointStruct spoken(PointStruct point, ServerVersion version) {
    if (version.takesVectorsByKind() || !point.getVectors().getVector().hasDense()) {
      return point;
    }
    List<Float> values = point.getVectors().getVector().getDense().getDataList();
    return point.toBuilder()
        .setVectors(Vectors.newBuilder().setVector(Vector.newBuilder().addAllData(values)))
        .build();
  }

  static PointStruct point(String id, Map<String, Value> payload, Float... vector) {
    return point(id, payload).setVectors(Vectors.newBuilder().setVector(dense(vector))).build();
  }

  static PointStruct.Builder point(String id, Map<String, Value> payload) {
    return PointStruct.newBuilder().setId(PointKey.parse(id).toPointId()).putAllPayload(payload);
  }

  static Vector dense(Float... values) {
    return Vector.newBuilder()
        .setDense(DenseVector.newBuilder().addAllData(List.of(values)))
        .build();
  }

  void alias(String alias) {
    change(
        AliasOperations.newBuilder()
            .setCreateAlias(CreateAlias.newBuilder().setCollectionName(name).setAliasName(alias)));
  }

  private void change(AliasOperations.Builder change) {
    call(
        CollectionsGrpc.getUpdateAliasesMethod(),
        ChangeAliases.newBuilder().addActions(change).build());
  }

  <Q, A extends Message> A call(MethodDescriptor<Q, A> method, Q request) {
    return connection.call(method, request, "testing");
  }

  @Override
  public void close() {
    call(
        CollectionsGrpc.getDeleteMethod(),
        DeleteCollection.newBuilder().setCollectionName(name).build());
    connection.close();
  }
}
