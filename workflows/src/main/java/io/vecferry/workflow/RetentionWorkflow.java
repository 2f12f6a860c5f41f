package io.vecferry.workflow;

import io.temporal.workflow.QueryMethod;
import io.temporal.workflow.UpdateMethod;
import io.temporal.workflow.UpdateValidatorMethod;
import io.temporal.workflow.WorkflowInterface;
import io.temporal.workflow.WorkflowMethod;

/**
 * The time after a migration in which what it has replaced is still there. Started by the
 * migration, which does not wait for it.
 */
@WorkflowInterface
public interface RetentionWorkflow {

  static String workflowId(String migration) {
    return "retention-" + migration;
  }

  /** Waits for finalize, rollback or the end of the time. */
  @WorkflowMethod
  RetentionStatus keep(RetentionTask task);

  @QueryMethod(description = "What has become of what the migration has replaced")
  RetentionStatus status();

  @UpdateMethod(
      name = "finalize",
      description = "End the time in which a rollback is possible; drop what has a backup")
  String end(VerbRequest request);

  @UpdateValidatorMethod(updateName = "finalize")
  void validateEnd(VerbRequest request);

  @UpdateMethod(description = "Let readers get again what they got before the migration")
  String rollback(VerbRequest request);

  @UpdateValidatorMethod(updateName = "rollback")
  void validateRollback(VerbRequest request);
}
