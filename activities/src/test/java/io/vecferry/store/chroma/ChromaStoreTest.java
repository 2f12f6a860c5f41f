package io.vecferry.store.chroma;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import io.vecferry.plan.FailureClass;
import io.vecferry.plan.Finding;
import io.vecferry.plan.NameSwitch;
import io.vecferry.plan.RecordProfile;
import io.vecferry.record.DenseVectors;
import io.vecferry.record.ElementType;
import io.vecferry.record.IdColumn;
import io.vecferry.record.IdKind;
import io.vecferry.record.Numbers;
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
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.UUID;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What is Chroma's own, against a real server. */
@WithServer(Server.CHROMA)
class ChromaStoreTest {
  private static final LoadStamp STAMP = new LoadStamp("products", "load-1");

  private final String collection = "store-" + UUID.randomUUID();
  private final ChromaProvider provider = new ChromaProvider();
  private TestChroma chroma;

  @BeforeEach
  void connect(RunningServer server) {
    chroma = new TestChroma(server.url());
  }

  @AfterEach
  void removeCollections() {
    chroma.dropAll(collection);
  }

  private VectorStore open(String role, String name) {
    return provider.open(StoreSettings.of(role, "url", chroma.url(), "collection", name));
  }

  private VectorStore source() {
    return open("source", collection);
  }

  private static LoadSchema schema(Metric metric, int dimension, IdKind... kinds) {
    return schema(new VectorFieldInfo("", dimension, metric, 0, "", Map.of()), Map.of(), kinds);
  }

  private static LoadSchema schema(
      VectorFieldInfo field, Map<String, String> configuration, IdKind... kinds) {
    return new LoadSchema(
        List.of(field),
        Set.of(kinds),
        "test",
        1,
        RecordProfile.EMPTY,
        configuration,
        List.of(field));
  }

  private static RecordBatch batch(
      IdColumn ids, int dimension, float[] vectors, String[] documents, String[] metadata) {
    return new RecordBatch(
        ids,
        List.of(new DenseVectors("", dimension, vectors)),
        TextColumn.of(documents),
        TextColumn.of(metadata));
  }

