package io.vecferry.workflow;

import com.fasterxml.jackson.databind.JsonNode;
import io.temporal.workflow.Workflow;
import io.vecferry.plan.Phase;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.stream.Collectors;

/**
 * The hand of a person on a migration: what was decided and not yet acted on, which verbs are
 * possible now, and what each would do.
 */
final class Operator {
  private static final String INTERRUPT = "interrupt";

  private final StatusBoard board;
  private final Gate gate;
  private String pauseReason = "";
  private final List<Decision> decisions = new ArrayList<>();
  private boolean approvalAwaited;
  private Boolean approved;
  private String rollbackReason;
  private boolean started;
  private boolean automatic;

  /**
   * What to do about failed steps.
   *
   * @param verb retry, repair or skip
   * @param part only this part, or empty
   * @param phase only steps of this phase, or empty
   * @param failures what it is about, of what had failed when it was given
   */
  record Decision(Verb verb, String part, String phase, List<StepFailure> failures) {

    static Decision of(Verb verb, VerbRequest request, List<StepFailure> undecided) {
      String part = orEmpty(request.part());
      String phase = orEmpty(request.phase());
      return new Decision(
          verb,
          part,
          phase,
          undecided.stream()
              .filter(failure -> part.isEmpty() || part.equals(failure.subject()))
              .filter(failure -> phase.isEmpty() || phase.equals(failure.phase().name()))
              .filter(failure -> verb != Verb.REPAIR || failure.repairable())
              .toList());
    }

    /** Whether it is about this failure. */
    boolean concerns(StepFailure failure) {
      return failures.stream().anyMatch(failure::isSameStep);
    }

    private static String orEmpty(String text) {
      return text == null ? "" : text;
    }

    @Override
    public String toString() {
      return (phase + " " + part).strip();
    }
  }

  Operator(StatusBoard board, Gate gate) {
    this.board = board;
    this.gate = gate;
    board.choices(this::choices);
    board.attention(this::attention);
  }

  /**
   * There is work that a rollback can stop.
   *
   * @param rollsBackAutomatically whether a failure is rolled back and nobody is asked
   */
  void started(boolean rollsBackAutomatically) {
    started = true;
    automatic = rollsBackAutomatically;
  }

  void pause(VerbRequest request) {
    boolean interrupt = INTERRUPT.equals(request.mode());
    board.action(
        Verb.PAUSE.word(), request.who(), request.reason(), interrupt ? INTERRUPT : "drain");
    pauseReason = request.reason();
    gate.close(interrupt);
    if (isWorking()) {
      goOn();
    }
  }

  void resume(VerbRequest request) {
    board.action(Verb.RESUME.word(), request.who(), request.reason(), "");
    gate.open();
    if (board.state() == MigrationStatus.State.PAUSED) {
      goOn();
    }
  }

  void decide(Verb verb, VerbRequest request) {
    Decision decision = Decision.of(verb, request, undecided());
    decisions.add(decision);
    board.action(verb.word(), request.who(), request.reason(), decision.toString());
  }

  void approve(boolean agreed, VerbRequest request) {
    Verb verb = agreed ? Verb.APPROVE : Verb.REJECT;
    board.action(verb.word(), request.who(), request.reason(), "");
    approved = agreed;
  }

  void requestRollback(VerbRequest request) {
    board.action(Verb.ROLLBACK.word(), request.who(), request.reason(), "");
    rollbackReason = request.reason();
  }

  void tune(TuneRequest request) {
    Tuning before = board.tuning();
    board.tuning(before.with(request));
    board.action(Verb.TUNE.word(), request.who(), request.reason(), board.tuning().toString());
  }

  /** Does what a signal asks for, or notes why not: nobody can be answered. */
  void checked(Verb verb, JsonNode message, Consumer<VerbRequest> action) {
    VerbRequest request =
        new VerbRequest(
            text(message, "who"), text(message, "reason"), "", "", text(message, "mode"));
    try {
      check(verb, request);
    } catch (IllegalArgumentException | IllegalStateException refusal) {
      board.action(
          verb.word(), request.who(), request.reason(), "refused: " + refusal.getMessage());
      return;
    }
    action.accept(request);
  }

