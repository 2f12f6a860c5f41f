package io.vecferry.store.faiss;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.vecferry.plan.FailureClass;
import io.vecferry.plan.Finding;
import io.vecferry.record.DenseVectors;
import io.vecferry.record.IdColumn;
import io.vecferry.record.IdKind;
import io.vecferry.record.RecordBatch;
import io.vecferry.record.TextColumn;
import io.vecferry.store.BatchWriter;
import io.vecferry.store.LoadSchema;
import io.vecferry.store.LoadStamp;
import io.vecferry.store.Metric;
import io.vecferry.store.Reject;
import io.vecferry.store.StoreException;
import io.vecferry.store.StoreSettings;
import io.vecferry.store.VectorFieldInfo;
import io.vecferry.store.VectorStore;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What happens to a load when a process is killed, or somebody else was there. */
class FaissLoadTest {
  private static final LoadStamp STAMP = new LoadStamp("products", "load-1");

  @TempDir Path folder;

  private VectorStore open(Path path, String layout) {
    return new FaissProvider()
        .open(StoreSettings.of("target", "path", path.toString(), "options.layout", layout));
  }

  private static LoadSchema schema(Metric metric, String indexType) {
    return new LoadSchema(
        List.of(new VectorFieldInfo("", 2, metric, 0, indexType, Map.of())),
        Set.of(IdKind.INT64),
        "test",
        2);
  }

  private static RecordBatch records(IdKind kind, String... ids) {
    return new RecordBatch(
        IdColumn.of(kind, TextColumn.of(ids)),
        List.of(new DenseVectors("", 2, new float[ids.length * 2])),
        TextColumn.allNull(ids.length),
        TextColumn.allNull(ids.length));
  }

  private static List<Reject> write(VectorStore store, String part, RecordBatch records) {
    try (BatchWriter writer = store.write(part, STAMP)) {
      writer.write(records);
      return writer.finish();
    }
  }

  private static FailureClass failure(ThrowingCallable call) {
    return catchThrowableOfType(StoreException.class, call).failureClass();
  }

  private static Map<Path, ByteBuffer> snapshot(Path folder) throws IOException {
    Map<Path, ByteBuffer> files = new HashMap<>();
    try (Stream<Path> paths = Files.walk(folder)) {
      for (Path path : paths.filter(Files::isRegularFile).toList()) {
        files.put(folder.relativize(path), ByteBuffer.wrap(Files.readAllBytes(path)));
      }
    }
    return files;
  }

  private static void restore(Path folder, Map<Path, ByteBuffer> files) throws IOException {
    for (Map.Entry<Path, ByteBuffer> file : files.entrySet()) {
      Path path = folder.resolve(file.getKey());
      Files.createDirectories(path.getParent());
      Files.write(path, file.getValue().array());
    }
  }

  @Test
  void integersAloneNeedNoFileBesideTheIndex() {
    Path target = folder.resolve("target");
    try (VectorStore store = open(target, "vecferry")) {
      store.create(schema(Metric.L2, ""), STAMP);
      write(store, "p0", records(IdKind.INT64, "7", "-5", "9223372036854775807"));
      write(store, "p1", records(IdKind.INT64, "3", "2"));
      store.finishLoad(List.of("p0", "p1"), STAMP);
    }
    assertThat(target.resolve("meta.jsonl")).doesNotExist();
    try (VectorStore store = open(target, "vecferry")) {
      assertThat(store.stamp()).contains(STAMP);
      assertThat(store.describe().idKinds()).containsExactly(IdKind.INT64);
      // In order from a part's start, on from there, over the end, backwards, and what is not
      // there.
      for (String[] ids :
          new String[][] {
            {"3", "2"},
            {"7", "-5"},
            {"9223372036854775807", "3"},
            {"2", "7"},
            {"2", "3", "-5"},
            {}
          }) {
        RecordBatch found = store.fetch(records(IdKind.INT64, ids).ids());
        assertThat(texts(found)).containsExactly(ids);
        for (int row = 0; row < found.rows(); row++) {
          assertThat(found.metadata().isNull(row) && found.documents().isNull(row)).isTrue();
        }
      }
      assertThat(texts(store.fetch(records(IdKind.INT64, "7", "8", "-5").ids())))
          .containsExactly("7", "-5");
      assertThat(store.fetch(records(IdKind.STRING, "7").ids()).rows()).isZero();
    }
  }

