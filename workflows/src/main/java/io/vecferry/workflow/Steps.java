package io.vecferry.workflow;

import io.temporal.activity.ActivityCancellationType;
import io.temporal.activity.ActivityOptions;
import io.temporal.common.RetryOptions;
import io.temporal.workflow.Workflow;
import io.vecferry.activity.MigrationActivities;
import io.vecferry.activity.PartActivities;
import java.time.Duration;

/** Stubs of the activities, with the reason for each of their timeouts. */
final class Steps {
  /**
   * No limit of attempts: a deploy of the worker counts as one, and a migration must survive any
   * number of them.
   */
  private static final RetryOptions RETRY =
      RetryOptions.newBuilder()
          .setInitialInterval(Duration.ofSeconds(1))
          .setBackoffCoefficient(2)
          .setMaximumInterval(Duration.ofMinutes(1))
          .build();

  /** Longest time that one attempt may take: a slow store and a large part must fit. */
  private static final Duration LONGEST_ATTEMPT = Duration.ofHours(24);

  /**
   * A worker that died is noticed after this time. Attempts beat every few seconds, also while they
   * wait for a store.
   */
  private static final Duration HEARTBEAT = Duration.ofSeconds(30);

  private Steps() {}

  static MigrationActivities whole(String summary) {
    return Workflow.newActivityStub(MigrationActivities.class, options(summary));
  }

  static PartActivities part(String summary) {
    return Workflow.newActivityStub(PartActivities.class, options(summary));
  }

  private static ActivityOptions options(String summary) {
    return ActivityOptions.newBuilder()
        .setStartToCloseTimeout(LONGEST_ATTEMPT)
        .setHeartbeatTimeout(HEARTBEAT)
        .setRetryOptions(RETRY)
        // Undoing must not race with a writer that is still running.
        .setCancellationType(ActivityCancellationType.WAIT_CANCELLATION_COMPLETED)
        .setSummary(summary)
        .build();
  }
}
