package io.vecferry.phase;

import io.temporal.activity.ActivityOptions;
import io.temporal.testing.TestActivityEnvironment;
import io.vecferry.activity.MigrationActivities;
import io.vecferry.activity.PartActivities;
import io.vecferry.activity.PartResult;
import io.vecferry.activity.PartTask;
import io.vecferry.archive.place.ArchiveRoot;
import io.vecferry.plan.MigrationPlan;
import io.vecferry.plan.PlannedPartition;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/** The steps of migrations as a worker has them, called one by one without a workflow. */
final class LocalSteps implements AutoCloseable {
  private final TestActivityEnvironment environment = TestActivityEnvironment.newInstance();
  private final Activities activities;
  private final MigrationActivities whole;
  private final PartActivities parts;

  /**
   * @param archives folder of all archives
   */
  LocalSteps(Path archives) {
    activities = new Activities(ArchiveRoot.of(archives), false);
    environment.registerActivitiesImplementations(activities.implementations());
    ActivityOptions options =
        ActivityOptions.newBuilder()
            .setStartToCloseTimeout(Duration.ofMinutes(2))
            .setHeartbeatTimeout(Duration.ofMinutes(2))
            .build();
    whole = environment.newActivityStub(MigrationActivities.class, options);
    parts = environment.newActivityStub(PartActivities.class, options);
  }

  MigrationActivities whole() {
    return whole;
  }

  PartActivities parts() {
    return parts;
  }

  /** Lets the service take the step that runs for one that has ended. */
  void giveUpStep() {
    environment.requestCancelActivity();
  }

  /** What an earlier attempt of the next step has said last. */
  void setHeartbeatDetails(Object details) {
    environment.setHeartbeatDetails(details);
  }

  /**
   * Exports and checks all parts.
   *
   * @param tasks where they are added
   * @return number of parts of each partition
   */
  List<Integer> export(MigrationPlan plan, List<PartTask> tasks) {
    List<Integer> counts = new ArrayList<>();
    for (PlannedPartition partition : plan.partitions()) {
      String cursor = null;
      boolean last = false;
      int part = 0;
      for (; !last; part++) {
        PartTask task = new PartTask(plan.migration(), partition, part, cursor, null);
        PartResult result = parts.exportPart(task);
        cursor = result.cursor();
        last = result.last();
        tasks.add(task);
        parts.validateExportedPart(task);
      }
      counts.add(part);
    }
    return counts;
  }

  @Override
  public void close() {
    environment.close();
    activities.close();
  }
}