  private static String text(JsonNode message, String key) {
    return message == null ? "" : message.path(key).asText();
  }

  /** Why it is being rolled back; null when nobody asked for that. */
  String rollbackReason() {
    return rollbackReason;
  }

  /** Ends a pause, because a rollback waits for nothing. */
  void release() {
    gate.open();
    decisions.clear();
  }

  /** Waits for a person to decide about failed steps, unless one has done so already. */
  Decision awaitDecision(
      MigrationStatus.State state, String waitingFor, List<StepFailure> failures) {
    if (decisionAbout(failures).isEmpty()) {
      board.state(state, waitingFor);
      Workflow.await(() -> decisionAbout(failures).isPresent());
      if (state == MigrationStatus.State.ROLLBACK_INCOMPLETE) {
        board.state(MigrationStatus.State.ROLLING_BACK, "");
      } else {
        goOn();
      }
    }
    Decision made = decisionAbout(failures).orElseThrow();
    decisions.remove(made);
    return made;
  }

  private Optional<Decision> decisionAbout(List<StepFailure> failures) {
    return decisions.stream()
        .filter(decision -> failures.stream().anyMatch(decision::concerns))
        .findFirst();
  }

  /** What a person is asked about failed steps. */
  static String question(List<StepFailure> failures) {
    boolean repairable = failures.stream().anyMatch(StepFailure::repairable);
    return (failures.stream().allMatch(StepFailure::skippable)
            ? (repairable ? "retry, repair, skip or rollback: " : "retry, skip or rollback: ")
            : (repairable ? "retry, repair or rollback: " : "retry or rollback: "))
        + failures.get(0)
        + (failures.size() > 1 ? " (and " + (failures.size() - 1) + " more)" : "");
  }

  /** What a person is asked while other parts go on; empty when that is nothing. */
  private String attention() {
    return isWorking() && isDecisionAwaited() ? question(undecided()) + "; other parts go on" : "";
  }

