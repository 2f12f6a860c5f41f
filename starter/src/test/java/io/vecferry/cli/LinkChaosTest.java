package io.vecferry.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.vecferry.plan.FailureClass;
import io.vecferry.plan.Phase;
import io.vecferry.testing.RunningServer;
import io.vecferry.testing.Server;
import io.vecferry.testing.WithServer;
import io.vecferry.workflow.MigrationStatus;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;

/**
 * The network between a worker and the Temporal service, and between a worker and a store, is slow,
 * resets connections, and swallows what is sent. The migration goes on by itself and ends proved.
 */
@Tag("slow")
@Execution(ExecutionMode.CONCURRENT)
@WithServer(Server.TEMPORAL)
@WithServer(Server.CHROMA)
@Timeout(400)
class LinkChaosTest {
  private static final int ROWS = 6_000;
  private static final int PART_ROWS = 500;

  /** Longer than the time after which a worker that says nothing is taken for dead. */
  private static final int SILENCE_SECONDS = Integer.getInteger("vecferry.chaos.silence", 20);

  @TempDir Path folder;

  @Test
  void toTemporal(
      @WithServer(Server.TEMPORAL) RunningServer temporal,
      @WithServer(Server.CHROMA) RunningServer chroma)
      throws InterruptedException {
    try (Service service = Service.at(temporal, folder);
        Link link = new Link(temporal.url());
        LongMigration migration = new LongMigration(folder, service, chroma, "temporal", ROWS)) {
      link.delay(50);
      migration.link.limit(50_000);
      service.startWorker(link);
      migration.start(PART_ROWS, "");
      disturb(link, migration);
      migration.link.limit(Long.MAX_VALUE);
      migration.assertArrived();
    }
  }

  @Test
  void toTheStore(
      @WithServer(Server.TEMPORAL) RunningServer temporal,
      @WithServer(Server.CHROMA) RunningServer chroma)
      throws InterruptedException {
    try (Service service = Service.at(temporal, folder);
        LongMigration migration = new LongMigration(folder, service, chroma, "store", ROWS)) {
      migration.link.limit(50_000);
      migration.link.delay(20);
      service.startWorker();
      migration.start(PART_ROWS, "");
      disturb(migration.link, migration);
      migration.link.delay(0);
      migration.link.limit(Long.MAX_VALUE);
      migration.assertArrived();
    }
  }

  @Test
  void storeStaysAwayLongerThanTheWorkerIsPatient(
      @WithServer(Server.TEMPORAL) RunningServer temporal,
      @WithServer(Server.CHROMA) RunningServer chroma) {
    try (Service service = Service.at(temporal, folder);
        LongMigration migration = new LongMigration(folder, service, chroma, "away", ROWS)) {
      service.startWorker("--patience", "0.5");
      migration.link.limit(50_000);
      migration.start(PART_ROWS, "");
      migration.awaitImported(1);
      migration.link.cut();
      Cli.await(
          "an import is tried again",
          () ->
              service.client().status("away").retrying().stream()
                  .anyMatch(step -> step.phase() == Phase.IMPORT && step.attempts() > 1));
      Cli.Result failures = service.cli(folder).run("failures", "away");
      assertThat(failures.out())
          .contains("Tried again without a person:\nIMPORT p000-00")
          .containsPattern(
              " \\[TRANSIENT] [^\n]+\n(  because: .*\n)*  tried: \\d+ attempts? since ");
      assertThat(service.client().status("away").failures()).as("%s", failures).isEmpty();

      MigrationStatus status = service.await("away", MigrationStatus.State.NEEDS_ATTENTION);
      assertThat(status.retrying()).isEmpty();
      assertThat(status.failures())
          .allSatisfy(
              failure -> {
                assertThat(failure.failureClass()).isEqualTo(FailureClass.TRANSIENT);
                assertThat(failure.message()).contains("(given up: it got no further for 3");
                assertThat(failure.attempts()).isGreaterThanOrEqualTo(6);
              });
      migration.link.mend();
      migration.link.limit(Long.MAX_VALUE);
      Cli.Result retried = service.cli(folder).run("retry", "away", "--reason", "it is back");
      assertThat(retried.exitCode()).as("%s", retried).isZero();
      migration.assertArrived();
    }
  }

  private static void disturb(Link link, LongMigration migration) throws InterruptedException {
    for (int reset = 0; reset < 3; reset++) {
      migration.awaitStep(
          step -> step.getActivityType().getName().equals("ImportPart"), "a part is imported");
      link.reset();
    }
    migration.awaitStep(
        step -> step.getActivityType().getName().equals("ImportPart"), "a part is imported");
    link.hold();
    TimeUnit.SECONDS.sleep(SILENCE_SECONDS);
    link.release();
    migration.awaitStep(
        step -> step.getActivityType().getName().equals("ImportPart"), "a part is imported");
    link.hold();
    // What was sent into the void is lost with its connection.
    link.reset();
    link.release();
  }
}
