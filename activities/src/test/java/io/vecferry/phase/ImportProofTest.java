package io.vecferry.phase;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.vecferry.activity.CheckResult;
import io.vecferry.activity.MigrationActivities;
import io.vecferry.activity.PartActivities;
import io.vecferry.activity.PartTask;
import io.vecferry.activity.RepairTask;
import io.vecferry.activity.WholeTask;
import io.vecferry.plan.MigrationPlan;
import io.vecferry.record.DenseVectors;
import io.vecferry.record.IdColumn;
import io.vecferry.record.RecordBatch;
import io.vecferry.record.TextColumn;
import io.vecferry.spec.SpecReader;
import io.vecferry.store.BatchWriter;
import io.vecferry.store.LoadStamp;
import io.vecferry.store.MemoryStore;
import io.vecferry.store.Metric;
import io.vecferry.store.StoreSettings;
import io.vecferry.store.Stores;
import io.vecferry.store.VectorFieldInfo;
import io.vecferry.store.VectorStore;
import io.vecferry.testing.RunningServer;
import io.vecferry.testing.Server;
import io.vecferry.testing.WithServer;
import io.vecferry.verify.RecordComparator;
import java.io.IOException;
import java.nio.file.Files;
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

/**
 * What a target is found to have wrong when somebody has written to it behind the back of the
 * migration, what is kept of that, and how it is put right.
 */
class ImportProofTest {
  private static final int ROWS = 2_000;
  private static final int DIMENSION = 4;

  @WithServer(Server.CHROMA)
  static RunningServer chroma;

  @WithServer(Server.MILVUS)
  static RunningServer milvus;

  @WithServer(Server.QDRANT)
  static RunningServer qdrant;

  @WithServer(Server.ELASTICSEARCH_9)
  static RunningServer elasticsearch;

  @TempDir Path folder;

  private final String name = "proof_" + Long.toString(System.nanoTime(), 36);
  private LocalSteps local;
  private MigrationActivities steps;
  private PartActivities parts;
  private MigrationPlan plan;
  private String targetType = "memory";
  private final List<PartTask> tasks = new ArrayList<>();
  private final List<Integer> counts = new ArrayList<>();

  @BeforeEach
  void start() {
    local = new LocalSteps(folder.resolve("archive"));
    steps = local.whole();
    parts = local.parts();
    MemoryStore.fill(
        name,
        List.of(new VectorFieldInfo("", DIMENSION, Metric.L2, 0, "", Map.of())),
        records(0, ROWS));
  }

  @AfterEach
  void stop() {
    local.close();
    if (plan != null) {
      try (VectorStore load = openLoad()) {
        load.drop(stamp());
      }
    }
    MemoryStore.forget(name);
  }

  private static RecordBatch records(int from, int to) {
    int rows = to - from;
    String[] ids = new String[rows];
    String[] documents = new String[rows];
    String[] metadata = new String[rows];
    float[] values = new float[rows * DIMENSION];
    for (int row = 0; row < rows; row++) {
      ids[row] = "id-%05d".formatted(from + row);
      documents[row] = "document " + "x".repeat((from + row) % 7 == 0 ? 300 : 3);
      metadata[row] = "{\"n\":" + (from + row) + "}";
      values[row * DIMENSION] = from + row + 0.1f;
      values[row * DIMENSION + 1] = 0.3f;
    }
    return new RecordBatch(
        IdColumn.ofStrings(ids),
        List.of(new DenseVectors("", DIMENSION, values)),
        TextColumn.of(documents),
        TextColumn.of(metadata));
  }

  private StoreSettings target() {
    String url =
        switch (targetType) {
          case "chroma" -> chroma.url();
          case "milvus" -> milvus.url();
          case "qdrant" -> qdrant.url();
          case "elasticsearch" -> elasticsearch.url();
          default -> null;
        };
    String collection = name + "_target";
    return url == null
        ? StoreSettings.of("target", "collection", collection)
        : StoreSettings.of("target", "url", url, "collection", collection);
  }

  private VectorStore openLoad() {
    return Stores.get(targetType).open(Stores.get(targetType).loadSettings(target(), name));
  }

