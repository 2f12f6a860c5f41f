package io.vecferry.workflow;

import com.fasterxml.jackson.databind.JsonNode;
import io.temporal.workflow.Async;
import io.temporal.workflow.CancellationScope;
import io.temporal.workflow.CompletablePromise;
import io.temporal.workflow.Workflow;
import io.vecferry.plan.MigrationPlan;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** What a migration answers, and what people can do to it while it runs. */
abstract class SteeredMigration implements MigrationWorkflow {
  final StatusBoard board = new StatusBoard();
  final Gate gate = new Gate(phase -> board.tuning().parallelism(phase));
  final Operator operator = new Operator(board, gate);

  /** Partition workflows that run, by their ids. */
  final Map<String, PartitionWorkflow> children = new LinkedHashMap<>();

  /** All work; cancelled by a rollback. */
  CancellationScope work;

  /** Completed when the speed has changed. */
  CompletablePromise<Void> tuned = Workflow.newPromise();

  @Override
  public final void partitionProgress(PartitionProgress progress) {
    board.add(progress);
  }

  @Override
  public final void partitionFailure(StepFailure failure) {
    if (!board.knows(failure)) {
      board.failed(failure);
    }
  }

  @Override
  public final MigrationStatus status() {
    return board.snapshot();
  }

  @Override
  public final MigrationPlan plan() {
    return board.plan();
  }

  @Override
  public final List<StepFailure> failures() {
    return board.snapshot().failures();
  }

  @Override
  public final String pause(VerbRequest request) {
    operator.pause(request);
    steerChildren("interrupt".equals(request.mode()));
    return "Paused: "
        + ("interrupt".equals(request.mode())
            ? "what ran is stopped and done again later."
            : "what runs is finished, nothing new starts.")
        + " Use resume to go on.";
  }

  @Override
  public final void validatePause(VerbRequest request) {
    operator.check(Verb.PAUSE, request);
  }

  @Override
  public final String resume(VerbRequest request) {
    operator.resume(request);
    steerChildren(false);
    return "Resumed.";
  }

  @Override
  public final void validateResume(VerbRequest request) {
    operator.check(Verb.RESUME, request);
  }

  @Override
  public final String retry(VerbRequest request) {
    operator.decide(Verb.RETRY, request);
    return "The failed steps are tried again.";
  }

  @Override
  public final void validateRetry(VerbRequest request) {
    operator.check(Verb.RETRY, request);
  }

  @Override
  public final String repair(VerbRequest request) {
    operator.decide(Verb.REPAIR, request);
    return "What differs is loaded again from the archive, and compared again.";
  }

  @Override
  public final void validateRepair(VerbRequest request) {
    operator.check(Verb.REPAIR, request);
  }

  @Override
  public final String skip(VerbRequest request) {
    operator.decide(Verb.SKIP, request);
    return "The failed steps are skipped; the report will say so and the proof has a gap.";
  }

  @Override
  public final void validateSkip(VerbRequest request) {
    operator.check(Verb.SKIP, request);
  }

  @Override
  public final String approve(VerbRequest request) {
    operator.approve(true, request);
    return "Approved.";
  }

  @Override
  public final void validateApprove(VerbRequest request) {
    operator.check(Verb.APPROVE, request);
  }

  @Override
  public final String reject(VerbRequest request) {
    operator.approve(false, request);
    return "Rejected: the previous state is being restored.";
  }

  @Override
  public final void validateReject(VerbRequest request) {
    operator.check(Verb.REJECT, request);
  }

  @Override
  public final String rollback(VerbRequest request) {
    operator.requestRollback(request);
    work.cancel(request.reason());
    return "Rolling back: the previous state is being restored.";
  }

  @Override
  public final void validateRollback(VerbRequest request) {
    operator.check(Verb.ROLLBACK, request);
  }

  @Override
  public final String tune(TuneRequest request) {
    operator.tune(request);
    tuned.complete(null);
    steerChildren(false);
    return "From the next part on: " + board.tuning() + ".";
  }

  @Override
  public final void validateTune(TuneRequest request) {
    operator.checkTune(request);
  }

  @Override
  public final void requestPause(JsonNode request) {
    operator.checked(Verb.PAUSE, request, this::pause);
  }

  @Override
  public final void requestResume(JsonNode request) {
    operator.checked(Verb.RESUME, request, this::resume);
  }

  @Override
  public final void requestRollback(JsonNode request) {
    operator.checked(Verb.ROLLBACK, request, this::rollback);
  }

  /** Tells partition workflows what has changed; those above the parallelism have to wait. */
  final void steerChildren(boolean interrupt) {
    int allowed = board.tuning() == null ? 0 : board.tuning().exportParallelism();
    for (Map.Entry<String, PartitionWorkflow> child : children.entrySet()) {
      boolean waits = gate.isPaused() || allowed-- <= 0;
      PartitionSteering steering = new PartitionSteering(waits, interrupt, board.tuning());
      Async.procedure(this::steerChild, child.getKey(), child.getValue(), steering);
    }
  }

  /**
   * Tells whatever run a partition workflow has come to: its stub knows the first one only. Nobody
   * looks at the result, because one that has just ended needs to be told nothing.
   */
  private void steerChild(String id, PartitionWorkflow child, PartitionSteering steering) {
    Workflow.getWorkflowExecution(child).get();
    Workflow.newExternalWorkflowStub(PartitionWorkflow.class, id).steer(steering);
  }
}
