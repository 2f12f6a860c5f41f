package io.vecferry.store.elasticsearch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import io.vecferry.plan.FailureClass;
import io.vecferry.plan.NameSwitch;
import io.vecferry.record.IdColumn;
import io.vecferry.record.RecordBatch;
import io.vecferry.store.BatchReader;
import io.vecferry.store.LoadSchema;
import io.vecferry.store.LoadStamp;
import io.vecferry.store.Metric;
import io.vecferry.store.StoreException;
import io.vecferry.store.StoreSettings;
import io.vecferry.store.VectorFieldInfo;
import io.vecferry.store.VectorStore;
import io.vecferry.testing.RunningServer;
import io.vecferry.testing.Server;
import io.vecferry.testing.WithServer;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * What a real server lacks or refuses for a while: shards, changes of an index, a point in time.
 */
@WithServer(Server.ELASTICSEARCH_8)
@Timeout(240)
class ElasticsearchFaultsTest {
  private static final LoadStamp STAMP = new LoadStamp("products", "load-1");
  private static final int ROWS = 100;
  private static final String MAPPINGS =
      "\"mappings\":{\"properties\":{\"v\":{\"type\":\"dense_vector\",\"dims\":1,"
          + "\"similarity\":\"l2_norm\"}}}";
  private static final String REQUIRED_NODE = "index.routing.allocation.require._name";

  /** The server looks every minute for what has expired. */
  private static final long LIMIT_SECONDS = 150;

  private final String index = "faults-" + UUID.randomUUID();
  private final ElasticsearchProvider provider = new ElasticsearchProvider();
  private TestElasticsearch elasticsearch;

  @BeforeEach
  void connect(RunningServer server) {
    elasticsearch = new TestElasticsearch(server.url());
  }

  @AfterEach
  void removeIndices() {
    set("index.blocks.read_only", null);
    elasticsearch.dropAll(index);
  }

  private void fill() {
    elasticsearch.create(index, 1, MAPPINGS);
    Map<String, String> documents = new LinkedHashMap<>();
    for (int i = 0; i < ROWS; i++) {
      documents.put("row-" + i, "{\"v\":[" + i + "]}");
    }
    elasticsearch.put(index, documents);
  }

  /** Sets or, with null, resets a setting of the index, as far as there is one. */
  private void set(String setting, String value) {
    String quoted = value == null ? "null" : "\"" + value + "\"";
    elasticsearch.call("PUT", "/" + index + "/_settings", "{\"" + setting + "\":" + quoted + "}");
  }

  private VectorStore open(String role, String... more) {
    StoreSettings settings =
        StoreSettings.of(role, "url", elasticsearch.url(), "collection", index);
    settings.values().setAll(StoreSettings.of(role, more).values());
    return provider.open(settings);
  }

  private StoreSettings beside() {
    return provider.loadBesideSettings(
        StoreSettings.of("target", "url", elasticsearch.url(), "collection", index),
        STAMP.migration());
  }

  private void load() {
    LoadSchema schema =
        new LoadSchema(
            List.of(new VectorFieldInfo("", 1, Metric.L2, 0, "", Map.of())), Set.of(), "test", 0);
    try (VectorStore load = provider.open(beside())) {
      load.create(schema, STAMP);
      load.finishLoad(List.of(), STAMP);
    }
  }

  private static void assertFails(FailureClass expected, ThrowingCallable call, String... words) {
    assertThatThrownBy(call)
        .isInstanceOfSatisfying(
            StoreException.class,
            e -> assertThat(e.failureClass()).as(e.getMessage()).isEqualTo(expected))
        .hasMessageContainingAll(words);
  }

  private static List<String> read(BatchReader reader) {
    List<String> ids = new ArrayList<>();
    for (RecordBatch batch = reader.next(); batch != null; batch = reader.next()) {
      for (int i = 0; i < batch.rows(); i++) {
        ids.add(batch.ids().get(i));
      }
    }
    return ids;
  }

  private interface Condition {
    boolean holds();
  }

