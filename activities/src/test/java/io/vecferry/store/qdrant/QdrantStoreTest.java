package io.vecferry.store.qdrant;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.tuple;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.qdrant.client.grpc.Collections.BinaryQuantization;
import io.qdrant.client.grpc.Collections.CollectionStatus;
import io.qdrant.client.grpc.Collections.CreateCollection;
import io.qdrant.client.grpc.Collections.Datatype;
import io.qdrant.client.grpc.Collections.Distance;
import io.qdrant.client.grpc.Collections.HnswConfigDiff;
import io.qdrant.client.grpc.Collections.Modifier;
import io.qdrant.client.grpc.Collections.MultiVectorConfig;
import io.qdrant.client.grpc.Collections.PayloadSchemaType;
import io.qdrant.client.grpc.Collections.QuantizationConfig;
import io.qdrant.client.grpc.Collections.ScalarQuantization;
import io.qdrant.client.grpc.Collections.SparseIndexConfig;
import io.qdrant.client.grpc.Collections.SparseVectorConfig;
import io.qdrant.client.grpc.Collections.SparseVectorParams;
import io.qdrant.client.grpc.Collections.StrictModeConfig;
import io.qdrant.client.grpc.Collections.UpdateCollection;
import io.qdrant.client.grpc.Collections.VectorParamsMap;
import io.qdrant.client.grpc.Collections.VectorsConfig;
import io.qdrant.client.grpc.CollectionsGrpc;
import io.qdrant.client.grpc.JsonWithInt.ListValue;
import io.qdrant.client.grpc.JsonWithInt.NullValue;
import io.qdrant.client.grpc.JsonWithInt.Struct;
import io.qdrant.client.grpc.JsonWithInt.Value;
import io.qdrant.client.grpc.Points.CreateFieldIndexCollection;
import io.qdrant.client.grpc.Points.FieldType;
import io.qdrant.client.grpc.Points.PointStruct;
import io.qdrant.client.grpc.Points.UpsertPoints;
import io.qdrant.client.grpc.PointsGrpc;
import io.qdrant.client.grpc.SnapshotsGrpc;
import io.qdrant.client.grpc.SnapshotsService.CreateSnapshotRequest;
import io.vecferry.plan.FailureClass;
import io.vecferry.plan.Finding;
import io.vecferry.plan.RecordProfile;
import io.vecferry.record.DenseVectors;
import io.vecferry.record.ElementType;
import io.vecferry.record.IdColumn;
import io.vecferry.record.IdKind;
import io.vecferry.record.MultiVectors;
import io.vecferry.record.RecordBatch;
import io.vecferry.record.SparseVectors;
import io.vecferry.record.TextColumn;
import io.vecferry.record.VectorColumn;
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
import io.vecferry.store.TlsSettings;
import io.vecferry.store.VectorFieldInfo;
import io.vecferry.store.VectorStore;
import io.vecferry.testing.RunningServer;
import io.vecferry.testing.Server;
import io.vecferry.testing.WithServer;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What is Qdrant's own: what its collections hold and how they are read and set up. */
class QdrantStoreTest {
  private static final LoadStamp STAMP = new LoadStamp("products", "load-1");
  private static final String UUID = "4d1d1a65-5215-4078-b025-e8d1dcc21d3c";

  @WithServer(Server.QDRANT)
  static RunningServer server;

  private String url;
  private final String target = QdrantTests.uniqueName();

  @BeforeEach
  void address() {
    url = server().url();
  }

  @AfterEach
  void dropTarget() {
    QdrantTests.drop(url, target);
  }

  RunningServer server() {
    return server;
  }

  /** Whether a collection has metadata, samples and vectors in filters. */
  boolean isNew() {
    return true;
  }

  private VectorStore open(StoreSettings settings) {
    return Stores.get("qdrant").open(settings);
  }

  private StoreSettings targetSettings(String... more) {
    StoreSettings settings = QdrantTests.settings("target", url, target);
    for (int i = 0; i < more.length; i += 2) {
      StoreSettings one = StoreSettings.of("target", more[i], more[i + 1]);
      settings.values().setAll(merged(settings, one));
    }
    return settings;
  }

  private static ObjectNode merged(StoreSettings settings, StoreSettings more) {
    ObjectNode values = settings.values().deepCopy();
    more.values()
        .fields()
        .forEachRemaining(
            field -> {
              if (values.get(field.getKey()) instanceof ObjectNode present) {
                present.setAll((ObjectNode) field.getValue());
              } else {
                values.set(field.getKey(), field.getValue());
              }
            });
    return values;
  }

  private static RecordBatch readAll(VectorStore store) {
    List<SourceRange> ranges = store.split(1);
    assertThat(ranges).hasSize(1);
    try (BatchReader reader = store.read(ranges.get(0), null, 10_000)) {
      RecordBatch batch = reader.next();
      assertThat(reader.next()).isNull();
      assertThat(reader.cursor()).isEqualTo(ranges.get(0).end());
      return batch;
    }
  }

  private void load(LoadSchema schema, StoreSettings settings, RecordBatch... batches) {
    try (VectorStore store = open(settings)) {
      store.create(schema, STAMP);
      try (BatchWriter writer = store.write("p0", STAMP)) {
        for (RecordBatch batch : batches) {
          writer.write(batch);
        }
        assertThat(writer.finish()).isEmpty();
      }
      store.finishLoad(List.of("p0"), STAMP);
    }
  }

  private static LoadSchema schema(Metric metric, int dimension, IdKind kind) {
    return new LoadSchema(
        List.of(new VectorFieldInfo("", dimension, metric, 0, "", Map.of())),
        Set.of(kind),
        "test",
        1);
  }

  private static RecordBatch batch(IdKind kind, int dimension, String[] ids, float... values) {
    return new RecordBatch(
        IdColumn.of(kind, TextColumn.of(ids)),
        List.of(new DenseVectors("", dimension, values)),
        TextColumn.allNull(ids.length),
        TextColumn.allNull(ids.length));
  }

