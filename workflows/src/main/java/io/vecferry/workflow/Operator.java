package io.vecferry.workflow;

import io.temporal.workflow.Workflow;
import java.util.List;
import java.util.Locale;

/**
 * The hand of a person on a migration: what was decided and not yet acted on, and which decisions
 * make sense now.
 */
final class Operator {

  /** What to do about failed steps. */
  enum Decision {
    RETRY,
    SKIP
  }

  private final StatusBoard board;
  private boolean paused;
  private String pauseReason = "";
  private Decision decision;
  private String decisionPart = "";
  private boolean skippable;
  private boolean approvalAwaited;
  private Boolean approved;
  private String rollbackReason;

  Operator(StatusBoard board) {
    this.board = board;
  }

  void pause(VerbRequest request) {
    board.action("pause", request);
    paused = true;
    pauseReason = request.reason();
    if (board.state() == MigrationStatus.State.RUNNING) {
      goOn();
    }
  }

  void resume(VerbRequest request) {
    board.action("resume", request);
    paused = false;
    if (board.state() == MigrationStatus.State.PAUSED) {
      goOn();
    }
  }

  void decide(Decision made, VerbRequest request) {
    board.action(made.name().toLowerCase(Locale.ROOT), request);
    decision = made;
    decisionPart = request.part() == null ? "" : request.part();
  }

  void approve(boolean agreed, VerbRequest request) {
    board.action(agreed ? "approve" : "reject", request);
    approved = agreed;
  }

  void requestRollback(VerbRequest request) {
    board.action("rollback", request);
    rollbackReason = request.reason();
  }

  String rollbackReason() {
    return rollbackReason;
  }

  /** Ends a pause, because a rollback waits for nothing. */
  void release() {
    paused = false;
  }

  /** Waits until nothing is paused. */
  void awaitPermission() {
    Workflow.await(() -> !paused);
  }

  /**
   * Waits for a person to decide about failed steps.
   *
   * @return the decision; see {@link #concerns} for which of the failures it is about
   */
  Decision awaitDecision(MigrationStatus.State state, String waitingFor, boolean maySkip) {
    decision = null;
    skippable = maySkip;
    board.state(state, waitingFor);
    Workflow.await(() -> decision != null);
    if (state == MigrationStatus.State.ROLLBACK_INCOMPLETE) {
      board.state(MigrationStatus.State.ROLLING_BACK, "");
    } else {
      goOn();
    }
    Decision made = decision;
    decision = null;
    return made;
  }

  /** Whether the last decision is about this failure. */
  boolean concerns(StepFailure failure) {
    return decisionPart.isEmpty() || decisionPart.equals(failure.subject());
  }

  /** Waits for approval. */
  boolean awaitApproval(String what) {
    approved = null;
    approvalAwaited = true;
    board.state(MigrationStatus.State.WAITING_FOR_APPROVAL, what);
    Workflow.await(() -> approved != null);
    approvalAwaited = false;
    goOn();
    return approved;
  }

  private void goOn() {
    if (paused) {
      board.state(MigrationStatus.State.PAUSED, "resume; paused because: " + pauseReason);
    } else {
      board.state(MigrationStatus.State.RUNNING, "");
    }
  }

  void checkReason(String verb, VerbRequest request) {
    if (request == null || request.reason() == null || request.reason().isBlank()) {
      throw new IllegalArgumentException(
          verb + " needs a reason, for example {\"who\": \"ada\", \"reason\": \"disk was full\"}.");
    }
    if (rollbackReason != null && board.state() != MigrationStatus.State.ROLLBACK_INCOMPLETE) {
      throw new IllegalStateException(
          verb + " is not possible: the migration is being rolled back.");
    }
  }

  void checkPause() {
    if (paused) {
      throw new IllegalStateException(
          "pause is not possible: the migration is paused already; use resume.");
    }
  }

  void checkResume() {
    if (!paused) {
      throw new IllegalStateException(
          "resume is not possible: the migration is not paused, it is " + board.state() + ".");
    }
  }

  void checkDecision(Decision wanted, VerbRequest request) {
    String verb = wanted.name().toLowerCase(Locale.ROOT);
    boolean waits =
        board.state() == MigrationStatus.State.NEEDS_ATTENTION
            || board.state() == MigrationStatus.State.ROLLBACK_INCOMPLETE;
    if (!waits || decision != null) {
      throw new IllegalStateException(
          verb
              + " is not possible: nothing waits for a decision, the migration is "
              + board.state()
              + ".");
    }
    if (wanted == Decision.SKIP && !skippable) {
      throw new IllegalStateException(
          "skip is not possible: records would be lost by skipping "
              + board.failures().stream().map(failure -> failure.phase().name()).distinct().toList()
              + "; use retry or rollback.");
    }
    String part = request.part();
    List<String> subjects = board.failures().stream().map(StepFailure::subject).toList();
    if (part != null && !part.isEmpty() && !subjects.contains(part)) {
      throw new IllegalArgumentException(
          verb + ": part '" + part + "' is not among the failed ones: " + subjects + ".");
    }
  }

  void checkApproval(String verb) {
    if (!approvalAwaited || approved != null) {
      throw new IllegalStateException(
          verb
              + " is not possible: no approval is asked for, the migration is "
              + board.state()
              + ".");
    }
  }

  void checkRollback() {
    if (board.hasOutcome()) {
      throw new IllegalStateException("rollback is not possible: the migration has finished.");
    }
  }
}
