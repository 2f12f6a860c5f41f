package io.vecferry.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.temporal.api.workflow.v1.PendingActivityInfo;
import io.vecferry.testing.RunningServer;
import io.vecferry.testing.Server;
import io.vecferry.testing.WithServer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;

/**
 * Workers of a real Temporal service are killed and restarted, again and again, while they migrate.
 * Numbers go to standard output. {@code vecferry.chaos.kills}, {@code .rows}, {@code .steps} and
 * {@code .restarts} make it as long as one likes; then {@code .minutes} says what a migration may
 * take.
 */
@Tag("slow")
@Execution(ExecutionMode.CONCURRENT)
@WithServer(Server.TEMPORAL)
@WithServer(Server.CHROMA)
@Timeout(value = 4, unit = TimeUnit.HOURS)
class WorkerChaosTest {
  private static final int ROWS = Integer.getInteger("vecferry.chaos.rows", 8_000);
  private static final int PART_ROWS = Math.max(500, ROWS / 100);

  /** With more of them, a kill need not wait until another worker has gone on with the last one. */
  private static final int WORKERS = 3;

  /** Bytes that a record costs on the way to Chroma or back, with some to spare. */
  private static final int RECORD_BYTES = 400;

  @TempDir Path folder;

  @Test
  void killedAtRandomMoments(
      @WithServer(Server.TEMPORAL) RunningServer temporal,
      @WithServer(Server.CHROMA) RunningServer chroma)
      throws InterruptedException {
    int kills = Integer.getInteger("vecferry.chaos.kills", 4);
    Random random = new Random(kills);
    try (Service service = Service.at(temporal, folder);
        LongMigration migration = new LongMigration(folder, service, chroma, "killed", ROWS)) {
      List<Cli.Running> workers = new ArrayList<>();
      for (int worker = 0; worker < WORKERS; worker++) {
        workers.add(service.startWorker());
      }
      migration.link.limit(slowly(kills));
      migration.start(PART_ROWS, "");
      // Planning that is killed before it ends begins anew, and few kills would hit anything else.
      Cli.await("a part is exported", () -> migration.exported() >= 1);
      List<Long> rowsAtRisk = new ArrayList<>();
      TakeOvers takeOvers = new TakeOvers();
      for (int kill = 0; kill < kills; kill++) {
        int[] victim = new int[1];
        migration.awaitStep(
            step -> {
              victim[0] = runner(workers, step);
              return victim[0] >= 0;
            },
            "a step runs before kill " + kill);
        TimeUnit.MILLISECONDS.sleep(random.nextInt(2000));
        Cli.Running killed = workers.get(victim[0]);
        takeOvers.look(migration.describe().getPendingActivitiesList());
        List<PendingActivityInfo> hit = migration.runningOn(killed);
        Instant when = Instant.now();
        killed.kill();
        takeOvers.killed(killed, hit, when);
        assertThat(migration.hasEnded()).as("ended before kill %s", kill).isFalse();
        migration.assertNothingRedone();
        rowsAtRisk.add(hit.stream().mapToLong(WorkerChaosTest::rowsToRedo).sum());
        workers.set(victim[0], service.startWorker());
        takeOvers.look(migration.describe().getPendingActivitiesList());
      }
      Cli.await(
          "others go on with what killed workers have left",
          () -> {
            takeOvers.look(migration.describe().getPendingActivitiesList());
            return takeOvers.isComplete();
          });
      migration.link.limit(Long.MAX_VALUE);
      migration.assertArrived();
      List<Double> seconds = takeOvers.seconds();
      System.out.printf(
          "%d kills over %,d rows in parts of %,d: %d running steps hit; rows to be done again per"
              + " kill: %d on average, at most %d; a step that was hit went on after %.1f s (median),"
              + " at most %.1f s; %.1f bytes sent per row%n",
          kills,
          ROWS,
          PART_ROWS,
          seconds.size(),
          rowsAtRisk.stream().mapToLong(Long::longValue).sum() / kills,
          Collections.max(rowsAtRisk),
          seconds.get(seconds.size() / 2),
          seconds.get(seconds.size() - 1),
          (double) migration.link.sent() / ROWS);
    }
  }

