package io.vecferry.phase;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.vecferry.activity.Compensation;
import io.vecferry.activity.PartTask;
import io.vecferry.activity.WholeTask;
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
import io.vecferry.store.Metric;
import io.vecferry.store.StoreSettings;
import io.vecferry.store.Stores;
import io.vecferry.store.VectorFieldInfo;
import io.vecferry.store.VectorStore;
import io.vecferry.testing.RunningServer;
import io.vecferry.testing.Server;
import io.vecferry.testing.WithServer;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * How fast the whole target is compared with the archive, beside reading it from its beginning to
 * its end, which is the least that a proof has to do; both with one thread, in turns. The index has
 * no part in it. {@code -Dvecferry.validation.rows=1000000} for figures that mean something, and
 * {@code -Dvecferry.validation.target} for one of the targets; they are in the output.
 */
@Tag("slow")
class ValidationSpeedTest {
  private static final int ROWS = Integer.getInteger("vecferry.validation.rows", 4_000);
  private static final int DIMENSION = 128;
  private static final int BATCH = 1_000;
  private static final int ROUNDS = 3;
  private static final LoadStamp SOURCE = new LoadStamp("source", "load-0");

  @WithServer(Server.ELASTICSEARCH_9)
  static RunningServer elasticsearch;

  @WithServer(Server.QDRANT)
  static RunningServer qdrant;

  @TempDir Path folder;

  private void makeSource() {
    try (VectorStore store =
        Stores.get("faiss")
            .open(StoreSettings.of("target", "path", folder.resolve("source").toString()))) {
      store.create(
          new LoadSchema(
              List.of(new VectorFieldInfo("", DIMENSION, Metric.L2, 0, "Flat", Map.of())),
              Set.of(IdKind.STRING),
              "test",
              ROWS),
          SOURCE);
      Random random = new Random(5);
      try (BatchWriter writer = store.write("p0", SOURCE)) {
        for (int from = 0; from < ROWS; from += BATCH) {
          writer.write(records(from, Math.min(ROWS, from + BATCH), random));
        }
        assertThat(writer.finish()).isEmpty();
      }
      store.finishLoad(List.of("p0"), SOURCE);
    }
  }

  private static RecordBatch records(int from, int to, Random random) {
    float[] values = new float[(to - from) * DIMENSION];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) random.nextGaussian();
    }
    return new RecordBatch(
        IdColumn.ofStrings(
            IntStream.range(from, to).mapToObj(i -> "record-" + i).toArray(String[]::new)),
        List.of(new DenseVectors("", DIMENSION, values)),
        TextColumn.of(
            IntStream.range(from, to)
                .mapToObj(i -> "the text of record " + i)
                .toArray(String[]::new)),
        TextColumn.of(
            IntStream.range(from, to)
                .mapToObj(i -> "{\"category\":\"c" + i % 10 + "\",\"n\":" + i + "}")
                .toArray(String[]::new)));
  }

  @ParameterizedTest
  @ValueSource(strings = {"elasticsearch", "qdrant"})
  void comparesAboutAsFastAsTheTargetIsRead(String type) throws IOException {
    assumeTrue(System.getProperty("vecferry.validation.target", type).equals(type));
    makeSource();
    String name = "speed" + Long.toString(System.nanoTime(), 36);
    String url = (type.equals("qdrant") ? qdrant : elasticsearch).url();
    MigrationPlan plan;
    try (LocalSteps local = new LocalSteps(folder.resolve("archive"))) {
      SpecReader.Result read =
          SpecReader.read(
              new ObjectMapper()
                  .readTree(
                      """
                      {"name": "%s", "canary": false, "checkResources": false,
                       "source": {"type": "faiss", "path": "%s"},
                       "target": {"type": "%s", "url": "%s", "collection": "%s",
                                  "index": {"type": "FLAT"}},
                       "export": {"partRows": 50000, "parallelism": 1}}
                      """
                          .formatted(name, folder.resolve("source"), type, url, name)));
      assertThat(read.problems()).isEmpty();
      plan = local.whole().plan(read.spec());
      assertThat(plan.blocking()).isEmpty();
      List<PartTask> tasks = new ArrayList<>();
      WholeTask whole = new WholeTask(name, local.export(plan, tasks));
      local.whole().completeExport(whole);
      local.whole().prepareTarget(whole);
      tasks.forEach(local.parts()::importPart);
      local.whole().finishLoad(whole);
      StoreSettings target = StoreSettings.of("target", "url", url, "collection", name);
      try (VectorStore loaded =
          Stores.get(type).open(Stores.get(type).loadSettings(target, name))) {
        for (int round = 0; round < ROUNDS; round++) {
          double scanned = perSecond(() -> CatchUp.readAll(loaded, BATCH, batch -> {}));
          double compared =
              perSecond(
                  () ->
                      tasks.stream()
                          .mapToLong(task -> local.parts().validateImportedPart(task).rows())
                          .sum());
          System.out.printf(
              Locale.ROOT,
              "%s, %,d x %d: read %,.0f/s, compared %,.0f/s, %.2f of it%n",
              type,
              ROWS,
              DIMENSION,
              scanned,
              compared,
              compared / scanned);
        }
      }
      assertThat(local.whole().completeImportValidation(whole).rows()).isEqualTo(ROWS);
      local.whole().compensate(whole, Compensation.dropLoad(name));
    }
  }

  private interface Work {
    long run();
  }

  private static double perSecond(Work work) {
    long start = System.nanoTime();
    assertThat(work.run()).isEqualTo(ROWS);
    return ROWS / ((System.nanoTime() - start) / 1e9);
  }
}
