package io.vecferry.workflow;

import io.temporal.api.enums.v1.ParentClosePolicy;
import io.temporal.failure.ApplicationFailure;
import io.temporal.failure.ChildWorkflowFailure;
import io.temporal.workflow.Async;
import io.temporal.workflow.CancellationScope;
import io.temporal.workflow.ChildWorkflowOptions;
import io.temporal.workflow.Promise;
import io.temporal.workflow.Workflow;
import io.vecferry.spec.StoreSpec;
import java.time.Duration;

/** Takes the {@link TargetLease} of a migration's target, and gives it back. */
final class TargetClaim {
  /** Version of migrations that end their lease themselves. */
  private static final int GIVEN_BACK = 2;

  /** A lease outlives the migration that held it for a moment. */
  private static final Duration MOMENT = Duration.ofSeconds(1);

  /** Longest time for a lease to end; the service ends one that does not. */
  private static final Duration FAREWELL = Duration.ofSeconds(10);

  private CancellationScope lease;
  private Promise<Void> held;

  /**
   * Makes the target this migration's own until it ends.
   *
   * @throws ApplicationFailure {@link MigrationWorkflow#BLOCKED} when another migration uses it
   */
  void take(StoreSpec target) {
    // Migrations from before there were leases go on without one.
    int version = Workflow.getVersion("target-lease", Workflow.DEFAULT_VERSION, GIVEN_BACK);
    if (version == Workflow.DEFAULT_VERSION) {
      return;
    }
    String id = TargetLease.workflowId(target);
    String self = Workflow.getInfo().getWorkflowId();
    CancellationScope taken = take(id, self);
    while (taken == null) {
      String holder = Steps.whole("find out who uses the target").targetHolder(id);
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
      taken = take(id, self);
    }
    if (version >= GIVEN_BACK) {
      lease = taken;
    }
  }

  /**
   * Ends the lease. One that the service has to end stays in the memory of a worker, with a thread,
   * because workers do not learn of that.
   */
  void giveBack() {
    if (lease != null) {
      lease.cancel();
      Workflow.newDetachedCancellationScope(() -> Workflow.await(FAREWELL, held::isCompleted))
          .run();
    }
  }

  /** Null when somebody else has it. */
  private CancellationScope take(String lease, String holder) {
    try {
      // A cancelled migration keeps its target until it is rolled back.
      CancellationScope scope = Workflow.newDetachedCancellationScope(() -> start(lease, holder));
      scope.run();
      return scope;
    } catch (ChildWorkflowFailure alreadyStarted) {
      return null;
    }
  }

  private void start(String lease, String holder) {
    TargetLease workflow =
        Workflow.newChildWorkflowStub(
            TargetLease.class,
            ChildWorkflowOptions.newBuilder()
                .setWorkflowId(lease)
                .setParentClosePolicy(ParentClosePolicy.PARENT_CLOSE_POLICY_TERMINATE)
                .setStaticSummary("in use by " + holder)
                .build());
    held = Async.procedure(workflow::hold, holder);
    Workflow.getWorkflowExecution(workflow).get();
  }
}
