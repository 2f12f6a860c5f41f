package io.vecferry.phase;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.vecferry.activity.CatchUpPass;
import io.vecferry.activity.CatchUpTask;
import io.vecferry.activity.MigrationActivities;
import io.vecferry.activity.PartActivities;
import io.vecferry.activity.PartTask;
import io.vecferry.activity.WholeTask;
import io.vecferry.archive.Archive;
import io.vecferry.archive.LocalArtifactStore;
import io.vecferry.plan.Finding;
import io.vecferry.plan.MigrationPlan;
import io.vecferry.record.DenseVectors;
import io.vecferry.record.IdColumn;
import io.vecferry.record.IdKind;
import io.vecferry.record.RecordBatch;
import io.vecferry.record.TextColumn;
import io.vecferry.spec.SpecReader;
import io.vecferry.store.BatchWriter;
import io.vecferry.store.LoadSchema;
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
import io.vecferry.verify.ArchiveCheck;
import io.vecferry.verify.RecordComparator;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What is written to a source during its migration, on stores in memory and on real servers. */
class CatchUpTest {
  private static final int ROWS = 300;
  private static final int DIMENSION = 4;

  /** Of whoever writes to the source; the migration has another one. */
  private static final LoadStamp FOREIGN = new LoadStamp("foreign", "load-0");

  @TempDir Path folder;

  @WithServer(Server.CHROMA)
  static RunningServer chroma;

  @WithServer(Server.MILVUS)
  static RunningServer milvus;

  @WithServer(Server.QDRANT)
  static RunningServer qdrant;

  @WithServer(Server.ELASTICSEARCH_9)
  static RunningServer elasticsearch;

  private final String name = "moving_" + Long.toString(System.nanoTime(), 36);
  private final TreeMap<String, Row> expected = new TreeMap<>();
  private LocalSteps local;
  private MigrationActivities steps;
  private PartActivities parts;
  private MigrationPlan plan;
  private String sourceType = "memory";
  private String targetType = "memory";
  private final List<PartTask> tasks = new ArrayList<>();
  private final List<Integer> counts = new ArrayList<>();
  private List<CatchUpPass> kept = List.of();

  /** What a record has beside its id. */
  private record Row(float first, String document, String metadata) {}

  @BeforeEach
  void start() {
    local = new LocalSteps(folder.resolve("archive"));
    steps = local.whole();
    parts = local.parts();
  }

  @AfterEach
  void stop() {
    local.close();
    try (VectorStore source = openToWrite()) {
      source.drop(FOREIGN);
    }
    if (plan != null) {
      LoadStamp stamp = new LoadStamp(name, plan.loadId());
      StoreSettings target = settings(targetType, name + "_target");
      StoreSettings load = Stores.get(targetType).loadSettings(target, name);
      for (StoreSettings place : List.of(target, load)) {
        try (VectorStore store = Stores.get(targetType).open(place)) {
          store.drop(stamp);
        }
      }
    }
    MemoryStore.forget(name);
  }

  private StoreSettings settings(String type, String collection) {
    if (type.equals("faiss")) {
      return StoreSettings.of("target", "path", folder.resolve(collection).toString());
    }
    String url =
        switch (type) {
          case "chroma" -> chroma.url();
          case "milvus" -> milvus.url();
          case "qdrant" -> qdrant.url();
          case "elasticsearch" -> elasticsearch.url();
          default -> null;
        };
    return url == null
        ? StoreSettings.of("target", "collection", collection)
        : StoreSettings.of("target", "url", url, "collection", collection);
  }

  private VectorStore openToWrite() {
    return Stores.get(sourceType).open(settings(sourceType, name));
  }

  private static RecordBatch batch(Map<String, Row> rows) {
    TextColumn.Builder documents = new TextColumn.Builder(rows.size());
    TextColumn.Builder metadata = new TextColumn.Builder(rows.size());
    float[] vectors = new float[rows.size() * DIMENSION];
    int at = 0;
    for (Row row : rows.values()) {
      documents.add(row.document());
      metadata.add(row.metadata());
      vectors[at * DIMENSION] = row.first();
      vectors[at * DIMENSION + 1] = 0.1f;
      at++;
    }
    return new RecordBatch(
        IdColumn.ofStrings(rows.keySet().toArray(String[]::new)),
        List.of(new DenseVectors("", DIMENSION, vectors)),
        documents.build(),
        metadata.build());
  }

  private static Row row(int number) {
    return new Row(number, "document " + number, "{\"n\":" + number + ",\"of\":\"first\"}");
  }

