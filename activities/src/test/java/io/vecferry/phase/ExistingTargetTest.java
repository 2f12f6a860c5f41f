package io.vecferry.phase;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.vecferry.activity.Compensation;
import io.vecferry.activity.MigrationActivities;
import io.vecferry.activity.PartActivities;
import io.vecferry.activity.PartTask;
import io.vecferry.activity.WholeTask;
import io.vecferry.plan.Finding;
import io.vecferry.plan.MigrationPlan;
import io.vecferry.plan.PlannedPartition;
import io.vecferry.record.DenseVectors;
import io.vecferry.record.ElementType;
import io.vecferry.record.IdColumn;
import io.vecferry.record.RecordBatch;
import io.vecferry.record.TextColumn;
import io.vecferry.record.VectorKind;
import io.vecferry.spec.MigrationSpec;
import io.vecferry.spec.SpecReader;
import io.vecferry.store.CollectionInfo;
import io.vecferry.store.MemoryStore;
import io.vecferry.store.Metric;
import io.vecferry.store.StoreSettings;
import io.vecferry.store.Stores;
import io.vecferry.store.VectorFieldInfo;
import io.vecferry.store.VectorStore;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The steps of migrations to a name that is taken, on a store in memory. */
class ExistingTargetTest {
  private static final String PREFIX = "existing-";
  private static final String TARGET = PREFIX + "target";
  private static final int OLD = 250;
  private static final int NEW = 180;

  /** Ids that both sides have. */
  private static final int SHARED = 70;

  @TempDir Path folder;

  private LocalSteps local;
  private MigrationActivities steps;
  private PartActivities parts;
  private MigrationPlan plan;
  private final List<PartTask> tasks = new ArrayList<>();
  private final List<Integer> counts = new ArrayList<>();
  private final List<Compensation> armed = new ArrayList<>();

  /** What becomes of the collection that is there. */
  private enum Way {
    REPLACE(""),
    MERGE(""),
    TAKE_OVER(", \"options\": {\"takeOverName\": true}"),
    MERGE_AND_TAKE_OVER(", \"options\": {\"takeOverName\": true}");

    private final String options;

    Way(String options) {
      this.options = options;
    }

    String ifExists() {
      return name().startsWith("MERGE") ? "merge" : "replace";
    }

    boolean backsUp() {
      return this != REPLACE;
    }
  }

  @BeforeEach
  void start() {
    open();
    MemoryStore.fill(TARGET, List.of(field("old")), records("old", 0, OLD));
    MemoryStore.fill(PREFIX + "source", List.of(field("new")), records("new", OLD - SHARED, NEW));
    MemoryStore.fill(PREFIX + "other", List.of(field("old")), records("old", 0, 3));
  }

  private void open() {
    local = new LocalSteps(folder.resolve("archive"));
    steps = local.whole();
    parts = local.parts();
  }

  @AfterEach
  void stop() {
    local.close();
    MemoryStore.forget(PREFIX);
  }

  private static VectorFieldInfo field(String name) {
    return new VectorFieldInfo(
        name, VectorKind.DENSE, ElementType.FLOAT32, 2, Metric.L2, 0, "", Map.of());
  }