  // Source

  @Test
  void readsWhatOthersMadeAsItIs() {
    Map<String, Value> payload =
        Map.of(
            "max", integer(Long.MAX_VALUE),
            "one", QdrantTests.number(1),
            "zero", QdrantTests.number(-0.0),
            "nested",
                Value.newBuilder()
                    .setStructValue(
                        Struct.newBuilder()
                            .putFields("b", integer(1))
                            .putFields("a.c", list(integer(1), QdrantTests.text("x"))))
                    .build(),
            "null", Value.newBuilder().setNullValue(NullValue.NULL_VALUE).build(),
            "document", QdrantTests.text("not a document"),
            "_vecferry_id", QdrantTests.text("not an id"));
    try (NativeCollection source =
            new NativeCollection(url, NativeCollection.unnamed(2, Distance.Dot));
        VectorStore store = open(source.settings())) {
      source.upsert(
          NativeCollection.point(UUID, payload, 1f, 2f),
          NativeCollection.point("18446744073709551615", Map.of(), 3f, 4f),
          NativeCollection.point("7", Map.of(), 5f, 6f));
      RecordBatch read = readAll(store);
      assertThat(read.ids().get(0)).isEqualTo("7");
      assertThat(read.ids().get(1)).isEqualTo("18446744073709551615");
      assertThat(read.ids().get(2)).isEqualTo(UUID);
      assertThat(read.ids().kinds()).containsExactly(IdKind.UINT64, IdKind.UINT64, IdKind.UUID);
      assertThat(read.onlyVectors().values()).containsExactly(5, 6, 3, 4, 1, 2);
      assertThat(read.documents().isNull(2)).isTrue();
      assertThat(read.metadata().isNull(0)).isTrue();
      assertThat(read.metadata().get(2))
          .isEqualTo(
              "{\"_vecferry_id\":\"not an id\",\"document\":\"not a document\","
                  + "\"max\":9223372036854775807,"
                  + "\"nested\":{\"a.c\":[1,\"x\"],\"b\":1},\"null\":null,\"one\":1.0,\"zero\":-0.0}");
      CollectionInfo info = store.describe();
      assertThat(info.rows()).isEqualTo(3);
      assertThat(info.idKinds()).containsExactlyInAnyOrder(IdKind.UINT64, IdKind.UUID);
      assertThat(info.store()).startsWith("Qdrant 1.");
      assertThat(store.fetch(read.ids()).rows()).isEqualTo(3);
      assertThat(store.fetch(IdColumn.ofStrings("7", UUID, "x")).rows())
          .as("texts are no ids of such a collection")
          .isZero();
      assertThat(store.stamp()).isEmpty();
    }
  }

  @Test
  void readsDocumentsFromTheKeyThatTheSpecNames() {
    try (NativeCollection source =
        new NativeCollection(url, NativeCollection.unnamed(1, Distance.Dot))) {
      source.upsert(
          NativeCollection.point(
              "1",
              Map.of(
                  "page_content", QdrantTests.text("text"),
                  "metadata",
                      Value.newBuilder()
                          .setStructValue(Struct.newBuilder().putFields("page", integer(3)))
                          .build()),
              1f));
      StoreSettings settings =
          StoreSettings.of(
              "source",
              "url",
              url,
              "collection",
              source.name(),
              "options.documentKey",
              "page_content",
              "options.metadataKey",
              "metadata");
      try (VectorStore store = open(settings)) {
        RecordBatch read = readAll(store);
        assertThat(read.documents().get(0)).isEqualTo("text");
        assertThat(read.metadata().get(0)).isEqualTo("{\"page\":3}");
      }
    }
  }

  /** Named, sparse and multi-vectors, of which any may be absent. */
  @Test
  void readsEveryKindOfVector() {
    try (NativeCollection source = new NativeCollection(url, everyKind());
        VectorStore store = open(source.settings())) {
      source.upsert(everyKindPoints());
      List<VectorFieldInfo> fields = store.describe().vectors();
      assertThat(fields)
          .extracting(VectorFieldInfo::name)
          .containsExactly("bytes", "half", "title", "colbert", "words");
      assertThat(fields)
          .extracting(VectorFieldInfo::element)
          .containsExactly(
              ElementType.UINT8,
              ElementType.FLOAT16,
              ElementType.FLOAT32,
              ElementType.FLOAT32,
              ElementType.FLOAT32);
      assertThat(fields)
          .extracting(VectorFieldInfo::kind)
          .containsExactly(
              VectorKind.DENSE,
              VectorKind.DENSE,
              VectorKind.DENSE,
              VectorKind.MULTI,
              VectorKind.SPARSE);
      assertThat(fields)
          .extracting(VectorFieldInfo::metric)
          .containsExactly(Metric.L2, Metric.IP, Metric.L1, Metric.IP, Metric.IP);
      assertEveryKind(readAll(store));
      assertEveryKind(store.fetch(IdColumn.of(IdKind.UINT64, TextColumn.of("1", "2", "3"))));
      if (isNew()) {
        assertThat(store.assess())
            .extracting(Finding::message)
            .contains("2 points have no vector 'title'.")
            .contains("2 points have no vector 'words' (sparse).");
      }
    }
  }

  private static CreateCollection.Builder everyKind() {
    return CreateCollection.newBuilder()
        .setVectorsConfig(
            VectorsConfig.newBuilder()
                .setParamsMap(
                    VectorParamsMap.newBuilder()
                        .putMap("title", NativeCollection.params(2, Distance.Manhattan).build())
                        .putMap(
                            "half",
                            NativeCollection.params(2, Distance.Dot)
                                .setDatatype(Datatype.Float16)
                                .build())
                        .putMap(
                            "bytes",
                            NativeCollection.params(2, Distance.Euclid)
                                .setDatatype(Datatype.Uint8)
                                .build())
                        .putMap(
                            "colbert",
                            NativeCollection.params(2, Distance.Dot)
                                .setMultivectorConfig(MultiVectorConfig.getDefaultInstance())
                                .build())))
        .setSparseVectorsConfig(
            SparseVectorConfig.newBuilder()
                .putMap("words", SparseVectorParams.getDefaultInstance()));
  }

