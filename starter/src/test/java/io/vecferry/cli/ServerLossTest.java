package io.vecferry.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.vecferry.testing.RunningServer;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * A server is killed while a migration reads from it or writes to it, and comes back on the data
 * and ports it had. The migration goes on by itself and ends proved.
 */
@Tag("slow")
@Timeout(400)
abstract class ServerLossTest {
  private static final Duration LONGEST = Duration.ofMinutes(4);

  /** Parts that are done when the server is killed. */
  private static final int DONE = 5;

  /** Parts that each of the collections has at least. */
  private static final int PARTS = 60;

  @TempDir Path folder;

  /** The running server of a type. */
  abstract RunningServer server(String type);

  /** Loses the source while some parts are exported and others are not. */
  void losesSource(String source, String target) throws Exception {
    everyRecordArrives(source, target, "source", ".parquet.json", server(source));
  }

  /** Loses the target while some parts are imported and others are not. */
  void losesTarget(String source, String target) throws Exception {
    everyRecordArrives(source, target, "imported", ".json", server(target));
  }

  /**
   * @param progress folder of the archive in which each part leaves a file when it is done
   * @param ending end of the name of such a file
   * @param lost the server that is killed when some parts are done and others are not
   */
  private void everyRecordArrives(
      String source, String target, String progress, String ending, RunningServer lost)
      throws Exception {
    ForeignStores foreign = new ForeignStores(folder);
    String from = "source_" + source;
    String to = "target_" + target;
    foreign.fill(source, url(source), from);
    try {
      // Many small parts, so that a kill between two of them comes long before the last.
      Specs.writeText(
          folder.resolve("spec.yaml"),
          """
          name: lost
          source: {type: %s, url: "%s", collection: %s}
          target: {type: %s, url: "%s", collection: %s}
          export: {partRows: 5, batchSize: 5, parallelism: 1}
          import: {batchSize: 5}
          overlap: false
          quality: {sampleSize: 5, iterations: 1}
          """
              .formatted(source, url(source), from, target, url(target), to));
      Path archive = folder.resolve("vecferry-archive/lost");
      try (Cli.Running run = Cli.in(folder).start("run", "spec.yaml")) {
        run.await(
            DONE + " parts are done",
            () -> Snapshot.count(archive.resolve(progress), ending) >= DONE);
        lost.kill();
        assertThat(Snapshot.count(archive.resolve(progress), ending))
            .as("parts that are done while the server is away")
            .isLessThan(PARTS);
        lost.restart();
        Cli.await("the migration ends", LONGEST, () -> !run.isAlive());
        Cli.Result result = run.await();
        assertThat(result.exitCode()).as("%s", result).isZero();
        assertThat(result.out()).startsWith("MIGRATED: Migrated: every record is on the target");
      }
      foreign.assertHolds(target, url(target), to, from);
      foreign.drop(target, url(target), to);
    } finally {
      lost.restart();
      foreign.drop(source, url(source), from);
    }
  }

  private String url(String type) {
    return server(type).url();
  }
}
