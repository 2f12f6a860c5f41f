package io.vecferry.store.milvus;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.ByteString;
import io.milvus.grpc.ArrayArray;
import io.milvus.grpc.BoolArray;
import io.milvus.grpc.CollectionSchema;
import io.milvus.grpc.CreateAliasRequest;
import io.milvus.grpc.CreatePartitionRequest;
import io.milvus.grpc.DataType;
import io.milvus.grpc.DescribeCollectionRequest;
import io.milvus.grpc.DescribeCollectionResponse;
import io.milvus.grpc.DoubleArray;
import io.milvus.grpc.DropAliasRequest;
import io.milvus.grpc.FieldData;
import io.milvus.grpc.FieldSchema;
import io.milvus.grpc.FloatArray;
import io.milvus.grpc.IntArray;
import io.milvus.grpc.JSONArray;
import io.milvus.grpc.ScalarField;
import io.milvus.grpc.StringArray;
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
import io.vecferry.store.Stores;
import io.vecferry.store.VectorFieldInfo;
import io.vecferry.store.VectorStore;
import io.vecferry.testing.RunningServer;
import io.vecferry.testing.Server;
import io.vecferry.testing.WithServer;
import io.vecferry.verify.RecordComparator;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** What Milvus does beyond the contract, on a real one. */
@Tag("slow")
class MilvusStoreTest {
  private static final LoadStamp STAMP = new LoadStamp("m", "l");

  @WithServer(Server.MILVUS)
  static RunningServer milvus;

  private final List<String> made = new ArrayList<>();

  private String collection(String what) {
    String name = Collections.name(what);
    made.add(name);
    return name;
  }

  @AfterEach
  void dropCollections() {
    Collections.drop(milvus.url(), made.toArray(String[]::new));
  }

  private static StoreSettings settings(String role, String collection, String... more) {
    StoreSettings settings = StoreSettings.of(role, "url", milvus.url(), "collection", collection);
    StoreSettings extra = StoreSettings.of(role, more);
    settings.values().setAll(extra.values());
    return settings;
  }

  private static VectorStore open(String role, String collection, String... more) {
    return Stores.get("milvus").open(settings(role, collection, more));
  }

  private static RecordBatch all(VectorStore store) {
    List<SourceRange> ranges = store.split(1);
    try (BatchReader reader = store.read(ranges.get(0), null, 10_000)) {
      RecordBatch batch = reader.next();
      assertThat(reader.next()).isNull();
      return batch;
    }
  }

  private static void assertSame(RecordBatch expected, RecordBatch actual) {
    RecordComparator comparator = new RecordComparator(0, true, true);
    comparator.compare(expected, actual);
    assertThat(comparator.result().differences()).isEmpty();
    assertThat(comparator.result().bitExactRows()).isEqualTo(expected.rows());
  }

  /** Loads records under the name of a collection, without a second name for the load. */
  private static List<Reject> load(VectorStore store, LoadSchema schema, RecordBatch... batches) {
    store.create(schema, STAMP);
    List<Reject> rejects;
    try (BatchWriter writer = store.write("p0", STAMP)) {
      for (RecordBatch batch : batches) {
        writer.write(batch);
      }
      rejects = writer.finish();
    }
    store.finishLoad(List.of("p0"), STAMP);
    return rejects;
  }

  private static RecordBatch batch(IdColumn ids, int dimension, String... metadata) {
    float[] values = new float[ids.rows() * dimension];
    for (int i = 0; i < values.length; i++) {
      values[i] = (i * 31 % 17) - 8;
    }
    return new RecordBatch(
        ids,
        List.of(new DenseVectors("", dimension, values)),
        TextColumn.allNull(ids.rows()),
        TextColumn.of(metadata));
  }

  private static LoadSchema schema(int dimension, Set<IdKind> kinds, String index) {
    return new LoadSchema(
        List.of(new VectorFieldInfo("", dimension, Metric.L2, 0, index, Map.of())),
        kinds,
        "test",
        100);
  }