  private LoadStamp stamp() {
    return new LoadStamp(name, plan.loadId());
  }

  private WholeTask whole() {
    return new WholeTask(name, counts);
  }

  private void plan(String validation) throws IOException {
    String place =
        targetType.equals("faiss")
            ? "\"path\": \"" + folder.resolve("index") + "\""
            : targetType.equals("memory")
                ? "\"collection\": \"" + name + "_target\""
                : "\"url\": \"%s\", \"collection\": \"%s_target\""
                    .formatted(target().text("url", ""), name);
    SpecReader.Result read =
        SpecReader.read(
            new ObjectMapper()
                .readTree(
                    """
                    {"name": "%s", "canary": false,
                     "source": {"type": "memory", "collection": "%s"},
                     "target": {"type": "%s", %s},
                     "export": {"partRows": 500, "batchSize": 100, "parallelism": 2},
                     "import": {"batchSize": 100}, "quality": {"sampleSize": 0},
                     "validation": %s}
                    """
                        .formatted(name, name, targetType, place, validation)));
    assertThat(read.problems()).isEmpty();
    plan = steps.plan(read.spec());
    assertThat(plan.blocking()).isEmpty();
  }

  private void load() {
    counts.addAll(local.export(plan, tasks));
    steps.completeExport(whole());
    steps.prepareTarget(whole());
    tasks.forEach(parts::importPart);
    steps.finishLoad(whole());
  }

  /** What somebody else does to the target. */
  private void write(RecordBatch records) {
    try (VectorStore load = openLoad()) {
      load.remove(records.ids(), stamp());
      try (BatchWriter writer = load.write("p000-000000", stamp())) {
        writer.write(records);
        assertThat(writer.finish()).isEmpty();
      }
      load.finishLoad(names(), stamp());
    }
  }

  private void delete(int... rows) {
    try (VectorStore load = openLoad()) {
      load.remove(
          IdColumn.ofStrings(
              IntStream.of(rows).mapToObj("id-%05d"::formatted).toArray(String[]::new)),
          stamp());
      load.finishLoad(names(), stamp());
    }
  }

  private List<String> names() {
    return tasks.stream().map(PartTask::partName).toList();
  }

  /** A record with one thing changed. */
  private static RecordBatch changed(int row, float first, String document, String metadata) {
    RecordBatch record = records(row, row + 1);
    float[] values = record.onlyVectors().values().clone();
    values[0] += first;
    return new RecordBatch(
        record.ids(),
        List.of(new DenseVectors("", DIMENSION, values)),
        document == null ? record.documents() : TextColumn.of(document),
        metadata == null ? record.metadata() : TextColumn.of(metadata));
  }

  /** Compares all parts; gives the names of those that differ. */
  private List<String> compare() {
    // Whoever has written to it was another process.
    local.close();
    start();
    List<String> differing = new ArrayList<>();
    for (PartTask task : tasks) {
      try {
        parts.validateImportedPart(task);
      } catch (RuntimeException e) {
        assertThat(e).hasStackTraceContaining("NOT_PROVED");
        differing.add(task.partName());
      }
    }
    return differing;
  }

  private List<JsonNode> differences(String subject) throws IOException {
    Path file = folder.resolve("archive/" + name + "/differences/" + subject + ".jsonl");
    List<JsonNode> all = new ArrayList<>();
    for (String line : Files.exists(file) ? Files.readAllLines(file) : List.<String>of()) {
      all.add(new ObjectMapper().readTree(line));
    }
    return all;
  }

