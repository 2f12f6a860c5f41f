package io.vecferry.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.vecferry.testing.RunningServer;
import io.vecferry.testing.Server;
import io.vecferry.testing.WithServer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;

/** Workers that serve only some queues, their limits, and migrations that share them. */
@Tag("slow")
@Execution(ExecutionMode.CONCURRENT)
@WithServer(Server.TEMPORAL)
@Timeout(300)
class TaskQueueTest {
  @TempDir Path folder;

  @Test
  void smallMigrationIsNotHeldUpByABigOne(@WithServer(Server.TEMPORAL) RunningServer temporal)
      throws IOException {
    try (Service service = Service.at(temporal, folder)) {
      service.startWorker("--serve", "workflows");
      service.startWorker("--serve", "source,target", "--activities", "1", "--target-rate", "10");
      start(service, "big", 200, 8);
      Cli.await(
          "the big one has begun",
          () -> Snapshot.count(service.archives().resolve("big/imported"), ".json") >= 1);
      Path small = start(service, "small", 4, 1);

      Cli.Result watched = service.cli(small).run("watch", "small");

      assertThat(watched.exitCode()).as("%s", watched).isZero();
      FaissFolder.assertSame(small.resolve("source"), small.resolve("target"));
      assertThat(folder.resolve("big/target")).as("the big one is not done").doesNotExist();
      service.client().cancel("big", "the test is over");
    }
  }

  @Test
  void wrongLimits() {
    Cli cli = Cli.in(folder).with("TEMPORAL_ADDRESS", "127.0.0.1:1");
    assertThat(cli.run("worker", "--target-rate", "-1").err())
        .isEqualTo("vecferry: --target-rate must be at least 0, got -1.0.\n");
    assertThat(cli.run("worker", "--activities", "0").err())
        .isEqualTo("vecferry: --activities must be at least 1, got 0.\n");
    assertThat(cli.run("worker", "--serve", "sources").err())
        .contains("'--serve'", "expected one of", "SOURCE");
  }

  private Path start(Service service, String name, int parts, int parallelism) throws IOException {
    Path own = Files.createDirectories(folder.resolve(name));
    FaissFolder.write(own.resolve("source"), 50 * parts, 16);
    Specs.write(own, name, "export: {partRows: 50, parallelism: %d}".formatted(parallelism));
    Cli.Result started = service.cli(own).run("start", "spec.yaml");
    assertThat(started.exitCode()).as("%s", started).isZero();
    return own;
  }
}
