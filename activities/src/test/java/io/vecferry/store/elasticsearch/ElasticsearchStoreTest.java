package io.vecferry.store.elasticsearch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import io.vecferry.plan.FailureClass;
import io.vecferry.plan.Finding;
import io.vecferry.plan.RecordProfile;
import io.vecferry.record.DenseVectors;
import io.vecferry.record.ElementType;
import io.vecferry.record.IdColumn;
import io.vecferry.record.IdKind;
import io.vecferry.record.RecordBatch;
import io.vecferry.record.TextColumn;
import io.vecferry.record.VectorKind;
import io.vecferry.store.BatchReader;
import io.vecferry.store.BatchWriter;
import io.vecferry.store.CollectionInfo;
import io.vecferry.store.LoadSchema;
import io.vecferry.store.LoadStamp;
import io.vecferry.store.Metric;
import io.vecferry.store.Neighbours;
import io.vecferry.store.Reject;
import io.vecferry.store.SourceRange;
import io.vecferry.store.StoreException;
import io.vecferry.store.StoreSettings;
import io.vecferry.store.VectorFieldInfo;
import io.vecferry.store.VectorStore;
import io.vecferry.testing.RunningServer;
import io.vecferry.testing.Server;
import io.vecferry.testing.WithServer;
import io.vecferry.verify.RecordComparator;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.UUID;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Indices as others make them, and what others see of an index that vecferry made. */
@Timeout(120)
class ElasticsearchStoreTest {
  private static final LoadStamp STAMP = new LoadStamp("products", "load-1");
  private static final String VECTOR = "{\"type\":\"dense_vector\",\"dims\":3";

  @WithServer(Server.ELASTICSEARCH_8)
  static RunningServer server;