  /** Writes records to the source as somebody else does. */
  private void write(Map<String, Row> rows) {
    try (VectorStore source = openToWrite()) {
      try (BatchWriter writer = source.write("p000-000000", FOREIGN)) {
        writer.write(batch(rows));
        assertThat(writer.finish()).isEmpty();
      }
      source.finishLoad(List.of("p000-000000"), FOREIGN);
    }
    expected.putAll(rows);
  }

  private void write(String id, Row row) {
    write(Map.of(id, row));
  }

  private void delete(String... ids) {
    try (VectorStore source = openToWrite()) {
      source.remove(IdColumn.ofStrings(ids), FOREIGN);
      source.finishLoad(List.of("p000-000000"), FOREIGN);
    }
    List.of(ids).forEach(expected::remove);
  }

  private void makeSource() {
    try (VectorStore source = openToWrite()) {
      source.create(
          new LoadSchema(
              List.of(new VectorFieldInfo("", DIMENSION, Metric.L2, 0, "", Map.of())),
              Set.of(IdKind.STRING),
              "test",
              ROWS),
          FOREIGN);
    }
    Map<String, Row> rows = new TreeMap<>();
    IntStream.range(0, ROWS).forEach(i -> rows.put("id-%03d".formatted(i), row(i)));
    write(rows);
  }

  private String side(String type, String collection) {
    return settings(type, collection).values().deepCopy().put("type", type).toString();
  }

  private MigrationPlan plan(String cutover) throws IOException {
    return plan(cutover, "{}");
  }

  private MigrationPlan plan(String cutover, String validation) throws IOException {
    SpecReader.Result read =
        SpecReader.read(
            new ObjectMapper()
                .readTree(
                    """
                    {"name": "%s", "source": %s, "target": %s,
                     "export": {"partRows": 60, "batchSize": 20, "parallelism": 2},
                     "quality": {"sampleSize": 5, "iterations": 1}, "cutover": %s,
                     "validation": %s}
                    """
                        .formatted(
                            name,
                            side(sourceType, name),
                            side(targetType, name + "_target"),
                            cutover,
                            validation)));
    assertThat(read.problems()).isEmpty();
    plan = steps.plan(read.spec());
    assertThat(plan.blocking()).isEmpty();
    return plan;
  }

  private WholeTask whole() {
    return new WholeTask(name, counts);
  }

  private void export() {
    tasks.clear();
    counts.clear();
    counts.addAll(local.export(plan, tasks));
  }

  private void load() {
    steps.completeExport(whole());
    steps.prepareTarget(whole());
    tasks.forEach(parts::importPart);
    steps.finishLoad(whole());
    tasks.forEach(parts::validateImportedPart);
    steps.completeImportValidation(whole());
    kept = steps.keptChanges(whole());
    kept.forEach(this::apply);
    steps.checkQuality(whole());
  }

  /** One pass, as the workflow makes it; every step may be done again. */
  private CatchUpPass pass(int number) {
    CatchUpTask task = new CatchUpTask(name, number);
    CatchUpPass found = steps.findChanges(task);
    if (found.differences() > 0) {
      apply(found);
    }
    return found;
  }

  private void apply(CatchUpPass found) {
    validate(load(found));
    steps.completeImportValidation(whole());
  }

  private void validate(List<PartTask> changed) {
    changed.forEach(parts::validateImportedPart);
  }

  /** Applies a pass; gives its parts, which are to be compared. */
  private List<PartTask> load(CatchUpPass found) {
    CatchUpTask task = new CatchUpTask(name, found.pass());
    CatchUpPass kept = steps.keepChanges(task);
    assertThat(steps.keepChanges(task)).isEqualTo(kept);
    steps.removeChanged(task);
    steps.removeChanged(task);
    List<PartTask> changed =
        IntStream.range(0, kept.parts())
            .mapToObj(part -> new PartTask(name, kept.partition(), part, null, null))
            .toList();
    changed.forEach(parts::validateExportedPart);
    changed.forEach(parts::importPart);
    if (kept.partition() != null) {
      while (counts.size() <= kept.partition().index()) {
        counts.add(0);
      }
      counts.set(kept.partition().index(), kept.parts());
    }
    steps.finishChanges(task);
    steps.finishChanges(task);
    return changed;
  }

  /** What somebody else does to the load. */
  private void changeLoad(String... ids) {
    LoadStamp stamp = new LoadStamp(name, plan.loadId());
    try (VectorStore load = Stores.get(targetType).open(loadSettings())) {
      try (BatchWriter writer = load.write("p000-000000", stamp)) {
        Map<String, Row> rows = new TreeMap<>();
        List.of(ids).forEach(id -> rows.put(id, row(-7)));
        writer.write(batch(rows));
        assertThat(writer.finish()).isEmpty();
      }
    }
  }

