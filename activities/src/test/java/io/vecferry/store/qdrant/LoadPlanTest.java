package io.vecferry.store.qdrant;

import static org.assertj.core.api.Assertions.assertThat;

import io.qdrant.client.grpc.Collections.CreateCollection;
import io.qdrant.client.grpc.Collections.Datatype;
import io.qdrant.client.grpc.Collections.Distance;
import io.qdrant.client.grpc.Collections.UpdateCollection;
import io.qdrant.client.grpc.Points.CreateFieldIndexCollection;
import io.vecferry.plan.Finding;
import io.vecferry.plan.RecordProfile;
import io.vecferry.record.ElementType;
import io.vecferry.record.IdKind;
import io.vecferry.record.VectorKind;
import io.vecferry.store.LoadSchema;
import io.vecferry.store.LoadStamp;
import io.vecferry.store.Metric;
import io.vecferry.store.StoreSettings;
import io.vecferry.store.VectorFieldInfo;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

class LoadPlanTest {
  private static final ServerVersion NEW = ServerVersion.parse("1.18.3");
  private static final ServerVersion OLD = ServerVersion.parse("1.10.0");

  @Test
  void defaultsAreTheServers() {
    LoadPlan plan = plan(field("", Metric.L2, "", Map.of()));
    assertThat(plan.findings()).isEmpty();
    CreateCollection create = plan.creation().create();
    assertThat(create.getCollectionName()).isEqualTo("products");
    assertThat(create.getVectorsConfig().getParams().getSize()).isEqualTo(4);
    assertThat(create.getVectorsConfig().getParams().getDistance()).isEqualTo(Distance.Euclid);
    assertThat(create.getVectorsConfig().getParams().hasDatatype()).isFalse();
    assertThat(create.getHnswConfig().getM()).isZero();
    assertThat(create.hasQuantizationConfig()).isFalse();
    assertThat(plan.creation().later().getHnswConfig().getM()).isEqualTo(16);
    assertThat(plan.payloadIndexes()).isEmpty();
  }

  @Test
  void takesIndexParametersInAllSpellings() {
    for (String m : List.of("M", "m", "max_neighbors", "hnsw:M")) {
      for (String ef : List.of("efConstruction", "ef_construct", "ef_construction")) {
        LoadPlan plan =
            plan(field("", Metric.L2, "hnsw", Map.of(m, "24", ef, "200", "efSearch", "50")));
        assertThat(plan.findings()).isEmpty();
        assertThat(plan.creation().later().getHnswConfig().getM()).isEqualTo(24);
        assertThat(plan.creation().create().getHnswConfig().getEfConstruct()).isEqualTo(200);
      }
    }
  }

  @Test
  void knowsTheIndexesThatQdrantHas() {
    assertThat(
            plan(field("", Metric.L2, "FLAT", Map.of())).creation().later().getHnswConfig().getM())
        .isZero();
    assertThat(quantized("HNSW_SQ").getQuantizationConfig().hasScalar()).isTrue();
    assertThat(quantized("HNSW_PQ").getQuantizationConfig().hasProduct()).isTrue();
    assertThat(quantized("HNSW_BQ").getQuantizationConfig().hasBinary()).isTrue();
    assertFinding(
        plan(field("", Metric.L2, "IVF_FLAT", Map.of("nlist", "1024"))),
        Finding.blocking(
            "target.index.type",
            "Qdrant has no index of type 'IVF_FLAT', only a graph that may be quantized.",
            "Use one of HNSW, FLAT, HNSW_SQ, HNSW_PQ, HNSW_BQ, or leave it out, which means HNSW."),
        Finding.blocking(
            "target.index.params.nlist",
            "is no parameter of Qdrant's graph.",
            "Known: M, ef, efConstruction, fullScanThreshold, maxIndexingThreads, onDisk,"
                + " payloadM."));
    assertFinding(
        plan(field("", Metric.L2, "HNSW", Map.of("M", "one"))),
        Finding.blocking(
            "target.index.params.M",
            "must be a whole number from 2 to 10000, got one.",
            "Correct it or leave it out."));
    assertFinding(
        plan(field("", Metric.L2, "FLAT", Map.of("M", "16"))),
        Finding.blocking(
            "target.index.params.M", "FLAT means no graph, which has no degree.", "Leave it out."));
  }