  private static List<String> texts(RecordBatch batch) {
    List<String> texts = new ArrayList<>();
    for (int row = 0; row < batch.rows(); row++) {
      texts.add(batch.ids().get(row));
    }
    return texts;
  }

  @Test
  void aFolderThatLostItsMetadataIsNotReadWithoutIt() throws IOException {
    Path target = folder.resolve("target");
    try (VectorStore store = open(target, "vecferry")) {
      store.create(schema(Metric.L2, ""), STAMP);
      write(store, "p0", records(IdKind.STRING, "a", "b"));
      store.finishLoad(List.of("p0"), STAMP);
    }
    Files.delete(target.resolve("meta.jsonl"));
    try (VectorStore store = open(target, "vecferry")) {
      assertThat(catchThrowableOfType(StoreException.class, store::describe))
          .hasMessageContaining("meta.jsonl is not there")
          .hasMessageContaining("bring it back")
          .extracting(StoreException::failureClass)
          .isEqualTo(FailureClass.MISSING);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"vecferry", "langchain"})
  void finishingGoesOnAfterAKillAtAnyPoint(String layout) throws IOException {
    Path load = folder.resolve("load");
    Map<Path, ByteBuffer> before;
    Map<Path, ByteBuffer> after;
    try (VectorStore store = open(load, layout)) {
      store.create(schema(Metric.L2, ""), STAMP);
      write(store, "p/1", records(IdKind.STRING, "a", "b"));
      write(store, "p/2", records(IdKind.STRING, "c"));
      before = snapshot(load);
      store.finishLoad(List.of("p/1", "p/2"), STAMP);
      after = snapshot(load);
    }
    // A kill leaves some of the results, perhaps a torn temporary file, and some of the segments.
    List<Path> results = new ArrayList<>(after.keySet());
    List<Path> segments =
        before.keySet().stream().filter(path -> path.startsWith("segments")).toList();
    assertThat(results).hasSize(3);
    assertThat(segments).isNotEmpty();
    Path manifest = Path.of(Manifest.NAME);
    for (int done = 0; done < 1 << results.size(); done++) {
      Map<Path, ByteBuffer> state = new HashMap<>(before);
      for (int i = 0; i < results.size(); i++) {
        if ((done >> i & 1) == 1) {
          state.put(results.get(i), after.get(results.get(i)));
        }
      }
      boolean finished = state.get(manifest) == after.get(manifest);
      if (finished && done != (1 << results.size()) - 1) {
        continue;
      }
      if (finished) {
        state.remove(segments.get(0));
      }
      state.put(Path.of("index.faiss.torn.tmp"), ByteBuffer.wrap(new byte[] {1, 2, 3}));
      Path killed = Files.createDirectory(folder.resolve("killed-" + done));
      restore(killed, state);
      try (VectorStore store = open(killed, layout)) {
        store.finishLoad(List.of("p/1", "p/2"), STAMP);
      }
      assertThat(snapshot(killed)).isEqualTo(after);
      assertThat(killed.resolve("segments")).doesNotExist();
    }
  }