  private CollectionSchema.Builder everyType() {
    return CollectionSchema.newBuilder()
        .setDescription("made by hand")
        .setEnableDynamicField(true)
        .addFields(Collections.field("key", DataType.Int64).setIsPrimaryKey(true))
        .addFields(Collections.field("embedding", DataType.FloatVector, "dim", "2"))
        .addFields(Collections.field("text", DataType.VarChar, "max_length", "200"))
        .addFields(Collections.field("title", DataType.VarChar, "max_length", "20"))
        .addFields(Collections.field("ok", DataType.Bool))
        .addFields(Collections.field("tiny", DataType.Int8))
        .addFields(Collections.field("small", DataType.Int16))
        .addFields(Collections.field("plain", DataType.Int32))
        .addFields(Collections.field("large", DataType.Int64))
        .addFields(Collections.field("single", DataType.Float))
        .addFields(Collections.field("double", DataType.Double))
        .addFields(Collections.field("json", DataType.JSON))
        .addFields(
            Collections.field("tags", DataType.Array, "max_length", "10", "max_capacity", "4")
                .setElementType(DataType.VarChar));
  }

  private static FieldData integers(String name, DataType type, int... values) {
    IntArray.Builder array = IntArray.newBuilder();
    IntStream.of(values).forEach(array::addData);
    return Collections.column(name, type, ScalarField.newBuilder().setIntData(array));
  }

  private static FieldData jsons(String name, boolean dynamic, String... values) {
    JSONArray.Builder array = JSONArray.newBuilder();
    for (String value : values) {
      array.addData(ByteString.copyFromUtf8(value));
    }
    return Collections.column(name, DataType.JSON, ScalarField.newBuilder().setJsonData(array))
        .toBuilder()
        .setIsDynamic(dynamic)
        .build();
  }

  private static List<FieldData> twoRows(long first, long second) {
    ScalarField one =
        ScalarField.newBuilder()
            .setStringData(StringArray.newBuilder().addData("a").addData("é"))
            .build();
    ScalarField none =
        ScalarField.newBuilder().setStringData(StringArray.getDefaultInstance()).build();
    return List.of(
        Collections.longs("key", first, second),
        Collections.floats("embedding", 2, -0.0f, 1e-42f, 3e38f, 1),
        Collections.texts("text", "a \"text\"\n", ""),
        Collections.texts("title", "t", "日本"),
        Collections.column(
            "ok",
            DataType.Bool,
            ScalarField.newBuilder()
                .setBoolData(BoolArray.newBuilder().addData(true).addData(false))),
        integers("tiny", DataType.Int8, -128, 127),
        integers("small", DataType.Int16, -32768, 32767),
        integers("plain", DataType.Int32, Integer.MIN_VALUE, Integer.MAX_VALUE),
        Collections.longs("large", Long.MIN_VALUE, Long.MAX_VALUE),
        Collections.column(
            "single",
            DataType.Float,
            ScalarField.newBuilder()
                .setFloatData(FloatArray.newBuilder().addData(0.1f).addData(-0.0f))),
        Collections.column(
            "double",
            DataType.Double,
            ScalarField.newBuilder()
                .setDoubleData(DoubleArray.newBuilder().addData(5e-324).addData(1))),
        jsons("json", false, "{\"a\": 1.0, \"b\": [1e5]}", "{}"),
        Collections.column(
            "tags",
            DataType.Array,
            ScalarField.newBuilder()
                .setArrayData(
                    ArrayArray.newBuilder()
                        .setElementType(DataType.VarChar)
                        .addData(one)
                        .addData(none))),
        jsons(Layout.DYNAMIC, true, "{\"more\": 1, \"n\": {\"x\": null}}", "{}"));
  }

  private static final String FIRST =
      "{\"title\":\"t\",\"ok\":true,\"tiny\":-128,\"small\":-32768,\"plain\":-2147483648,"
          + "\"large\":-9223372036854775808,\"single\":0.1,\"double\":5e-324,"
          + "\"json\":{\"a\":1.0,\"b\":[1e5]},\"tags\":[\"a\",\"é\"],\"more\":1,\"n\":{\"x\":null}}";
  private static final String SECOND =
      "{\"title\":\"日本\",\"ok\":false,\"tiny\":127,\"small\":32767,\"plain\":2147483647,"
          + "\"large\":9223372036854775807,\"single\":-0.0,\"double\":1.0,\"json\":{},\"tags\":[]}";

