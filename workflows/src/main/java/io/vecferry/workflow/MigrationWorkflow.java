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

  /** Memo of a workflow: the word for its state or, at the end, its outcome. */
  String STATE_MEMO = "state";

  /** Of a run of a schedule, whose name ends with its time, the id that the schedule has given. */
  static String workflowId(String migration) {
    return "migration-"
        + migration.replaceFirst("(-\\d{4}-\\d{2}-\\d{2}T\\d{2})(\\d{2})(\\d{2}Z)$", "$1:$2:$3");
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

  @UpdateMethod(
      description =
          "Start no new work; what runs is finished, or with mode interrupt done again later")
  String pause(VerbRequest request);

  @UpdateValidatorMethod(updateName = "pause")
  void validatePause(VerbRequest request);

  @UpdateMethod(description = "Go on after a pause")
  String resume(VerbRequest request);

  @UpdateValidatorMethod(updateName = "resume")
  void validateResume(VerbRequest request);

  @UpdateMethod(description = "Do the failed steps again: all, of one part, or of one phase")
  String retry(VerbRequest request);

  @UpdateValidatorMethod(updateName = "retry")
  void validateRetry(VerbRequest request);

  @UpdateMethod(
      description =
          "Load again what differs from the archive, remove what is extra, and compare again")
  String repair(VerbRequest request);

  @UpdateValidatorMethod(updateName = "repair")
  void validateRepair(VerbRequest request);

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

  @UpdateMethod(
      description =
          "Change the speed: exportParallelism, importParallelism, batchSize, rate in records/s")
  String tune(TuneRequest request);

  @UpdateValidatorMethod(updateName = "tune")
  void validateTune(TuneRequest request);

  /**
   * The same as {@link #pause}, for many migrations at once: updates know no query. Nobody can be
   * answered, so a refusal is among the actions of the status. Any JSON is taken.
   */
  @SignalMethod(description = "pause, for many migrations at once")
  void requestPause(JsonNode request);

  @SignalMethod(description = "resume, for many migrations at once")
  void requestResume(JsonNode request);

  @SignalMethod(description = "rollback, for many migrations at once")
  void requestRollback(JsonNode request);

  @SignalMethod(description = "Progress of a partition workflow; not for people")
  void partitionProgress(PartitionProgress progress);

  @SignalMethod(description = "Failure in a partition workflow; not for people")
  void partitionFailure(StepFailure failure);
}
