package io.vecferry.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.vecferry.testing.RunningServer;
import io.vecferry.testing.Server;
import io.vecferry.testing.WithServer;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A server is killed while a migration reads from it or writes to it, and comes back. */
@Timeout(400)
class ServerLossTest {
  private static final Duration LONGEST = Duration.ofMinutes(4);

  @WithServer(value = Server.CHROMA, instance = "lost")
  static RunningServer chroma;

  @WithServer(value = Server.MILVUS, instance = "lost")
  static RunningServer milvus;

  @TempDir Path folder;

  @Test
  void chromaToMilvus() throws Exception {
    everyRecordArrives("chroma", chroma, "milvus", milvus);
  }

  @Test
  void milvusToChroma() throws Exception {
    everyRecordArrives("milvus", milvus, "chroma", chroma);
  }

  private void everyRecordArrives(
      String sourceType, RunningServer source, String targetType, RunningServer target)
      throws Exception {
    ForeignStores foreign = new ForeignStores(folder);
    foreign.fill(sourceType, source.url(), "source_" + sourceType);
    Specs.writeText(
        folder.resolve("spec.yaml"),
        """
        name: lost
        source: {type: %s, url: "%s", collection: source_%s}
        target: {type: %s, url: "%s", collection: target_%s}
        export: {partRows: 20, batchSize: 10, parallelism: 1}
        import: {batchSize: 10}
        overlap: false
        quality: {sampleSize: 5, iterations: 1}
        """
            .formatted(sourceType, source.url(), sourceType, targetType, target.url(), targetType));
    Path archive = folder.resolve("vecferry-archive/lost");
    try (Cli.Running run = Cli.in(folder).start("run", "spec.yaml")) {
      Cli.await("a part is exported", () -> Snapshot.count(archive.resolve("source"), ".json") > 0);
      source.kill();
      source.restart();
      Cli.await(
          "a part is imported",
          LONGEST,
          () -> Snapshot.count(archive.resolve("imported"), ".json") > 0);
      target.kill();
      target.restart();
      Cli.await("the migration ends", LONGEST, () -> !run.isAlive());
      Cli.Result result = run.await();
      assertThat(result.exitCode()).as("%s", result).isZero();
    }
    foreign.assertHolds(targetType, target.url(), "target_" + targetType, "source_" + sourceType);
  }
}