  @Test
  void readsWhatOthersMadeAndMakesItAlike() {
    String source = collection("native");
    String alias = collection("alias");
    String target = collection("copy");
    try (MilvusClient client = Collections.client(milvus.url())) {
      Collections.create(client, source, everyType(), Map.of("collection.ttl.seconds", "86400"));
      Collections.insert(client, source, "", 2, twoRows(5, -7));
      client.run(
          "making a partition",
          stub ->
              stub.createPartition(
                  CreatePartitionRequest.newBuilder()
                      .setCollectionName(source)
                      .setPartitionName("other")
                      .build()));
      Collections.insert(client, source, "other", 2, twoRows(6, 8));
      Collections.index(
          client,
          source,
          "embedding",
          "index_type",
          "IVF_FLAT",
          "metric_type",
          "IP",
          "params",
          "{\"nlist\":7}");
      Collections.index(client, source, "title", "index_type", "Trie");
      client.run(
          "making an alias",
          stub ->
              stub.createAlias(
                  CreateAliasRequest.newBuilder()
                      .setCollectionName(source)
                      .setAlias(alias)
                      .build()));
    }
    isReadOnlyWhenLoaded(source);
    CollectionInfo info;
    RecordBatch records;
    try (VectorStore store = open("source", alias, "options.load", "true")) {
      assertThat(store.assess())
          .filteredOn(finding -> finding.severity() != Finding.Severity.INFO)
          .extracting(Finding::severity, Finding::message)
          .containsExactly(
              org.assertj.core.groups.Tuple.tuple(
                  Finding.Severity.WARNING,
                  "rows vanish by themselves 86400 seconds after they were written"
                      + " (collection.ttl.seconds). When that happens during the export, the"
                      + " migration stops."),
              org.assertj.core.groups.Tuple.tuple(
                  Finding.Severity.WARNING,
                  "rows lie in the partitions other; all are moved, but which partition a row was in"
                      + " is not."));
      info = store.describe();
      assertThat(info.store()).isEqualTo("Milvus 2.3.5");
      assertThat(info.rows()).isEqualTo(4);
      assertThat(info.idKinds()).containsExactly(IdKind.INT64);
      assertThat(info.vectors())
          .containsExactly(
              new VectorFieldInfo("embedding", 2, Metric.IP, 0, "IVF_FLAT", Map.of("nlist", "7")));
      assertThat(info.configuration())
          .containsEntry("alias of", source)
          .containsEntry("key", "key (INT64)")
          .containsEntry("document field", "text")
          .containsEntry("partitions", "_default, other")
          .containsEntry("aliases", alias)
          .containsEntry("property collection.ttl.seconds", "86400");
      records = all(store);
      assertThat(LongStream.range(0, 4).mapToObj(i -> records.ids().get((int) i)))
          .containsExactly("-7", "5", "6", "8");
      assertThat(records.documents().get(1)).isEqualTo("a \"text\"\n");
      assertThat(records.documents().get(0)).isEmpty();
      assertThat(records.metadata().get(1)).isEqualTo(FIRST);
      assertThat(records.metadata().get(0)).isEqualTo(SECOND);
      assertThat(records.onlyVectors().values()).startsWith(3e38f, 1, -0.0f, 1e-42f);
      assertSame(records, store.fetch(records.ids()));
    }
    LoadSchema schema =
        new LoadSchema(
            info.vectors().stream()
                .map(
                    field ->
                        new VectorFieldInfo(
                            field.name(), field.dimension(), field.metric(), 0, "", Map.of()))
                .toList(),
            info.idKinds(),
            info.store(),
            info.rows(),
            RecordProfile.EMPTY,
            info.configuration(),
            info.vectors());
    try (VectorStore store = open("target", target)) {
      assertThat(load(store, schema, records)).isEmpty();
      assertSame(records, store.fetch(records.ids()));
      CollectionInfo copy = store.describe();
      assertThat(copy.configuration().get(MilvusStore.SCHEMA))
          .isEqualTo(info.configuration().get(MilvusStore.SCHEMA));
      assertThat(copy.vectors()).isEqualTo(info.vectors());
      assertThat(copy.rows()).isEqualTo(4);
    }
    try (MilvusClient client = Collections.client(milvus.url())) {
      assertThat(fields(describe(client, target))).isEqualTo(fields(describe(client, source)));
      client.run(
          "dropping an alias",
          stub -> stub.dropAlias(DropAliasRequest.newBuilder().setAlias(alias).build()));
    }
  }

  private static DescribeCollectionResponse describe(MilvusClient client, String name) {
    return client.ask(
        "looking at " + name,
        stub ->
            stub.describeCollection(
                DescribeCollectionRequest.newBuilder().setCollectionName(name).build()));
  }