  private PointStruct[] everyKindPoints() {
    RecordBatch batch = everyKindBatch();
    VectorMapping mapping =
        new VectorMapping(
            batch.vectors().stream()
                .map(
                    column ->
                        new VectorField(
                            column.name(),
                            column.name(),
                            column instanceof SparseVectors
                                ? VectorKind.SPARSE
                                : column instanceof MultiVectors
                                    ? VectorKind.MULTI
                                    : VectorKind.DENSE,
                            ElementType.FLOAT32,
                            2,
                            Metric.IP))
                .toList(),
            isNew());
    VectorMapping.Encoder encoder = mapping.encoder(batch.vectors());
    return IntStream.range(0, 3)
        .mapToObj(
            row ->
                NativeCollection.point(Integer.toString(row + 1), Map.of())
                    .setVectors(encoder.vectors(row))
                    .build())
        .toArray(PointStruct[]::new);
  }

  private static RecordBatch everyKindBatch() {
    boolean[] onlyFirst = {false, true, true};
    return new RecordBatch(
        IdColumn.of(IdKind.UINT64, TextColumn.of("1", "2", "3")),
        List.of(
            new DenseVectors(
                "bytes", 2, new float[] {0, 255, 1, 2, 0, 0}, new boolean[] {false, false, true}),
            new DenseVectors(
                "half",
                2,
                new float[] {0.5f, 65504, 0, 0, -0.0f, 5.9604645e-8f},
                new boolean[] {false, true, false}),
            new DenseVectors("title", 2, new float[] {0.1f, -0.0f, 0, 0, 0, 0}, onlyFirst),
            new MultiVectors(
                "colbert",
                2,
                new int[] {0, 2, 3, 3},
                new float[] {1, 2, 3, 4, 5, 6},
                new boolean[] {false, false, true}),
            new SparseVectors(
                "words",
                new int[] {0, 3, 3, 3},
                new int[] {0, 7, -1},
                new float[] {0.5f, -2, 1e-45f},
                onlyFirst)),
        TextColumn.allNull(3),
        TextColumn.allNull(3));
  }

  private static void assertEveryKind(RecordBatch read) {
    DenseVectors bytes = (DenseVectors) read.vectors().get(0);
    assertThat(bytes.values()).containsExactly(0, 255, 1, 2, 0, 0);
    assertThat(bytes.nulls()).containsExactly(false, false, true);
    DenseVectors half = (DenseVectors) read.vectors().get(1);
    assertThat(half.values()).containsExactly(0.5f, 65504, 0, 0, -0.0f, 5.9604645e-8f);
    assertThat(half.nulls()).containsExactly(false, true, false);
    DenseVectors title = (DenseVectors) read.vectors().get(2);
    assertThat(title.values()).containsExactly(0.1f, -0.0f, 0, 0, 0, 0);
    assertThat(title.nulls()).containsExactly(false, true, true);
    MultiVectors colbert = (MultiVectors) read.vectors().get(3);
    assertThat(colbert.offsets()).containsExactly(0, 2, 3, 3);
    assertThat(colbert.values()).startsWith(1, 2, 3, 4, 5, 6);
    assertThat(colbert.nulls()).containsExactly(false, false, true);
    SparseVectors words = (SparseVectors) read.vectors().get(4);
    assertThat(words.offsets()).containsExactly(0, 3, 3, 3);
    assertThat(words.indices()).startsWith(0, 7, -1);
    assertThat(words.values()).startsWith(0.5f, -2, 1e-45f);
    assertThat(words.nulls()).containsExactly(false, true, true);
  }

  @Test
  void readsAVectorWithoutANameBesideSparseOnes() {
    CreateCollection.Builder create =
        NativeCollection.unnamed(1, Distance.Dot)
            .setSparseVectorsConfig(
                SparseVectorConfig.newBuilder()
                    .putMap("words", SparseVectorParams.getDefaultInstance()));
    RecordBatch batch =
        new RecordBatch(
            IdColumn.ofStrings("a", "b"),
            List.of(
                new DenseVectors("", 1, new float[] {1, 0}, new boolean[] {false, true}),
                new SparseVectors(
                    "words", new int[] {0, 1, 2}, new int[] {3, 4}, new float[] {5, 6}, null)),
            TextColumn.allNull(2),
            TextColumn.allNull(2));
    load(
        new LoadSchema(
            List.of(
                new VectorFieldInfo("", 1, Metric.IP, 0, "", Map.of()),
                new VectorFieldInfo(
                    "words",
                    VectorKind.SPARSE,
                    ElementType.FLOAT32,
                    0,
                    Metric.IP,
                    0,
                    "",
                    Map.of())),
            Set.of(IdKind.STRING),
            "test",
            2),
        targetSettings(),
        batch);
    try (VectorStore store = open(targetSettings())) {
      RecordBatch read = store.fetch(batch.ids());
      assertThat(((DenseVectors) read.vectors().get(0)).nulls()).containsExactly(false, true);
      assertThat(((DenseVectors) read.vectors().get(0)).values()).containsExactly(1, 0);
      assertThat(((SparseVectors) read.vectors().get(1)).indices()).startsWith(3, 4);
    }
    assertThat(create.getVectorsConfig().hasParams()).isTrue();
  }