  private void loseFromLoad(String... ids) {
    try (VectorStore load = Stores.get(targetType).open(loadSettings())) {
      load.remove(IdColumn.ofStrings(ids), new LoadStamp(name, plan.loadId()));
    }
  }

  private static void assertFound(CatchUpPass pass, int added, int changed, int deleted) {
    assertThat(List.of(pass.added(), pass.changed(), pass.deleted()))
        .as(pass.words())
        .containsExactly((long) added, (long) changed, (long) deleted);
  }

  /** The archive is whole and has what is expected, and so has the target. */
  private void assertCaughtUp(StoreSettings place) {
    Archive archive = new Archive(new LocalArtifactStore(folder.resolve("archive")), name);
    assertThat(ArchiveCheck.check(archive, Archive.SOURCE, ArchiveCheck.Depth.RECORDS).problems())
        .isEmpty();
    assertThat(archive.manifest().rows()).isEqualTo(expected.size());
    StoreSettings archived =
        StoreSettings.of("source", "path", folder.resolve("archive/" + name).toString());
    try (VectorStore store = Stores.get("archive").open(archived)) {
      assertHolds(store);
    }
    try (VectorStore store = Stores.get(targetType).open(place)) {
      assertHolds(store);
    }
  }

  private void assertHolds(VectorStore store) {
    RecordComparator comparator = new RecordComparator(0, true, true);
    RecordBatch all = batch(expected);
    comparator.compare(all, store.fetch(all.ids()));
    assertThat(comparator.result().differences()).isEmpty();
    assertThat(comparator.result().isEqual()).isTrue();
    assertThat(store.describe().rows()).isEqualTo(expected.size());
  }

  private StoreSettings loadSettings() {
    return Stores.get(targetType).loadSettings(settings(targetType, name + "_target"), name);
  }

  @ParameterizedTest
  @CsvSource({
    "memory, memory",
    "chroma, qdrant",
    "qdrant, milvus",
    "milvus, elasticsearch",
    "elasticsearch, chroma",
    "memory, faiss"
  })
  void whatIsWrittenMeanwhileArrives(String from, String to) throws IOException {
    sourceType = from;
    targetType = to;
    makeSource();
    plan("{\"catchUp\": true}");
    // Before it is exported: planning has seen another number of records.
    delete("id-299");
    export();
    load();
    assertThat(kept).isEmpty();

    Map<String, Row> changes = new TreeMap<>();
    IntStream.range(0, 150).forEach(i -> changes.put("new-%03d".formatted(i), row(1000 + i)));
    changes.put("id-010", new Row(-1, row(10).document(), row(10).metadata()));
    changes.put("id-020", new Row(20, row(20).document(), "{\"n\":20}"));
    changes.put("id-030", new Row(30, null, row(30).metadata()));
    delete("id-040", "id-041", "id-050", "id-060");
    changes.put("id-050", new Row(-50, "again", null));
    changes.put("id-060", row(60));
    write(changes);
    assertFound(pass(1), 150, 4, 2);
    assertCaughtUp(loadSettings());

    write("id-040", new Row(-40, "back", null));
    write("new-000", row(0));
    write("id-010", new Row(-2, row(10).document(), row(10).metadata()));
    delete("new-001", "id-050");
    assertFound(pass(2), 1, 2, 2);
    assertCaughtUp(loadSettings());

    CatchUpPass last = pass(3);
    assertFound(last, 0, 0, 0);
    assertThat(last.words())
        .isEqualTo("pass 3: no difference in %d records, by id and content", expected.size());
    steps.cutover(whole());
    assertCaughtUp(settings(to, name + "_target"));

    // Another run goes on from the archive, and looks at the source no more.
    assertThat(plan("{\"catchUp\": true}").resumed()).isTrue();
    export();
    load();
    assertThat(kept).extracting(CatchUpPass::pass).containsExactly(1, 2);
    assertThat(pass(3).rows()).isEqualTo(-1);
    steps.cutover(whole());
    assertCaughtUp(settings(to, name + "_target"));
  }