  private static void await(Condition condition) {
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(LIMIT_SECONDS);
    while (!condition.holds()) {
      assertThat(System.nanoTime()).isLessThan(deadline);
      LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(100));
    }
  }

  /** One of two shards, or neither, has a node. */
  @ParameterizedTest
  @CsvSource({"index.routing.allocation.total_shards_per_node,1", REQUIRED_NODE + ",nowhere"})
  void anIndexThatLacksShardsIsNotTakenForWhole(String setting, String value) {
    elasticsearch.ask(
        "PUT",
        "/" + index + "?wait_for_active_shards=0",
        """
        {"settings":{"number_of_shards":2,"number_of_replicas":0,"%s":"%s"},%s}
        """
            .formatted(setting, value, MAPPINGS));
    boolean some = !setting.equals(REQUIRED_NODE);
    if (some) {
      await(() -> active() == 1);
      elasticsearch.put(index, Map.of(idInShardThatIsThere(), "{\"v\":[1]}"));
    }
    try (VectorStore store = open("source")) {
      for (ThrowingCallable call :
          List.<ThrowingCallable>of(
              store::assess,
              store::describe,
              () -> store.split(2),
              () -> store.fetch(IdColumn.ofStrings("row-1")))) {
        assertFails(FailureClass.TRANSIENT, call, index, "missing shards");
      }
    }
    set(setting, null);
    await(() -> active() == 2);
    try (VectorStore store = open("source")) {
      assertThat(store.assess()).isEmpty();
      assertThat(store.describe().rows()).isEqualTo(some ? 1 : 0);
    }
  }

  private int active() {
    return elasticsearch
        .ask("GET", "/_cluster/health/" + index, null)
        .path("active_primary_shards")
        .asInt();
  }

  private String idInShardThatIsThere() {
    for (int i = 0; ; i++) {
      JsonNode shards =
          elasticsearch.ask("GET", "/" + index + "/_search_shards?routing=row-" + i, null);
      if (shards.at("/shards/0/0/state").asText().equals("STARTED")) {
        return "row-" + i;
      }
    }
  }

  @Test
  void anIndexThatTakesNoChangesIsNotSwitched() {
    fill();
    try (VectorStore store = open("target");
        VectorStore load = provider.open(beside())) {
      NameSwitch planned = store.planSwitch(load, STAMP);
      load();
      JsonNode before = elasticsearch.lasting(index);
      set("index.blocks.read_only", "true");

      assertFails(
          FailureClass.PERMISSION, () -> store.switchTo(planned, STAMP), "Remove the block");

      set("index.blocks.read_only", null);
      assertThat(elasticsearch.lasting(index)).isEqualTo(before);
      set("index.blocks.read_only", "true");
      store.switchBack(planned, STAMP);
      assertThat(load.drop(STAMP)).isTrue();
      NameSwitch refused = store.planSwitch(load, STAMP);
      assertThat(refused.possible()).isFalse();
      assertThat(refused.words()).contains("index.blocks.read_only", "Remove the block");
    }
  }

  @Test
  void aCopyThatNoNodeTakesIsSaidAndTakenBack() {
    fill();
    try (VectorStore store = open("target");
        VectorStore load = provider.open(beside())) {
      NameSwitch planned = store.planSwitch(load, STAMP);
      load();
      // What is there stays, and nothing new may come.
      set(REQUIRED_NODE, "nowhere");
      JsonNode before = elasticsearch.lasting(index);

      assertFails(
          FailureClass.RESOURCE_EXHAUSTED,
          () -> store.switchTo(planned, STAMP),
          planned.kept(),
          "no node takes shard 0 of the copy",
          "_cluster/allocation/explain");

      assertThat(elasticsearch.lasting(index)).isEqualTo(before);
      store.switchBack(planned, STAMP);
      assertThat(elasticsearch.lasting(index)).isEqualTo(before);
      assertThat(elasticsearch.call("GET", "/" + planned.kept(), null).status()).isEqualTo(404);
      set(REQUIRED_NODE, null);
      store.switchTo(planned, STAMP);
      assertThat(store.stamp()).contains(STAMP);

      String kept = "/" + planned.kept() + "/_settings";
      String setting = "{\"" + REQUIRED_NODE + "\":%s}";
      elasticsearch.ask("PUT", kept, setting.formatted("\"nowhere\""));
      assertFails(
          FailureClass.RESOURCE_EXHAUSTED,
          () -> store.switchBack(planned, STAMP),
          "'" + index + "'",
          "no node takes shard 0 of the copy");
      assertThat(store.stamp()).contains(STAMP);
      elasticsearch.ask("PUT", kept, setting.formatted("null"));
      store.switchBack(planned, STAMP);
      assertThat(store.stamp()).isEmpty();
      assertThat(store.describe().rows()).isEqualTo(ROWS);
    }
  }

  /** It has no mapping yet, by which its records would be read in another way. */
  @Test
  void anUnfinishedCopyIsNotRead() {
    fill();
    set("index.blocks.write", "true");
    String copy = index + "-copy";
    elasticsearch.ask(
        "PUT",
        "/" + index + "/_clone/" + copy + "?wait_for_active_shards=0&timeout=1s",
        "{\"settings\":{\"" + REQUIRED_NODE + "\":\"nowhere\"}}");
    try (VectorStore store = open("source", "collection", copy)) {
      assertFails(
          FailureClass.TRANSIENT,
          () -> store.fetch(IdColumn.ofStrings("row-1")),
          "index '" + copy + "' is being made as a copy");
    }
  }

  @Test
  void aPointInTimeThatExpiresIsOpenedAnew() {
    fill();
    try (VectorStore store = open("source", "options.keepAlive", "1s");
        BatchReader reader = store.read(store.split(1).get(0), null, 10)) {
      RecordBatch first = reader.next();
      assertThat(openContexts()).isPositive();

      await(() -> openContexts() == 0);

      assertThat(first.rows() + read(reader).size()).isEqualTo(ROWS);
    }
  }

  /** How many points in time of the index the server keeps. */
  private long openContexts() {
    return elasticsearch
        .ask("GET", "/" + index + "/_stats/search", null)
        .at("/_all/total/search/open_contexts")
        .asLong();
  }
}
