package io.vecferry.store.elasticsearch;

import com.fasterxml.jackson.databind.node.ObjectNode;
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
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;

/** Indices on a server of version 8. */
class Elasticsearch8GoldenSchemaTest extends GoldenSchemaTest {
  @WithServer(Server.ELASTICSEARCH_8)
  static RunningServer server;

  private final String collection = "golden-" + UUID.randomUUID();
  private TestElasticsearch elasticsearch;

  RunningServer server() {
    return server;
  }

  @BeforeEach
  void connect() {
    elasticsearch = new TestElasticsearch(server().url());
  }

  @AfterEach
  void removeIndices() {
    elasticsearch.dropAll(collection);
  }

  @Override
  protected StoreProvider provider() {
    return new ElasticsearchProvider();
  }

  @Override
  protected StoreSettings settings() {
    return StoreSettings.of("target", "url", elasticsearch.url(), "collection", collection);
  }

  @Override
  protected StoreSettings manySettings() {
    return StoreSettings.of(
        "target",
        "url",
        elasticsearch.url(),
        "collection",
        collection,
        "options.shards",
        "3",
        "options.replicas",
        "2",
        "options.exactVectors",
        "false",
        "options.fields.mixed",
        "text",
        "options.fields.when",
        "date",
        "options.fields.long",
        "none");
  }

  @Override
  protected List<VectorFieldInfo> oddVectors() {
    return List.of(
        new VectorFieldInfo("", 64, Metric.IP, 0, "int8_hnsw", Map.of("M", "32", "ef", "400")),
        new VectorFieldInfo("title vector.en", 8, Metric.L2, 0, "Flat", Map.of()),
        new VectorFieldInfo(
            "_id", VectorKind.DENSE, ElementType.INT8, 16, Metric.COSINE, 0, "", Map.of()),
        new VectorFieldInfo(
            "bits", VectorKind.DENSE, ElementType.BIT, 64, Metric.HAMMING, 0, "", Map.of()));
  }

  @Override
  protected String serverName() {
    ServerVersion version = elasticsearch.version();
    return "elasticsearch-" + version.major() + "." + version.minor();
  }

  @Override
  protected ObjectNode described(String index) {
    ObjectNode all = (ObjectNode) elasticsearch.ask("GET", "/" + index, null).path(index);
    return without(
        all,
        "settings/index/uuid",
        "settings/index/creation_date",
        "settings/index/provided_name",
        "settings/index/version");
  }
}
