package io.vecferry.workflow;

import io.temporal.failure.TemporalFailure;
import io.temporal.workflow.Workflow;
import io.vecferry.activity.CheckResult;
import io.vecferry.activity.WholeTask;
import io.vecferry.plan.Phase;
import io.vecferry.workflow.RetentionStatus.State;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/** Keeps what was replaced until a person or the time decides. */
public final class RetentionWorkflowImpl implements RetentionWorkflow {
  private final List<UndoStep> undo = new ArrayList<>();
  private final List<OperatorAction> actions = new ArrayList<>();
  private State state = State.KEPT;
  private String sentence = "";
  private boolean decided;
  private boolean rollsBack;

  @Override
  public RetentionStatus keep(RetentionTask task) {
    task.undo().forEach(step -> undo.add(new UndoStep(step, UndoStep.State.ARMED, "")));
    show(State.KEPT, "What was replaced is kept; finalize and rollback are possible.");
    if (task.dropAfterMillis() != null) {
      Workflow.await(Duration.ofMillis(task.dropAfterMillis()), () -> decided);
      // Without a decision it is the end of the time that decides, for finalize.
      decided = true;
    }
    while (state != State.FINALIZED && state != State.ROLLED_BACK) {
      Workflow.await(() -> decided);
      show(State.WORKING, rollsBack ? "rolling back" : "finalizing");
      try {
        if (rollsBack) {
          rollBack(task.whole());
        } else {
          String done = Steps.whole("drop what was replaced").endRetention(task.whole()).summary();
          show(State.FINALIZED, done);
        }
      } catch (TemporalFailure failure) {
        if (Failures.isCancellation(failure)) {
          throw failure;
        }
        show(State.FAILED, Failures.ofWhole(Phase.FINALIZE, false, failure).message());
      }
      decided = false;
    }
    Workflow.await(Workflow::isEveryHandlerFinished);
    return status();
  }

  private void rollBack(WholeTask whole) {
    for (int i = 0; i < undo.size(); i++) {
      UndoStep step = undo.get(i);
      CheckResult result =
          Steps.whole("undo: " + step.compensation().description())
              .compensate(whole, step.compensation());
      undo.set(i, new UndoStep(step.compensation(), UndoStep.State.DONE, result.summary()));
    }
    show(State.ROLLED_BACK, "The previous state is restored, the archive is kept.");
  }

  private void show(State now, String words) {
    state = now;
    sentence = words;
    Workflow.setCurrentDetails(now + ": " + words);
  }

  @Override
  public RetentionStatus status() {
    return new RetentionStatus(state, sentence, List.copyOf(undo), List.copyOf(actions));
  }

  @Override
  public String end(VerbRequest request) {
    decide(false, "finalize", request);
    return "Finalizing: a rollback will not be possible any more.";
  }

  @Override
  public void validateEnd(VerbRequest request) {
    check("finalize", request);
  }

  @Override
  public String rollback(VerbRequest request) {
    decide(true, "rollback", request);
    return "Rolling back: the previous state is being restored.";
  }

  @Override
  public void validateRollback(VerbRequest request) {
    check("rollback", request);
  }

  private void decide(boolean back, String verb, VerbRequest request) {
    actions.add(
        new OperatorAction(
            Workflow.currentTimeMillis(), verb, request.who(), request.reason(), ""));
    rollsBack = back;
    decided = true;
  }

  private void check(String verb, VerbRequest request) {
    if (request == null || request.reason() == null || request.reason().isBlank()) {
      throw new IllegalArgumentException(
          verb + " needs a reason, for example {\"who\": \"ada\", \"reason\": \"wrong data\"}.");
    }
    if (decided || state != State.KEPT && state != State.FAILED) {
      throw new IllegalStateException(
          verb + " is not possible: " + state + (sentence.isEmpty() ? "." : ": " + sentence));
    }
    boolean begun = undo.stream().anyMatch(step -> step.state() == UndoStep.State.DONE);
    if (begun && verb.equals("finalize")) {
      throw new IllegalStateException(
          "finalize is not possible: a rollback has begun. Possible now: rollback, which goes on.");
    }
  }
}
