package io.vecferry.workflow;

import io.temporal.activity.ActivityCancellationType;
import io.temporal.activity.ActivityOptions;
import io.temporal.common.Priority;
import io.temporal.common.RetryOptions;
import io.temporal.workflow.Workflow;
import io.vecferry.activity.MigrationActivities;
import io.vecferry.activity.NotificationActivities;
import io.vecferry.activity.PartActivities;
import io.vecferry.activity.TaskQueues;
import io.vecferry.plan.Phase;
import java.time.Duration;

/** Stubs of the activities, with the reason for each of their timeouts. */
final class Steps {
  /**
   * No limit of attempts: a deploy of the worker counts as one, and a migration must survive any
   * number of them. The pauses are those after the death of a worker, however often that happens to
   * one step; a step that fails says itself when it wants to be tried again.
   */
  private static final RetryOptions RETRY =
      RetryOptions.newBuilder()
          .setInitialInterval(Duration.ofSeconds(1))
          .setBackoffCoefficient(2)
          .setMaximumInterval(Duration.ofSeconds(5))
          .build();

  /** Longest time that one attempt may take: a slow store and a large part must fit. */
  private static final Duration LONGEST_ATTEMPT = Duration.ofHours(24);

  /**
   * A worker that died is noticed after this time. Attempts beat every few seconds, also while they
   * wait for a store. When a worker is taken for dead and is not, two attempts overlap, which is
   * safe.
   */
  private static final Duration HEARTBEAT = Duration.ofSeconds(15);

  /** Longest key that the service takes, in characters. */
  private static final int LONGEST_FAIRNESS_KEY = 64;

  /** Once sent, a notification is answered within seconds. */
  private static final Duration LONGEST_NOTIFICATION = Duration.ofMinutes(1);

  /** A receiver that is away for longer has no use for old news. */
  private static final Duration NOTIFICATION_PATIENCE = Duration.ofHours(1);

  private static final RetryOptions NOTIFICATION_RETRY =
      RetryOptions.newBuilder()
          .setInitialInterval(Duration.ofSeconds(2))
          .setBackoffCoefficient(2)
          .setMaximumInterval(Duration.ofMinutes(1))
          .build();

  private Steps() {}

  /** Unlike all others this step gives up by itself: a migration must not depend on it. */
  static NotificationActivities notification(String summary) {
    return Workflow.newActivityStub(
        NotificationActivities.class,
        ActivityOptions.newBuilder()
            .setStartToCloseTimeout(LONGEST_NOTIFICATION)
            .setScheduleToCloseTimeout(NOTIFICATION_PATIENCE)
            .setRetryOptions(NOTIFICATION_RETRY)
            .setSummary(summary)
            .build());
  }

  static MigrationActivities whole(String summary) {
    return Workflow.newActivityStub(MigrationActivities.class, options(summary).build());
  }

  /**
   * Steps on parts share their queue with those of other migrations. A service that knows fairness
   * lets migrations take turns; with others the bounded number of parts that a migration has in the
   * queue does.
   */
  static PartActivities part(Phase step, String migration, String summary) {
    String key = migration.substring(0, Math.min(migration.length(), LONGEST_FAIRNESS_KEY));
    return Workflow.newActivityStub(
        PartActivities.class,
        options(summary)
            .setTaskQueue(TaskQueues.of(step))
            .setPriority(Priority.newBuilder().setFairnessKey(key).build())
            .build());
  }

  private static ActivityOptions.Builder options(String summary) {
    return ActivityOptions.newBuilder()
        .setStartToCloseTimeout(LONGEST_ATTEMPT)
        .setHeartbeatTimeout(HEARTBEAT)
        .setRetryOptions(RETRY)
        // Undoing must not race with a writer that is still running.
        .setCancellationType(ActivityCancellationType.WAIT_CANCELLATION_COMPLETED)
        .setSummary(summary);
  }
}