  private CreateCollection quantized(String type) {
    return plan(field("", Metric.L2, type, Map.of())).creation().create();
  }

  @Test
  void fieldsOfAllKindsGetTheirPlaces() {
    LoadPlan plan =
        plan(
            field("title", Metric.COSINE, "", Map.of()),
            new VectorFieldInfo(
                "body", VectorKind.DENSE, ElementType.UINT8, 4, Metric.IP, 0, "", Map.of()),
            new VectorFieldInfo(
                "half", VectorKind.DENSE, ElementType.FLOAT16, 4, Metric.L1, 0, "", Map.of()),
            new VectorFieldInfo(
                "colbert", VectorKind.MULTI, ElementType.FLOAT32, 4, Metric.IP, 0, "", Map.of()),
            new VectorFieldInfo(
                "", VectorKind.SPARSE, ElementType.FLOAT32, 0, Metric.IP, 0, "", Map.of()));
    CreateCollection create = plan.creation().create();
    var map = create.getVectorsConfig().getParamsMap().getMapMap();
    assertThat(map).containsOnlyKeys("title", "body", "half", "colbert");
    assertThat(map.get("body").getDatatype()).isEqualTo(Datatype.Uint8);
    assertThat(map.get("half").getDatatype()).isEqualTo(Datatype.Float16);
    assertThat(map.get("half").getDistance()).isEqualTo(Distance.Manhattan);
    assertThat(map.get("colbert").hasMultivectorConfig()).isTrue();
    assertThat(create.getSparseVectorsConfig().getMapMap()).containsOnlyKeys("sparse");
    assertThat(
            plan.note(new LoadStamp("m", "l"), UpdateCollection.getDefaultInstance())
                .load()
                .vectorNames())
        .containsEntry("sparse", "");
  }

  @Test
  void saysWhatQdrantCannotHold() {
    assertFinding(
        plan(field("", Metric.HAMMING, "", Map.of())),
        Finding.blocking(
            "target.metric",
            "vector '': Qdrant cannot compare by hamming, only by cosine, l2, ip and l1.",
            "Choose a target that can; another metric would change the order of answers."));
    assertFinding(
        plan(new VectorFieldInfo("", 70_000, Metric.L2, 0, "", Map.of())),
        Finding.blocking(
            "target",
            "vector '': has 70000 components; Qdrant takes 1 to 65536.",
            "Choose another target for it."));
    assertFinding(
        plan(
            new VectorFieldInfo(
                "s", VectorKind.SPARSE, ElementType.FLOAT32, 0, Metric.L2, 0, "", Map.of())),
        Finding.blocking(
            "target.metric",
            "vector 's': Qdrant compares sparse vectors by inner product only, not by l2.",
            "Choose another target for it."));
    assertFinding(
        plan(), Finding.blocking("target", "the source has no vectors.", "Choose another source."));
    assertFinding(
        plan(
            new VectorFieldInfo(
                "", VectorKind.DENSE, ElementType.INT8, 4, Metric.L2, 0, "", Map.of())),
        Finding.info(
            "target",
            "vector '': Qdrant has no type int8; the components become 32-bit floats, which is"
                + " exact."));
  }

  @Test
  void saysWhatNormalisationDoes() {
    VectorFieldInfo cosine = field("", Metric.COSINE, "", Map.of());
    assertThat(messages(plan(profile(1, 1), cosine)))
        .containsExactly(
            "vector '': Qdrant normalises vectors under cosine; all that were looked at have unit"
                + " length already, and those stay as they are to the bit.");
    assertThat(messages(plan(profile(0.5, 3), cosine)))
        .containsExactly(
            "vector '': Qdrant normalises vectors under cosine. Users of the collection see unit"
                + " length; the original length goes into the payload key _vecferry_norm, and vecferry"
                + " gives the vectors back with it, within the last two bits of a component.");
    assertThat(messages(plan(profile(0.5, 1e20), cosine)))
        .containsExactly(
            "vector '': there are vectors of length 1.00e+20; under cosine Qdrant stores zeros"
                + " instead of vectors longer than 2e+19.");
    assertThat(
            messages(
                plan(
                    profile(1, 1),
                    new VectorFieldInfo(
                        "",
                        VectorKind.DENSE,
                        ElementType.FLOAT16,
                        4,
                        Metric.COSINE,
                        0,
                        "",
                        Map.of()))))
        .contains(
            "vector '': is stored as 32-bit floats, because in half precision Qdrant would change"
                + " vectors when it normalises them.");
  }

