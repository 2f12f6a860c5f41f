package io.vecferry.store.qdrant;

import io.qdrant.client.grpc.Points.DenseVector;
import io.qdrant.client.grpc.Points.PointStruct;
import io.qdrant.client.grpc.Points.RetrievedPoint;
import io.qdrant.client.grpc.Points.ScrollResponse;
import io.qdrant.client.grpc.Points.UpsertPoints;
import io.qdrant.client.grpc.Points.VectorOutput;
import io.qdrant.client.grpc.Points.VectorsOutput;
import io.vecferry.benchmark.RecordBenchmark;
import io.vecferry.record.ElementType;
import io.vecferry.record.IdKind;
import io.vecferry.record.RecordBatch;
import io.vecferry.record.VectorKind;
import io.vecferry.store.LoadNote;
import io.vecferry.store.LoadStamp;
import io.vecferry.store.Metric;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Setup;

/** Points of Qdrant, without a server. */
public class QdrantBenchmark extends RecordBenchmark {
  private PointMapping points;
  private RecordBatch batch;
  private byte[] answer;

  @Setup
  public void prepare() {
    batch = batch();
    points =
        new PointMapping(
            new IdMapping(
                new LoadNote(
                    new LoadStamp("benchmark", "load"), Set.of(IdKind.STRING), Map.of("", ""))),
            new PayloadMapping("document", "", true),
            new VectorMapping(
                List.of(
                    new VectorField(
                        "", "", VectorKind.DENSE, ElementType.FLOAT32, dimension, Metric.COSINE)),
                true));
    ScrollResponse.Builder response = ScrollResponse.newBuilder();
    List<PointStruct> written = points.encode(batch).points();
    float[] values = batch.onlyVectors().values();
    for (int row = 0; row < ROWS; row++) {
      DenseVector.Builder vector = DenseVector.newBuilder();
      for (int i = 0; i < dimension; i++) {
        vector.addData(values[row * dimension + i]);
      }
      response.addResult(
          RetrievedPoint.newBuilder()
              .setId(written.get(row).getId())
              .putAllPayload(written.get(row).getPayloadMap())
              .setVectors(
                  VectorsOutput.newBuilder()
                      .setVector(VectorOutput.newBuilder().setDense(vector))));
    }
    answer = response.build().toByteArray();
  }

  @Benchmark
  public Object readPoints() throws IOException {
    return points.decode(
        ScrollResponse.parseFrom(new ByteArrayInputStream(answer)).getResultList());
  }

  @Benchmark
  public Object writePoints() throws IOException {
    UpsertPoints request =
        UpsertPoints.newBuilder().addAllPoints(points.encode(batch).points()).build();
    request.writeTo(OutputStream.nullOutputStream());
    return request;
  }
}
