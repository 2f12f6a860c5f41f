package io.vecferry.store.milvus;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.google.protobuf.MessageOrBuilder;
import com.google.protobuf.util.JsonFormat;
import io.milvus.grpc.DescribeCollectionRequest;
import io.milvus.grpc.DescribeIndexRequest;
import io.milvus.grpc.ShowPartitionsRequest;
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

/** Collections and indexes of Milvus. */
class MilvusGoldenSchemaTest extends GoldenSchemaTest {
  private static final JsonMapper JSON = JsonMapper.builder().build();

  @WithServer(Server.MILVUS)
  static RunningServer milvus;

  private final String collection = Collections.name("golden");

  @AfterEach
  void dropCollections() {
    Collections.drop(
        milvus.url(), provider().loadSettings(settings(), "products").text("collection", ""));
  }

  @Override
  protected StoreProvider provider() {
    return new MilvusProvider();
  }

  @Override
  protected StoreSettings settings() {
    return StoreSettings.of("target", "url", milvus.url(), "collection", collection);
  }

  @Override
  protected StoreSettings manySettings() {
    return StoreSettings.of(
        "target",
        "url",
        milvus.url(),
        "collection",
        collection,
        "partitionKey",
        "id",
        "options.autoFields",
        "true",
        "options.fields.mixed",
        "VARCHAR(500)",
        "options.fields.price",
        "DOUBLE");
  }

  /** This version has one field of vectors. */
  @Override
  protected List<VectorFieldInfo> oddVectors() {
    return List.of(
        new VectorFieldInfo(
            "title vector.en", 8, Metric.IP, 0, "ivf_flat", Map.of("n_list", "1024")));
  }

  @Override
  protected String serverName() {
    try (MilvusClient client = Collections.client(milvus.url())) {
      return "milvus-" + client.version().major() + "." + client.version().minor();
    }
  }

  @Override
  protected ObjectNode described(String name) {
    try (MilvusClient client = Collections.client(milvus.url())) {
      ObjectNode all = JSON.createObjectNode();
      all.set(
          "collection",
          without(
              json(
                  client.ask(
                      "looking",
                      stub ->
                          stub.describeCollection(
                              DescribeCollectionRequest.newBuilder()
                                  .setCollectionName(name)
                                  .build()))),
              "status",
              "collectionID",
              "virtualChannelNames",
              "physicalChannelNames",
              "createdTimestamp",
              "createdUtcTimestamp",
              "startPositions",
              "dbId"));
      for (JsonNode index :
          json(client.ask(
                  "looking",
                  stub ->
                      stub.describeIndex(
                          DescribeIndexRequest.newBuilder().setCollectionName(name).build())))
              .path("indexDescriptions")) {
        all.withArray("indexes").add(without((ObjectNode) index, "indexID"));
      }
      all.put(
          "partitions",
          client
              .ask(
                  "looking",
                  stub ->
                      stub.showPartitions(
                          ShowPartitionsRequest.newBuilder().setCollectionName(name).build()))
              .getPartitionNamesCount());
      return all;
    }
  }

  private static ObjectNode json(MessageOrBuilder message) {
    try {
      return (ObjectNode) JSON.readTree(JsonFormat.printer().print(message));
    } catch (IOException e) {
      throw new IllegalStateException(e);
    }
  }
}
