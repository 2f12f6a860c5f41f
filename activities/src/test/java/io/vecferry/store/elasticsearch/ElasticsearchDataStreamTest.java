package io.vecferry.store.elasticsearch;

import static org.assertj.core.api.Assertions.assertThat;

import io.vecferry.record.IdColumn;
import io.vecferry.record.RecordBatch;
import io.vecferry.store.BatchReader;
import io.vecferry.store.CollectionInfo;
import io.vecferry.store.StoreSettings;
import io.vecferry.store.VectorStore;
import io.vecferry.testing.RunningServer;
import io.vecferry.testing.Server;
import io.vecferry.testing.WithServer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A data stream. The server for tests cannot remove one, so it gets a server of its own. */
@Timeout(120)
class ElasticsearchDataStreamTest {
  @WithServer(value = Server.ELASTICSEARCH_8, instance = "streams")
  static RunningServer server;

  @Test
  void isAllTheIndicesBehindIt() {
    TestElasticsearch elasticsearch = new TestElasticsearch(server.url());
    elasticsearch.ask(
        "PUT",
        "/_index_template/visits",
        """
        {"index_patterns":["visits"],"data_stream":{},"priority":500,"template":{
          "settings":{"number_of_shards":2},
          "mappings":{"properties":{"v":
            {"type":"dense_vector","dims":2,"similarity":"l2_norm"}}}}}
        """);
    add(elasticsearch, "a");
    elasticsearch.ask("POST", "/visits/_rollover", null);
    add(elasticsearch, "b");
    StoreSettings settings =
        StoreSettings.of("source", "url", server.url(), "collection", "visits");
    try (VectorStore store = new ElasticsearchProvider().open(settings)) {
      assertThat(store.assess()).noneMatch(f -> f.severity().name().equals("BLOCKING"));
      CollectionInfo info = store.describe();
      assertThat(info.rows()).isEqualTo(2);
      assertThat(info.configuration().get("indices")).contains(".ds-visits-", "000002");
      try (BatchReader reader = store.read(store.split(1).get(0), null, 10)) {
        assertThat(reader.next().ids().get(0)).isEqualTo("a");
        assertThat(reader.next().ids().get(0)).isEqualTo("b");
        assertThat(reader.next()).isNull();
      }
      RecordBatch batch = store.fetch(IdColumn.ofStrings("b", "a"));
      assertThat(batch.metadata().get(1)).isEqualTo("{\"@timestamp\":\"2026-01-01\"}");
    }
  }

  private static void add(TestElasticsearch elasticsearch, String id) {
    elasticsearch.ask(
        "POST",
        "/visits/_bulk?refresh=true",
        "{\"create\":{\"_id\":\"" + id + "\"}}\n{\"@timestamp\":\"2026-01-01\",\"v\":[1,2]}\n");
  }
}