  @Test
  void aLoadThatIsNotFinishedCannotBeReadOrPublished() {
    Path load = folder.resolve("load");
    try (VectorStore store = open(load, "vecferry");
        VectorStore target = open(folder.resolve("target"), "vecferry")) {
      store.create(schema(Metric.L2, ""), STAMP);
      write(store, "p1", records(IdKind.STRING, "a", "b"));
      assertThat(store.describe().rows()).isEqualTo(2);
      assertThat(failure(() -> store.split(1))).isEqualTo(FailureClass.INCOMPATIBLE);
      assertThat(failure(() -> target.switchTo(target.planSwitch(store, STAMP), STAMP)))
          .isEqualTo(FailureClass.INCOMPATIBLE);
      assertThat(failure(() -> store.finishLoad(List.of("p1", "p2"), STAMP)))
          .isEqualTo(FailureClass.MISSING);
      assertThat(target.exists()).isFalse();
      store.finishLoad(List.of("p1"), STAMP);
      assertThat(failure(() -> store.write("p1", STAMP))).isEqualTo(FailureClass.TARGET_CHANGED);
    }
  }

  @Test
  void createGoesOnAfterAKillAndRefusesForeignFolders() throws IOException {
    Path load = Files.createDirectory(folder.resolve("load"));
    Files.writeString(load.resolve("vecferry.json.0.tmp"), "{");
    try (VectorStore store = open(load, "vecferry")) {
      assertThat(store.exists()).isFalse();
      store.create(schema(Metric.L2, ""), STAMP);
      assertThat(store.stamp()).contains(STAMP);
    }
    Path foreign = Files.createDirectory(folder.resolve("foreign"));
    Files.writeString(foreign.resolve("thesis.txt"), "text");
    try (VectorStore store = open(foreign, "vecferry");
        VectorStore loaded = open(load, "vecferry")) {
      loaded.finishLoad(List.of(), STAMP);
      assertThat(store.exists()).isTrue();
      assertThat(failure(() -> store.create(schema(Metric.L2, ""), STAMP)))
          .isEqualTo(FailureClass.TARGET_CHANGED);
      assertThat(failure(() -> store.planSwitch(loaded, STAMP))).isEqualTo(FailureClass.MISSING);
      assertThat(failure(() -> store.drop(STAMP))).isEqualTo(FailureClass.TARGET_CHANGED);
      Files.writeString(load.resolve("thesis.txt"), "text");
      assertThat(failure(() -> loaded.drop(STAMP))).isEqualTo(FailureClass.TARGET_CHANGED);
      assertThat(load.resolve("index.faiss")).exists();
    }
  }

  @Test
  void publishTakesAnEmptyFolder() throws IOException {
    Path target = Files.createDirectory(folder.resolve("target"));
    try (VectorStore store = open(target, "vecferry");
        VectorStore load = open(folder.resolve("load"), "vecferry")) {
      load.create(schema(Metric.L2, ""), STAMP);
      load.finishLoad(List.of(), STAMP);
      assertThat(store.exists()).isFalse();
      store.switchTo(store.planSwitch(load, STAMP), STAMP);
      assertThat(store.describe().rows()).isZero();
    }
  }

  @Test
  void idsDecideTheIndexType() {
    Path load = folder.resolve("load");
    try (VectorStore store = open(load, "vecferry")) {
      store.create(schema(Metric.L2, "IDMap2,Flat"), STAMP);
      assertThat(write(store, "p1", records(IdKind.STRING, "a"))).hasSize(1);
      assertThat(write(store, "p2", records(IdKind.INT64, "-7", "5"))).isEmpty();
      store.finishLoad(List.of("p1", "p2"), STAMP);
      assertThat(store.describe().vectors().get(0).indexType()).isEqualTo("IDMap2,Flat");
      assertThat(store.fetch(records(IdKind.INT64, "5", "-7").ids()).rows()).isEqualTo(2);
      assertThat(store.fetch(records(IdKind.STRING, "5").ids()).rows()).isZero();
    }
    try (VectorStore store = open(folder.resolve("flat"), "vecferry")) {
      store.create(schema(Metric.L2, null), STAMP);
      write(store, "p1", records(IdKind.INT64, "1"));
      write(store, "p2", records(IdKind.UINT64, "2"));
      store.finishLoad(List.of("p1", "p2"), STAMP);
      assertThat(store.describe().vectors().get(0).indexType()).isEqualTo("Flat");
    }
  }