  @ParameterizedTest
  @ValueSource(strings = {"memory", "faiss"})
  void anotherRunCatchesUpFromWhereAnEarlierOneWasKilled(String to) throws IOException {
    targetType = to;
    makeSource();
    plan("{\"catchUp\": true}");
    export();
    load();
    write("new", row(7));
    write("id-001", row(8));
    delete("id-002");
    CatchUpTask task = new CatchUpTask(name, 1);
    steps.findChanges(task);
    steps.keepChanges(task);
    Path archive = folder.resolve("archive/" + name);
    Map<Path, ByteBuffer> after = snapshot(archive);
    // Killed when some files were in their places and others not yet.
    Path keptFile = archive.resolve("catch-up/001/kept.json");
    Files.writeString(
        keptFile,
        Files.readString(keptFile).replaceAll("\"inPlace\"( ?):( ?)true", "\"inPlace\"$1:$2false"));
    Path place = archive.resolve("source/p003-000000.parquet");
    assertThat(place).exists();
    Files.createDirectories(archive.resolve("catch-up/001/source"));
    Files.move(place, archive.resolve("catch-up/001/source/p003-000000.parquet"));
    Files.delete(archive.resolve("source/p003-000000.parquet.json"));

    plan("{\"catchUp\": true}");
    assertThat(snapshot(archive.resolve("source"))).isEqualTo(only(after, "source"));
    export();
    load();
    assertThat(kept).extracting(CatchUpPass::pass).containsExactly(1);
    assertFound(pass(2), 0, 0, 0);
    assertCaughtUp(loadSettings());

    // A load that is made anew gets all of it.
    try (VectorStore load = Stores.get(to).open(loadSettings())) {
      assertThat(load.drop(new LoadStamp(name, plan.loadId()))).isTrue();
    }
    plan("{\"catchUp\": true}");
    export();
    load();
    assertThat(kept).extracting(CatchUpPass::pass).containsExactly(1);
    assertFound(pass(2), 0, 0, 0);
    assertCaughtUp(loadSettings());
  }

  /** An index file loses no records; the load is made anew, and that can be interrupted. */
  @Test
  void aLoadThatIsHalfMadeAnewIsMadeToItsEnd() throws IOException {
    targetType = "faiss";
    makeSource();
    plan("{\"catchUp\": true}");
    export();
    load();
    write("new", row(7));
    delete("id-002");
    CatchUpTask task = new CatchUpTask(name, 1);
    steps.findChanges(task);
    steps.keepChanges(task);
    steps.removeChanged(task);
    Path archive = folder.resolve("archive/" + name);
    Path load = Path.of(loadSettings().text("path", ""));
    for (String part : List.of("p000-000001", "p003-000000")) {
      Files.delete(archive.resolve("imported/" + part + ".json"));
      try (Stream<Path> files = Files.list(load.resolve("segments"))) {
        for (Path file : files.filter(f -> f.getFileName().toString().startsWith(part)).toList()) {
          Files.delete(file);
        }
      }
    }
    Files.delete(archive.resolve("imported/removed-001.json"));

    plan("{\"catchUp\": true}");
    export();
    load();
    assertThat(kept).extracting(CatchUpPass::pass).containsExactly(1);
    assertFound(pass(2), 0, 0, 0);
    assertCaughtUp(loadSettings());
  }

  private static Map<Path, ByteBuffer> only(Map<Path, ByteBuffer> files, String folder) {
    Map<Path, ByteBuffer> some = new TreeMap<>();
    files.forEach(
        (path, bytes) -> {
          if (path.toString().contains("/" + folder + "/")
              && !path.toString().contains("/catch-up/")) {
            some.put(path, bytes);
          }
        });
    return some;
  }

  private static Map<Path, ByteBuffer> snapshot(Path root) throws IOException {
    Map<Path, ByteBuffer> files = new TreeMap<>();
    try (Stream<Path> all = Files.walk(root)) {
      for (Path file : all.filter(Files::isRegularFile).toList()) {
        files.put(file, ByteBuffer.wrap(Files.readAllBytes(file)));
      }
    }
    return files;
  }

  /** A store that reads in the order of writing shows a record that was changed a second time. */
  @Test
  void whatTheExportMeetsTwiceIsOneRecord() throws IOException {
    makeSource();
    plan("{\"catchUp\": true}");
    MemoryStore.afterReads(
        name,
        3,
        () -> {
          // What was read already comes again, behind everything.
          Map<String, Row> again = new TreeMap<>();
          IntStream.range(0, 40).forEach(i -> again.put("id-%03d".formatted(i), row(500 + i)));
          delete(again.keySet().toArray(String[]::new));
          write(again);
        });
    export();
    load();
    assertThat(kept).hasSize(1);
    assertThat(kept.get(0).words())
        .isEqualTo("40 records were written to while they were exported");
    assertThat(pass(1).added()).isPositive();
    assertFound(pass(2), 0, 0, 0);
    assertCaughtUp(loadSettings());
  }

