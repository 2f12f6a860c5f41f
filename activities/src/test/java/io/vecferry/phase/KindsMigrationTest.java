package io.vecferry.phase;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.tuple;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.vecferry.activity.CheckResult;
import io.vecferry.activity.MigrationActivities;
import io.vecferry.activity.PartActivities;
import io.vecferry.activity.PartTask;
import io.vecferry.activity.StepProgress;
import io.vecferry.activity.WholeTask;
import io.vecferry.plan.Finding;
import io.vecferry.plan.MigrationPlan;
import io.vecferry.plan.PlannedField;
import io.vecferry.record.DenseVectors;
import io.vecferry.record.ElementType;
import io.vecferry.record.IdColumn;
import io.vecferry.record.MultiVectors;
import io.vecferry.record.RecordBatch;
import io.vecferry.record.SparseVectors;
import io.vecferry.record.TextColumn;
import io.vecferry.record.VectorColumn;
import io.vecferry.record.VectorKind;
import io.vecferry.spec.MigrationSpec;
import io.vecferry.spec.SpecReader;
import io.vecferry.store.MemoryStore;
import io.vecferry.store.Metric;
import io.vecferry.store.StoreSettings;
import io.vecferry.store.Stores;
import io.vecferry.store.VectorFieldInfo;
import io.vecferry.store.VectorStore;
import io.vecferry.verify.RecordComparator;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** All steps of a migration of records with every kind of vector field. */
class KindsMigrationTest {
  private static final int ROWS = 300;

  @TempDir Path folder;

  private LocalSteps local;
  private MigrationActivities steps;
  private PartActivities parts;
  private CheckResult loaded;

  @BeforeEach
  void start() {
    local = new LocalSteps(folder.resolve("archive"));
    steps = local.whole();
    parts = local.parts();
  }

  @AfterEach
  void stop() {
    local.close();
    MemoryStore.forget("kinds-");
  }

  private static VectorFieldInfo field(
      String name, VectorKind kind, ElementType element, int dimension, Metric metric) {
    return new VectorFieldInfo(name, kind, element, dimension, metric, 0, "", Map.of());
  }

  private static final VectorFieldInfo DENSE =
      field("text", VectorKind.DENSE, ElementType.FLOAT32, 2, Metric.COSINE);
  private static final VectorFieldInfo SPARSE =
      field("lexical", VectorKind.SPARSE, ElementType.FLOAT32, 0, Metric.IP);
  private static final VectorFieldInfo MULTI =
      field("tokens", VectorKind.MULTI, ElementType.FLOAT16, 3, Metric.COSINE);
  private static final VectorFieldInfo BITS =
      field("bits", VectorKind.DENSE, ElementType.BIT, 16, Metric.HAMMING);