  @Test
  void anAliasLeadsToItsCollection() {
    String alias = QdrantTests.uniqueName();
    try (NativeCollection one =
            new NativeCollection(url, NativeCollection.unnamed(1, Distance.Dot));
        NativeCollection other =
            new NativeCollection(url, NativeCollection.unnamed(1, Distance.Dot))) {
      one.upsert(NativeCollection.point("1", Map.of(), 1f));
      other.upsert(NativeCollection.point("2", Map.of(), 2f));
      one.alias(alias);
      try (VectorStore store = open(QdrantTests.settings("source", url, alias))) {
        CollectionInfo info = store.describe();
        assertThat(info.collection()).isEqualTo(one.name());
        assertThat(info.configuration())
            .containsEntry("alias", alias)
            .containsEntry("aliases", alias);
        assertThat(store.assess())
            .extracting(Finding::message)
            .contains(
                "'" + alias + "' is an alias of collection '" + one.name() + "', which is read.");
        other.alias(alias);
        assertThat(readAll(store).ids().get(0)).as("reads what was described").isEqualTo("1");
        assertThat(store.describe().fingerprint()).isNotEqualTo(info.fingerprint());
        assertThat(readAll(store).ids().get(0)).isEqualTo("2");
        assertThatThrownBy(() -> store.create(schema(Metric.IP, 1, IdKind.UINT64), STAMP))
            .hasMessage(
                "'"
                    + alias
                    + "' is an alias of collection '"
                    + other.name()
                    + "'. A load needs a name of its own; give the name of a collection that is not"
                    + " there.");
        assertThatThrownBy(() -> store.drop(STAMP)).hasMessageContaining("is an alias of");
      }
    }
  }

  @Test
  void describesWhatIsWorthKeeping() {
    try (NativeCollection source =
            new NativeCollection(url, NativeCollection.unnamed(2, Distance.Cosine));
        VectorStore store = open(source.settings())) {
      source.upsert(NativeCollection.point("1", Map.of("category", QdrantTests.text("x")), 3f, 4f));
      source.call(
          PointsGrpc.getCreateFieldIndexMethod(),
          CreateFieldIndexCollection.newBuilder()
              .setCollectionName(source.name())
              .setFieldName("category")
              .setFieldType(FieldType.FieldTypeKeyword)
              .setWait(true)
              .build());
      source.call(
          SnapshotsGrpc.getCreateMethod(),
          CreateSnapshotRequest.newBuilder().setCollectionName(source.name()).build());
      CollectionInfo info = store.describe();
      assertThat(info.configuration())
          .containsEntry("status", "green")
          .containsEntry("optimizer", "ok")
          .containsKey("segments");
      assertThat(info.configuration().get("snapshots")).startsWith(source.name());
      assertThat(info.configuration().get("payload index category")).contains("Keyword");
      assertThat(info.configuration().get("collection"))
          .contains("\"size\":\"2\",\"distance\":\"Cosine\"")
          .contains("\"hnswConfig\":{\"m\":\"16\",\"efConstruct\":\"100\"");
      VectorFieldInfo field = info.vectors().get(0);
      assertThat(field.indexType()).isEqualTo("HNSW");
      assertThat(field.indexParams())
          .containsEntry("M", "16")
          .containsEntry("efConstruction", "100");
      assertThat(store.assess())
          .extracting(Finding::message)
          .contains(
              "vector '': Qdrant has normalised vectors when they were written; what length they had"
                  + " is not known.");
      assertThat(readAll(store).onlyVectors().values()).containsExactly(0.6f, 0.8f);
    }
  }

  @Test
  void theFingerprintSeesChangesOfNumberAndOfContent() {
    try (NativeCollection source =
            new NativeCollection(url, NativeCollection.unnamed(1, Distance.Dot));
        VectorStore store = open(source.settings())) {
      for (int i = 0; i < 20; i++) {
        source.upsert(NativeCollection.point("" + i, Map.of(), (float) i));
      }
      String before = store.describe().fingerprint();
      assertThat(store.describe().fingerprint()).isEqualTo(before);
      source.upsert(NativeCollection.point("20", Map.of(), 20f));
      String more = store.describe().fingerprint();
      assertThat(more).isNotEqualTo(before);
      for (int i = 0; i < 21; i++) {
        source.upsert(NativeCollection.point("" + i, Map.of(), i + 0.5f));
      }
      assertThat(store.describe().fingerprint()).isNotEqualTo(more);
    }
  }

  @Test
  void splitsNumbersAndUuidsIntoRanges() {
    try (NativeCollection source =
            new NativeCollection(url, NativeCollection.unnamed(1, Distance.Dot));
        VectorStore store = open(source.settings())) {
      List<PointStruct> points = new ArrayList<>();
      for (int i = 0; i < 300; i++) {
        points.add(NativeCollection.point("" + (1_000_000 + i * 3), Map.of(), 1f));
        points.add(
            NativeCollection.point(
                new java.util.UUID(0x123456789L * i << 20, i).toString(), Map.of(), 1f));
      }
      source.upsert(points.toArray(PointStruct[]::new));
      assertRanges(store.split(7), store, 600);
      Layout layout = new Catalogue(connection(source), Settings.of(source.settings())).look();
      // As if it were too large to be listed.
      List<SourceRange> sampled = new Splits(connection(source), layout).split(7, 600_000);
      assertThat(sampled).hasSizeBetween(3, 7);
      assertThat(sampled.stream().mapToLong(SourceRange::rows).sum()).isEqualTo(600_000);
      assertRanges(sampled, store, 600);
    }
  }

  private Connection connection(NativeCollection source) {
    return Connection.open(
        Settings.of(source.settings()).address(),
        TlsSettings.of(source.settings()),
        null,
        "source",
        Connection.LARGEST_ANSWER);
  }