  private static Set<FieldSchema> fields(DescribeCollectionResponse collection) {
    Set<FieldSchema> fields = new java.util.HashSet<>();
    collection
        .getSchema()
        .getFieldsList()
        .forEach(field -> fields.add(field.toBuilder().clearFieldID().build()));
    return fields;
  }

  private static void isReadOnlyWhenLoaded(String source) {
    try (VectorStore store = open("source", source)) {
      assertThat(store.exists()).isTrue();
      assertThat(store.stamp()).isEmpty();
      assertThat(store.describe().configuration()).containsEntry("loaded", "no");
      assertThat(store.assess())
          .filteredOn(finding -> finding.severity() == Finding.Severity.BLOCKING)
          .extracting(Finding::toString)
          .containsExactly(
              "source.collection: "
                  + source
                  + " at "
                  + milvus.url()
                  + " is not loaded, and only a loaded collection can be read. Load it, or let"
                  + " vecferry do it with source.options.load: true.");
      assertThatThrownBy(() -> store.split(1))
          .isInstanceOfSatisfying(
              StoreException.class,
              e -> assertThat(e.failureClass()).isEqualTo(FailureClass.MISSING))
          .hasMessageContaining("is not loaded");
    }
    try (VectorStore store = open("source", source, "options.load", "true")) {
      assertThat(store.split(1).get(0).rows()).isEqualTo(4);
      assertThat(store.describe().configuration()).containsEntry("loaded", "yes");
    }
    try (VectorStore store = open("source", source)) {
      assertThat(store.describe().configuration()).containsEntry("loaded", "no");
    }
  }

  @Test
  void rowsWithOneKeyAreOneAndChangesShow() {
    String name = collection("twice");
    try (MilvusClient client = Collections.client(milvus.url());
        VectorStore loading = open("source", name, "options.load", "true")) {
      Collections.create(
          client,
          name,
          CollectionSchema.newBuilder()
              .addFields(Collections.field("key", DataType.Int64).setIsPrimaryKey(true))
              .addFields(Collections.field("v", DataType.FloatVector, "dim", "2")),
          Map.of());
      Collections.index(client, name, "v", "index_type", "FLAT", "metric_type", "L2");
      Collections.insert(
          client,
          name,
          "",
          3,
          List.of(
              Collections.longs("key", 1, 2, 9_223_372_036_854_775_806L),
              Collections.floats("v", 2, 1, 2, 3, 4, 5, 6)));
      loading.split(1);
      String before = loading.describe().fingerprint();
      assertThat(loading.describe().fingerprint()).isEqualTo(before);
      Collections.insert(
          client,
          name,
          "",
          2,
          List.of(Collections.longs("key", 2, 3), Collections.floats("v", 2, 3, 4, 7, 8)));
      assertThat(loading.describe().fingerprint()).isNotEqualTo(before);
      try (VectorStore store = open("source", name)) {
        assertThat(store.assess())
            .filteredOn(finding -> finding.severity() == Finding.Severity.INFO)
            .extracting(Finding::message)
            .singleElement()
            .asString()
            .contains("changed in place", "are not. Stop what writes to " + name + " at ");
        assertThat(store.assess())
            .filteredOn(finding -> finding.severity() != Finding.Severity.INFO)
            .extracting(Finding::severity, Finding::message)
            .containsExactly(
                org.assertj.core.groups.Tuple.tuple(
                    Finding.Severity.WARNING,
                    "1 rows have a key that another row has too. Milvus returns one row per key, and"
                        + " that one is moved: 4 records."));
        assertThat(store.describe().rows()).isEqualTo(4);
        RecordBatch records = all(store);
        assertThat(records.rows()).isEqualTo(4);
        assertThat(records.metadata().isNull(0)).isTrue();
      }
      Collections.insert(
          client,
          name,
          "",
          1,
          List.of(Collections.longs("key", Long.MAX_VALUE), Collections.floats("v", 2, 0, 0)));
      try (VectorStore store = open("source", name)) {
        assertThat(store.assess())
            .filteredOn(finding -> finding.severity() == Finding.Severity.BLOCKING)
            .extracting(Finding::toString)
            .containsExactly(
                "source: there is a row with the key 9223372036854775807, which Milvus counts but"
                    + " returns from no query. Give it another key.");
      }
    }
  }

