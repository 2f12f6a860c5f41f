package io.vecferry.cli;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.temporal.activity.ActivityOptions;
import io.temporal.testing.TestActivityEnvironment;
import io.vecferry.activity.MigrationActivities;
import io.vecferry.activity.PartActivities;
import io.vecferry.activity.PartResult;
import io.vecferry.activity.PartTask;
import io.vecferry.activity.WholeTask;
import io.vecferry.archive.place.ArchiveRoot;
import io.vecferry.phase.Activities;
import io.vecferry.plan.MigrationPlan;
import io.vecferry.plan.PlannedPartition;
import io.vecferry.spec.MigrationSpec;
import io.vecferry.spec.SpecReader;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.Semaphore;
import java.util.function.IntFunction;

/**
 * The steps of a migration as a program that nobody could interrupt: the same work with the same
 * parallelism in one process, without a Temporal service. Prints how many milliseconds it took, and
 * how many its process has used of the processor.
 */
final class BareLoop {
  /** As many parts of a partition at once as the workflow works on. */
  private static final int FOLLOWERS = 2;

  private final TestActivityEnvironment environment = TestActivityEnvironment.newInstance();
  private final ExecutorService threads = Executors.newCachedThreadPool();
  private final MigrationSpec spec;
  private final MigrationActivities whole;
  private final PartActivities parts;

  private BareLoop(MigrationSpec spec, Activities activities) {
    this.spec = spec;
    environment.registerActivitiesImplementations(activities.implementations());
    ActivityOptions options =
        ActivityOptions.newBuilder()
            .setStartToCloseTimeout(Duration.ofHours(1))
            .setHeartbeatTimeout(Duration.ofHours(1))
            .build();
    whole = environment.newActivityStub(MigrationActivities.class, options);
    parts = environment.newActivityStub(PartActivities.class, options);
  }

  public static void main(String[] arguments) throws Exception {
    MigrationSpec spec =
        SpecReader.read(new ObjectMapper().readTree(Path.of(arguments[0]).toFile())).spec();
    BareLoop loop =
        new BareLoop(spec, new Activities(ArchiveRoot.of(Path.of(arguments[1])), false));
    long start = System.nanoTime();
    loop.run();
    System.out.println((System.nanoTime() - start) / 1_000_000 + " " + cpuMillis());
    System.exit(0);
  }

  private static long cpuMillis() {
    return ProcessHandle.current().info().totalCpuDuration().orElse(Duration.ZERO).toMillis();
  }

  private void run() throws Exception {
    MigrationPlan plan = whole.plan(spec);
    Integer[] counts = new Integer[plan.partitions().size()];
    Arrays.fill(counts, 0);
    WholeTask empty = new WholeTask(spec.name(), List.of(counts));
    whole.prepareTarget(empty);
    inLanes(
        plan,
        partition -> {
          Followers followers = new Followers();
          String cursor = null;
          boolean last = false;
          int part = 0;
          while (!last) {
            PartResult exported =
                parts.exportPart(new PartTask(spec.name(), partition, part, cursor, null));
            PartTask task = new PartTask(spec.name(), partition, part, null, null);
            followers.add(
                () -> {
                  parts.validateExportedPart(task);
                  parts.importPart(task);
                });
            cursor = exported.cursor();
            last = exported.last();
            part++;
          }
          followers.await();
          counts[partition.index()] = part;
        });
    WholeTask task = new WholeTask(spec.name(), List.of(counts));
    whole.completeExport(task);
    whole.finishLoad(task);
    inLanes(
        plan,
        partition -> {
          Followers followers = new Followers();
          for (int part = 0; part < counts[partition.index()]; part++) {
            PartTask one = new PartTask(spec.name(), partition, part, null, null);
            followers.add(() -> parts.validateImportedPart(one));
          }
          followers.await();
        });
    whole.completeImportValidation(task);
    whole.checkQuality(task);
    whole.cutover(task);
  }

  private interface Lane {
    void run(PlannedPartition partition) throws Exception;
  }

  private void inLanes(MigrationPlan plan, Lane lane) throws Exception {
    Semaphore lanes = new Semaphore(plan.parallelism());
    IntFunction<Future<?>> started =
        index ->
            threads.submit(
                () -> {
                  lanes.acquire();
                  lane.run(plan.partitions().get(index));
                  lanes.release();
                  return null;
                });
    List<Future<?>> all = new ArrayList<>();
    for (int index = 0; index < plan.partitions().size(); index++) {
      all.add(started.apply(index));
    }
    for (Future<?> one : all) {
      one.get();
    }
  }

  /** Parts of one partition that are worked on while the next ones are exported. */
  private final class Followers {
    private final Semaphore room = new Semaphore(FOLLOWERS);
    private final List<Future<?>> all = new ArrayList<>();

    void add(Runnable work) throws InterruptedException {
      room.acquire();
      all.add(
          threads.submit(
              () -> {
                work.run();
                room.release();
              }));
    }

    void await() throws Exception {
      for (Future<?> one : all) {
        one.get();
      }
    }
  }
}
