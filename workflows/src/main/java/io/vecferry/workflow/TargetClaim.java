package io.vecferry.workflow;

import io.temporal.api.enums.v1.ParentClosePolicy;
import io.temporal.failure.ApplicationFailure;
import io.temporal.failure.ChildWorkflowFailure;
import io.temporal.workflow.Async;
import io.temporal.workflow.ChildWorkflowOptions;
import io.temporal.workflow.Workflow;
import io.vecferry.spec.StoreSpec;
import java.time.Duration;

/** Takes the {@link TargetLease} of a migration's target. */
final class TargetClaim {
  /** A lease outlives the migration that held it for a moment. */
  private static final Duration MOMENT = Duration.ofSeconds(1);

  private TargetClaim() {}

  /**
   * Makes the target this migration's own until it ends.
   *
   * @throws ApplicationFailure {@link MigrationWorkflow#BLOCKED} when another migration uses it
   */
  static void take(StoreSpec target) {
    // Migrations from before there were leases go on without one.
    if (Workflow.getVersion("target-lease", Workflow.DEFAULT_VERSION, 1)
        == Workflow.DEFAULT_VERSION) {
      return;
    }
    String lease = TargetLease.workflowId(target);
    String self = Workflow.getInfo().getWorkflowId();
    while (!isTaken(lease, self)) {
      String holder = Steps.whole("find out who uses the target").targetHolder(lease);
      if (!holder.isEmpty() && !holder.equals(self)) {
        throw ApplicationFailure.newNonRetryableFailure(
            "The migration cannot start:\n  target: "
                + target.address()
                + " is used by "
                + holder
                + ", which has not ended. Wait for it or roll it back, or choose another target.",
            MigrationWorkflow.BLOCKED);
      }
      Workflow.sleep(MOMENT);
    }
  }

  private static boolean isTaken(String lease, String holder) {
    try {
      // A cancelled migration keeps its target until it is rolled back.
      Workflow.newDetachedCancellationScope(() -> start(lease, holder)).run();
      return true;
    } catch (ChildWorkflowFailure alreadyStarted) {
      return false;
    }
  }

  private static void start(String lease, String holder) {
    TargetLease workflow =
        Workflow.newChildWorkflowStub(
            TargetLease.class,
            ChildWorkflowOptions.newBuilder()
                .setWorkflowId(lease)
                .setParentClosePolicy(ParentClosePolicy.PARENT_CLOSE_POLICY_TERMINATE)
                .setStaticSummary("in use by " + holder)
                .build());
    Async.procedure(workflow::hold, holder);
    Workflow.getWorkflowExecution(workflow).get();
  }
}