  @Test
  void saysWhatBecomesOfIds() {
    assertThat(messages(plan(Set.of(IdKind.STRING, IdKind.UUID))))
        .containsExactly(
            "Qdrant has whole numbers and UUIDs as ids only. Ids of kind string become version 5"
                + " UUIDs (of texts in the namespace 5f1d0c7e-3b1e-5a0c-9c59-6d1f6d7e2a41); the original"
                + " is in the payload key _vecferry_id.");
    assertThat(messages(plan(Set.of(IdKind.INT64))))
        .containsExactly(
            "Numbers stay ids; a negative one becomes a UUID, because Qdrant has none, with the"
                + " original in the payload key _vecferry_id.");
    assertThat(messages(plan(Set.of(IdKind.UINT64, IdKind.UUID)))).isEmpty();
  }

  @Test
  void saysWhereMetadataAndDocumentMeet() {
    RecordProfile profile =
        new RecordProfile(
            10,
            true,
            1,
            100,
            100,
            1,
            1,
            List.of(
                new RecordProfile.Key("document", 10, List.of("text"), 10),
                new RecordProfile.Key("price", 10, List.of("number"), 10)));
    assertFinding(
        plan(profile, field("", Metric.L2, "", Map.of())),
        Finding.warning(
            "target",
            "metadata has a key 'document', which the payload needs for something else; there it is"
                + " only in the text in _vecferry_metadata_json.",
            "Name another key in target.options.documentKey."));
  }

  @Test
  void namesOfCollectionsAreChecked() {
    for (String name : List.of("a/b", "..", ".", "x".repeat(256), "a:b", "what?")) {
      LoadPlan plan =
          new LoadPlan(
              schema(RecordProfile.EMPTY, Set.of(IdKind.UUID), field("", Metric.L2, "", Map.of())),
              Settings.of(QdrantTests.settings("target", "http://localhost", name)),
              NEW);
      assertFinding(
          plan,
          Finding.blocking(
              "target.collection",
              "'" + name + "' cannot be the name of a Qdrant collection.",
              "Use 1 to 255 characters without < > : \" / \\ | ? * and control characters."));
    }
  }

  @Test
  void pathsQuoteWhatIsNotPlain() {
    assertThat(Layout.path("", "tenant")).isEqualTo("tenant");
    assertThat(Layout.path("metadata", "tenant.id")).isEqualTo("metadata.\"tenant.id\"");
    assertThat(Layout.path("meta data", "tenant")).isEqualTo("\"meta data\".tenant");
    StoreSettings settings = QdrantTests.settings("target", "http://localhost", "products");
    settings.values().put("partitionKey", "the \"tenant\"");
    LoadSchema schema =
        schema(RecordProfile.EMPTY, Set.of(IdKind.UUID), field("", Metric.L2, "", Map.of()));
    assertFinding(
        new LoadPlan(schema, Settings.of(settings), OLD),
        Finding.blocking(
            "target.partitionKey",
            "Qdrant cannot index the payload key \"the \"tenant\"\": its paths have no keys with"
                + " \" or \\.",
            "Name another key, or leave it out."));
  }