  private List<StepFailure> undecided() {
    return board.failures().stream()
        .filter(failure -> decisions.stream().noneMatch(decision -> decision.concerns(failure)))
        .toList();
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

  /** Waits for a moment, and longer while it is paused. */
  void awaitMoment(MigrationStatus.State state, String waitingFor, Duration time) {
    board.state(state, waitingFor);
    Workflow.sleep(time);
    goOn();
    gate.await();
  }

  private void goOn() {
    if (board.hasOutcome()) {
      board.state(MigrationStatus.State.FINISHED, "");
    } else if (gate.isPaused()) {
      board.state(MigrationStatus.State.PAUSED, "resume; paused because: " + pauseReason);
    } else {
      board.state(MigrationStatus.State.RUNNING, "");
    }
  }

  /** The verbs that are possible now, with what each would do. */
  List<VerbChoice> choices() {
    List<VerbChoice> choices = new ArrayList<>();
    boolean incomplete = board.state() == MigrationStatus.State.ROLLBACK_INCOMPLETE;
    if (isDecisionAwaited()) {
      int failed = undecided().size();
      String when = isWorking() ? ", once the other parts are through" : "";
      choices.add(
          new VerbChoice(
              Verb.RETRY,
              incomplete
                  ? "tries to undo it again"
                  : failed == 1
                      ? "does the failed step again" + when
                      : "does the "
                          + failed
                          + " failed steps again, or those of a part or phase"
                          + when));
      if (undecided().stream().anyMatch(StepFailure::repairable)) {
        choices.add(
            new VerbChoice(
                Verb.REPAIR,
                "loads again what differs from the archive, removes what is extra, and compares"
                    + " again"
                    + when));
      }
      if (undecided().stream().anyMatch(StepFailure::skippable)) {
        choices.add(
            new VerbChoice(
                Verb.SKIP,
                incomplete
                    ? "leaves it; the rollback stays incomplete"
                    : "leaves them; the proof will have a gap"));
      }
    }
    if (approvalAwaited && approved == null && isGoingForward()) {
      choices.add(new VerbChoice(Verb.APPROVE, "goes on"));
      choices.add(new VerbChoice(Verb.REJECT, "restores the previous state"));
    }
    if (isGoingForward()) {
      choices.add(
          gate.isPaused()
              ? new VerbChoice(Verb.RESUME, "goes on where it stopped")
              : new VerbChoice(
                  Verb.PAUSE,
                  "starts no new step; what runs is finished, or with mode interrupt done again later"));
      if (started) {
        choices.add(
            new VerbChoice(Verb.ROLLBACK, "stops all work and restores the previous state"));
      }
      if (board.plan() != null) {
        choices.add(
            new VerbChoice(
                Verb.TUNE, "changes parallelism, batch size or rate of the parts to come"));
      }
    }
    return choices;
  }

  void check(Verb verb, VerbRequest request) {
    checkReason(verb, request == null ? null : request.reason());
    if (verb == Verb.PAUSE && isInterruptOfPause(request)) {
      return;
    }
    checkPossible(verb);
    if (verb == Verb.PAUSE) {
      checkMode(request);
    }
    if (verb == Verb.RETRY || verb == Verb.REPAIR || verb == Verb.SKIP) {
      checkConcerned(Decision.of(verb, request, undecided()));
    }
  }

  void checkTune(TuneRequest request) {
    checkReason(Verb.TUNE, request == null ? null : request.reason());
    checkPossible(Verb.TUNE);
    if (request.exportParallelism() == null
        && request.importParallelism() == null
        && request.batchSize() == null
        && request.rate() == null) {
      throw new IllegalArgumentException(
          "tune: says nothing to change; give exportParallelism, importParallelism, batchSize or"
              + " rate. It is: "
              + board.tuning()
              + ".");
    }
    checkRange("exportParallelism", request.exportParallelism(), 1, Tuning.LARGEST_PARALLELISM);
    checkRange("importParallelism", request.importParallelism(), 1, Tuning.LARGEST_PARALLELISM);
    checkRange("batchSize", request.batchSize(), 0, Tuning.LARGEST_BATCH);
    checkRange("rate", request.rate(), 0, Tuning.LARGEST_RATE);
  }

  private static void checkRange(String name, Number value, long smallest, long largest) {
    if (value != null && (value.longValue() < smallest || value.longValue() > largest)) {
      throw new IllegalArgumentException(
          "tune: " + name + " must be " + smallest + " to " + largest + ", got " + value + ".");
    }
  }

  private static void checkReason(Verb verb, String reason) {
    if (reason == null || reason.isBlank()) {
      throw new IllegalArgumentException(
          verb.word()
              + " needs a reason, for example {\"who\": \"ada\", \"reason\": \"disk was full\"}.");
    }
  }

  /** What a drain waits for can still be interrupted. */
  private boolean isInterruptOfPause(VerbRequest request) {
    return gate.isPaused() && isGoingForward() && INTERRUPT.equals(request.mode());
  }

  private static void checkMode(VerbRequest request) {
    String mode = request.mode();
    if (mode != null && !mode.isEmpty() && !mode.equals(INTERRUPT) && !mode.equals("drain")) {
      throw new IllegalArgumentException(
          "pause: mode must be drain or interrupt, got '" + mode + "'.");
    }
  }

  private void checkConcerned(Decision wanted) {
    String phase = wanted.phase();
    if (!phase.isEmpty()
        && Arrays.stream(Phase.values()).noneMatch(known -> known.name().equals(phase))) {
      throw new IllegalArgumentException(
          wanted.verb().word()
              + ": phase '"
              + phase
              + "' is not one of "
              + Arrays.toString(Phase.values())
              + ".");
    }
    List<StepFailure> concerned = wanted.failures();
    if (concerned.isEmpty()) {
      String failed =
          phase.isEmpty()
              ? undecided().stream().map(StepFailure::subject).distinct().toList().toString()
              : undecided().stream()
                  .map(failure -> (failure.phase() + " " + failure.subject()).strip())
                  .toList()
                  .toString();
      throw new IllegalArgumentException(
          wanted.verb().word()
              + ": "
              + (wanted.part().isEmpty()
                  ? "phase " + phase
                  : "part '" + wanted.part() + "'" + (phase.isEmpty() ? "" : " in " + phase))
              + " is not among the failed ones: "
              + failed
              + ".");
    }
    if (wanted.verb() == Verb.SKIP && !concerned.stream().allMatch(StepFailure::skippable)) {
      throw refusal(Verb.SKIP, lossOf(concerned));
    }
  }

  private void checkPossible(Verb verb) {
    if (choices().stream().noneMatch(choice -> choice.verb() == verb)) {
      throw refusal(verb, whyNot(verb));
    }
  }

  private IllegalStateException refusal(Verb verb, String why) {
    List<VerbChoice> choices = choices();
    return new IllegalStateException(
        verb.word()
            + " is not possible: "
            + why
            + (choices.isEmpty()
                ? " No verb is possible now."
                : " Possible now: "
                    + choices.stream()
                        .map(choice -> choice.verb().word() + " (" + choice.effect() + ")")
                        .collect(Collectors.joining("; "))
                    + "."));
  }

  private String whyNot(Verb verb) {
    if (board.hasOutcome() && !isDecisionAwaited()) {
      return "the migration has finished: " + board.outcome() + ".";
    }
    if (isRollingBack() && !isDecisionAwaited()) {
      return "the migration is being rolled back.";
    }
    String state = "the migration is " + board.state() + ".";
    return switch (verb) {
      case PAUSE -> gate.isPaused() ? "the migration is paused already; use resume." : state;
      case RESUME -> "the migration is not paused, it is " + board.state() + ".";
      case RETRY, SKIP ->
          isDecisionAwaited()
              ? lossOf(undecided())
              : decisions.isEmpty()
                  ? "nothing waits for a decision, " + state
                  : decisions.get(decisions.size() - 1).verb().word()
                      + " was given already and is acted on once the other parts are through.";
      case REPAIR ->
          isDecisionAwaited()
              ? "no step has failed because records differ from the archive; use retry."
              : "nothing waits for a decision, " + state;
      case APPROVE, REJECT ->
          approvalAwaited && approved != null
              ? (approved ? "it was approved already." : "it was rejected already.")
              : "no approval is asked for, " + state;
      case ROLLBACK -> started ? state : "the migration has not started.";
      case TUNE -> board.plan() == null ? "there is no plan yet." : state;
    };
  }

  private static String lossOf(List<StepFailure> failures) {
    return "records would be lost by skipping "
        + failures.stream()
            .filter(failure -> !failure.skippable())
            .map(failure -> failure.phase().name())
            .distinct()
            .toList()
        + "; use retry or rollback.";
  }

  private boolean isDecisionAwaited() {
    boolean asked =
        switch (board.state()) {
          case NEEDS_ATTENTION -> rollbackReason == null || board.hasOutcome();
          case ROLLBACK_INCOMPLETE -> true;
          case RUNNING, PAUSED -> !automatic && isGoingForward();
          case WAITING_FOR_START,
              WAITING_FOR_APPROVAL,
              WAITING_FOR_WINDOW,
              ROLLING_BACK,
              FINISHED ->
              false;
        };
    return asked && !undecided().isEmpty();
  }

  private boolean isWorking() {
    return board.state() == MigrationStatus.State.RUNNING
        || board.state() == MigrationStatus.State.PAUSED;
  }

  private boolean isRollingBack() {
    return rollbackReason != null
        || Boolean.FALSE.equals(approved)
        || board.state() == MigrationStatus.State.ROLLING_BACK
        || board.state() == MigrationStatus.State.ROLLBACK_INCOMPLETE;
  }

  private boolean isGoingForward() {
    return !isRollingBack() && !board.hasOutcome();
  }
}