  @Test
  void killedAtNamedSteps(
      @WithServer(Server.TEMPORAL) RunningServer temporal,
      @WithServer(Server.CHROMA) RunningServer chroma) {
    List<String> steps =
        List.of(System.getProperty("vecferry.chaos.steps", "ImportPart,Cutover").split(","));
    try (Service service = Service.at(temporal, folder);
        Link slow = new Link(temporal.url());
        LongMigration migration = new LongMigration(folder, service, chroma, "steps", ROWS)) {
      // What a worker says arrives later, so that every step is seen however short it is.
      slow.delay(150);
      Cli.Running worker = service.startWorker(slow);
      migration.start(ROWS / 8, "");
      List<String> report = new ArrayList<>();
      for (String step : steps) {
        migration.awaitStep(running -> running.getActivityType().getName().equals(step), step);
        worker.kill();
        long killed = System.nanoTime();
        migration.assertNothingRedone();
        worker = service.startWorker(slow);
        double started = seconds(killed);
        String identity = worker.pid() + "@";
        migration.awaitStep(
            running -> running.getLastWorkerIdentity().startsWith(identity),
            "work goes on after a kill in " + step);
        report.add("%s %.1f s (new worker after %.1f s)".formatted(step, seconds(killed), started));
      }
      migration.assertArrived();
      System.out.println("From the kill until work goes on: " + String.join(", ", report));
    }
  }

  @Test
  void restartedOneAfterTheOther(
      @WithServer(Server.TEMPORAL) RunningServer temporal,
      @WithServer(Server.CHROMA) RunningServer chroma) {
    int restarts = Integer.getInteger("vecferry.chaos.restarts", 4);
    try (Service service = Service.at(temporal, folder);
        LongMigration migration = new LongMigration(folder, service, chroma, "rolling", ROWS)) {
      List<Cli.Running> workers =
          new ArrayList<>(
              List.of(service.startWorker(), service.startWorker(), service.startWorker()));
      migration.link.limit(5 * slowly(restarts));
      migration.startBack(PART_ROWS, "");
      Cli.await("a part is exported", () -> migration.exported() >= 1);
      migration.link.limit(slowly(restarts));
      int restart = 0;
      while (restart < restarts && !migration.hasEnded()) {
        int next = restart++ % workers.size();
        workers.get(next).terminate();
        Cli.Result ended = workers.get(next).await();
        // 128 + SIGTERM.
        assertThat(ended.exitCode()).as("%s", ended).isEqualTo(143);
        assertThat(ended.err() + ended.out()).doesNotContain("Exception");
        migration.assertNothingRedone();
        workers.set(next, service.startWorker());
      }
      migration.link.limit(Long.MAX_VALUE);
      migration.assertBack();
      assertThat(restart).isEqualTo(restarts);
      System.out.printf(
          "%d restarts of one of 3 workers over %,d rows in parts of %,d rows: %d parts, %d without"
              + " restarts%n",
          restarts, ROWS, PART_ROWS, migration.exported(), (ROWS + PART_ROWS - 1) / PART_ROWS);
    }
  }

  @Test
  void stoppingWorkerEndsItsPartWhereItIs(
      @WithServer(Server.TEMPORAL) RunningServer temporal,
      @WithServer(Server.CHROMA) RunningServer chroma) {
    try (Service service = Service.at(temporal, folder);
        LongMigration migration = new LongMigration(folder, service, chroma, "stopped", 6_000)) {
      Cli.Running worker = service.startWorker();
      migration.link.limit(30_000);
      migration.startBack(3_000, "");
      migration.awaitStep(
          step ->
              step.getActivityType().getName().equals("ExportPart") && progress(step, "rows") > 0,
          "a part is half exported");
      worker.terminate();
      Cli.Result ended = worker.await();
      assertThat(ended.exitCode()).as("%s", ended).isEqualTo(143);
      migration.assertNothingRedone();
      assertThat(migration.exported()).as("%s", ended).isPositive();
      migration.link.limit(Long.MAX_VALUE);
      service.startWorker();
      migration.assertBack();
      assertThat(migration.exported()).isGreaterThan(2);
    }
  }