  @Test
  void oldServersGetWhatTheyKnow() {
    StoreSettings settings = QdrantTests.settings("target", "http://localhost", "products");
    settings.values().put("partitionKey", "tenant");
    LoadSchema schema =
        schema(RecordProfile.EMPTY, Set.of(IdKind.UUID), field("", Metric.L2, "", Map.of()));
    LoadPlan plan = new LoadPlan(schema, Settings.of(settings), OLD);
    assertFinding(
        plan,
        Finding.warning(
            "target.partitionKey",
            "Qdrant 1.10.0 has no index for tenants; the key gets an ordinary keyword index.",
            "With 1.11 or newer the points of a tenant are stored together."));
    CreateFieldIndexCollection index = plan.payloadIndexes().get(0);
    assertThat(index.getFieldName()).isEqualTo("tenant");
    assertThat(index.getFieldIndexParams().getKeywordIndexParams().hasIsTenant()).isFalse();
    assertFinding(
        new LoadPlan(schema, Settings.of(settings), ServerVersion.parse("1.9.7")),
        Finding.blocking(
            "target.url",
            "the server is Qdrant 1.9.7; vecferry needs 1.10 or newer.",
            "Update the server."));
  }

  @Test
  void typesOfPayloadIndexesAreChecked() {
    StoreSettings settings = QdrantTests.settings("target", "http://localhost", "products");
    settings
        .values()
        .withObjectProperty("options")
        .putObject("payloadIndexes")
        .put("price", "decimal")
        .put("name", "Keyword");
    LoadPlan plan =
        new LoadPlan(
            schema(RecordProfile.EMPTY, Set.of(IdKind.UUID), field("", Metric.L2, "", Map.of())),
            Settings.of(settings),
            NEW);
    assertFinding(
        plan,
        Finding.blocking(
            "target.options.payloadIndexes.price",
            "must be one of keyword, integer, float, geo, text, bool, datetime, uuid, got"
                + " 'decimal'.",
            "Correct it."));
    assertThat(plan.payloadIndexes())
        .extracting(CreateFieldIndexCollection::getFieldName)
        .containsExactly("name");
  }

  @Test
  void notesGoThroughMetadataAndThroughAliases() {
    LoadPlan plan =
        plan(field("a/b", Metric.L2, "", Map.of()), field("c", Metric.L2, "", Map.of()));
    CollectionNote note = plan.note(new LoadStamp("p", "l"), plan.creation().later());
    assertThat(CollectionNote.find(note.toMetadata(), List.of())).contains(note);
    assertThat(CollectionNote.find(Map.of(), List.of("users", note.toAlias()))).contains(note);
    assertThat(CollectionNote.isNote(note.toAlias())).isTrue();
    assertThat(CollectionNote.find(Map.of(), List.of("_vecferry_note.!", "_vecferry_note.YQ")))
        .isEmpty();
    assertThat(CollectionNote.find(Map.of("_vecferry_note", QdrantTests.text("mine")), List.of()))
        .isEmpty();
    assertThat(Deferral.parse(note.unfinished())).isEqualTo(plan.creation().later());
  }

  private static VectorFieldInfo field(
      String name, Metric metric, String indexType, Map<String, String> parameters) {
    return new VectorFieldInfo(name, 4, metric, 0, indexType, parameters);
  }

  private static RecordProfile profile(double smallest, double largest) {
    return new RecordProfile(100, false, 1, -1, 0, smallest, largest, List.of());
  }

  private static LoadSchema schema(
      RecordProfile profile, Set<IdKind> kinds, VectorFieldInfo... fields) {
    return new LoadSchema(List.of(fields), kinds, "test", 1, profile, Map.of(), List.of());
  }

  private static LoadPlan plan(VectorFieldInfo... fields) {
    return plan(RecordProfile.EMPTY, fields);
  }

  private static LoadPlan plan(RecordProfile profile, VectorFieldInfo... fields) {
    return new LoadPlan(
        schema(profile, Set.of(IdKind.UUID), fields),
        Settings.of(QdrantTests.settings("target", "http://localhost", "products")),
        NEW);
  }

  private static LoadPlan plan(Set<IdKind> kinds) {
    return new LoadPlan(
        schema(RecordProfile.EMPTY, kinds, field("", Metric.L2, "", Map.of())),
        Settings.of(QdrantTests.settings("target", "http://localhost", "products")),
        NEW);
  }

  private static List<String> messages(LoadPlan plan) {
    return plan.findings().stream().map(Finding::message).toList();
  }

  private static void assertFinding(LoadPlan plan, Finding... expected) {
    assertThat(plan.findings()).contains(expected);
  }
}