  @Test
  void numbersAreKeysAndTypedFieldsCanBeFiltered() {
    String name = collection("typed");
    IdColumn ids =
        IdColumn.of(
            IdKind.INT64,
            TextColumn.of(
                "-9223372036854775808", "9223372036854775806", "-1", "0", "9223372036854775807"));
    RecordBatch records =
        batch(
            ids,
            4,
            "{\"category\":\"a\",\"year\":1,\"price\":1.5,\"other\":\"x\"}",
            "{\"category\":\"b\",\"year\":2,\"price\":2.5}",
            "{\"category\":\"a\",\"year\":\"three\",\"price\":3}",
            "{\"year\":4}",
            "{}");
    StoreSettings settings = settings("target", name, "partitionKey", "category");
    settings
        .values()
        .withObjectProperty("options")
        .putObject("fields")
        .put("year", "INT64")
        .put("price", "DOUBLE");
    try (VectorStore store = Stores.get("milvus").open(settings)) {
      LoadSchema schema = schema(4, Set.of(IdKind.INT64), "IVF_SQ8");
      store.create(schema, STAMP);
      // An attempt whose worker died before it could say that it was through.
      try (BatchWriter lost = store.write("p0", STAMP)) {
        lost.write(records);
        lost.finish();
      }
      assertThat(load(store, schema, records))
          .extracting(Reject::id)
          .containsExactly("9223372036854775807");
      RecordBatch held = records.select(new int[] {0, 1, 2, 3});
      assertSame(held, store.fetch(ids));
      assertSame(records.select(new int[] {0, 2, 3, 1}), all(store));
      assertThat(store.describe().configuration())
          .containsEntry("partition key", "category")
          .containsEntry("key", "id (INT64)");
      assertThat(store.split(3)).hasSize(3);
      assertThat(store.fetch(IdColumn.ofStrings("0")).rows()).isZero();
      Neighbours found = store.search("", new float[] {-8, 6, 3, 0}, 1, 2);
      assertThat(found.counts()).containsExactly(2);
      assertThat(found.ids().kind(0)).isEqualTo(IdKind.INT64);
      assertThat(store.searchesExactly("")).isFalse();
    }
    try (MilvusClient client = Collections.client(milvus.url())) {
      MilvusCollection collection = new MilvusCollection(client, MilvusOptions.read(settings));
      assertThat(collection.count("category == \"a\"")).isEqualTo(2);
      assertThat(collection.count("year >= 2 and price > 2.0")).isEqualTo(1);
      assertThat(collection.count("other == \"x\"")).isEqualTo(1);
    }
  }

  @Test
  void scoresAreOnTheScaleOfTheMetric() {
    float[] values = {1, 0, 0, 2, -3, 0};
    for (Metric metric : List.of(Metric.COSINE, Metric.IP)) {
      String name = collection("scores");
      try (VectorStore store = open("target", name)) {
        RecordBatch records =
            new RecordBatch(
                IdColumn.ofStrings("x", "y", "-x"),
                List.of(new DenseVectors("image-512", 2, values)),
                TextColumn.of("a", null, ""),
                TextColumn.of(null, "{}", "{\"a\":1}"));
        LoadSchema schema =
            new LoadSchema(
                List.of(new VectorFieldInfo("image-512", 2, metric, 0, "FLAT", Map.of())),
                Set.of(IdKind.STRING),
                "test",
                3);
        assertThat(load(store, schema, records)).isEmpty();
        assertSame(records, store.fetch(records.ids()));
        assertThat(store.describe().vectors().get(0).name()).isEqualTo("image-512");
        assertThat(store.describe().vectors().get(0).metric()).isEqualTo(metric);
        assertThat(store.searchesExactly("image-512")).isTrue();
        Neighbours found = store.search("image-512", new float[] {2, 0}, 1, 3);
        assertThat(found.ids().get(0)).isEqualTo("x");
        assertThat(found.ids().get(2)).isEqualTo("-x");
        assertThat(found.scores())
            .containsExactly(metric == Metric.IP ? new float[] {2, 0, -6} : new float[] {1, 0, -1});
        assertThatThrownBy(() -> store.search("nope", new float[2], 1, 1))
            .hasMessageContaining("has no vector field 'nope', it has [image-512].");
      }
    }
  }

