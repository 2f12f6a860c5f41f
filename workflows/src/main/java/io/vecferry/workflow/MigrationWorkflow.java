package io.vecferry.workflow;

import com.fasterxml.jackson.databind.JsonNode;
import io.temporal.workflow.QueryMethod;
import io.temporal.workflow.SignalMethod;
import io.temporal.workflow.UpdateMethod;
import io.temporal.workflow.UpdateValidatorMethod;
import io.temporal.workflow.WorkflowInterface;
import io.temporal.workflow.WorkflowMethod;
import io.vecferry.plan.MigrationPlan;
import java.util.List;

/**
 * One migration. Its workflow id is {@link #workflowId}. It ends as completed with an {@link
 * Outcome}; as cancelled, after the rollback that a cancel means, with the outcome in its status;
 * or as failed, before anything was written, with {@link #INVALID_SPEC} or {@link #BLOCKED}.
 */
@WorkflowInterface
public interface MigrationWorkflow {
  /** Task queue of workflows and activities. */
  String TASK_QUEUE = "migration";

  /** Failure type when the spec has problems; nothing was written. */
  String INVALID_SPEC = "InvalidMigrationSpec";

  /**
   * Failure type when planning found that the migration cannot work; nothing was written to a
   * store.
   */
  String BLOCKED = "MigrationBlocked";

  static String workflowId(String migration) {
    return "migration-" + migration;
  }

  /**
   * Runs the migration.
   *
   * @param document the spec; any JSON is taken, so that a mistake ends with a message and not with
   *     a task that fails for ever
   */
  @WorkflowMethod
  MigrationResult migrate(JsonNode document);

  @QueryMethod(description = "Phase, progress, failures and what the migration waits for")
  MigrationStatus status();

  @QueryMethod(description = "The plan; null before planning has ended")
  MigrationPlan plan();

  @QueryMethod(description = "Steps that wait for a decision, with the reason of each")
  List<StepFailure> failures();

  @UpdateMethod(description = "Start no new work; what runs is finished")
  String pause(VerbRequest request);

  @UpdateValidatorMethod(updateName = "pause")
  void validatePause(VerbRequest request);

  @UpdateMethod(description = "Go on after a pause")
  String resume(VerbRequest request);

  @UpdateValidatorMethod(updateName = "resume")
  void validateResume(VerbRequest request);

  @UpdateMethod(description = "Do the failed steps again")
  String retry(VerbRequest request);

  @UpdateValidatorMethod(updateName = "retry")
  void validateRetry(VerbRequest request);

  @UpdateMethod(description = "Leave the failed steps; the proof will have a gap")
  String skip(VerbRequest request);

  @UpdateValidatorMethod(updateName = "skip")
  void validateSkip(VerbRequest request);

  @UpdateMethod(description = "Agree to what the migration asks for approval of")
  String approve(VerbRequest request);

  @UpdateValidatorMethod(updateName = "approve")
  void validateApprove(VerbRequest request);

  @UpdateMethod(description = "Refuse it: rolls back")
  String reject(VerbRequest request);

  @UpdateValidatorMethod(updateName = "reject")
  void validateReject(VerbRequest request);

  @UpdateMethod(description = "Stop and restore the previous state")
  String rollback(VerbRequest request);

  @UpdateValidatorMethod(updateName = "rollback")
  void validateRollback(VerbRequest request);

  @SignalMethod(description = "Progress of a partition workflow; not for people")
  void partitionProgress(PartitionProgress progress);
}