  @Test
  void stoppingWorkerHandsItsImportOver(
      @WithServer(Server.TEMPORAL) RunningServer temporal,
      @WithServer(Server.CHROMA) RunningServer chroma) {
    int rows = 4_000;
    try (Service service = Service.at(temporal, folder);
        LongMigration migration = new LongMigration(folder, service, chroma, "handed", rows)) {
      Cli.Running worker = service.startWorker();
      migration.link.limit(60_000);
      migration.start(rows, "overlap: false");
      PendingActivityInfo half =
          migration.awaitStep(
              step ->
                  step.getActivityType().getName().equals("ImportPart")
                      && progress(step, "cursor") >= rows / 2,
              "half of the part is imported");
      worker.terminate();
      Cli.Result ended = worker.await();
      assertThat(ended.exitCode()).as("%s", ended).isEqualTo(143);
      long sent = migration.link.sent();
      service.startWorker();
      migration.awaitImported(1);
      long more = migration.link.sent() - sent;
      // Half of the rows were left. All of them again would have been as much once more.
      assertThat(more).as("sent before: %s, step: %s", sent, half).isLessThan(sent);
      migration.link.limit(Long.MAX_VALUE);
      migration.assertArrived();
    }
  }

  @Test
  void suspendedWorkerComesBackWhenAnotherHasItsSteps(
      @WithServer(Server.TEMPORAL) RunningServer temporal,
      @WithServer(Server.CHROMA) RunningServer chroma) {
    try (Service service = Service.at(temporal, folder);
        LongMigration migration = new LongMigration(folder, service, chroma, "frozen", 6_000)) {
      Cli.Running frozen = service.startWorker();
      migration.link.limit(30_000);
      migration.startBack(1_500, "");
      PendingActivityInfo half =
          migration.awaitStep(
              step ->
                  step.getActivityType().getName().equals("ExportPart")
                      && progress(step, "rows") > 0,
              "a part is half exported");
      frozen.signal("STOP");
      Cli.Running other = service.startWorker();
      migration.awaitStep(
          step ->
              step.getActivityId().equals(half.getActivityId())
                  && step.getLastWorkerIdentity().startsWith(other.pid() + "@")
                  && progress(step, "rows") > 0,
          "the other one exports the same part");
      frozen.signal("CONT");
      // Now two attempts write the part; only the later one may publish it.
      Cli.await("a part is exported", () -> migration.exported() >= 1);
      migration.assertNothingRedone();
      migration.link.limit(Long.MAX_VALUE);
      migration.assertBack();
    }
  }

  /**
   * Bytes per second with which the work lasts longer than so many losses, on a slow machine too.
   */
  private static long slowly(int losses) {
    return Math.max(1, (long) ROWS * RECORD_BYTES / losses / 100);
  }

  /** Which of the workers runs a step; -1 when none does. */
  private static int runner(List<Cli.Running> workers, PendingActivityInfo step) {
    return IntStream.range(0, workers.size())
        .filter(worker -> step.getLastWorkerIdentity().startsWith(workers.get(worker).pid() + "@"))
        .findFirst()
        .orElse(-1);
  }

  /** Rows that a step has done, but for those that it has left to be left out. */
  private static long rowsToRedo(PendingActivityInfo step) {
    return progress(step, "rows") - progress(step, "cursor");
  }

  /** What a step has said of itself. */
  private static long progress(PendingActivityInfo step, String what) {
    if (step.getHeartbeatDetails().getPayloadsCount() == 0) {
      return 0;
    }
    try {
      JsonNode details =
          new ObjectMapper()
              .readTree(step.getHeartbeatDetails().getPayloads(0).getData().toByteArray());
      return details.path(what).asLong();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static double seconds(long since) {
    return (System.nanoTime() - since) / 1e9;
  }
}
