package io.vecferry.store.qdrant;

import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.google.protobuf.util.JsonFormat;
import io.qdrant.client.grpc.Collections.GetCollectionInfoRequest;
import io.qdrant.client.grpc.CollectionsGrpc;
import io.vecferry.record.ElementType;
import io.vecferry.record.VectorKind;
import io.vecferry.store.GoldenSchemaTest;
import io.vecferry.store.Metric;
import io.vecferry.store.StoreProvider;
import io.vecferry.store.StoreSettings;
import io.vecferry.store.VectorFieldInfo;
import io.vecferry.testing.RunningServer;
import io.vecferry.testing.Server;
import io.vecferry.testing.WithServer;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;

/** Collections of Qdrant. */
class QdrantGoldenSchemaTest extends GoldenSchemaTest {
  private static final JsonMapper JSON = JsonMapper.builder().build();

  @WithServer(Server.QDRANT)
  static RunningServer server;

  private final String collection = QdrantTests.uniqueName();

  RunningServer server() {
    return server;
  }

  @AfterEach
  void dropCollection() {
    QdrantTests.drop(server().url(), collection);
  }

  @Override
  protected StoreProvider provider() {
    return new QdrantProvider();
  }

  @Override
  protected StoreSettings settings() {
    return QdrantTests.settings("target", server().url(), collection);
  }

  @Override
  protected StoreSettings manySettings() {
    return StoreSettings.of(
        "target",
        "url",
        server().url(),
        "collection",
        collection,
        "partitionKey",
        "id",
        "options.payloadIndexes.mixed",
        "text",
        "options.payloadIndexes.größe",
        "float",
        "options.quantization",
        "scalar",
        "options.onDisk",
        "true",
        "options.onDiskPayload",
        "true",
        "options.shards",
        "1");
  }

  @Override
  protected List<VectorFieldInfo> oddVectors() {
    return List.of(
        new VectorFieldInfo(
            "title vector.en", 8, Metric.IP, 0, "HNSW", Map.of("M", "32", "hnsw_ef", "200")),
        new VectorFieldInfo("x".repeat(300), 384, Metric.COSINE, 0, "", Map.of()),
        new VectorFieldInfo("", 3, Metric.L1, 0, "Flat", Map.of()),
        new VectorFieldInfo(
            "half", VectorKind.DENSE, ElementType.FLOAT16, 16, Metric.L2, 0, "", Map.of()),
        new VectorFieldInfo(
            "words", VectorKind.SPARSE, ElementType.FLOAT32, 0, Metric.IP, 0, "", Map.of()),
        new VectorFieldInfo(
            "tokens", VectorKind.MULTI, ElementType.FLOAT32, 4, Metric.COSINE, 0, "", Map.of()));
  }

  @Override
  protected String serverName() {
    try (Connection connection = QdrantTests.connect(server().url())) {
      String version = connection.version().text();
      return "qdrant-" + version.substring(0, version.lastIndexOf('.'));
    }
  }

  @Override
  protected ObjectNode described(String name) {
    try (Connection connection = QdrantTests.connect(server().url())) {
      ObjectNode info =
          (ObjectNode)
              JSON.readTree(
                      JsonFormat.printer()
                          .print(
                              connection.call(
                                  CollectionsGrpc.getGetMethod(),
                                  GetCollectionInfoRequest.newBuilder()
                                      .setCollectionName(name)
                                      .build(),
                                  "looking")))
                  .path("result");
      // What vecferry never sets is the server's own.
      return without(info, "config/optimizerConfig", "config/walConfig")
          .retain("config", "payloadSchema");
    } catch (IOException e) {
      throw new IllegalStateException(e);
    }
  }
}