  private static List<Reject> write(VectorStore store, RecordBatch... batches) {
    try (BatchWriter writer = store.write("p0", STAMP)) {
      for (RecordBatch batch : batches) {
        writer.write(batch);
      }
      return writer.finish();
    }
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

  private static List<String> texts(TextColumn column) {
    return IntStream.range(0, column.rows()).mapToObj(column::get).toList();
  }

  private static void assertFails(FailureClass failureClass, Runnable work, String... parts) {
    assertThatThrownBy(work::run)
        .isInstanceOfSatisfying(
            StoreException.class,
            e -> assertThat(e.failureClass()).as(e.getMessage()).isEqualTo(failureClass))
        .hasMessageContainingAll(parts);
  }

  @Test
  void readsACollectionAsItIs() {
    String id =
        chroma.create(
            collection,
            ",\"metadata\":{\"owner\":\"me\",\"n\":1,\"f\":1.0},"
                + "\"configuration\":{\"hnsw\":{\"space\":\"ip\",\"max_neighbors\":8,\"ef_search\":50}}");
    chroma.records(
        id,
        "upsert",
        """
        {"ids": ["b", "a", "1", "_vecferry_string:x"],
         "embeddings": [[0.1, 2], [3, -4.5e-3], [1e-30, 1e30], [0, -0.0]],
         "documents": ["text", null, "", null],
         "uris": ["file:///b", null, null, "u"],
         "metadatas": [{"z": 1, "a": 1.0, "list": [1, 2], "tiny": 1e-7}, null,
                       {"_vecferry_no_metadata": true}, {}]}
        """);
    try (VectorStore store = source()) {
      CollectionInfo info = store.describe();
      assertThat(info.store()).isEqualTo("Chroma 1.0.0");
      assertThat(info.collection()).isEqualTo(collection);
      assertThat(info.rows()).isEqualTo(4);
      assertThat(info.idKinds()).containsExactly(IdKind.STRING);
      assertThat(info.vectors())
          .containsExactly(
              new VectorFieldInfo(
                  "",
                  2,
                  Metric.IP,
                  0,
                  "HNSW",
                  Map.of("M", "8", "efConstruction", "100", "efSearch", "50")));
      assertThat(info.configuration())
          .containsEntry("tenant", "default_tenant")
          .containsEntry("collection id", id)
          .containsEntry("metadata", "{\"f\":1.0,\"n\":1,\"owner\":\"me\"}");
      assertThat(info.configuration().get("configuration")).contains("\"max_neighbors\":8");
      assertThat(info.configuration()).doesNotContainKey("schema");
      RecordBatch records = readAll(store, 1, 10).get(0);
      assertThat(texts(records.ids().texts())).containsExactly("b", "a", "1", "_vecferry_string:x");
      assertThat(records.ids().kinds()).containsExactly(IdKind.STRING);
      assertThat(records.onlyVectors().values())
          .containsExactly(0.1f, 2, 3, -4.5e-3f, 1e-30f, 1e30f, 0, -0.0f);
      assertThat(texts(records.documents())).containsExactly("text", null, "", null);
      assertThat(texts(records.metadata()))
          .containsExactly(
              "{\"a\":1.0,\"chroma:uri\":\"file:///b\",\"list\":[1,2],\"tiny\":1e-07,\"z\":1}",
              "{}",
              "{\"_vecferry_no_metadata\":true}",
              "{\"chroma:uri\":\"u\"}");
      assertThat(store.stamp()).isEmpty();
      assertThat(store.searchesExactly("")).isFalse();
      assertThat(store.assess())
          .extracting(Finding::severity)
          .containsExactly(Finding.Severity.INFO);
      assertThat(store.assess().get(0).message()).contains("changed in place are not");
    }
  }

  @Test
  void uriBecomesAUriAgain() {
    try (VectorStore store = open("target", collection)) {
      store.create(schema(Metric.L2, 2, IdKind.STRING), STAMP);
      RecordBatch batch =
          batch(
              IdColumn.ofStrings("a"),
              2,
              new float[] {1, 2},
              new String[] {null},
              new String[] {"{\"chroma:uri\":\"file:///a\",\"n\":1}"});
      assertThat(write(store, batch)).isEmpty();
      JsonNode there = chroma.record(chroma.describe(collection).path("id").asText(), "a");
      assertThat(there.at("/uris/0").asText()).isEqualTo("file:///a");
      assertThat(there.at("/metadatas/0").toString()).isEqualTo("{\"n\":1}");
      assertThat(texts(store.fetch(batch.ids()).metadata()))
          .containsExactly("{\"chroma:uri\":\"file:///a\",\"n\":1}");
    }
  }

  @Test
  void writingReplacesTheWholeRecord() {
    IdColumn ids = IdColumn.ofStrings("a", "b", "c");
    RecordBatch first =
        batch(
            ids,
            2,
            new float[] {1, 2, 3, 4, 5, 6},
            new String[] {"old", "old", "old"},
            new String[] {
              "{\"x\":1,\"list\":[1,2],\"chroma:uri\":\"u\",\"flag\":true}",
              "{\"nested\":{\"a\":1},\"x\":\"1\"}",
              null
            });
    RecordBatch second =
        batch(
            ids,
            2,
            new float[] {-1, -2, -3, -4, -5, -6},
            new String[] {null, "", "new"},
            new String[] {"{}", "{\"x\":[\"now a list\"]}", "{\"list\":1.5}"});
    try (VectorStore store = open("target", collection)) {
      store.create(schema(Metric.L2, 2, IdKind.STRING), STAMP);
      assertThat(write(store, first)).isEmpty();
      assertThat(write(store, second)).isEmpty();
      assertRecords(store.fetch(ids), second);
      String id = chroma.describe(collection).path("id").asText();
      assertThat(chroma.record(id, "a").at("/metadatas/0").toString())
          .isEqualTo("{\"_vecferry_no_document\":true}");
      assertThat(chroma.record(id, "a").at("/uris/0").isNull()).isTrue();
      assertThat(chroma.record(id, "b").at("/metadatas/0").toString())
          .isEqualTo("{\"x\":[\"now a list\"]}");
      assertThat(chroma.record(id, "c").at("/metadatas/0").toString()).isEqualTo("{\"list\":1.5}");
      assertThat(write(store, first)).isEmpty();
      assertRecords(store.fetch(ids), first);
      assertThat(chroma.record(id, "a").at("/metadatas/0").has("_vecferry_no_document")).isFalse();
    }
  }

  private static void assertRecords(RecordBatch actual, RecordBatch expected) {
    assertThat(texts(actual.ids().texts())).isEqualTo(texts(expected.ids().texts()));
    assertThat(actual.onlyVectors().values()).isEqualTo(expected.onlyVectors().values());
    assertThat(texts(actual.documents())).isEqualTo(texts(expected.documents()));
    assertThat(texts(actual.metadata()).stream().map(ChromaStoreTest::sorted).toList())
        .isEqualTo(texts(expected.metadata()).stream().map(ChromaStoreTest::sorted).toList());
  }

  private static Object sorted(String json) {
    try {
      return json == null ? "absent" : ChromaClient.JSON.readTree(json);
    } catch (java.io.IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }

  /** The server gives new records the arrays of records whose collection was removed. */
  @Test
  void arraysOfRemovedCollectionsDoNotGetIn() {
    String[] ids = IntStream.range(0, 200).mapToObj(i -> "r" + i).toArray(String[]::new);
    String[] metadata =
        IntStream.range(0, 200).mapToObj(i -> "{\"n\":" + i + "}").toArray(String[]::new);
    metadata[5] = "{\"left\":[\"mine\"]}";
    metadata[6] = "{\"left\":\"mine\"}";
    metadata[7] = "{}";
    RecordBatch batch =
        batch(IdColumn.ofStrings(ids), 1, new float[200], new String[200], metadata);
    String id = chroma.create(collection + "-removed", "");
    String several =
        IntStream.range(0, 200)
            .mapToObj(i -> "{\"left\":[\"behind\"],\"other\":[" + i + "]}")
            .collect(Collectors.joining(","));
    chroma.records(
        id,
        "add",
        "{\"ids\":[\""
            + String.join("\",\"", ids)
            + "\"],\"embeddings\":["
            + String.join(",", Collections.nCopies(200, "[1]"))
            + "],\"metadatas\":["
            + several
            + "]}");
    chroma.drop(collection + "-removed");
    try (VectorStore store = open("target", collection)) {
      store.create(schema(Metric.L2, 1, IdKind.STRING), STAMP);
      assertThat(write(store, batch)).isEmpty();
      assertThat(texts(store.fetch(batch.ids()).metadata())).containsExactly(metadata);
    }
  }

  @Test
  void removingALoadLeavesNoArraysBehind() {
    RecordBatch batch =
        batch(
            IdColumn.ofStrings("a", "b"),
            1,
            new float[2],
            new String[2],
            new String[] {"{\"left\":[\"behind\"]}", "{}"});
    try (VectorStore store = open("target", collection)) {
      store.create(schema(Metric.L2, 1, IdKind.STRING), STAMP);
      assertThat(chroma.describe(collection).at("/metadata/_vecferry_load").asText())
          .contains("\"arrays\":false");
      write(store, batch);
      assertThat(chroma.describe(collection).at("/metadata/_vecferry_load").asText())
          .contains("\"arrays\":true");
      assertThat(store.stamp()).contains(STAMP);
      assertThat(store.drop(STAMP)).isTrue();
    }
    String id = chroma.create(collection, "");
    chroma.records(id, "add", "{\"ids\":[\"x\",\"y\"],\"embeddings\":[[1],[2]]}");
    assertThat(chroma.record(id, "x").at("/metadatas/0").isNull()).isTrue();
    assertThat(chroma.record(id, "y").at("/metadatas/0").isNull()).isTrue();
  }

  @Test
  void everyDoubleComesBack() {
    Random random = new Random(5);
    int rows = 3000;
    String[] metadata = new String[rows];
    for (int row = 0; row < rows; row++) {
      String numbers =
          IntStream.range(0, 3)
              .mapToObj(i -> Numbers.spell(number(random)))
              .collect(Collectors.joining(","));
      metadata[row] = "{\"all\":[" + numbers + "],\"one\":" + Numbers.spell(number(random)) + "}";
    }
    IdColumn ids =
        IdColumn.ofStrings(IntStream.range(0, rows).mapToObj(i -> "r" + i).toArray(String[]::new));
    try (VectorStore store = open("target", collection)) {
      store.create(schema(Metric.L2, 1, IdKind.STRING), STAMP);
      assertThat(write(store, batch(ids, 1, new float[rows], new String[rows], metadata)))
          .isEmpty();
      RecordBatch back = store.fetch(ids);
      for (int row = 0; row < rows; row++) {
        assertThat(back.metadata().get(row)).isEqualTo(metadata[row]);
      }
      String id = chroma.describe(collection).path("id").asText();
      JsonNode found = chroma.records(id, "get", "{\"include\":[\"metadatas\"]}").path("metadatas");
      long enveloped = IntStream.range(0, rows).filter(i -> found.get(i).size() > 2).count();
      assertThat(enveloped).as("records that need a reserved key").isBetween(1L, rows - 1L);
    }
  }

  private static double number(Random random) {
    double value =
        switch (random.nextInt(3)) {
          case 0 -> Double.longBitsToDouble(random.nextLong());
          case 1 -> random.nextDouble();
          default -> random.nextGaussian() * 1000;
        };
    return Double.isFinite(value) ? value : 1;
  }

  @Test
  void idsGetTheirKindBack() {
    IdColumn ids = new IdColumn(TextColumn.of("1", "-7"), new IdKind[] {IdKind.INT64});
    try (VectorStore store = open("target", collection)) {
      store.create(schema(Metric.L2, 1, IdKind.INT64), STAMP);
      write(store, batch(ids, 1, new float[2], new String[2], new String[] {"{}", "{}"}));
      String id = chroma.describe(collection).path("id").asText();
      assertThat(chroma.record(id, "1").at("/metadatas/0").isNull()).isTrue();
    }
    try (VectorStore store = source()) {
      assertThat(store.describe().idKinds()).containsExactly(IdKind.INT64);
      IdColumn back = readAll(store, 1, 10).get(0).ids();
      assertThat(texts(back.texts())).containsExactly("1", "-7");
      assertThat(back.kinds()).containsExactly(IdKind.INT64);
    }
    chroma.records(
        chroma.describe(collection).path("id").asText(),
        "add",
        "{\"ids\":[\"later\"],\"embeddings\":[[1]]}");
    try (VectorStore store = source()) {
      assertThat(store.describe().idKinds()).containsExactlyInAnyOrder(IdKind.INT64, IdKind.STRING);
      assertThat(readAll(store, 1, 10).get(0).ids().kinds())
          .containsExactly(IdKind.INT64, IdKind.INT64, IdKind.STRING);
    }
  }

  @Test
  void vectorFieldGetsItsNameBack() {
    VectorFieldInfo image = new VectorFieldInfo("image", 2, Metric.COSINE, 0, "", Map.of());
    try (VectorStore store = open("target", collection)) {
      store.create(schema(image, Map.of(), IdKind.STRING), STAMP);
      RecordBatch records =
          new RecordBatch(
              IdColumn.ofStrings("a", "b"),
              List.of(new DenseVectors("image", 2, new float[] {3, 4, 4, -3})),
              TextColumn.allNull(2),
              TextColumn.of("{}", "{}"));
      assertThat(write(store, records)).isEmpty();
      assertThat(store.describe().vectors().get(0).name()).isEqualTo("image");
      assertThat(store.fetch(IdColumn.ofStrings("a")).onlyVectors().name()).isEqualTo("image");
      Neighbours found = store.search("image", new float[] {6, 8}, 1, 2);
      assertThat(found.ids().get(0)).isEqualTo("a");
      assertThat(found.scores()[0]).isCloseTo(1, within(1e-6f));
      assertThat(found.scores()[1]).isCloseTo(0, within(1e-6f));
      assertFails(
          FailureClass.INCOMPATIBLE,
          () -> store.search("text", new float[2], 1, 1),
          "vector field 'image', not 'text'");
    }
  }

  @Test
  void fingerprintTellsAddedRemovedAndReplacedRecords() {
    String id = chroma.create(collection, "");
    chroma.records(id, "add", "{\"ids\":[\"a\",\"b\",\"c\"],\"embeddings\":[[1],[2],[3]]}");
    try (VectorStore kept = source();
        VectorStore other = source()) {
      String before = kept.describe().fingerprint();
      assertThat(other.describe().fingerprint()).isEqualTo(before);
      SourceRange range = kept.split(1).get(0);
      chroma.records(id, "delete", "{\"ids\":[\"b\"]}");
      assertThat(kept.describe().fingerprint()).isNotEqualTo(before);
      chroma.records(id, "add", "{\"ids\":[\"d\"],\"embeddings\":[[4]]}");
      assertThat(other.describe().fingerprint())
          .as("the number of records is the same, so it is not listed again")
          .isEqualTo(before);
      assertFails(
          FailureClass.SOURCE_CHANGED,
          () -> {
            try (BatchReader reader = other.read(range, null, 10)) {
              reader.next();
            }
          },
          "'" + collection + "' has changed",
          "1 of 3 records",
          "the first is 'b'");
      try (VectorStore opened = source()) {
        assertThat(opened.describe().fingerprint()).isNotEqualTo(before);
        assertThat(opened.describe().rows()).isEqualTo(3);
      }
    }
  }

  @Test
  void readersOfAnOldListStop() {
    String id = chroma.create(collection, "");
    chroma.records(id, "add", "{\"ids\":[\"a\",\"b\",\"c\"],\"embeddings\":[[1],[2],[3]]}");
    try (VectorStore store = source();
        BatchReader reader = store.read(store.split(1).get(0), null, 1)) {
      assertThat(reader.next().rows()).isEqualTo(1);
      chroma.records(id, "add", "{\"ids\":[\"d\"],\"embeddings\":[[4]]}");
      assertThat(store.describe().rows()).isEqualTo(4);
      assertFails(
          FailureClass.SOURCE_CHANGED,
          () -> {
            reader.next();
            reader.next();
          },
          "another number of records");
    }
  }

  @Test
  void listsManyPages() {
    String id = chroma.create(collection, "");
    for (int page = 0; page < 3; page++) {
      int first = page * 100;
      String ids =
          IntStream.range(first, first + 100)
              .mapToObj(i -> "\"" + i + "\"")
              .collect(Collectors.joining(","));
      String vectors =
          IntStream.range(first, first + 100)
              .mapToObj(i -> "[" + i + "]")
              .collect(Collectors.joining(","));
      chroma.records(id, "add", "{\"ids\":[" + ids + "],\"embeddings\":[" + vectors + "]}");
    }
    StoreSettings settings =
        StoreSettings.of(
            "source", "url", chroma.url(), "collection", collection, "options.pageSize", "7");
    try (VectorStore store = provider.open(settings)) {
      assertThat(store.describe().rows()).isEqualTo(300);
      List<RecordBatch> batches = readAll(store, 4, 1000);
      assertThat(batches).hasSizeGreaterThan(40).allMatch(batch -> batch.rows() <= 7);
      assertThat(batches.stream().flatMap(batch -> texts(batch.ids().texts()).stream()))
          .containsExactlyElementsOf(IntStream.range(0, 300).mapToObj(Integer::toString).toList());
      assertThat(
              store
                  .fetch(IdColumn.ofStrings("299", "0", "150", "8", "7", "6", "5", "4", "3"))
                  .onlyVectors()
                  .values())
          .containsExactly(299, 0, 150, 8, 7, 6, 5, 4, 3);
    }
  }

  @Test
  void collectionIsMadeAsTheSpecSays() {
    VectorFieldInfo field =
        new VectorFieldInfo(
            "",
            3,
            Metric.COSINE,
            0,
            "hnsw",
            Map.of("M", "32", "efConstruction", "200", "search_ef", "64", "sync_threshold", "500"));
    try (VectorStore store = open("target", collection)) {
      store.create(schema(field, Map.of(), IdKind.STRING), STAMP);
      JsonNode index = chroma.describe(collection).at("/configuration_json/hnsw");
      assertThat(index.path("space").asText()).isEqualTo("cosine");
      assertThat(index.path("max_neighbors").asInt()).isEqualTo(32);
      assertThat(index.path("ef_construction").asInt()).isEqualTo(200);
      assertThat(index.path("ef_search").asInt()).isEqualTo(64);
      assertThat(index.path("sync_threshold").asInt()).isEqualTo(500);
      assertThat(store.describe().vectors())
          .containsExactly(
              new VectorFieldInfo(
                  "",
                  3,
                  Metric.COSINE,
                  0,
                  "HNSW",
                  Map.of("M", "32", "efConstruction", "200", "efSearch", "64")));
    }
  }

  @Test
  void indexOfAnotherStoreIsFollowed() {
    VectorFieldInfo wanted = new VectorFieldInfo("", 2, Metric.L2, 0, "", Map.of());
    VectorFieldInfo theirs =
        new VectorFieldInfo(
            "",
            2,
            Metric.L2,
            0,
            "hnsw",
            Map.of("m", "24", "ef_construct", "3000000", "on_disk", "true"));
    try (VectorStore store = open("target", collection)) {
      store.create(
          new LoadSchema(
              List.of(wanted),
              Set.of(IdKind.STRING),
              "test",
              1,
              RecordProfile.EMPTY,
              Map.of(),
              List.of(theirs)),
          STAMP);
      JsonNode index = chroma.describe(collection).at("/configuration_json/hnsw");
      assertThat(index.path("max_neighbors").asInt()).isEqualTo(24);
      assertThat(index.path("ef_construction").asInt())
          .as("largest that makes sense")
          .isEqualTo(100_000);
    }
  }

  @Test
  void collectionOfAnotherChromaIsMadeTheSame() {
    String[] sources = {
      "",
      ",\"metadata\":{\"owner\":\"me\",\"n\":1,\"f\":1.0,\"d\":0.12259611066165799,\"t\":true}",
      ",\"configuration\":{\"hnsw\":{\"space\":\"cosine\",\"max_neighbors\":9,\"ef_search\":11,"
          + "\"sync_threshold\":77,\"resize_factor\":1.5},\"embedding_function\":"
          + "{\"type\":\"known\",\"name\":\"default\",\"config\":{\"k\":[1]}}}",
      ",\"metadata\":{\"hnsw:space\":\"ip\",\"hnsw:M\":7,\"hnsw:search_ef\":33,\"x\":\"y\"}",
      ",\"metadata\":{\"hnsw:space\":\"ip\"},\"configuration\":{\"hnsw\":{\"space\":\"cosine\"}}",
    };
    for (int i = 0; i < sources.length; i++) {
      String from = collection + "-from-" + i;
      String to = collection + "-to-" + i;
      String id = chroma.create(from, sources[i]);
      chroma.records(id, "add", "{\"ids\":[\"a\"],\"embeddings\":[[1,2]]}");
      try (VectorStore source = open("source", from);
          VectorStore target = open("target", to)) {
        CollectionInfo info = source.describe();
        target.create(schema(info.vectors().get(0), info.configuration(), IdKind.STRING), STAMP);
        assertThat(chroma.describe(to).path("configuration_json"))
            .isEqualTo(chroma.describe(from).path("configuration_json"));
        if (i < 4) {
          assertThat(target.describe().configuration().get("metadata"))
              .isEqualTo(info.configuration().get("metadata"));
        }
        assertThat(target.describe().configuration().get("configuration"))
            .isEqualTo(info.configuration().get("configuration"));
      }
    }
    // Metadata that speaks of another index than there is would win over a usual configuration.
    assertThat(chroma.describe(collection + "-to-4").at("/metadata/hnsw:space").asText())
        .isEqualTo("cosine");
  }

  @Test
  void anotherMetricThanTheSourceIsMadeAlthoughItsMetadataSpeaksOfIt() {
    Map<String, String> configuration =
        Map.of(
            "metadata", "{\"hnsw:space\":\"cosine\",\"hnsw:M\":16}",
            "configuration", "{\"hnsw\":{\"space\":\"cosine\",\"max_neighbors\":16}}");
    VectorFieldInfo field = new VectorFieldInfo("", 2, Metric.L2, 0, "", Map.of());
    try (VectorStore store = open("target", collection)) {
      store.create(schema(field, configuration, IdKind.STRING), STAMP);
      assertThat(store.describe().vectors().get(0).metric()).isEqualTo(Metric.L2);
      assertThat(chroma.describe(collection).at("/metadata/hnsw:space").asText()).isEqualTo("l2");
    }
  }

  @Test
  void keysThatTheSourceDoesNotIndexAreNamed() {
    chroma.create(
        collection,
        ",\"schema\":{\"defaults\":{\"int\":{\"int_inverted_index\":{\"enabled\":false,\"config\":{}}}},"
            + "\"keys\":{\"blob\":{\"string\":{\"string_inverted_index\":{\"enabled\":false,\"config\":{}}}}}}");
    try (VectorStore store = source()) {
      Map<String, String> configuration = store.describe().configuration();
      assertThat(configuration)
          .containsEntry("not indexed", "all keys as int, 'blob' as string")
          .containsKey("schema");
      VectorFieldInfo field = new VectorFieldInfo("", 2, Metric.L2, 0, "", Map.of());
      assertThat(store.assessLoad(schema(field, configuration, IdKind.STRING)))
          .filteredOn(finding -> finding.severity() == Finding.Severity.WARNING)
          .singleElement()
          .extracting(Finding::message)
          .asString()
          .contains("'blob' as string");
    }
  }

  @Test
  void cosineRefusesVectorsThatItCannotGiveBack() {
    IdColumn ids = IdColumn.ofStrings("long", "good", "short", "zero");
    RecordBatch batch =
        batch(
            ids,
            2,
            new float[] {3e38f, 1, 3, 4, 1e-38f, 1e-38f, 0, 0},
            new String[4],
            new String[] {"{}", "{}", "{}", "{}"});
    try (VectorStore store = open("target", collection)) {
      store.create(schema(Metric.COSINE, 2, IdKind.STRING), STAMP);
      List<Reject> rejects = write(store, batch);
      assertThat(rejects).extracting(Reject::id).containsExactly("long", "short");
      assertThat(rejects.get(0).reason()).contains("3.00e+38").contains("cannot give it back");
      assertThat(rejects.get(1).reason()).contains("1.41e-38").contains("gives zeros back");
      RecordBatch back = store.fetch(ids);
      assertThat(texts(back.ids().texts())).containsExactly("good", "zero");
      assertThat(back.onlyVectors().values()).containsExactly(3, 4, 0, 0);
    }
  }

  @Test
  void publishingIsRenaming() {
    StoreSettings settings =
        StoreSettings.of("target", "url", chroma.url(), "collection", collection);
    StoreSettings loadSettings = provider.loadSettings(settings, "products");
    assertThat(loadSettings.text("collection")).contains(collection + ".vecferry.products");
    try (VectorStore load = provider.open(loadSettings);
        VectorStore target = provider.open(settings)) {
      load.create(schema(Metric.L2, 1, IdKind.STRING), STAMP);
      IdColumn ids = IdColumn.ofStrings("a");
      write(load, batch(ids, 1, new float[] {1}, new String[1], new String[] {"{}"}));
      load.finishLoad(List.of("p0"), STAMP);
      assertThat(target.exists()).isFalse();
      assertThat(target.stamp()).isEmpty();
      String id = chroma.describe(collection + ".vecferry.products").path("id").asText();
      NameSwitch planned = target.planSwitch(load, STAMP);
      target.switchTo(planned, STAMP);
      assertThat(load.exists()).isFalse();
      assertThat(target.stamp()).contains(STAMP);
      assertThat(chroma.describe(collection).path("id").asText()).isEqualTo(id);
      assertThat(target.fetch(ids).rows()).isEqualTo(1);
      // A worker that died before it could tell does it again.
      target.switchTo(planned, STAMP);
      assertThat(target.stamp()).contains(STAMP);
    }
  }

  @Test
  void publishingDoesNotTakeANameFromOthers() {
    StoreSettings settings =
        StoreSettings.of("target", "url", chroma.url(), "collection", collection);
    try (VectorStore load = provider.open(provider.loadSettings(settings, "products"));
        VectorStore target = provider.open(settings)) {
      NameSwitch planned = target.planSwitch(load, STAMP);
      assertFails(
          FailureClass.MISSING,
          () -> target.switchTo(planned, STAMP),
          "'" + collection + ".vecferry.products' was loaded and is not there any more");
      load.create(schema(Metric.L2, 1, IdKind.STRING), STAMP);
      chroma.create(collection, "");
      assertFails(
          FailureClass.TARGET_CHANGED,
          () -> target.switchTo(planned, STAMP),
          "'" + collection + "' was free and is taken now. Nothing was changed.");
      assertFails(
          FailureClass.TARGET_CHANGED, () -> target.drop(STAMP), "was not made by vecferry");
      assertFails(
          FailureClass.TARGET_CHANGED,
          () -> target.create(schema(Metric.L2, 1, IdKind.STRING), STAMP),
          "was not made by vecferry");
      assertThat(load.exists()).isTrue();
    }
  }

  @Test
  void saysWhatItCannotHold() {
    try (VectorStore store = open("target", collection)) {
      VectorFieldInfo plain = new VectorFieldInfo("", 2, Metric.L2, 0, "", Map.of());
      assertThat(blocking(store, plain)).isEmpty();
      assertThat(store.assessLoad(schema(plain, Map.of(), IdKind.STRING)))
          .singleElement()
          .satisfies(
              finding -> {
                assertThat(finding.severity()).isEqualTo(Finding.Severity.INFO);
                assertThat(finding.message()).contains("at the cutover").contains("by its name");
              });
      assertThat(
              store.assessLoad(
                  new LoadSchema(List.of(plain, plain), Set.of(IdKind.STRING), "test", 1)))
          .singleElement()
          .extracting(Finding::toString)
          .asString()
          .contains("one vector per record, the source has 2");
      assertThat(
              blocking(
                  store,
                  new VectorFieldInfo(
                      "s", VectorKind.SPARSE, ElementType.FLOAT32, 0, Metric.IP, 0, "", Map.of())))
          .contains("'s' is sparse");
      assertThat(blocking(store, new VectorFieldInfo("", 2, Metric.L1, 0, "", Map.of())))
          .contains("target.metric: Chroma cannot compare by l1. Use cosine, ip or l2.");
      assertThat(blocking(store, new VectorFieldInfo("", 2, Metric.L2, 0, "IVF_FLAT", Map.of())))
          .contains("target.index.type: Chroma has no index of type 'IVF_FLAT'. Use HNSW");
      assertThat(blocking(store, params("efConstuction", "5")))
          .contains("target.index.params.efConstuction")
          .contains("Did you mean 'efConstruction'?");
      assertThat(blocking(store, params("M", "1")))
          .contains("target.index.params.M: must be a whole number from 2 to 512, got 1.");
      assertThat(blocking(store, params("efSearch", "many"))).contains("got many.");
      assertThat(blocking(store, params("efSearch", "1.5"))).contains("got 1.5.");
      assertThat(store.exists()).isFalse();
    }
  }

  private static VectorFieldInfo params(String name, String value) {
    return new VectorFieldInfo("", 2, Metric.L2, 0, "HNSW", Map.of(name, value));
  }

  private static String blocking(VectorStore store, VectorFieldInfo field) {
    return store.assessLoad(schema(field, Map.of(), IdKind.STRING)).stream()
        .filter(finding -> finding.severity() == Finding.Severity.BLOCKING)
        .map(Finding::toString)
        .collect(Collectors.joining("\n"));
  }

  @Test
  void saysWhatItHoldsInAnotherWay() {
    VectorFieldInfo field =
        new VectorFieldInfo(
            "", VectorKind.DENSE, ElementType.INT8, 2, Metric.COSINE, 0, "", Map.of());
    RecordProfile profile =
        new RecordProfile(
            10,
            true,
            5,
            -1,
            20,
            1e-25,
            3,
            List.of(
                new RecordProfile.Key("fine", 10, List.of("array", "integer"), 5),
                new RecordProfile.Key("nested", 10, List.of("object"), 5),
                new RecordProfile.Key("$set", 10, List.of("text"), 5)));
    LoadSchema schema =
        new LoadSchema(
            List.of(field), Set.of(IdKind.INT64), "test", 10, profile, Map.of(), List.of(field));
    try (VectorStore store = open("target", collection)) {
      String all =
          store.assessLoad(schema).stream()
              .map(finding -> finding.severity() + " " + finding)
              .collect(Collectors.joining("\n"));
      assertThat(all)
          .contains("WARNING target.metric: Chroma keeps vectors of a collection that compares by")
          .contains("lengths of vectors go from 1.00e-25 to 3.00")
          .contains("INFO target: components of int8 become 32-bit floats")
          .contains("INFO target: records that have no vector are refused")
          .contains("INFO target: ids become text")
          .contains("cannot hold some values of nested, $set")
          .doesNotContain("fine");
    }
    String id = chroma.create(collection, ",\"configuration\":{\"hnsw\":{\"space\":\"cosine\"}}");
    chroma.records(id, "add", "{\"ids\":[\"a\"],\"embeddings\":[[1,2]]}");
    try (VectorStore store = source()) {
      assertThat(store.assess())
          .anyMatch(finding -> finding.message().contains("last bits of a component"));
    }
  }
}
