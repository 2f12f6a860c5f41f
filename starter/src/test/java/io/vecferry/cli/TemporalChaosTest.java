package io.vecferry.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.vecferry.plan.Phase;
import io.vecferry.testing.RunningServer;
import io.vecferry.testing.Server;
import io.vecferry.testing.WithServer;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * The Temporal service is killed while a migration runs, alone and together with the worker, and
 * comes back on its database; {@code vecferry.chaos.outage} says after how many seconds. Or what it
 * knew is lost. One after the other: both are about the same service.
 */
@Tag("slow")
@WithServer(Server.CHROMA)
@Timeout(400)
class TemporalChaosTest {
  private static final int ROWS = 6_000;
  private static final int OUTAGE_SECONDS = Integer.getInteger("vecferry.chaos.outage", 3);

  @WithServer(value = Server.TEMPORAL, instance = "killed")
  static RunningServer temporal;

  @TempDir Path folder;

  @Test
  void serviceIsKilledThenServiceAndWorker(@WithServer(Server.CHROMA) RunningServer chroma)
      throws InterruptedException {
    try (Service service = Service.at(temporal, folder);
        LongMigration migration = new LongMigration(folder, service, chroma, "outage", ROWS)) {
      Cli.Running worker = service.startWorker();
      migration.link.limit(50_000);
      migration.start(500, "");
      Cli.Running watch = service.cli(folder).start("watch", "outage");
      migration.awaitImported(2);
      killAndRestart();
      long imported = migration.imported();
      migration.awaitImported(imported + 2);
      assertThat(worker.isAlive()).as("the worker withstands it").isTrue();
      migration.assertNothingRedone();
      worker.kill();
      killAndRestart();
      service.startWorker();
      migration.link.limit(Long.MAX_VALUE);
      migration.assertArrived();
      Cli.Result watched = watch.await();
      assertThat(watched.exitCode()).as("%s", watched).isZero();
    }
  }

  @Test
  void namespaceIsLost(@WithServer(Server.CHROMA) RunningServer chroma) {
    try (Service lost = Service.at(temporal, folder);
        Service empty = Service.at(temporal, folder);
        LongMigration migration = new LongMigration(folder, lost, chroma, "lost", ROWS)) {
      Cli.Running worker = lost.startWorker();
      migration.link.limit(50_000);
      migration.start(500, "");
      migration.awaitImported(2);
      worker.kill();
      migration.assertNothingRedone();
      // For the new one there has never been a migration, and its worker finds the archive.
      empty.startWorker();
      migration.link.limit(Long.MAX_VALUE);
      migration.startAgainAt(empty);
      migration.assertArrived();
      assertThat(empty.client().status("lost").phases())
          .filteredOn(phase -> phase.phase() == Phase.IMPORT)
          .allSatisfy(phase -> assertThat(phase.rowsReused()).isGreaterThanOrEqualTo(1_000));
    }
  }

  private static void killAndRestart() throws InterruptedException {
    temporal.kill();
    TimeUnit.SECONDS.sleep(OUTAGE_SECONDS);
    temporal.restart();
  }
}