  @Test
  void bitsHaveTheirOwnTypeAndHalvesBecomeFloats() {
    record Case(ElementType element, Metric metric, int dimension, float[] values) {}
    for (Case one :
        List.of(
            new Case(
                ElementType.BIT,
                Metric.HAMMING,
                8,
                new float[] {1, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 0}),
            new Case(
                ElementType.FLOAT16, Metric.L2, 2, new float[] {1.5f, -0.0f, 65504, 0x1p-24f}))) {
      String name = collection("elements");
      try (VectorStore store = open("target", name)) {
        RecordBatch records =
            new RecordBatch(
                IdColumn.ofStrings("a", "b"),
                List.of(new DenseVectors("v", one.dimension(), one.values())),
                TextColumn.allNull(2),
                TextColumn.of("{}", "{}"));
        VectorFieldInfo field =
            new VectorFieldInfo(
                "v",
                VectorKind.DENSE,
                one.element(),
                one.dimension(),
                one.metric(),
                0,
                "",
                Map.of(),
                false);
        LoadSchema schema = new LoadSchema(List.of(field), Set.of(IdKind.STRING), "test", 2);
        assertThat(load(store, schema, records)).isEmpty();
        assertSame(records, all(store));
        assertThat(store.describe().vectors().get(0).element())
            .isEqualTo(one.element() == ElementType.BIT ? ElementType.BIT : ElementType.FLOAT32);
        float[] query = new float[one.dimension()];
        System.arraycopy(one.values(), 0, query, 0, query.length);
        Neighbours found = store.search("v", query, 1, 2);
        assertThat(found.ids().get(0)).isEqualTo("a");
        assertThat(found.scores()[0]).isZero();
        if (one.element() == ElementType.BIT) {
          assertThat(found.scores()[1]).isEqualTo(6);
        }
      }
    }
  }

  @Test
  void attemptsThatOverlapLeaveEachRowOnce() {
    overlap(collection("overlap"));
  }

  @Test
  void attemptsThatOverlapLeaveEachRowOnceInItsPartition() {
    String name = collection("partitions");
    overlap(name, "partitionKey", "group");
    try (MilvusClient client = Collections.client(milvus.url())) {
      MilvusCollection collection =
          new MilvusCollection(client, MilvusOptions.read(settings("target", name)));
      assertThat(collection.count("group == \"g3\"")).isEqualTo(ROWS / GROUPS);
    }
  }

  private static final int ROWS = 4_000;
  private static final int GROUPS = 8;

  private static void overlap(String name, String... more) {
    int rows = ROWS;
    try (VectorStore store = open("target", name, more)) {
      store.create(schema(4, Set.of(IdKind.STRING), "FLAT"), STAMP);
      List<CompletableFuture<Void>> attempts = new ArrayList<>();
      for (int attempt = 0; attempt < 4; attempt++) {
        int step = 250 + 90 * attempt;
        attempts.add(
            CompletableFuture.runAsync(
                () -> {
                  try (BatchWriter writer = store.write("p0", STAMP)) {
                    for (int i = 0; i < rows; i += step) {
                      writer.write(rows(i, Math.min(rows, i + step)));
                    }
                    assertThat(writer.finish()).isEmpty();
                  }
                },
                task -> new Thread(task).start()));
      }
      attempts.forEach(CompletableFuture::join);
      store.finishLoad(List.of("p0"), STAMP);
      assertThat(store.describe().rows()).isEqualTo(rows);
      RecordBatch records = all(store);
      assertThat(records.rows()).isEqualTo(rows);
      assertSame(rows(1_000, 2_000), store.fetch(rows(1_000, 2_000).ids()));
      // A late attempt may come when everything is done already.
      try (BatchWriter writer = store.write("p0", STAMP)) {
        writer.write(rows(0, 500));
        writer.finish();
      }
      assertThat(store.describe().rows()).isEqualTo(rows);
      store.finishLoad(List.of("p0"), STAMP);
    }
  }

  private static RecordBatch rows(int from, int to) {
    String[] ids = new String[to - from];
    String[] metadata = new String[to - from];
    float[] values = new float[4 * (to - from)];
    for (int i = from; i < to; i++) {
      ids[i - from] = "row-" + i;
      metadata[i - from] = "{\"row\":" + i + ",\"group\":\"g" + i % GROUPS + "\"}";
      values[4 * (i - from)] = i;
    }
    return new RecordBatch(
        IdColumn.ofStrings(ids),
        List.of(new DenseVectors("", 4, values)),
        TextColumn.allNull(ids.length),
        TextColumn.of(metadata));
  }
}