  @Test
  void mismatchesAreAddedUpOverPasses() throws IOException {
    makeSource();
    plan("{\"catchUp\": true}", "{\"strict\": false, \"maxMismatch\": 2}");
    export();
    steps.completeExport(whole());
    steps.prepareTarget(whole());
    tasks.forEach(parts::importPart);
    steps.finishLoad(whole());
    changeLoad("id-010");
    loseFromLoad("id-020");
    validate(tasks);
    assertThat(steps.completeImportValidation(whole()).summary())
        .startsWith("300 fetched by id: 298 equal to the bit, ")
        .contains("1 different, 1 missing", "; 2 mismatches, validation.maxMismatch is 2");

    write(Map.of("new-1", row(1), "new-2", row(2)));
    List<PartTask> changed = load(steps.findChanges(new CatchUpTask(name, 1)));
    changeLoad("new-1");
    validate(changed);
    assertThatThrownBy(() -> steps.completeImportValidation(whole()))
        .hasStackTraceContaining(
            "2 records differ, 1 are missing and 0 were not archived; validation.maxMismatch is 2");

    // What is written to in the source comes anew, right or wrong as it was; one more is deleted.
    delete("id-250");
    write(Map.of("id-010", row(10_000), "new-1", row(11_000)));
    assertFound(pass(2), 0, 2, 1);
    assertThat(steps.completeImportValidation(whole()).summary())
        .startsWith("301 fetched by id: 300 equal to the bit, ")
        .contains("0 different, 1 missing", "; 1 mismatches");
    write("id-020", row(20_000));
    pass(3);
    assertThat(steps.completeImportValidation(whole()).summary())
        .startsWith("301 fetched by id: 301 equal to the bit, ")
        .contains("0 different, 0 missing", "; 0 mismatches");
    assertCaughtUp(loadSettings());
  }

  @Test
  void aPartThatWasSkippedIsNoEndOfCatchingUp() throws IOException {
    makeSource();
    plan("{\"catchUp\": true}");
    export();
    steps.completeExport(whole());
    steps.prepareTarget(whole());
    tasks.forEach(parts::importPart);
    steps.finishLoad(whole());
    loseFromLoad("id-020", "id-021");
    assertThatThrownBy(() -> validate(tasks)).hasStackTraceContaining("NOT_PROVED");
    validate(tasks.subList(1, tasks.size()));
    steps.completeImportValidation(whole());

    write("new", row(7));
    pass(1);
    assertThat(steps.completeImportValidation(whole()).summary()).contains("2 missing");
    // One of them is known to the source again, and one more is lost.
    write("id-020", row(20_000));
    pass(2);
    loseFromLoad("id-200");
    write("new", row(8));
    CatchUpPass found = steps.findChanges(new CatchUpTask(name, 3));
    assertThatThrownBy(() -> load(found))
        .hasStackTraceContaining("the target has 299 records after the changes")
        .hasStackTraceContaining("300 were expected");
  }

  @Test
  void withoutItAChangeStopsTheMigrationAndSaysWhatHelps() throws IOException {
    makeSource();
    plan("{}");
    delete("id-000");
    assertThatThrownBy(this::export)
        .hasStackTraceContaining("SOURCE_CHANGED")
        .hasStackTraceContaining("it had 300 records then and has 299 now")
        .hasStackTraceContaining("cutover.catchUp: true");
  }

  @Test
  void planSaysWhatCanBeReadAndWhatCannotBeDone() throws IOException {
    makeSource();
    assertThat(plan("{\"catchUp\": true, \"maxDifference\": 5}").findings())
        .filteredOn(finding -> finding.subject().equals("cutover.catchUp"))
        .extracting(Finding::toString)
        .singleElement()
        .asString()
        .contains(
            "The source cannot be read as one state: each request is answered as of its own moment.",
            "no more than 5 differences");
    plan = null;
    targetType = "faiss";
    SpecReader.Result read =
        SpecReader.read(
            new ObjectMapper()
                .readTree(
                    """
                    {"name": "%s", "source": %s, "target": %s, "cutover": {"catchUp": true}}
                    """
                        .formatted(name, side("memory", name), side("faiss", "faiss"))));
    assertThat(new Planner(false).plan(read.spec(), "", -1, "load", false, 0).findings())
        .extracting(Finding::message)
        .anySatisfy(
            message ->
                assertThat(message)
                    .startsWith("a target of type faiss is index files")
                    .contains("each pass that finds a difference writes all of it anew"));
  }
}