  private final String index = "store-" + UUID.randomUUID();
  private final ElasticsearchProvider provider = new ElasticsearchProvider();
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
    elasticsearch.dropAll(index);
  }

  private StoreSettings settings(String role, String collection, String... more) {
    String[] all = new String[4 + more.length];
    all[0] = "url";
    all[1] = server().url();
    all[2] = "collection";
    all[3] = collection;
    System.arraycopy(more, 0, all, 4, more.length);
    return StoreSettings.of(role, all);
  }

  private VectorStore source(String collection, String... more) {
    return provider.open(settings("source", collection, more));
  }

  private static String mappings(String properties) {
    return "\"mappings\":{\"properties\":{" + properties + "}}";
  }

  private void fill(String name, int shards, String similarity, int rows) {
    elasticsearch.create(
        name,
        shards,
        mappings(
            "\"v\":"
                + VECTOR
                + ",\"similarity\":\""
                + similarity
                + "\"},\"text\":{\"type\":\"text\"}"));
    if (rows > 0) {
      elasticsearch.put(name, documents(0, rows));
    }
  }

  private static Map<String, String> documents(int from, int to) {
    Map<String, String> documents = new LinkedHashMap<>();
    for (int i = from; i < to; i++) {
      documents.put(
          "row-" + i,
          "{\"v\":[%s,%d,0.5],\"text\":\"document %d\",\"number\":%d}"
              .formatted(i + 0.1f, i % 7, i, i));
    }
    return documents;
  }

  private static List<RecordBatch> readAll(VectorStore store, int ranges, int batchSize) {
    List<RecordBatch> batches = new ArrayList<>();
    for (SourceRange range : store.split(ranges)) {
      try (BatchReader reader = store.read(range, null, batchSize)) {
        for (RecordBatch batch = reader.next(); batch != null; batch = reader.next()) {
          batches.add(batch);
        }
      }
    }
    return batches;
  }

  private static List<String> ids(List<RecordBatch> batches) {
    List<String> ids = new ArrayList<>();
    for (RecordBatch batch : batches) {
      for (int row = 0; row < batch.rows(); row++) {
        ids.add(batch.ids().get(row));
      }
    }
    return ids;
  }

  private static List<String> messages(List<Finding> findings, Finding.Severity severity) {
    return findings.stream()
        .filter(finding -> finding.severity() == severity)
        .map(Finding::toString)
        .toList();
  }

  private static void assertFails(FailureClass failureClass, Runnable work, String... parts) {
    assertThatThrownBy(work::run)
        .isInstanceOfSatisfying(
            StoreException.class,
            e -> assertThat(e.failureClass()).as(e.getMessage()).isEqualTo(failureClass))
        .hasMessageContainingAll(parts);
  }

  @Test
  void fiveShardsReadInSmallBatchesLoseNothing() {
    fill(index, 5, "l2_norm", 1234);
    elasticsearch.put(index, documents(0, 100));
    try (VectorStore store = source(index)) {
      CollectionInfo info = store.describe();
      assertThat(info.rows()).isEqualTo(1234);
      assertThat(info.vectors())
          .containsExactly(
              new VectorFieldInfo(
                  "v",
                  VectorKind.DENSE,
                  ElementType.FLOAT32,
                  3,
                  Metric.L2,
                  0,
                  info.vectors().get(0).indexType(),
                  info.vectors().get(0).indexParams(),
                  false));
      for (int ranges : new int[] {1, 2, 7, 100}) {
        List<SourceRange> split = store.split(ranges);
        assertThat(split).hasSizeLessThanOrEqualTo(ranges);
        assertThat(split.stream().mapToLong(SourceRange::rows).sum()).isEqualTo(1234);
        assertThat(ids(readAll(store, ranges, 50)))
            .hasSize(1234)
            .containsExactlyInAnyOrderElementsOf(documents(0, 1234).keySet());
      }
    }
  }

  @Test
  void cosineVectorsComeBackAsTheyWereWritten() {
    fill(index, 2, "cosine", 200);
    try (VectorStore store = source(index)) {
      assertThat(store.describe().vectors().get(0).metric()).isEqualTo(Metric.COSINE);
      for (RecordBatch batch : readAll(store, 1, 1000)) {
        float[] values = batch.onlyVectors().values();
        for (int row = 0; row < batch.rows(); row++) {
          int number = Integer.parseInt(batch.ids().get(row).substring(4));
          float wanted = number + 0.1f;
          assertThat(values[3 * row]).isCloseTo(wanted, within(Math.ulp(wanted) * ulps()));
          assertThat(batch.documents().get(row)).isEqualTo("document " + number);
          assertThat(batch.metadata().get(row)).isEqualTo("{\"number\":" + number + "}");
        }
      }
    }
  }

  /**
   * How far a component of a cosine vector may be off, in units of its last bit: some servers put
   * vectors together from direction and length.
   */
  private int ulps() {
    return hidesVectors() ? 2 : 0;
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"hnsw", "int8_hnsw", "int4_hnsw", "bbq_hnsw", "flat", "int8_flat", "bbq_flat"})
  void scoresAreThoseOfTheVectorsWhateverTheIndexKeeps(String type) {
    elasticsearch.create(
        index,
        1,
        mappings(
            "\"v\":{\"type\":\"dense_vector\",\"dims\":64,\"similarity\":\"l2_norm\","
                + "\"index_options\":{\"type\":\""
                + type
                + "\"}}"));
    float[] vectors = new float[200 * 64];
    Random random = new Random(7);
    Map<String, String> documents = new LinkedHashMap<>();
    for (int row = 0; row < 200; row++) {
      for (int i = 0; i < 64; i++) {
        vectors[row * 64 + i] = random.nextFloat() - 0.5f;
      }
      float[] vector = Arrays.copyOfRange(vectors, row * 64, row * 64 + 64);
      documents.put("row-" + row, "{\"v\":" + Arrays.toString(vector) + "}");
    }
    elasticsearch.put(index, documents);
    try (VectorStore store = source(index)) {
      float[] query = Arrays.copyOf(vectors, 64);
      Neighbours found = store.search("v", query, 1, 5);
      assertThat(found.ids().get(0)).isEqualTo("row-0");
      assertThat(found.scores()[0]).isZero();
      assertThat(store.searchesExactly("v")).isEqualTo(type.equals("flat"));
      for (int answer = 1; answer < 5; answer++) {
        int row = Integer.parseInt(found.ids().get(answer).substring(4));
        double distance = 0;
        for (int i = 0; i < 64; i++) {
          distance += Math.pow(query[i] - vectors[row * 64 + i], 2);
        }
        assertThat(found.scores()[answer]).isCloseTo((float) distance, within(1e-4f));
      }
    }
  }

  @Test
  void aLostPointInTimeIsOpenedAnew() {
    fill(index, 3, "l2_norm", 300);
    try (VectorStore store = source(index)) {
      SourceRange range = store.split(1).get(0);
      List<String> ids = new ArrayList<>();
      try (BatchReader reader = store.read(range, null, 10)) {
        for (RecordBatch batch = reader.next(); batch != null; batch = reader.next()) {
          ids.addAll(ids(List.of(batch)));
          if (ids.size() % 50 == 0) {
            elasticsearch.call("DELETE", "/_search/scroll/_all", null);
            closeAllContexts();
          }
        }
      }
      assertThat(ids).hasSize(300).containsExactlyInAnyOrderElementsOf(documents(0, 300).keySet());
    }
  }

  /** A closed index loses its points in time, as a restarted node does. */
  private void closeAllContexts() {
    elasticsearch.ask("POST", "/" + index + "/_close", null);
    elasticsearch.ask("POST", "/" + index + "/_open?wait_for_active_shards=all", null);
  }

  @Test
  void aSourceThatChangesIsNoticed() {
    fill(index, 2, "l2_norm", 100);
    try (VectorStore store = source(index)) {
      String before = store.describe().fingerprint();
      assertThat(store.describe().fingerprint()).isEqualTo(before);
      List<SourceRange> ranges = store.split(2);
      elasticsearch.put(index, documents(5, 6));
      assertThat(store.describe().fingerprint()).isNotEqualTo(before);
      assertFails(
          FailureClass.SOURCE_CHANGED,
          () -> {
            for (SourceRange range : ranges) {
              try (BatchReader reader = store.read(range, null, 1000)) {
                while (reader.next() != null) {}
              }
            }
          },
          "has changed",
          "records then");
    }
  }

  @Test
  void severalFieldsOfVectorsAreListedAndOneCanBeChosen() {
    elasticsearch.create(
        index,
        1,
        mappings(
            "\"title\":"
                + VECTOR
                + ",\"similarity\":\"cosine\"},\"body\":{\"properties\":{\"v\":{\"type\":"
                + "\"dense_vector\",\"dims\":2,\"similarity\":\"dot_product\"}}}"));
    elasticsearch.put(
        index,
        Map.of(
            "both", "{\"title\":[1,2,3],\"body\":{\"v\":[0.6,0.8],\"length\":1.0}}",
            "title", "{\"title\":[3,2,1],\"body\":{\"length\":2}}"));
    try (VectorStore store = source(index)) {
      List<Finding> findings = store.assess();
      assertThat(messages(findings, Finding.Severity.BLOCKING)).isEmpty();
      assertThat(messages(findings, Finding.Severity.INFO))
          .anySatisfy(
              text ->
                  assertThat(text)
                      .contains("title (3 components)", "body.v (2 components)", "vectorField"));
      assertThat(messages(findings, Finding.Severity.WARNING))
          .anySatisfy(text -> assertThat(text).contains("1 of 2 records have no vector", "body.v"));
      assertThat(store.describe().vectors())
          .extracting(VectorFieldInfo::name, VectorFieldInfo::metric, VectorFieldInfo::optional)
          .containsExactlyInAnyOrder(
              org.assertj.core.groups.Tuple.tuple("title", Metric.COSINE, false),
              org.assertj.core.groups.Tuple.tuple("body.v", Metric.IP, true));
      RecordBatch both = store.fetch(IdColumn.ofStrings("both", "title"));
      assertThat(both.metadata().get(0)).isEqualTo("{\"body\":{\"length\":1.0}}");
      DenseVectors body =
          both.vectors().stream()
              .filter(column -> column.name().equals("body.v"))
              .map(DenseVectors.class::cast)
              .findFirst()
              .orElseThrow();
      assertThat(body.values()).containsExactly(0.6f, 0.8f, 0, 0);
      assertThat(body.isNull(1)).isTrue();
    }
    try (VectorStore store = source(index, "options.vectorField", "body.v")) {
      assertThat(messages(store.assess(), Finding.Severity.WARNING))
          .anySatisfy(text -> assertThat(text).contains("left behind: title"));
      RecordBatch both = store.fetch(IdColumn.ofStrings("both"));
      assertThat(both.vectors()).hasSize(1);
      assertThat(both.metadata().get(0)).isEqualTo("{\"body\":{\"length\":1.0}}");
    }
    assertFails(
        FailureClass.INCOMPATIBLE,
        () -> source(index, "options.vectorField", "titel").describe(),
        "titel",
        "title",
        "body.v");
  }

  @Test
  void recordsWithoutVectorsAreCountedAndMayBeLeftOut() {
    fill(index, 2, "l2_norm", 10);
    elasticsearch.put(index, Map.of("none", "{\"number\":1}", "null", "{\"v\":null}"));
    try (VectorStore store = source(index)) {
      assertThat(messages(store.assess(), Finding.Severity.WARNING))
          .anySatisfy(text -> assertThat(text).contains("2 of 12", "withoutVectors"));
      assertThat(store.describe().rows()).isEqualTo(12);
      assertThat(ids(readAll(store, 1, 5))).hasSize(12).contains("none", "null");
      assertThat(store.fetch(IdColumn.ofStrings("null")).onlyVectors().isNull(0)).isTrue();
    }
    try (VectorStore store = source(index, "options.withoutVectors", "skip")) {
      assertThat(store.describe().rows()).isEqualTo(10);
      assertThat(store.describe().vectors().get(0).optional()).isFalse();
      assertThat(ids(readAll(store, 3, 5))).hasSize(10).doesNotContain("none", "null");
    }
  }

  @Test
  void bytesAndBitsAreReadInEverySpelling() {
    elasticsearch.create(
        index,
        1,
        mappings(
            "\"bits\":{\"type\":\"dense_vector\",\"element_type\":\"bit\",\"dims\":16},"
                + "\"bytes\":{\"type\":\"dense_vector\",\"element_type\":\"byte\",\"dims\":3,"
                + "\"similarity\":\"cosine\"}"));
    elasticsearch.put(
        index,
        Map.of(
            "array", "{\"bits\":[-128,1],\"bytes\":[1,-2,127]}",
            "hex", "{\"bits\":\"8001\",\"bytes\":\"01fe7f\"}"));
    try (VectorStore store = source(index)) {
      assertThat(store.describe().vectors())
          .extracting(VectorFieldInfo::element)
          .containsExactlyInAnyOrder(ElementType.BIT, ElementType.INT8);
      assertThat(store.describe().vectors().get(0).metric()).isEqualTo(Metric.HAMMING);
      RecordBatch batch = store.fetch(IdColumn.ofStrings("array", "hex"));
      float[] bits = new float[16];
      bits[0] = 1;
      bits[15] = 1;
      for (int row = 0; row < 2; row++) {
        DenseVectors first = (DenseVectors) batch.vectors().get(0).slice(row, row + 1);
        DenseVectors second = (DenseVectors) batch.vectors().get(1).slice(row, row + 1);
        assertThat(first.values()).containsExactly(bits);
        assertThat(second.values()).containsExactly(1, -2, 127);
      }
      float[] query = new float[16];
      query[0] = 1;
      assertThat(store.search("bits", query, 1, 2).scores()).containsExactly(1, 1);
    }
  }

  @Test
  void anAliasIsAllItsIndicesThroughItsFilter() {
    fill(index + "-a", 2, "l2_norm", 20);
    fill(index + "-b", 1, "l2_norm", 0);
    elasticsearch.put(index + "-b", documents(20, 50));
    elasticsearch.ask(
        "POST",
        "/_aliases",
        """
        {"actions":[
          {"add":{"index":"%s-a","alias":"%s","filter":{"ids":{"values":["row-1","row-2"]}}}},
          {"add":{"index":"%s-b","alias":"%s"}}]}
        """
            .formatted(index, index, index, index));
    try (VectorStore store = source(index)) {
      assertThat(messages(store.assess(), Finding.Severity.INFO))
          .anySatisfy(text -> assertThat(text).contains("filter"))
          .anySatisfy(text -> assertThat(text).contains("2 indices"));
      assertThat(store.describe().rows()).isEqualTo(32);
      assertThat(ids(readAll(store, 3, 7))).hasSize(32).contains("row-1").doesNotContain("row-3");
      assertThat(store.fetch(IdColumn.ofStrings("row-3", "row-2", "row-49")).rows()).isEqualTo(2);
    }
  }

  @Test
  void aNameThatWasSwitchedIsReadAsWhatItLeadsToNow() {
    String mapping =
        """
        {"mappings":{"properties":{"%s":{"type":"dense_vector","dims":%d},"%s":{"type":"text"}}}}
        """;
    elasticsearch.ask("PUT", "/" + index + "-a", mapping.formatted("v", 2, "text"));
    elasticsearch.ask("PUT", "/" + index + "-b", mapping.formatted("w", 3, "page_content"));
    elasticsearch.ask(
        "PUT", "/" + index + "-a/_doc/1?refresh=true", "{\"v\":[1,2],\"text\":\"old\",\"n\":1}");
    elasticsearch.ask(
        "PUT",
        "/" + index + "-b/_doc/1?refresh=true",
        "{\"w\":[1,2,3],\"page_content\":\"new\",\"n\":1}");
    elasticsearch.alias(index, index + "-a");
    try (VectorStore store = source(index)) {
      assertThat(store.fetch(IdColumn.ofStrings("1")).documents().get(0)).isEqualTo("old");
      elasticsearch.alias(index, index + "-b");
      RecordBatch now = store.fetch(IdColumn.ofStrings("1"));
      assertThat(now.documents().get(0)).isEqualTo("new");
      assertThat(now.metadata().get(0)).isEqualTo("{\"n\":1}");
      assertThat(((DenseVectors) now.onlyVectors()).values()).containsExactly(1, 2, 3);
    }
  }

  @Test
  void indicesThatDisagreeAreNamed() {
    fill(index + "-a", 1, "l2_norm", 1);
    elasticsearch.create(
        index + "-b",
        1,
        mappings("\"v\":{\"type\":\"dense_vector\",\"dims\":4,\"similarity\":\"l2_norm\"}"));
    try (VectorStore store = source(index + "-*")) {
      assertThat(messages(store.assess(), Finding.Severity.BLOCKING))
          .singleElement()
          .asString()
          .contains(
              "do not agree on field 'v'",
              index + "-a: 3 components",
              index + "-b: 4 components",
              "one by one");
    }
  }

  @Test
  void whatSourceLeavesOutStopsTheMigration() {
    elasticsearch.create(
        index + "-off",
        1,
        "\"mappings\":{\"_source\":{\"enabled\":false},\"properties\":{\"v\":" + VECTOR + "}}}");
    elasticsearch.create(
        index + "-vectors",
        1,
        "\"mappings\":{\"_source\":{\"excludes\":[\"v\"]},\"properties\":{\"v\":" + VECTOR + "}}}");
    elasticsearch.create(
        index + "-other",
        1,
        "\"mappings\":{\"_source\":{\"excludes\":[\"secret.*\"]},\"properties\":{\"v\":"
            + VECTOR
            + "}}}");
    elasticsearch.put(index + "-vectors", Map.of("1", "{\"v\":[1,2,3]}"));
    try (VectorStore store = source(index + "-off")) {
      assertThat(messages(store.assess(), Finding.Severity.BLOCKING))
          .singleElement()
          .asString()
          .contains("does not keep the _source");
    }
    try (VectorStore store = source(index + "-vectors")) {
      List<Finding> findings = store.assess();
      assertThat(messages(findings, Finding.Severity.WARNING))
          .anySatisfy(text -> assertThat(text).contains("excludes v"));
      if (losesVectors()) {
        assertThat(messages(findings, Finding.Severity.BLOCKING))
            .singleElement()
            .asString()
            .contains("does not give back the vectors of field 'v'", "excludes v");
        assertFails(
            FailureClass.INCOMPATIBLE,
            () -> readAll(store, 1, 10),
            "'1'",
            "without its vector 'v'");
      } else {
        assertThat(messages(findings, Finding.Severity.BLOCKING)).isEmpty();
        assertThat(readAll(store, 1, 10).get(0).onlyVectors().values()).containsExactly(1, 2, 3);
      }
    }
    try (VectorStore store = source(index + "-other")) {
      List<Finding> findings = store.assess();
      assertThat(messages(findings, Finding.Severity.BLOCKING)).isEmpty();
      assertThat(messages(findings, Finding.Severity.WARNING))
          .anySatisfy(text -> assertThat(text).contains("excludes secret.*"));
    }
  }

  @Test
  void aSyntheticSourceIsReadAndSaid() {
    elasticsearch.ask(
        "PUT",
        "/" + index,
        "{\"settings\":{\"index.mapping.source.mode\":\"synthetic\"},"
            + mappings(
                "\"v\":" + VECTOR + ",\"similarity\":\"l2_norm\"},\"tags\":{\"type\":\"keyword\"}")
            + "}");
    elasticsearch.put(index, Map.of("1", "{\"v\":[1,2,3],\"tags\":[\"b\",\"a\",\"b\"]}"));
    try (VectorStore store = source(index)) {
      List<Finding> findings = store.assess();
      assertThat(messages(findings, Finding.Severity.BLOCKING)).isEmpty();
      assertThat(messages(findings, Finding.Severity.WARNING))
          .anySatisfy(text -> assertThat(text).contains("synthetic _source"));
      RecordBatch batch = readAll(store, 1, 10).get(0);
      assertThat(batch.onlyVectors().values()).containsExactly(1, 2, 3);
      assertThat(batch.metadata().get(0)).isEqualTo("{\"tags\":[\"a\",\"b\"]}");
    }
  }

  /** Whether vectors that a mapping leaves out of _source cannot be read. */
  private boolean losesVectors() {
    return !hidesVectors();
  }

  /** Whether the server puts vectors together from its index when it is asked for them. */
  private boolean hidesVectors() {
    return elasticsearch.version().hidesVectors();
  }

  @Test
  void otherVectorsAndRoutingAreSaid() {
    elasticsearch.create(
        index,
        2,
        mappings(
            "\"v\":"
                + VECTOR
                + "},\"passages\":{\"type\":\"nested\",\"properties\":{\"w\":"
                + VECTOR
                + "}}},\"words\":{\"type\":\"sparse_vector\"}"));
    elasticsearch.ask(
        "POST",
        "/" + index + "/_bulk?refresh=true",
        """
        {"index":{"_id":"1","routing":"tenant"}}
        {"v":[1,2,3],"passages":[{"w":[1,2,3]},{"w":[4,5,6]}],"words":{"a":1.5}}
        """);
    try (VectorStore store = source(index)) {
      assertThat(messages(store.assess(), Finding.Severity.WARNING))
          .anySatisfy(
              text ->
                  assertThat(text)
                      .contains("passages.w (vectors in nested records)", "words (sparse vectors)"))
          .anySatisfy(text -> assertThat(text).contains("1 records", "routing"));
      assertThat(store.describe().rows()).isEqualTo(1);
      String metadata = store.fetch(IdColumn.ofStrings("1")).metadata().get(0);
      assertThat(metadata).contains("\"_routing\":\"tenant\"", "\"passages\":[{\"w\":[1", "words");
    }
  }

  @Test
  void closedBlockedAndMissingIndicesAreSaid() {
    fill(index, 1, "l2_norm", 3);
    assertFails(
        FailureClass.MISSING,
        () -> source(index + "x").describe(),
        "no index, alias or data stream",
        "Did you mean '" + index + "'");
    try (VectorStore store = source(index)) {
      elasticsearch.ask("POST", "/" + index + "/_close", null);
      assertFails(FailureClass.INCOMPATIBLE, store::describe, "is closed", "/_open");
      elasticsearch.ask("POST", "/" + index + "/_open", null);
      elasticsearch.ask("PUT", "/" + index + "/_settings", "{\"index.blocks.read\":true}");
      assertFails(FailureClass.PERMISSION, store::describe, "blocked by", "Remove the block");
      elasticsearch.ask("PUT", "/" + index + "/_settings", "{\"index.blocks.read\":false}");
      assertThat(store.describe().rows()).isEqualTo(3);
    }
  }

  @Test
  void anIndexWithoutVectorsIsRefused() {
    elasticsearch.create(index, 1, mappings("\"text\":{\"type\":\"text\"}"));
    try (VectorStore store = source(index)) {
      assertThat(messages(store.assess(), Finding.Severity.BLOCKING))
          .singleElement()
          .asString()
          .contains("no field of type dense_vector");
      assertThat(store.describe().vectors()).isEmpty();
    }
  }

  // Targets

  private static RecordBatch batch(float[] vectors, String... idsAndMetadata) {
    int rows = idsAndMetadata.length / 2;
    String[] ids = new String[rows];
    String[] metadata = new String[rows];
    for (int row = 0; row < rows; row++) {
      ids[row] = idsAndMetadata[2 * row];
      metadata[row] = idsAndMetadata[2 * row + 1];
    }
    return new RecordBatch(
        IdColumn.ofStrings(ids),
        List.of(new DenseVectors("", vectors.length / rows, vectors)),
        TextColumn.allNull(rows),
        TextColumn.of(metadata));
  }

  private static LoadSchema schema(
      Metric metric, ElementType element, String type, Map<String, String> params, int dimension) {
    VectorFieldInfo field =
        new VectorFieldInfo(
            "", VectorKind.DENSE, element, dimension, metric, 0, type, params, false);
    RecordProfile profile =
        new RecordProfile(
            10,
            true,
            10,
            10,
            10,
            1,
            1,
            List.of(
                new RecordProfile.Key("year", 10, List.of("integer"), 4),
                new RecordProfile.Key("price", 10, List.of("integer", "number"), 4),
                new RecordProfile.Key("category", 9, List.of("text", "null"), 4),
                new RecordProfile.Key("in", 9, List.of("boolean"), 4),
                new RecordProfile.Key("author", 9, List.of("object"), 4),
                new RecordProfile.Key("mixed", 9, List.of("text", "integer"), 4),
                new RecordProfile.Key("tags", 9, List.of("array"), 4)));
    return new LoadSchema(
        List.of(field), Set.of(IdKind.STRING), "test", 10, profile, Map.of(), List.of());
  }

  private List<Reject> load(LoadSchema schema, RecordBatch batch, String... more) {
    StoreSettings settings = settings("target", index, more);
    StoreSettings loading = provider.loadSettings(settings, STAMP.migration());
    try (VectorStore store = provider.open(settings);
        VectorStore load = provider.open(loading)) {
      load.create(schema, STAMP);
      List<Reject> rejects;
      try (BatchWriter writer = load.write("p0000", STAMP)) {
        writer.write(batch);
        rejects = writer.finish();
      }
      load.finishLoad(List.of("p0000"), STAMP);
      store.switchTo(store.planSwitch(load, STAMP), STAMP);
      return rejects;
    }
  }

  private JsonNode only(String path) {
    return elasticsearch.ask("GET", path, null).elements().next();
  }

  @Test
  void aTargetHasTypesAndItsSettingsBack() {
    load(
        schema(Metric.COSINE, ElementType.FLOAT32, "int8_hnsw", Map.of("M", "24", "ef", "200"), 3),
        batch(new float[] {1, 2, 3}, "a", "{\"year\":1999,\"category\":\"b\"}"),
        "options.forceMerge",
        "true",
        "options.shards",
        "2",
        "options.replicas",
        "0");
    JsonNode properties = only("/" + index + "/_mapping").at("/mappings/properties");
    assertThat(properties.at("/vector/index_options/type").asText()).isEqualTo("int8_hnsw");
    assertThat(properties.at("/vector/index_options/m").asInt()).isEqualTo(24);
    assertThat(properties.at("/vector/similarity").asText()).isEqualTo("cosine");
    assertThat(properties.at("/document/type").asText()).isEqualTo("text");
    assertThat(properties.at("/year/type").asText()).isEqualTo("long");
    assertThat(properties.at("/price/type").asText()).isEqualTo("double");
    assertThat(properties.at("/category/type").asText()).isEqualTo("keyword");
    assertThat(properties.at("/in/type").asText()).isEqualTo("boolean");
    assertThat(properties.at("/author/type").asText()).isEqualTo("flattened");
    assertThat(properties.has("mixed")).isFalse();
    assertThat(properties.has("tags")).isFalse();
    JsonNode settings = only("/" + index + "/_settings").at("/settings/index");
    assertThat(settings.has("refresh_interval")).isFalse();
    assertThat(settings.path("number_of_replicas").asText()).isEqualTo("0");
    assertThat(settings.path("number_of_shards").asText()).isEqualTo("2");
    assertThat(only("/" + index + "/_alias").path("aliases").size()).isEqualTo(1);
    JsonNode found =
        elasticsearch.ask(
            "POST", "/" + index + "/_search", "{\"query\":{\"term\":{\"category\":\"b\"}}}");
    assertThat(found.at("/hits/hits/0/_source/year").asInt()).isEqualTo(1999);
    assertThat(found.at("/hits/hits/0/_source/vector/2").asInt()).isEqualTo(3);
  }

  /** A schema as planning makes it of a source that is Elasticsearch too. */
  private static LoadSchema schemaLike(CollectionInfo source) {
    return new LoadSchema(
        source.vectors().stream()
            .map(
                field ->
                    new VectorFieldInfo(
                        field.name(),
                        field.kind(),
                        field.element(),
                        field.dimension(),
                        field.metric(),
                        0,
                        "",
                        Map.of(),
                        field.optional()))
            .toList(),
        source.idKinds(),
        source.store(),
        source.rows(),
        RecordProfile.EMPTY,
        source.configuration(),
        source.vectors());
  }

  @Test
  void anIndexIsTakenOverWithItsTypes() {
    elasticsearch.create(
        index + "-source",
        3,
        "\"mappings\":{\"dynamic\":\"strict\",\"properties\":{\"body\":{\"properties\":{\"v\":{\"type\":"
            + "\"dense_vector\",\"dims\":2,\"similarity\":\"l2_norm\",\"index_options\":{\"type\":"
            + "\"hnsw\",\"m\":8,\"ef_construction\":50}},\"at\":{\"type\":\"date\",\"format\":"
            + "\"yyyy\"}}},\"text\":{\"type\":\"text\",\"analyzer\":\"whitespace\"},\"price\":"
            + "{\"type\":\"half_float\"}}}");
    elasticsearch.put(
        index + "-source",
        Map.of("1", "{\"body\":{\"v\":[1,2],\"at\":\"1999\"},\"text\":\"a b\",\"price\":1.5}"));
    try (VectorStore source = source(index + "-source")) {
      LoadSchema schema = schemaLike(source.describe());
      RecordBatch batch = source.fetch(IdColumn.ofStrings("1"));
      assertThat(load(schema, batch)).isEmpty();
    }
    JsonNode mapping = only("/" + index + "/_mapping").path("mappings");
    assertThat(mapping.path("dynamic").asText()).isEqualTo("strict");
    assertThat(mapping.at("/properties/body/properties/at/format").asText()).isEqualTo("yyyy");
    assertThat(mapping.at("/properties/body/properties/v/index_options/m").asInt()).isEqualTo(8);
    assertThat(mapping.at("/properties/text/analyzer").asText()).isEqualTo("whitespace");
    assertThat(mapping.at("/properties/price/type").asText()).isEqualTo("half_float");
    assertThat(only("/" + index + "/_settings").at("/settings/index/number_of_shards").asInt())
        .isEqualTo(3);
    JsonNode source =
        elasticsearch.ask("POST", "/" + index + "/_search", null).at("/hits/hits/0/_source");
    assertThat(source.toString())
        .isEqualTo(
            "{\"body.v\":[1.0,2.0],\"text\":\"a b\",\"body\":{\"at\":\"1999\"},\"price\":1.5}");
  }

  private void fillRouted(String name) {
    elasticsearch.create(
        name,
        5,
        "\"mappings\":{\"_routing\":{\"required\":true},\"properties\":{\"v\":"
            + VECTOR
            + ",\"similarity\":\"l2_norm\"},\"year\":{\"type\":\"long\"}}}");
    JsonNode answer =
        elasticsearch.ask(
            "POST",
            "/" + name + "/_bulk?refresh=true",
            """
            {"index":{"_id":"1","routing":"tenant"}}
            {"v":[1,2,3],"year":1999}
            {"index":{"_id":"2","routing":"tenant"}}
            {"v":[4,5,6],"title":{"_routing":"inside"}}
            {"index":{"_id":"3","routing":"a, \\"b\\" é"}}
            {"v":[7,8,9]}
            """);
    assertThat(answer.path("errors").asBoolean()).as("%s", answer).isFalse();
  }

  private List<String> searched(String name, String routing) {
    JsonNode answer =
        elasticsearch.ask(
            "POST",
            "/"
                + name
                + "/_search?routing="
                + URLEncoder.encode(routing, StandardCharsets.UTF_8).replace("+", "%20"),
            "{\"knn\":{\"field\":\"v\",\"query_vector\":[1,2,3],\"k\":9,\"num_candidates\":9}}");
    List<String> ids = new ArrayList<>();
    answer.at("/hits/hits").forEach(hit -> ids.add(hit.path("_id").asText()));
    assertThat(answer.at("/_shards/total").asInt()).isEqualTo(1);
    return ids;
  }

  @Test
  void recordsAreStoredWithTheirRouting() {
    String from = index + "-source";
    fillRouted(from);
    try (VectorStore source = source(from)) {
      RecordBatch batch = source.fetch(IdColumn.ofStrings("1", "2", "3"));
      assertThat(batch.metadata().get(2)).isEqualTo("{\"_routing\":\"a, \\\"b\\\" é\"}");
      assertThat(load(schemaLike(source.describe()), batch)).isEmpty();
      assertThat(searched(index, "tenant")).isEqualTo(searched(from, "tenant")).contains("1", "2");
      JsonNode got = elasticsearch.ask("GET", "/" + index + "/_doc/2?routing=tenant", null);
      assertThat(got.path("_routing").asText()).isEqualTo("tenant");
      assertThat(got.path("_source").has("_routing")).isFalse();
      assertThat(got.path("_source").has("_vecferry_metadata_json")).isFalse();
      assertThat(only("/" + index + "/_mapping").at("/mappings/_routing/required").asBoolean())
          .isTrue();
      try (VectorStore target = source(index)) {
        RecordBatch arrived = target.fetch(IdColumn.ofStrings("1", "2", "3"));
        for (int row = 0; row < 3; row++) {
          assertThat(arrived.metadata().get(row)).isEqualTo(batch.metadata().get(row));
        }
      }
    }
  }

  @Test
  void routingStaysMetadataWhenItIsNotWanted() {
    String from = index + "-source";
    fillRouted(from);
    try (VectorStore source = source(from)) {
      RecordBatch batch = source.fetch(IdColumn.ofStrings("1", "2"));
      LoadSchema schema = schemaLike(source.describe());
      assertThat(load(schema, batch, "options.routing", "false")).isEmpty();
      JsonNode hits = elasticsearch.ask("POST", "/" + index + "/_search", null).at("/hits/hits");
      assertThat(hits).hasSize(2).noneMatch(hit -> hit.has("_routing"));
      try (VectorStore target = source(index)) {
        assertThat(target.fetch(IdColumn.ofStrings("2")).metadata().get(0))
            .isEqualTo(batch.metadata().get(1));
      }
    }
  }

  /** It is in another shard than its id would be in, and is found there all the same. */
  @Test
  void aRecordWhoseMetadataIsKeptAsTextKeepsItsRouting() {
    String metadata = "{\"year\":{\"a\":1},\"_routing\":\"tenant\"}";
    List<Reject> rejects =
        load(
            schema(Metric.L2, ElementType.FLOAT32, "", Map.of(), 3),
            batch(new float[] {1, 2, 3, 4, 5, 6}, "a", metadata, "b", "{\"_routing\":\"\"}"),
            "options.shards",
            "5");
    assertThat(rejects).isEmpty();
    assertThat(
            elasticsearch
                .ask("GET", "/" + index + "/_doc/a?routing=tenant", null)
                .path("_routing")
                .asText())
        .isEqualTo("tenant");
    try (VectorStore store = source(index)) {
      RecordBatch read = store.fetch(IdColumn.ofStrings("a", "b"));
      assertThat(read.metadata().get(0)).isEqualTo(metadata);
      assertThat(read.metadata().get(1)).isEqualTo("{\"_routing\":\"\"}");
      assertThat(readAll(store, 3, 1)).hasSize(2);
    }
  }

  /**
   * What is no vector field of a record goes along as metadata, whatever the server makes of it.
   */
  @Test
  void vectorsOfEveryKindArriveInAnotherIndex() {
    String from = index + "-source";
    elasticsearch.create(
        from,
        2,
        mappings(
            "\"v\":"
                + VECTOR
                + ",\"similarity\":\"l2_norm\"},\"bytes\":{\"type\":\"dense_vector\",\"dims\":3,"
                + "\"element_type\":\"byte\",\"similarity\":\"dot_product\"},\"bits\":{\"type\":"
                + "\"dense_vector\",\"dims\":16,\"element_type\":\"bit\"},\"passages\":{\"type\":"
                + "\"nested\",\"properties\":{\"w\":"
                + VECTOR
                + ",\"similarity\":\"l2_norm\"},\"page\":{\"type\":\"integer\"}}},\"words\":{\"type\":"
                + "\"sparse_vector\"}"));
    elasticsearch.put(
        from,
        Map.of(
            "1",
            "{\"v\":[1,2,3],\"bytes\":[1,-128,127],\"bits\":\"80ff\",\"passages\":[{\"w\":[1,2,"
                + "3.25],\"page\":1},{\"w\":[4,5,6]}],\"words\":{\"apple\":1.5,\"pear\":0.123456}}",
            "2",
            "{\"bytes\":\"0180ff\",\"passages\":[],\"words\":{}}"));
    RecordBatch batch;
    LoadSchema schema;
    try (VectorStore source = source(from)) {
      batch = source.fetch(IdColumn.ofStrings("1", "2"));
      schema = schemaLike(source.describe());
      List<Finding> findings = source.assess();
      assertThat(messages(findings, Finding.Severity.BLOCKING)).isEmpty();
      assertThat(messages(findings, Finding.Severity.WARNING).toString())
          .contains("passages.w (vectors in nested records)", "words (sparse vectors)");
      assertThat(messages(findings, Finding.Severity.WARNING).toString().contains("9 significant"))
          .isEqualTo(hidesVectors());
      assertThat(batch.metadata().get(0))
          .contains(hidesVectors() ? "\"pear\":0.12329" : "\"pear\":0.123456");
    }
    assertThat(load(schema, batch)).isEmpty();
    try (VectorStore target = source(index)) {
      RecordComparator comparator = new RecordComparator(0, true, true);
      comparator.compare(batch, target.fetch(IdColumn.ofStrings("1", "2")));
      assertThat(comparator.result().differences()).isEmpty();
      assertThat(comparator.result().bitExactRows()).isEqualTo(2);
    }
    JsonNode properties = only("/" + index + "/_mapping").at("/mappings/properties");
    assertThat(properties.at("/passages/type").asText()).isEqualTo("nested");
    assertThat(properties.at("/words/type").asText()).isEqualTo("sparse_vector");
    assertThat(properties.at("/bytes/element_type").asText()).isEqualTo("byte");
    assertThat(properties.at("/bits/element_type").asText()).isEqualTo("bit");
    JsonNode nested =
        elasticsearch.ask(
            "POST",
            "/" + index + "/_search",
            "{\"knn\":{\"field\":\"passages.w\",\"query_vector\":[4,5,6],\"k\":1,"
                + "\"num_candidates\":9}}");
    assertThat(nested.at("/hits/hits/0/_id").asText()).isEqualTo("1");
    assertThat(nested.at("/hits/hits/0/_score").asDouble()).isEqualTo(1);
    JsonNode sparse =
        elasticsearch.ask(
            "POST", "/" + index + "/_search", "{\"query\":{\"exists\":{\"field\":\"words\"}}}");
    assertThat(sparse.at("/hits/hits/0/_id").asText()).isEqualTo("1");
  }

  @Test
  void bytesAreWrittenAsSuchAndOthersRefused() {
    List<Reject> rejects =
        load(
            schema(Metric.IP, ElementType.INT8, "", Map.of(), 2),
            batch(
                new float[] {1, -128, 127, 3, 128, 0, 0.5f, 1},
                "a",
                "{}",
                "b",
                "{}",
                "too large",
                "{}",
                "not whole",
                "{}"));
    assertThat(rejects).extracting(Reject::id).containsExactly("too large", "not whole");
    assertThat(rejects.get(0).reason()).contains("128", "from -128 to 127");
    try (VectorStore store = source(index)) {
      assertThat(store.describe().vectors().get(0).element()).isEqualTo(ElementType.INT8);
      assertThat(store.fetch(IdColumn.ofStrings("a", "b")).onlyVectors().values())
          .containsExactly(1, -128, 127, 3);
      assertThat(store.search("", new float[] {2, 1}, 1, 2).scores())
          .containsExactly(new float[] {257, -126}, within(1e-3f));
    }
  }

  @Test
  void badRowsAreRejectedByThemselvesAndOddMetadataIsKeptAsText() {
    List<Reject> rejects =
        load(
            schema(Metric.COSINE, ElementType.FLOAT32, "", Map.of(), 2),
            batch(
                new float[] {1, 2, 0, 0, 3, 4, 5, 6},
                "good",
                "{\"year\":1}",
                "zero",
                "{}",
                "object for a number",
                "{\"year\":{\"a\":1},\"kept\":2}",
                "x".repeat(600),
                "{\"author\":\"text\"}"));
    assertThat(rejects).singleElement().extracting(Reject::id).isEqualTo("zero");
    assertThat(rejects.get(0).reason()).contains("zero magnitude");
    try (VectorStore store = source(index)) {
      RecordBatch batch =
          store.fetch(IdColumn.ofStrings("good", "object for a number", "x".repeat(600)));
      assertThat(batch.rows()).isEqualTo(3);
      assertThat(batch.metadata().get(1)).isEqualTo("{\"year\":{\"a\":1},\"kept\":2}");
      assertThat(batch.metadata().get(2)).isEqualTo("{\"author\":\"text\"}");
      assertThat(batch.ids().get(2)).isEqualTo("x".repeat(600));
      assertThat(store.search("", new float[] {5, 6}, 1, 1).ids().get(0))
          .isEqualTo("x".repeat(600));
    }
  }

  @Test
  void bytesAndBitsAreWrittenAsSuch() {
    load(
        schema(Metric.HAMMING, ElementType.BIT, "", Map.of(), 8),
        batch(new float[] {1, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1}, "a", "{}", "b", "{}"));
    try (VectorStore store = source(index)) {
      assertThat(store.describe().vectors().get(0).element()).isEqualTo(ElementType.BIT);
      assertThat(store.fetch(IdColumn.ofStrings("a")).onlyVectors().values())
          .containsExactly(1, 0, 0, 0, 0, 0, 0, 1);
      assertThat(store.search("", new float[] {1, 1, 1, 1, 1, 1, 1, 0}, 1, 2).scores())
          .containsExactly(1, 7);
    }
  }

  @Test
  void aWriterThatComesTooLateBringsNothingBack() {
    StoreSettings loading = provider.loadSettings(settings("target", index), STAMP.migration());
    try (VectorStore load = provider.open(loading)) {
      load.create(schema(Metric.L2, ElementType.FLOAT32, "", Map.of(), 3), STAMP);
      try (BatchWriter writer = load.write("p0000", STAMP)) {
        assertThat(load.drop(STAMP)).isTrue();
        writer.write(batch(new float[] {1, 2, 3}, "a", "{}"));
        assertFails(FailureClass.MISSING, writer::finish, "require_alias");
      }
      assertThat(load.exists()).isFalse();
    }
  }
}