  private static void assertRanges(List<SourceRange> ranges, VectorStore store, int rows) {
    List<String> ids = new ArrayList<>();
    for (int i = 0; i < ranges.size(); i++) {
      if (i > 0) {
        assertThat(ranges.get(i).start()).isEqualTo(ranges.get(i - 1).end());
      }
      try (BatchReader reader = store.read(ranges.get(i), null, 17)) {
        for (RecordBatch batch = reader.next(); batch != null; batch = reader.next()) {
          for (int row = 0; row < batch.rows(); row++) {
            ids.add(batch.ids().get(row));
          }
        }
        assertThat(reader.cursor()).isEqualTo(ranges.get(i).end());
      }
    }
    assertThat(ids).hasSize(rows).doesNotHaveDuplicates();
  }

  @Test
  void waitsUntilDeferredPointsCanBeRead() {
    Assumptions.assumeTrue(QdrantTests.isTestServer(server()) && isNew());
    try (NativeCollection source =
            new NativeCollection(url, NativeCollection.unnamed(1, Distance.Dot));
        VectorStore store = open(source.settings())) {
      source.upsert(NativeCollection.point("1", Map.of(), 1f));
      QdrantTests.control(
          url,
          source.name(),
          Struct.newBuilder()
              .putFields("deferred", integer(5))
              .putFields("seconds", QdrantTests.number(1.5)));
      long start = System.nanoTime();
      store.describe();
      assertThat(System.nanoTime() - start).isGreaterThan(1_000_000_000L);
    }
  }

  @Test
  void saysWhatStateASourceIsIn() {
    Assumptions.assumeTrue(QdrantTests.isTestServer(server()) && isNew());
    try (NativeCollection source =
            new NativeCollection(url, NativeCollection.unnamed(1, Distance.Dot));
        VectorStore store = open(source.settings())) {
      String collection = "collection '" + source.name() + "' ";
      QdrantTests.control(
          url,
          source.name(),
          Struct.newBuilder()
              .putFields("status", QdrantTests.text("red"))
              .putFields("error", QdrantTests.text("No space left on device")));
      assertThat(store.assess())
          .extracting(Finding::message)
          .contains(
              collection
                  + "is red: the server could not optimize it (No space left on device). It can be"
                  + " read; updates may be missing from it.");
      QdrantTests.control(
          url, source.name(), Struct.newBuilder().putFields("status", QdrantTests.text("grey")));
      assertThat(store.assess())
          .extracting(Finding::message)
          .contains(
              collection
                  + "is grey: since its start the server waits for a write before it optimizes."
                  + " Reading needs none.");
      QdrantTests.control(
          url,
          source.name(),
          Struct.newBuilder()
              .putFields("status", QdrantTests.text("yellow"))
              .putFields("seconds", QdrantTests.number(30)));
      assertThat(store.assess())
          .extracting(Finding::message)
          .contains(collection + "is being optimized; reading it is slower.");
    }
  }

  // Target

  @Test
  void setsUpWhatTheSpecAsksFor() {
    StoreSettings settings =
        targetSettings(
            "partitionKey", "tenant.id",
            "options.onDisk", "true",
            "options.onDiskPayload", "false");
    settings
        .values()
        .withObjectProperty("options")
        .putObject("payloadIndexes")
        .put("price", "float");
    LoadSchema schema =
        new LoadSchema(
            List.of(
                new VectorFieldInfo(
                    "", 4, Metric.COSINE, 0, "HNSW_SQ", Map.of("M", "24", "ef_construct", "200"))),
            Set.of(IdKind.INT64),
            "test",
            0);
    try (VectorStore store = open(settings)) {
      store.create(schema, STAMP);
      io.qdrant.client.grpc.Collections.CollectionInfo loading = info();
      assertThat(loading.getConfig().getHnswConfig().getM()).as("while it is loaded").isZero();
      store.create(schema, STAMP);
      store.finishLoad(List.of(), STAMP);
      store.finishLoad(List.of(), STAMP);
    }
    io.qdrant.client.grpc.Collections.CollectionInfo made = info();
    assertThat(made.getConfig().getHnswConfig().getM()).isEqualTo(24);
    assertThat(made.getConfig().getHnswConfig().getEfConstruct()).isEqualTo(200);
    assertThat(made.getConfig().getQuantizationConfig().getScalar().getQuantile()).isEqualTo(0.99f);
    assertThat(made.getConfig().getParams().getVectorsConfig().getParams().getOnDisk()).isTrue();
    assertThat(made.getConfig().getParams().getOnDiskPayload()).isFalse();
    assertThat(made.getPayloadSchemaMap().get("price").getDataType())
        .isEqualTo(PayloadSchemaType.Float);
    assertThat(
            made.getPayloadSchemaMap()
                .get("\"tenant.id\"")
                .getParams()
                .getKeywordIndexParams()
                .getIsTenant())
        .isEqualTo(isNew());
    if (isNew()) {
      assertThat(made.getConfig().getMetadataMap())
          .containsOnlyKeys("_vecferry_note", "_vecferry_document_key");
    }
  }

  private io.qdrant.client.grpc.Collections.CollectionInfo info() {
    try (Connection connection = QdrantTests.connect(url)) {
      return new Catalogue(connection, Settings.of(targetSettings())).info(target);
    }
  }

  @Test
  void nativeUsersSeeCleanPointsWhereQdrantHasEverything() {
    RecordBatch batch =
        new RecordBatch(
            IdColumn.of(IdKind.INT64, TextColumn.of("1", "2")),
            List.of(new DenseVectors("", 2, new float[] {0.6f, 0.8f, 1, 0})),
            TextColumn.of("text", null),
            TextColumn.of("{\"a\":1}", null));
    load(schema(Metric.COSINE, 2, IdKind.INT64), targetSettings(), batch);
    try (Connection connection = QdrantTests.connect(url)) {
      assertThat(
              connection
                  .call(
                      PointsGrpc.getScrollMethod(),
                      RangeReader.page(target, PointKey.FIRST, 10, true),
                      "testing")
                  .getResultList())
          .extracting(point -> point.getPayloadMap())
          .containsExactly(Map.of("a", integer(1), "document", QdrantTests.text("text")), Map.of());
    }
  }