  /** Records that lack something of each field now and then; dense vectors have unit length. */
  private static VectorColumn column(VectorFieldInfo field) {
    boolean[] nulls = new boolean[ROWS];
    int[] offsets = new int[ROWS + 1];
    for (int row = 0; row < ROWS; row++) {
      nulls[row] = row % 7 == field.name().length() % 7;
      offsets[row + 1] = offsets[row] + (nulls[row] ? 0 : row % 4);
    }
    float[] values = new float[ROWS * 16];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) Math.sin(i);
    }
    int[] indices = new int[offsets[ROWS]];
    for (int i = 0; i < indices.length; i++) {
      indices[i] = 0x7fffff00 + i;
    }
    return switch (field.kind()) {
      case SPARSE -> new SparseVectors(field.name(), offsets, indices, values, nulls);
      case MULTI -> new MultiVectors(field.name(), field.dimension(), offsets, values, nulls);
      case DENSE -> {
        float[] dense = new float[ROWS * field.dimension()];
        for (int i = 0; i < dense.length; i++) {
          int row = i / field.dimension();
          double angle = row * 0.7;
          float unit = (float) (i % 2 == 0 ? Math.cos(angle) : Math.sin(angle));
          dense[i] = nulls[row] ? 0 : field == BITS ? (values[i] > 0 ? 1 : 0) : unit;
        }
        yield new DenseVectors(field.name(), field.dimension(), dense, nulls);
      }
    };
  }

  private static RecordBatch records(VectorFieldInfo... fields) {
    String[] ids = new String[ROWS];
    for (int row = 0; row < ROWS; row++) {
      ids[row] = "id-" + row;
    }
    List<VectorColumn> columns = new ArrayList<>();
    for (VectorFieldInfo field : fields) {
      columns.add(column(field));
    }
    return new RecordBatch(
        IdColumn.ofStrings(ids), columns, TextColumn.allNull(ROWS), TextColumn.allNull(ROWS));
  }

  private static MigrationSpec spec(String target) throws Exception {
    SpecReader.Result read =
        SpecReader.read(
            new ObjectMapper()
                .readTree(
                    """
                    {"name": "kinds", "source": {"type": "memory", "collection": "kinds-source"},
                     "target": %s, "export": {"partRows": 120, "batchSize": 40, "parallelism": 1},
                     "import": {"batchSize": 33, "maxRejects": 100},
                     "quality": {"sampleSize": 300}}
                    """
                        .formatted(target)));
    assertThat(read.problems()).isEmpty();
    return read.spec();
  }

  private static final String MEMORY = "{\"type\": \"memory\", \"collection\": \"kinds-target\"}";

  /** All steps; the answer of the quality check. */
  private CheckResult migrate(MigrationPlan plan) {
    assertThat(plan.blocking()).isEmpty();
    List<PartTask> tasks = new ArrayList<>();
    List<Integer> counts = local.export(plan, tasks);
    WholeTask whole = new WholeTask("kinds", counts);
    assertThat(steps.completeExport(whole).rows()).isEqualTo(ROWS);
    steps.prepareTarget(whole);
    tasks.forEach(parts::importPart);
    loaded = steps.finishLoad(whole);
    tasks.forEach(parts::validateImportedPart);
    steps.completeImportValidation(whole);
    CheckResult quality = steps.checkQuality(whole);
    steps.cutover(whole);
    return quality;
  }

  private static void assertMigrated(String target, RecordBatch expected) {
    try (VectorStore store =
        Stores.get("memory").open(StoreSettings.of("target", "collection", target))) {
      RecordComparator comparator = new RecordComparator(0, true, true);
      comparator.compare(expected, store.fetch(expected.ids()));
      assertThat(comparator.result().differences()).isEmpty();
      assertThat(comparator.result().bitExactRows()).isEqualTo(ROWS);
    }
  }

  @Test
  void everyKindArrives() throws Exception {
    RecordBatch records = records(SPARSE, DENSE, MULTI, BITS);
    MemoryStore.fill("kinds-source", List.of(SPARSE, DENSE, MULTI, BITS), records);
    MigrationPlan plan = steps.plan(spec(MEMORY));
    assertThat(plan.source().vectors())
        .extracting(PlannedField::kind, PlannedField::element, PlannedField::optional)
        .containsExactly(
            tuple("SPARSE", "FLOAT32", true),
            tuple("DENSE", "FLOAT32", true),
            tuple("MULTI", "FLOAT16", true),
            tuple("DENSE", "BIT", true));
    CheckResult quality = migrate(plan);
    assertThat(quality.summary()).contains("recall@10 source 1.0000, target 1.0000");
    // Every seventh record has no dense vector to ask for.
    assertThat(quality.rows()).isBetween(100L, (long) ROWS - ROWS / 7);
    assertMigrated("kinds-target", records);
    assertThat(loaded.summary())
        .matches("memory took [0-9,]+ records/s with 33 records in a request, 1 request at once");
  }

  @Test
  void importGoesOnBehindWhatAnEarlierAttemptBrought() throws Exception {
    MemoryStore.fill("kinds-source", List.of(DENSE), records(DENSE));
    MigrationPlan plan = steps.plan(spec(MEMORY));
    PartTask first = new PartTask("kinds", plan.partitions().get(0), 0, null, null);
    PartTask second =
        new PartTask("kinds", first.partition(), 1, parts.exportPart(first).cursor(), null);
    parts.exportPart(second);
    steps.prepareTarget(new WholeTask("kinds", List.of(2)));
    local.setHeartbeatDetails(StepProgress.none("p000-000000").at(110, 100));
    assertThat(parts.importPart(first).rows()).isEqualTo(120);
    // Of another version, and so of no use.
    local.setHeartbeatDetails(List.of("something else"));
    assertThat(parts.importPart(second).rows()).isEqualTo(120);

    try (VectorStore loaded =
        Stores.get("memory")
            .open(StoreSettings.of("target", "collection", "kinds-target.loading-kinds"))) {
      assertThat(loaded.describe().rows()).isEqualTo(20 + 120);
    }
  }

  @Test
  void bitsAreSearchedToo() throws Exception {
    MemoryStore.fill("kinds-source", List.of(BITS), records(BITS));
    assertThat(migrate(steps.plan(spec(MEMORY))).summary())
        .contains("source 1.0000, target 1.0000 (", "; largest score difference 0.0");
  }

  @Test
  void withoutDenseVectorsThereIsNothingToCompare() throws Exception {
    MemoryStore.fill("kinds-source", List.of(SPARSE, MULTI), records(SPARSE, MULTI));
    assertThat(migrate(steps.plan(spec(MEMORY))).summary())
        .isEqualTo("nothing to compare: there is no dense vector field");
  }

  @ParameterizedTest
  @ValueSource(strings = {"l2", "ip"})
  void scoresOfOtherMetricsAreBroughtToOneScale(String metric) throws Exception {
    RecordBatch records = records(DENSE, SPARSE);
    MemoryStore.fill("kinds-source", List.of(DENSE, SPARSE), records);
    MigrationPlan plan = steps.plan(spec(MEMORY.replace("}", ", \"metric\": \"" + metric + "\"}")));
    assertThat(plan.findings())
        .singleElement()
        .matches(finding -> finding.severity() == Finding.Severity.WARNING)
        .extracting(Finding::message)
        .asString()
        .startsWith("the spec says " + metric + ", the source compares by cosine. ");
    assertThat(plan.target().vectors())
        .extracting(PlannedField::metric)
        .containsExactly(metric, "ip");
    assertThat(migrate(plan).summary()).contains("source 1.0000, target 1.0000");
  }

  @Test
  void anIndexIsAskedForDenseVectorsOnly() throws Exception {
    MemoryStore.fill("kinds-source", List.of(DENSE, SPARSE), records(DENSE, SPARSE));
    MigrationPlan plan =
        steps.plan(
            spec(
                MEMORY.replace(
                    "}", ", \"dimension\": 2, \"index\": {\"type\": \"HNSW\", \"params\": {}}}")));
    assertThat(plan.blocking()).isEmpty();
    assertThat(plan.target().vectors())
        .extracting(PlannedField::indexType)
        .containsExactly("HNSW", "");
    // 2 components, and about 1.3 entries of 8 bytes with 4 bytes of offset.
    assertThat(plan.estimate().targetBytes() / ROWS).isBetween(315L, 335L);
  }

  @Test
  void largeRecordsNeedSmallBatches() throws Exception {
    VectorFieldInfo wide = field("wide", VectorKind.MULTI, ElementType.FLOAT32, 5000, Metric.IP);
    int[] offsets = new int[ROWS + 1];
    for (int row = 0; row < ROWS; row++) {
      offsets[row + 1] = 12 * (row + 1);
    }
    float[] values = new float[offsets[ROWS] * 5000];
    RecordBatch records = records();
    MemoryStore.fill(
        "kinds-source",
        List.of(wide),
        new RecordBatch(
            records.ids(),
            List.of(new MultiVectors("wide", 5000, offsets, values, null)),
            records.documents(),
            records.metadata()));
    MigrationSpec spec = spec(MEMORY);
    assertThat(steps.plan(spec).findings()).isEmpty();
    MigrationSpec large =
        new MigrationSpec(
            spec.name(),
            spec.source(),
            spec.target(),
            new MigrationSpec.Export("parquet", true, true, 1000, 0, 1),
            spec.load(),
            spec.validation(),
            spec.quality(),
            spec.rollback(),
            spec.approval(),
            spec.schedule(),
            spec.cutover(),
            spec.archive(),
            spec.overlap(),
            spec.rehearsal(),
            spec.canary(),
            spec.checkResources(),
            null,
            List.of());
    assertThat(new Planner(false).plan(large, "", -1, "load", false, 0).findings())
        .containsExactly(
            Finding.warning(
                "batchSize",
                "a record takes about 240,305 bytes, so that a batch of 1,000 takes 229 MB, and the"
                    + " worker holds several.",
                "Set export.batchSize and import.batchSize to 69 or less."));
  }

  @Test
  void faissRejectsRecordsWithoutVector() throws Exception {
    RecordBatch records = records(DENSE);
    MemoryStore.fill("kinds-source", List.of(DENSE), records);
    Path target = folder.resolve("index");
    String faiss = "{\"type\": \"faiss\", \"path\": \"%s\", \"metric\": \"ip\"}".formatted(target);
    MigrationPlan plan = steps.plan(spec(faiss));
    assertThat(plan.findings())
        .extracting(Finding::message)
        .contains(
            "a FAISS index has no records without a vector; such records are rejects and count"
                + " against import.maxRejects");
    assertThat(migrate(plan).summary()).contains("source 1.0000, target 1.0000");
    try (VectorStore store =
        Stores.get("faiss").open(StoreSettings.of("target", "path", target.toString()))) {
      long absent =
          IntStream.range(0, ROWS).filter(row -> records.vectors().get(0).isNull(row)).count();
      assertThat(store.describe().rows()).isEqualTo(ROWS - absent);
      assertThat(store.describe().vectors().get(0).name()).isEqualTo("text");
      assertThat(store.fetch(IdColumn.ofStrings("id-0")).onlyVectors().name()).isEqualTo("text");
    }
  }

  @Test
  void faissSaysWhatItCannotHold() throws Exception {
    String faiss = "{\"type\": \"faiss\", \"path\": \"%s\"}".formatted(folder.resolve("index"));
    MemoryStore.fill("kinds-source", List.of(SPARSE), records(SPARSE));
    assertThat(steps.plan(spec(faiss)).blocking())
        .extracting(Finding::message)
        .containsExactly(
            "a FAISS index holds dense vectors, field 'lexical' of the source is sparse");
    MemoryStore.fill("kinds-source", List.of(MULTI), records(MULTI));
    assertThat(steps.plan(spec(faiss)).blocking())
        .extracting(Finding::message)
        .containsExactly(
            "a FAISS index holds dense vectors, field 'tokens' of the source is of several vectors"
                + " per record");
    MemoryStore.fill("kinds-source", List.of(DENSE, SPARSE), records(DENSE, SPARSE));
    assertThat(steps.plan(spec(faiss)).blocking())
        .extracting(Finding::message)
        .containsExactly(
            "a FAISS index holds one vector per record, the source has 2 vector fields");
    MemoryStore.fill("kinds-source", List.of(BITS), records(BITS));
    assertThat(steps.plan(spec(faiss)).findings())
        .extracting(Finding::message)
        .contains(
            "FAISS has no metric hamming for floats, and binary indexes are read but not written",
            "the source keeps components as BIT; the index gets the same numbers as 32-bit floats,"
                + " one per bit");
  }
}