  private void assertTargetIsRight() {
    RecordComparator comparator = new RecordComparator(0, true, true);
    try (VectorStore load = openLoad()) {
      for (int from = 0; from < ROWS; from += 500) {
        RecordBatch expected = records(from, from + 500);
        comparator.compare(expected, load.fetch(expected.ids()));
      }
      assertThat(load.describe().rows()).isEqualTo(ROWS);
    }
    assertThat(comparator.result().differences()).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(strings = {"memory", "chroma", "qdrant", "milvus", "elasticsearch"})
  void everyDifferenceIsKeptAndExactlyThatIsRepaired(String type) throws IOException {
    targetType = type;
    plan("{}");
    load();
    write(changed(7, 1, null, null));
    write(changed(14, 0, "document " + "x".repeat(299), null));
    write(changed(600, 2, null, "{\"n\":600.0}"));
    delete(601);
    write(records(ROWS + 5, ROWS + 6));

    List<String> differing = compare();

    assertThat(differing).containsExactly("p000-000000", "p000-000001");
    List<JsonNode> first = differences("p000-000000");
    assertThat(first).hasSize(2);
    assertThat(first.get(0).path("id").asText()).isEqualTo("id-00007");
    assertThat(first.get(0).path("kind").asText()).isEqualTo("VECTOR");
    assertThat(first.get(0).path("expected").asText()).isEqualTo("7.1");
    assertThat(first.get(1).path("kind").asText()).isEqualTo("DOCUMENT");
    // In full, unlike what people are shown.
    assertThat(first.get(1).path("expected").asText()).hasSize(309);
    assertThat(first.get(1).path("actual").asText()).hasSize(308);
    assertThat(differences("p000-000001"))
        .extracting(line -> line.path("id").asText() + " " + line.path("kind").asText())
        .containsExactlyInAnyOrder("id-00600 VECTOR", "id-00600 METADATA", "id-00601 MISSING");
    assertThatThrownBy(() -> steps.completeImportValidation(whole()))
        .hasStackTraceContaining("the target has 2000 records, 1999 were expected. 1 were not")
        .hasStackTraceContaining("id=id-02005, kind=EXTRA")
        .hasStackTraceContaining("counts.jsonl");

    CheckResult repaired = steps.repair(new RepairTask(whole(), differing));
    assertThat(repaired.summary()).isEqualTo("repaired: 4 records loaded again, 0 removed");
    assertThat(compare()).isEmpty();
    assertThatThrownBy(() -> steps.completeImportValidation(whole()))
        .hasStackTraceContaining("id=id-02005, kind=EXTRA");
    RepairTask ofCounts = new RepairTask(whole(), List.of(""));
    assertThat(steps.repair(ofCounts).summary())
        .isEqualTo("repaired: 0 records loaded again, 1 removed");
    assertThat(compare()).isEmpty();
    assertThat(steps.completeImportValidation(whole()).summary())
        .isEqualTo(
            "2,000 fetched by id: 2,000 equal to the bit, 0 within tolerance, 0 different,"
                + " 0 missing, none extra");
    assertThat(folder.resolve("archive/" + name + "/differences/p000-000000.jsonl")).doesNotExist();
    // Done again, as after a lost answer, it changes nothing.
    assertThat(steps.repair(new RepairTask(whole(), differing)).rows()).isZero();
    assertTargetIsRight();
  }

  @Test
  void aSampleFindsWhatItHoldsAndCountsFindTheRest() throws IOException {
    plan("{\"mode\": \"sample\", \"sampleShare\": 0.1}");
    assertThat(plan.findings())
        .anySatisfy(
            finding ->
                assertThat(finding.toString())
                    .isEqualTo(
                        "validation.mode: about 200 of 2,000 records are compared with the archive,"
                            + " all are counted: a fault in 0.1 % of the records (2 of 2,000) would"
                            + " be found with probability 19 %, one in a single record with 10 %."));
    load();
    assertThat(compare()).isEmpty();
    CheckResult clean = steps.completeImportValidation(whole());
    assertThat(clean.rows()).isBetween(130L, 270L);
    assertThat(clean.summary())
        .contains("a sample of 2,000 records, all counted: a fault in 0.1 %", "19 %");

    // Every second record is wrong in one thing: about 100 of them are in the sample, the same ones
    // each time.
    for (int row = 0; row < ROWS; row += 2) {
      write(changed(row, 1, null, null));
    }
    assertThat(compare()).hasSize(4);
    List<JsonNode> found = differences("p000-000000");
    assertThat(found).isNotEmpty();
    assertThat(compare()).hasSize(4);
    assertThat(differences("p000-000000")).isEqualTo(found);

    // A repair leaves nothing of them, in the sample or not.
    assertThat(steps.repair(new RepairTask(whole(), names())).rows()).isEqualTo(ROWS / 2);
    assertThat(compare()).isEmpty();
    assertTargetIsRight();

    // One record is lost: with or without luck, the counts tell, and then the ids.
    delete(11, 1500);
    compare();
    assertThatThrownBy(() -> steps.completeImportValidation(whole()))
        .hasStackTraceContaining("the target has 1998 records, ");
    List<JsonNode> missing = differences("counts");
    if (!missing.isEmpty()) {
      assertThat(missing)
          .extracting(line -> line.path("id").asText() + " " + line.path("kind").asText())
          .containsExactlyInAnyOrder("id-00011 MISSING", "id-01500 MISSING");
    }
    steps.repair(new RepairTask(whole(), List.of("")));
    assertThat(compare()).isEmpty();
    steps.completeImportValidation(whole());
    assertTargetIsRight();
  }

  @Test
  void mismatchesAreCountedWhereItIsNotStrict() throws IOException {
    plan("{\"strict\": false, \"maxMismatch\": 3}");
    load();
    write(changed(7, 1, null, null));
    delete(601);
    write(records(ROWS + 5, ROWS + 6));
    assertThat(compare()).isEmpty();
    assertThat(steps.completeImportValidation(whole()).summary())
        .isEqualTo(
            "2,000 fetched by id: 1,998 equal to the bit, 0 within tolerance, 1 different,"
                + " 1 missing, 1 extra; 3 mismatches, validation.maxMismatch is 3");
    assertThat(differences("p000-000000")).hasSize(1);

    write(changed(1700, 1, null, null));
    assertThat(compare()).isEmpty();
    assertThatThrownBy(() -> steps.completeImportValidation(whole()))
        .hasStackTraceContaining(
            "2 records differ, 1 are missing and 1 were not archived; validation.maxMismatch is 3.");
    assertThat(steps.repair(new RepairTask(whole(), List.of(""))).summary())
        .isEqualTo("repaired: 3 records loaded again, 1 removed");
    compare();
    assertThat(steps.completeImportValidation(whole()).summary()).contains("; 0 mismatches");
    assertTargetIsRight();

    // More than that in one part is asked about at once.
    for (int row = 0; row < 4; row++) {
      write(changed(row, 1, null, null));
    }
    assertThat(compare()).containsExactly("p000-000000");
  }

  @Test
  void aRepairOfTheWholeLeavesNothingOfWhatItWasAskedFor() throws IOException {
    plan("{\"strict\": false, \"maxMismatch\": 5}");
    load();
    for (int row : new int[] {1, 2, 3, 501, 502, 503}) {
      write(changed(row, 1, null, null));
    }
    assertThat(compare()).isEmpty();
    assertThatThrownBy(() -> steps.completeImportValidation(whole()))
        .hasStackTraceContaining("6 records differ, 0 are missing and 0 were not archived");

    assertThat(steps.repair(new RepairTask(whole(), List.of(""))).rows()).isEqualTo(6);
    assertThat(steps.completeImportValidation(whole()).summary())
        .contains("2,000 equal to the bit", "; 0 mismatches");
    assertThat(differences("p000-000000")).isEmpty();
    assertTargetIsRight();
  }

  @Test
  void aRepairOfTheWholeAlsoMendsAPartThatWasSkipped() throws IOException {
    plan("{}");
    load();
    delete(601);
    write(records(ROWS + 5, ROWS + 6));
    assertThat(compare()).containsExactly("p000-000001");
    assertThatThrownBy(() -> steps.completeImportValidation(whole()))
        .hasStackTraceContaining("id=id-02005, kind=EXTRA");

    assertThat(steps.repair(new RepairTask(whole(), List.of(""))).summary())
        .isEqualTo("repaired: 1 records loaded again, 1 removed");
    assertThat(steps.completeImportValidation(whole()).summary())
        .contains("2,000 equal to the bit", "0 missing, none extra");
    assertTargetIsRight();
  }

  @Test
  void aRecordThatIsLostAfterItsPartWasComparedIsNamedAndLoadedAgain() throws IOException {
    plan("{}");
    load();
    assertThat(compare()).isEmpty();
    delete(601);

    assertThatThrownBy(() -> steps.completeImportValidation(whole()))
        .hasStackTraceContaining("the target has 1999 records, 2000 were expected. 0 were not")
        .hasStackTraceContaining("and 1 more are missing; all are in ")
        .hasStackTraceContaining("id=id-00601, kind=MISSING");
    assertThat(steps.repair(new RepairTask(whole(), List.of(""))).rows()).isEqualTo(1);
    steps.completeImportValidation(whole());
    assertTargetIsRight();
  }

  @Test
  void aRepairRemovesOnlyWhatItReplaces() throws IOException {
    plan("{}");
    load();
    write(changed(7, 1, null, null));
    delete(8);
    String collection = Stores.get(targetType).loadSettings(target(), name).text("collection", "");
    MemoryStore.takeRemoved(collection);

    assertThat(steps.repair(new RepairTask(whole(), List.of("p000-000000"))).rows()).isEqualTo(2);
    assertThat(MemoryStore.takeRemoved(collection)).containsExactly("id-00007");
    assertTargetIsRight();
  }

  @Test
  void aRepairThatTheServiceHasGivenUpRemovesNothing() throws IOException {
    plan("{}");
    load();
    write(records(ROWS + 5, ROWS + 6));
    assertThat(compare()).isEmpty();
    String collection = Stores.get(targetType).loadSettings(target(), name).text("collection", "");
    MemoryStore.takeRemoved(collection);
    // Another attempt goes on while this one looks for what is too much.
    MemoryStore.afterReads(collection, ROWS / 100, local::giveUpStep);

    assertThatThrownBy(() -> steps.repair(new RepairTask(whole(), List.of(""))));
    assertThat(MemoryStore.takeRemoved(collection)).isEmpty();
  }

  @Test
  void whatIsNotComparedIsNotSaidToBeEqual() throws IOException {
    plan("{\"checkVectors\": false, \"checkMetadata\": false}");
    load();
    write(changed(7, 1, "another text", null));
    assertThat(compare()).isEmpty();
    assertThat(steps.completeImportValidation(whole()).summary())
        .isEqualTo(
            "2,000 fetched by id: 2,000 equal without their vectors, 0 different, 0 missing, none"
                + " extra; vectors were not compared: validation.checkVectors is false; metadata"
                + " and documents were not compared: validation.checkMetadata is false");
  }

  @Test
  void indexFilesCannotBeRepaired() throws IOException {
    targetType = "faiss";
    plan("{}");
    load();
    assertThatThrownBy(() -> steps.repair(new RepairTask(whole(), List.of("p000-000000"))))
        .hasStackTraceContaining("INCOMPATIBLE")
        .hasStackTraceContaining("cannot lose or change single records");
    plan = null;
  }

  @Test
  void archiveIsComparedWithTheSourceAgain() throws IOException {
    plan("{}");
    counts.addAll(local.export(plan, tasks));
    assertThat(steps.completeExport(whole()).summary())
        .contains("count as in the source, 400 records read from it again");
    // As many records as before: this store notices no more than that.
    MemoryStore.fill(
        name,
        List.of(new VectorFieldInfo("", DIMENSION, Metric.L2, 0, "", Map.of())),
        changedInPlace());
    assertThatThrownBy(() -> steps.completeExport(whole()))
        .hasStackTraceContaining("NOT_PROVED")
        .hasStackTraceContaining(
            "of 400 records that were read from the source again, 0 are missing and 400 are not as"
                + " they were archived. The first: Difference[id=id-")
        .hasStackTraceContaining("kind=METADATA, field=n");
  }

  private static RecordBatch changedInPlace() {
    RecordBatch all = records(0, ROWS);
    return new RecordBatch(
        all.ids(),
        all.vectors(),
        all.documents(),
        TextColumn.of(IntStream.range(0, ROWS).mapToObj(i -> "{\"n\":-7}").toArray(String[]::new)));
  }
}