  @Test
  void cosineGivesUnitVectorsExactlyAndOthersWithinTwoBits() {
    float[] values = {0.6f, 0.8f, 3, 4, 0, 0, 1e-5f, 2e-5f, 1e9f, 2e9f, 0.1f, 0.2f};
    String[] ids = {"unit", "long", "zero", "tiny", "huge", "short"};
    RecordBatch batch = batch(IdKind.STRING, 2, ids, values);
    load(schema(Metric.COSINE, 2, IdKind.STRING), targetSettings(), batch);
    try (VectorStore store = open(targetSettings())) {
      float[] read = store.fetch(batch.ids()).onlyVectors().values();
      for (int i = 0; i < values.length; i++) {
        boolean exact = i < 2 || (i >= 4 && i < 8);
        assertThat(Math.abs(read[i] - values[i]))
            .as("component %d", i)
            .isLessThanOrEqualTo(exact ? 0 : 2 * Math.ulp(values[i]));
      }
      Neighbours found = store.search("", new float[] {3, 4}, 1, 2);
      assertThat(List.of(found.ids().get(0), found.ids().get(1)))
          .containsExactlyInAnyOrder("unit", "long");
      assertThat(found.scores()[0]).isCloseTo(1, within(1e-6f));
    }
  }

  @Test
  void cosineRefusesWhatItWouldTurnIntoZeros() {
    try (VectorStore store = open(targetSettings())) {
      store.create(schema(Metric.COSINE, 2, IdKind.STRING), STAMP);
      try (BatchWriter writer = store.write("p0", STAMP)) {
        writer.write(
            batch(
                IdKind.STRING,
                2,
                new String[] {"good", "too long", "infinite"},
                1,
                0,
                1e30f,
                1e30f,
                Float.POSITIVE_INFINITY,
                0));
        assertThat(writer.finish())
            .extracting(Reject::id, Reject::reason)
            .containsExactlyInAnyOrder(
                tuple(
                    "too long",
                    "vector '' is so long that its squared length is no 32-bit float; under cosine"
                        + " Qdrant would store zeros"),
                tuple("infinite", "vector '' is Infinity at component 0"));
        assertThat(writer.acknowledged()).isEqualTo(3);
      }
      store.finishLoad(List.of("p0"), STAMP);
      assertThat(store.describe().rows()).isEqualTo(1);
    }
  }

  @Test
  void scoresAreOnTheCommonScale() {
    for (Metric metric : List.of(Metric.L2, Metric.IP, Metric.COSINE, Metric.L1)) {
      load(
          schema(metric, 2, IdKind.INT64),
          targetSettings(),
          batch(IdKind.INT64, 2, new String[] {"1", "2"}, 3, 4, 30, -40));
      try (VectorStore store = open(targetSettings())) {
        Neighbours found = store.search("", new float[] {0, 1}, 1, 1);
        assertThat(found.ids().get(0)).isEqualTo("1");
        assertThat(found.ids().kind(0)).isEqualTo(IdKind.INT64);
        float expected =
            switch (metric) {
              case L2 -> 18;
              case IP -> 4;
              case COSINE -> 0.8f;
              default -> 6;
            };
        assertThat(found.scores()[0]).isCloseTo(expected, within(1e-5f));
        store.drop(STAMP);
      }
    }
  }

  @Test
  void searchesWithTheBeamThatTheSpecNames() {
    load(
        schema(Metric.L2, 2, IdKind.INT64),
        targetSettings(),
        batch(IdKind.INT64, 2, new String[] {"1", "2"}, 3, 4, 30, -40));
    StoreSettings settings = targetSettings();
    settings.values().withObjectProperty("index").putObject("params").put("ef_search", 64);
    try (VectorStore store = open(settings)) {
      assertThat(store.search("", new float[] {3, 4}, 1, 1).ids().get(0)).isEqualTo("1");
      assertThat(store.search("", new float[0], 0, 1).ids().rows()).isZero();
      assertThatThrownBy(() -> store.search("title", new float[2], 1, 1))
          .hasMessage(
              "collection '" + target + "' has no dense vector field 'title' to search; it has []");
    }
  }

  @Test
  void namesThatQdrantCannotHaveAreMappedAndComeBack() {
    LoadSchema schema =
        new LoadSchema(
            List.of(
                new VectorFieldInfo("", 1, Metric.L2, 0, "", Map.of()),
                new VectorFieldInfo("a/b:c", 1, Metric.L2, 0, "", Map.of()),
                new VectorFieldInfo("a_b_c", 1, Metric.L2, 0, "", Map.of()),
                new VectorFieldInfo("x".repeat(300), 1, Metric.L2, 0, "", Map.of())),
            Set.of(IdKind.STRING),
            "test",
            1);
    RecordBatch batch =
        new RecordBatch(
            IdColumn.ofStrings("r"),
            IntStream.range(0, 4)
                .<VectorColumn>mapToObj(
                    i -> new DenseVectors(schema.vectors().get(i).name(), 1, new float[] {i + 1}))
                .toList(),
            TextColumn.allNull(1),
            TextColumn.allNull(1));
    load(schema, targetSettings(), batch);
    try (VectorStore store = open(targetSettings())) {
      assertThat(info().getConfig().getParams().getVectorsConfig().getParamsMap().getMapMap())
          .containsKeys("vector", "a_b_c", "a_b_c_")
          .doesNotContainKey("a/b:c");
      RecordBatch read = readAll(store);
      for (int i = 0; i < 4; i++) {
        String name = schema.vectors().get(i).name();
        assertThat(
                read.vectors().stream()
                    .filter(column -> column.name().equals(name))
                    .map(column -> ((DenseVectors) column).values()[0]))
            .containsExactly(i + 1f);
      }
      assertThat(store.search("a/b:c", new float[] {2}, 1, 1).ids().get(0)).isEqualTo("r");
    }
  }