  /** Records that say in their document which side they are of. */
  private static RecordBatch records(String side, int first, int count) {
    String[] ids =
        IntStream.range(first, first + count).mapToObj(i -> "id-" + i).toArray(String[]::new);
    float[] values = new float[2 * count];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) Math.sin(first + i + side.length());
    }
    String[] documents = new String[count];
    Arrays.fill(documents, side);
    return new RecordBatch(
        IdColumn.ofStrings(ids),
        List.of(new DenseVectors(side, 2, values)),
        TextColumn.of(documents),
        TextColumn.allNull(count));
  }

  private void plan(Way way, String more) throws IOException {
    SpecReader.Result read =
        SpecReader.read(
            new ObjectMapper()
                .readTree(
                    """
                    {"name": "taken", "source": {"type": "memory", "collection": "existing-source"},
                     "target": {"type": "memory", "collection": "existing-target",
                       "ifExists": "%s" %s},
                     "export": {"partRows": 120, "batchSize": 40, "parallelism": 2}
                     %s}
                    """
                        .formatted(way.ifExists(), way.options, more)));
    assertThat(read.problems()).isEmpty();
    MigrationSpec spec = read.spec();
    plan = steps.plan(spec);
    assertThat(plan.blocking()).isEmpty();
  }

  private WholeTask whole() {
    return new WholeTask("taken", counts);
  }

  /** The steps of a migration, in order; each can be followed by a rollback. */
  private List<Runnable> all() {
    List<Runnable> all = new ArrayList<>();
    all.add(this::export);
    all.add(() -> steps.completeExport(whole()));
    all.add(
        () -> {
          armed.add(0, Compensation.dropLoad(TARGET));
          steps.prepareTarget(whole());
        });
    for (int part = 0; part < 6; part++) {
      int index = part;
      all.add(
          () -> {
            List<PartTask> loaded = loaded();
            if (index < loaded.size()) {
              parts.importPart(loaded.get(index));
            }
          });
    }
    all.add(() -> steps.finishLoad(whole()));
    all.add(() -> loaded().forEach(parts::validateImportedPart));
    all.add(() -> steps.completeImportValidation(whole()));
    all.add(() -> steps.checkQuality(whole()));
    all.add(
        () -> {
          if (plan.restoresFromBackup()) {
            armed.add(0, Compensation.restoreBackup(TARGET));
          }
          armed.add(0, Compensation.switchBack(TARGET, plan.nameSwitch()));
          steps.cutover(whole());
        });
    return all;
  }

  private void export() {
    counts.addAll(local.export(plan, tasks));
  }

  private List<PartTask> loaded() {
    return tasks.stream().filter(task -> plan.loads(task.partition())).toList();
  }

  private void rollBack() {
    armed.forEach(compensation -> steps.compensate(whole(), compensation));
  }

  @ParameterizedTest
  @EnumSource(Way.class)
  void everyStepIsUndone(Way way) throws IOException {
    Map<String, List<String>> before = MemoryStore.contents(PREFIX);
    int last = all().size();
    for (int until = 1; until <= last; until++) {
      tasks.clear();
      counts.clear();
      armed.clear();
      plan(way, "");
      all().subList(0, until).forEach(Runnable::run);
      rollBack();
      assertThat(MemoryStore.contents(PREFIX)).as("undone after %s steps", until).isEqualTo(before);
      // Once more changes nothing.
      rollBack();
      assertThat(MemoryStore.contents(PREFIX)).isEqualTo(before);
      try (var files = Files.walk(folder.resolve("archive"))) {
        files.sorted(java.util.Comparator.reverseOrder()).forEach(file -> file.toFile().delete());
      }
    }
  }

  @ParameterizedTest
  @EnumSource(Way.class)
  void targetGetsWhatItShall(Way way) throws IOException {
    Map<String, List<String>> before = MemoryStore.contents(PREFIX);
    plan(way, "");
    assertThat(plan.partitions().stream().map(PlannedPartition::origin).distinct().count())
        .isEqualTo(way.backsUp() ? 2 : 1);
    all().forEach(Runnable::run);
    Map<String, List<String>> after = new TreeMap<>(MemoryStore.contents(PREFIX));
    List<String> wanted = new ArrayList<>(before.get(PREFIX + "source"));
    if (way.ifExists().equals("merge")) {
      List<String> sourceIds = wanted.stream().map(ExistingTargetTest::id).toList();
      before.get(TARGET).stream().filter(old -> !sourceIds.contains(id(old))).forEach(wanted::add);
      assertThat(wanted).hasSize(OLD + NEW - SHARED);
    }
    assertThat(after.get(TARGET)).containsExactlyInAnyOrderElementsOf(wanted);
    assertThat(after.size()).isEqualTo(plan.restoresFromBackup() ? 3 : 4);
    if (!plan.restoresFromBackup()) {
      assertThat(after.get(plan.nameSwitch().kept())).isEqualTo(before.get(TARGET));
    }

    // Rolled back, and then after all.
    rollBack();
    tasks.clear();
    counts.clear();
    plan(way, "");
    assertThat(plan.resumed()).isTrue();
    all().forEach(Runnable::run);
    assertThat(MemoryStore.contents(PREFIX)).isEqualTo(after);
  }

  /** So that the old collection can be made from its backup anywhere. */
  @Test
  void backupIsASourceWithItsOwnIndexAndConfiguration() throws IOException {
    CollectionInfo old;
    try (VectorStore target =
        Stores.get("memory").open(StoreSettings.of("source", "collection", TARGET))) {
      old = target.describe();
    }
    plan(Way.MERGE, "");
    all().forEach(Runnable::run);
    Path backup = folder.resolve("archive/taken/target-backup");
    try (VectorStore archived =
        Stores.get("archive").open(StoreSettings.of("source", "path", backup.toString()))) {
      CollectionInfo info = archived.describe();
      assertThat(archived.assess()).isEmpty();
      assertThat(info.store()).isEqualTo("archive of " + old.store());
      assertThat(info.rows()).isEqualTo(OLD);
      assertThat(info.vectors()).isEqualTo(old.vectors());
      assertThat(info.configuration())
          .containsAllEntriesOf(old.configuration())
          .containsEntry("archived store", "memory");
    }
  }

  private static String id(String record) {
    return record.split(" ")[1];
  }

  @Test
  void damagedBackupIsNotRestored() throws IOException {
    plan(Way.TAKE_OVER, "");
    all().forEach(Runnable::run);
    Map<String, List<String>> after = MemoryStore.contents(PREFIX);
    Path damaged;
    try (var files = Files.list(folder.resolve("archive/taken/target-backup"))) {
      damaged = files.filter(file -> file.toString().endsWith(".parquet")).sorted().toList().get(1);
    }
    byte[] bytes = Files.readAllBytes(damaged);
    byte[] changed = bytes.clone();
    changed[20] ^= 1;
    Files.write(damaged, changed);
    for (Compensation compensation : armed) {
      assertThatThrownBy(() -> steps.compensate(whole(), compensation))
          .hasStackTraceContaining(
              compensation.kind() == Compensation.Kind.SWITCH_BACK
                  ? damaged.getFileName().toString()
                  : "because the switch was not taken back. Nothing was changed.");
    }
    assertThatThrownBy(() -> steps.compensate(whole(), armed.get(0)))
        .hasStackTraceContaining("its checksum is ");
    assertThat(MemoryStore.contents(PREFIX)).isEqualTo(after);
    Files.write(damaged, bytes);
    rollBack();
    assertThat(MemoryStore.contents(PREFIX).get(TARGET)).hasSize(OLD);
  }

  @Test
  void targetThatSomebodyHasChangedIsNotTouched() throws IOException {
    plan(Way.MERGE, "");
    List<Runnable> all = all();
    all.subList(0, all.size() - 1).forEach(Runnable::run);
    MemoryStore.fill(TARGET, List.of(field("old")), records("old", 0, OLD + 1));
    Map<String, List<String>> both = new TreeMap<>(MemoryStore.contents(PREFIX));
    assertThatThrownBy(() -> all.get(all.size() - 1).run())
        .hasStackTraceContaining("TARGET_CHANGED");
    assertThat(MemoryStore.contents(PREFIX)).isEqualTo(both);
    rollBack();
    both.remove(plan.nameSwitch().load());
    assertThat(MemoryStore.contents(PREFIX)).isEqualTo(both);
  }

  @Test
  void planSaysWhatHappens() throws IOException {
    plan(Way.MERGE, ", \"archive\": {\"deleteOldCollectionAfter\": \"7d\"}");
    assertThat(String.join("\n", plan.targetPlan()))
        .startsWith(TARGET + " exists with 250 records. It is not written to.\n")
        .contains(
            "target-backup",
            "merge: loads " + plan.nameSwitch().load() + " with all records of the source",
            "Cutover: ",
            " is kept for 7 days, then dropped.");
    assertThat(plan.rollbackPlan().get(0)).contains("readers of " + TARGET + " get");
    assertThat(plan.findings())
        .extracting(Finding::severity)
        .doesNotContain(Finding.Severity.BLOCKING);
  }
}
