package io.vecferry.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;

/**
 * kill -9 of a worker. Runs beside the other tests, because most of it is waiting: the service
 * gives the steps of a dead worker to another one after the heartbeat limit of a minute, and the
 * in-memory service may give a step to the dead one's connection once more.
 */
@Execution(ExecutionMode.CONCURRENT)
@Timeout(400)
class WorkerLossTest {
  private static final int PARTS = 24;
  private static final Duration UNTIL_TAKEN_OVER = Duration.ofMinutes(5);

  @TempDir Path folder;

  @Test
  void anotherWorkerFinishes(@TempDir Path shared) {
    FaissFolder.write(folder.resolve("source"), 250 * PARTS, 16);
    Specs.write(folder, "moved", "export: {partRows: 250, parallelism: 2}");
    try (Service service = Service.start(shared)) {
      Cli.Running first = service.startWorker();
      Cli.Result started = service.cli(folder).run("start", "spec.yaml");
      assertThat(started.exitCode()).as("%s", started).isEqualTo(0);
      Path archive = service.archives().resolve("moved");
      Cli.await(
          "3 parts are imported", () -> Snapshot.count(archive.resolve("imported"), ".json") >= 3);
      first.kill();
      assertThat(folder.resolve("target")).doesNotExist();
      assertThat(Snapshot.count(archive.resolve("imported"), ".json")).isLessThan(PARTS);
      Map<String, Snapshot.Entry> finished =
          Snapshot.of(archive, "source/.*\\.parquet\\.json|imported/[^.].*");

      service.startWorker();
      Cli.await(
          "the target is there", UNTIL_TAKEN_OVER, () -> Files.exists(folder.resolve("target")));
      Cli.Result end = service.cli(folder).run("watch", "moved");

      assertThat(end.exitCode()).as("%s", end).isEqualTo(0);
      FaissFolder.assertSame(folder.resolve("source"), folder.resolve("target"));
      assertThat(Snapshot.of(archive, "(source|imported)/.*")).containsAllEntriesOf(finished);
    }
  }
}