  /** Somebody goes on using the collection, with ids of its own. */
  @Test
  void pointsThatOthersAddAreReadAsTheyAre() {
    load(
        schema(Metric.L2, 1, IdKind.STRING),
        targetSettings(),
        batch(IdKind.STRING, 1, new String[] {"mine"}, 1));
    try (VectorStore store = open(targetSettings());
        Connection connection = QdrantTests.connect(url)) {
      assertThat(store.describe().idKinds()).containsExactly(IdKind.STRING);
      connection.call(
          PointsGrpc.getUpsertMethod(),
          UpsertPoints.newBuilder()
              .setCollectionName(target)
              .setWait(true)
              .addPoints(
                  NativeCollection.spoken(
                      NativeCollection.point(UUID, Map.of(), 2f), connection.version()))
              .addPoints(
                  NativeCollection.spoken(
                      NativeCollection.point("5", Map.of(), 3f), connection.version()))
              .build(),
          "testing");
      store.assess();
      assertThat(store.describe().idKinds())
          .containsExactlyInAnyOrder(IdKind.STRING, IdKind.UUID, IdKind.UINT64);
      RecordBatch read = readAll(store);
      assertThat(IntStream.range(0, 3).mapToObj(read.ids()::get))
          .containsExactlyInAnyOrder("mine", UUID, "5");
      assertThat(read.ids().kinds())
          .containsExactlyInAnyOrder(IdKind.STRING, IdKind.UUID, IdKind.UINT64);
    }
  }

  // Same type

