package io.vecferry.workflow;

import io.temporal.workflow.WorkflowInterface;
import io.temporal.workflow.WorkflowMethod;
import io.vecferry.spec.StoreSpec;

/**
 * Says who uses a target: a workflow whose id names the target, and whose parent is the migration
 * that uses it. The service has at most one of them. The migration ends it as the last thing, or
 * the service does when the migration ends in another way; so two migrations never load one target.
 */
@WorkflowInterface
public interface TargetLease {

  static String workflowId(StoreSpec target) {
    return "target-lease/" + target.address();
  }

  /**
   * Waits to be cancelled.
   *
   * @param holder workflow id of the migration, for people
   */
  @WorkflowMethod
  void hold(String holder);
}