  @Test
  void idsThatBecomeOneInLangChainAreRefused() {
    try (VectorStore store = open(folder.resolve("load"), "langchain")) {
      store.create(schema(Metric.L2, null), STAMP);
      write(store, "p1", records(IdKind.INT64, "1"));
      write(store, "p2", records(IdKind.STRING, "1"));
      assertThat(failure(() -> store.finishLoad(List.of("p1", "p2"), STAMP)))
          .isEqualTo(FailureClass.BAD_RECORD);
    }
  }

  @Test
  void wrongDimensionIsRefused() {
    try (VectorStore store = open(folder.resolve("load"), "vecferry")) {
      store.create(schema(Metric.L2, null), STAMP);
      RecordBatch wrong =
          new RecordBatch(
              IdColumn.ofStrings("a"),
              List.of(new DenseVectors("", 3, new float[3])),
              TextColumn.allNull(1),
              TextColumn.allNull(1));
      try (BatchWriter writer = store.write("p1", STAMP)) {
        assertThat(failure(() -> writer.write(wrong))).isEqualTo(FailureClass.BAD_RECORD);
      }
    }
  }

  private List<String> blocking(String layout, Metric metric, String indexType) {
    try (VectorStore store = open(folder.resolve("load"), layout)) {
      return store.assessLoad(schema(metric, indexType)).stream()
          .filter(finding -> finding.severity() == Finding.Severity.BLOCKING)
          .map(Finding::toString)
          .toList();
    }
  }

  @Test
  void planningHearsWhatCannotBeWritten() {
    assertThat(blocking("vecferry", Metric.L2, "")).isEmpty();
    assertThat(blocking("vecferry", Metric.COSINE, "Flat"))
        .containsExactly(
            "target.metric: FAISS has no cosine metric Use ip, which is the same for vectors of"
                + " unit length.");
    assertThat(blocking("vecferry", Metric.IP, "NSG32"))
        .singleElement()
        .asString()
        .contains("NSG32");
    assertThat(blocking("langchain", Metric.IP, "IDMap2,Flat")).hasSize(1);
    try (VectorStore store = open(folder.resolve("load"), "vecferry")) {
      VectorFieldInfo field = new VectorFieldInfo("a", 2, Metric.L2, 0, "", Map.of());
      assertThat(
              store.assessLoad(
                  new LoadSchema(List.of(field, field), Set.of(IdKind.INT64), "test", 1)))
          .singleElement()
          .matches(finding -> finding.severity() == Finding.Severity.BLOCKING);
    }
  }

  @Test
  void fileProblemsAreClassified() throws IOException {
    try (VectorStore store = open(folder.resolve("absent").resolve("load"), "vecferry")) {
      assertThat(failure(() -> store.create(schema(Metric.L2, ""), STAMP)))
          .isEqualTo(FailureClass.MISSING);
    }
    Path path = folder.resolve("x");
    Map<String, FailureClass> reasons =
        Map.of(
            "No space left on device", FailureClass.RESOURCE_EXHAUSTED,
            "Disk quota exceeded", FailureClass.RESOURCE_EXHAUSTED,
            "Read-only file system", FailureClass.PERMISSION,
            "Operation not permitted", FailureClass.PERMISSION,
            "Not a directory", FailureClass.INCOMPATIBLE,
            "Input/output error", FailureClass.TRANSIENT);
    reasons.forEach(
        (reason, expected) -> {
          StoreException file =
              FileErrors.of(
                  "writing", path, new FileSystemException(path.toString(), null, reason));
          assertThat(file.failureClass()).as(reason).isEqualTo(expected);
          assertThat(file).hasMessageContaining(path.toString()).hasMessageContaining(reason);
          assertThat(FileErrors.of("writing", path, new IOException(reason)).failureClass())
              .isEqualTo(expected);
        });
  }
}