  /** Qdrant to archive to Qdrant gives the same collection, configuration and all. */
  @Test
  void aCopyIsSetUpAsItsSource() {
    Assumptions.assumeTrue(isNew());
    CreateCollection.Builder create =
        everyKind()
            .setHnswConfig(HnswConfigDiff.newBuilder().setM(8).setEfConstruct(64))
            .setOnDiskPayload(true)
            .setQuantizationConfig(
                QuantizationConfig.newBuilder()
                    .setScalar(ScalarQuantization.newBuilder().setTypeValue(1).setQuantile(0.95f)))
            .setStrictModeConfig(
                StrictModeConfig.newBuilder().setEnabled(true).setUpsertMaxBatchsize(1))
            .putMetadata("owner", QdrantTests.text("search team"));
    create
        .getVectorsConfigBuilder()
        .getParamsMapBuilder()
        .putMap(
            "title",
            NativeCollection.params(2, Distance.Manhattan)
                .setOnDisk(true)
                .setHnswConfig(HnswConfigDiff.newBuilder().setM(32))
                .setQuantizationConfig(
                    QuantizationConfig.newBuilder()
                        .setBinary(BinaryQuantization.newBuilder().setAlwaysRam(true)))
                .build());
    create
        .getSparseVectorsConfigBuilder()
        .putMap(
            "words",
            SparseVectorParams.newBuilder()
                .setModifier(Modifier.Idf)
                .setIndex(SparseIndexConfig.newBuilder().setOnDisk(true).setFullScanThreshold(77))
                .build());
    try (NativeCollection source = new NativeCollection(url, create);
        VectorStore from = open(source.settings())) {
      for (PointStruct point : everyKindPoints()) {
        source.upsert(point);
      }
      source.call(
          PointsGrpc.getCreateFieldIndexMethod(),
          CreateFieldIndexCollection.newBuilder()
              .setCollectionName(source.name())
              .setFieldName("category")
              .setFieldType(FieldType.FieldTypeKeyword)
              .setWait(true)
              .build());
      CollectionInfo described = from.describe();
      LoadSchema schema =
          new LoadSchema(
              described.vectors().stream()
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
                              Map.of()))
                  .toList(),
              described.idKinds(),
              described.store(),
              described.rows(),
              RecordProfile.EMPTY,
              described.configuration(),
              described.vectors());
      load(schema, targetSettings(), readAll(from));
      try (VectorStore to = open(targetSettings())) {
        assertEveryKind(readAll(to));
        assertThat(to.describe().vectors()).isEqualTo(described.vectors());
        assertThat(to.describe().idKinds()).isEqualTo(described.idKinds());
        assertThat(to.describe().configuration().get("collection"))
            .isEqualTo(described.configuration().get("collection"));
        assertThat(to.describe().configuration().get("payload index category"))
            .isEqualTo(described.configuration().get("payload index category"));
      }
    }
  }

  // Strict mode, limits and states

  @Test
  void obeysStrictMode() {
    Assumptions.assumeTrue(isNew());
    StrictModeConfig mode =
        StrictModeConfig.newBuilder()
            .setEnabled(true)
            .setMaxQueryLimit(5)
            .setUpsertMaxBatchsize(3)
            .setSearchMaxBatchsize(2)
            .setSearchMaxHnswEf(10)
            .setUnindexedFilteringRetrieve(false)
            .build();
    String[] ids = IntStream.range(0, 20).mapToObj(i -> "row-" + i).toArray(String[]::new);
    load(
        schema(Metric.L2, 1, IdKind.STRING),
        targetSettings(),
        batch(IdKind.STRING, 1, ids, new float[20]));
    try (Connection connection = QdrantTests.connect(url)) {
      connection.call(
          CollectionsGrpc.getUpdateMethod(),
          UpdateCollection.newBuilder().setCollectionName(target).setStrictModeConfig(mode).build(),
          "testing");
    }
    StoreSettings settings = targetSettings();
    settings.values().withObjectProperty("index").putObject("params").put("ef", 64);
    try (VectorStore store = open(settings)) {
      store.assess();
      assertThat(store.describe().configuration()).containsEntry("strict mode", "on");
      assertThat(store.describe().idKinds())
          .as("cannot be looked up without an index")
          .containsExactlyInAnyOrder(IdKind.STRING, IdKind.UUID);
      assertRanges(store.split(3), store, 20);
      assertThat(store.search("", new float[5], 5, 5).counts()).containsExactly(5, 5, 5, 5, 5);
      assertThatThrownBy(() -> store.search("", new float[1], 1, 6))
          .hasMessage(
              "strict mode of collection '"
                  + target
                  + "' allows 5 answers per query, 6 were asked for. Lower quality.topK.");
      try (BatchWriter writer = store.write("p0", STAMP)) {
        writer.write(batch(IdKind.STRING, 1, ids, new float[20]));
        assertThat(writer.finish()).isEmpty();
      }
    }
  }

  @Test
  void waitsWhenItReadsTooFast() {
    Assumptions.assumeTrue(isNew());
    CreateCollection.Builder create =
        NativeCollection.unnamed(1, Distance.Dot)
            .setStrictModeConfig(
                StrictModeConfig.newBuilder().setEnabled(true).setReadRateLimit(60));
    try (NativeCollection source = new NativeCollection(url, create);
        VectorStore store = open(source.settings())) {
      PointStruct[] points =
          IntStream.range(0, 80)
              .mapToObj(i -> NativeCollection.point("" + i, Map.of(), 1f))
              .toArray(PointStruct[]::new);
      source.upsert(points);
      SourceRange all = store.split(1).get(0);
      int rows = 0;
      try (BatchReader reader = store.read(all, null, 1)) {
        for (RecordBatch batch = reader.next(); batch != null && rows < 62; batch = reader.next()) {
          rows += batch.rows();
        }
      }
      assertThat(rows).isEqualTo(62);
    }
  }

  @Test
  void cutsWhatIsLargerThanTheRateOfAMinute() {
    Assumptions.assumeTrue(isNew());
    String[] ids = IntStream.range(0, 44).mapToObj(i -> "row-" + i).toArray(String[]::new);
    try (VectorStore store = open(targetSettings())) {
      store.create(schema(Metric.L2, 1, IdKind.STRING), STAMP);
      try (BatchWriter writer = store.write("p0", STAMP);
          Connection connection = QdrantTests.connect(url)) {
        connection.call(
            CollectionsGrpc.getUpdateMethod(),
            UpdateCollection.newBuilder()
                .setCollectionName(target)
                .setStrictModeConfig(
                    StrictModeConfig.newBuilder().setEnabled(true).setWriteRateLimit(40))
                .build(),
            "testing");
        // The writer was opened before the limit was set, and learns of it by being refused.
        writer.write(batch(IdKind.STRING, 1, ids, new float[44]));
        assertThat(writer.finish()).isEmpty();
      }
      assertThat(store.describe().rows()).isEqualTo(44);
    }
  }

  @Test
  void waitsForGreenAndWakesAGreyCollection() {
    Assumptions.assumeTrue(QdrantTests.isTestServer(server()) && isNew());
    try (VectorStore store = open(targetSettings())) {
      store.create(schema(Metric.L2, 1, IdKind.STRING), STAMP);
      store.finishLoad(List.of(), STAMP);
      control("grey", "");
      assertThat(info().getStatus()).isEqualTo(CollectionStatus.Grey);
      store.awaitIndexes(STAMP);
      assertThat(info().getStatus()).isEqualTo(CollectionStatus.Green);

      control("yellow", "");
      long start = System.nanoTime();
      store.awaitIndexes(STAMP);
      assertThat(System.nanoTime() - start).isGreaterThan(500_000_000L);

      control("red", "No space left on device");
      assertThatThrownBy(() -> store.awaitIndexes(STAMP))
          .isInstanceOfSatisfying(
              StoreException.class,
              e -> assertThat(e.failureClass()).isEqualTo(FailureClass.RESOURCE_EXHAUSTED))
          .hasMessage(
              "collection '"
                  + target
                  + "' is red: the server could not optimize it (No space left on device). Look at"
                  + " the server's log, disk and memory; retry when that is solved.");
    }
  }

  private void control(String status, String error) {
    QdrantTests.control(
        url,
        target,
        Struct.newBuilder()
            .putFields("status", QdrantTests.text(status))
            .putFields("error", QdrantTests.text(error))
            .putFields("seconds", QdrantTests.number(1)));
  }

  /** Pages of points that are larger than expected are asked for again in halves. */
  @Test
  void halvesPagesThatAreTooLargeForTheChannel() {
    try (NativeCollection source =
        new NativeCollection(url, NativeCollection.unnamed(1, Distance.Dot))) {
      String large = "x".repeat(20_000);
      PointStruct[] points =
          IntStream.range(0, 100)
              .mapToObj(
                  i ->
                      (NativeCollection.point("" + i, Map.of("text", QdrantTests.text(large)), 1f)))
              .toArray(PointStruct[]::new);
      source.upsert(points);
      Settings settings = Settings.of(source.settings());
      Connection narrow =
          Connection.open(settings.address(), QdrantTests.USUAL_TLS, null, "source", 500_000);
      try (VectorStore store = new QdrantStore(narrow, settings)) {
        assertRanges(store.split(1), store, 100);
        try (BatchReader reader = store.read(store.split(1).get(0), null, 100)) {
          assertThat(reader.next().rows()).isBetween(1, 25);
        }
        String[] ids = IntStream.range(0, 100).mapToObj(Integer::toString).toArray(String[]::new);
        assertThat(store.fetch(IdColumn.of(IdKind.UINT64, TextColumn.of(ids))).rows())
            .isEqualTo(100);
      }
    }
  }

  static Value integer(long number) {
    return Value.newBuilder().setIntegerValue(number).build();
  }

  private static Value list(Value... values) {
    return Value.newBuilder()
        .setListValue(ListValue.newBuilder().addAllValues(List.of(values)))
        .build();
  }
}
