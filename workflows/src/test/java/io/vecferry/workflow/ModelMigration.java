package io.vecferry.workflow;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.EnumSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;

/**
 * What a migration of one partition with two parts is meant to do, as a small state machine: which
 * steps run, in which state it is, and which verbs it takes.
 */
final class ModelMigration {
  static final String PLAN = "plan";
  private static final String REPORT = "writeReport";
  private static final List<String> PARTS =
      List.of("export 0", "export 1", "validate 0", "validate 1", "import 0", "import 1");

  private final boolean automatic;
  private final boolean approval;
  private final Set<String> done = new LinkedHashSet<>();
  private final Set<String> skipped = new LinkedHashSet<>();
  private final Set<String> failed = new TreeSet<>();
  private final Set<String> running = new TreeSet<>();
  private final Deque<Decision> decisions = new ArrayDeque<>();
  private boolean paused;
  private boolean decisionAwaited;
  private boolean approvalAwaited;
  private boolean approved;
  private boolean rollingBack;
  private boolean incomplete;
  private Outcome outcome;
  private boolean closed;

  /** What was decided about failed steps; it is acted on when nothing else runs. */
  private record Decision(Verb verb, Set<String> steps) {}

  ModelMigration(boolean automatic, boolean approval) {
    this.automatic = automatic;
    this.approval = approval;
    goOn();
  }

  Set<String> running() {
    return running;
  }

  boolean isClosed() {
    return closed;
  }

  Outcome outcome() {
    return outcome;
  }

  MigrationStatus.State state() {
    if (decisionAwaited) {
      return rollingBack && outcome == null
          ? MigrationStatus.State.ROLLBACK_INCOMPLETE
          : MigrationStatus.State.NEEDS_ATTENTION;
    }
    if (outcome != null) {
      return MigrationStatus.State.FINISHED;
    }
    if (rollingBack) {
      return MigrationStatus.State.ROLLING_BACK;
    }
    if (approvalAwaited) {
      return MigrationStatus.State.WAITING_FOR_APPROVAL;
    }
    return paused ? MigrationStatus.State.PAUSED : MigrationStatus.State.RUNNING;
  }

  void succeed(String step) {
    running.remove(step);
    done.add(step);
    goOn();
  }

  void fail(String step) {
    running.remove(step);
    failed.add(step);
    goOn();
  }

  /** Steps that have failed, and were not done again or skipped since. */
  Set<String> failed() {
    return failed;
  }

  /** Verbs that a person is offered now. */
  Set<Verb> offered() {
    Set<Verb> offered = EnumSet.noneOf(Verb.class);
    for (Verb verb : Verb.values()) {
      boolean some =
          verb == Verb.SKIP && undecided().stream().anyMatch(step -> !carriesRecords(step));
      if (some || takes(verb, false, "")) {
        offered.add(verb);
      }
    }
    return offered;
  }

  /**
   * Whether it takes a verb now.
   *
   * @param part which part a retry or skip is about; empty for all that has failed
   */
  private boolean takes(Verb verb, boolean interrupt, String part) {
    boolean forward = outcome == null && !rollingBack;
    return switch (verb) {
      case PAUSE -> forward && (!paused || interrupt);
      case RESUME -> forward && paused;
      case RETRY -> !undecided(part).isEmpty();
      // None of its steps says that records differ.
      case REPAIR -> false;
      case SKIP ->
          !undecided(part).isEmpty()
              && undecided(part).stream().noneMatch(ModelMigration::carriesRecords);
      case APPROVE, REJECT -> forward && approvalAwaited;
      case ROLLBACK -> forward;
      case TUNE -> forward && done.contains(PLAN);
    };
  }

  /** Whether it takes a verb now; does what the verb does when it does. */
  boolean give(Verb verb, boolean interrupt, String part) {
    if (!takes(verb, interrupt, part)) {
      return false;
    }
    switch (verb) {
      case PAUSE -> {
        paused = true;
        if (interrupt) {
          running.clear();
        }
      }
      case RESUME -> paused = false;
      case RETRY, SKIP -> {
        decisions.add(new Decision(verb, undecided(part)));
        decisionAwaited = false;
      }
      case APPROVE -> {
        approvalAwaited = false;
        approved = true;
      }
      case REJECT, ROLLBACK -> rollBack();
      case REPAIR, TUNE -> {}
    }
    goOn();
    return true;
  }

  private Set<String> undecided(String part) {
    Set<String> undecided = undecided();
    undecided.removeIf(step -> !part.isEmpty() && !step.endsWith(" " + part));
    return undecided;
  }

  /** Failed steps that a person is asked about now. */
  private Set<String> undecided() {
    boolean atOnce = outcome == null && !rollingBack && !automatic;
    Set<String> undecided = new TreeSet<>(decisionAwaited || atOnce ? failed : Set.of());
    decisions.forEach(decision -> undecided.removeAll(decision.steps()));
    return undecided;
  }

  /** A cancelled workflow; when it is rolling back already, that changes nothing. */
  void cancel() {
    if (!rollingBack) {
      rollBack();
      goOn();
    }
  }

  private void rollBack() {
    rollingBack = true;
    paused = false;
    decisionAwaited = false;
    approvalAwaited = false;
    failed.clear();
    decisions.clear();
    running.clear();
  }

  private void goOn() {
    List<String> enabled = rollingBack ? undoSteps() : forwardSteps();
    boolean waits = paused && !rollingBack && outcome == null;
    if (!waits && !decisionAwaited && !approvalAwaited) {
      running.addAll(enabled);
    }
    if (failed.isEmpty() || !running.isEmpty() || !enabled.isEmpty() || decisionAwaited) {
      return;
    }
    if (!decisions.isEmpty()) {
      act(decisions.remove());
      goOn();
    } else {
      decisionAwaited = true;
      if (automatic && outcome == null && !rollingBack) {
        rollBack();
        goOn();
      }
    }
  }

  private void act(Decision decision) {
    failed.removeAll(decision.steps());
    if (decision.verb() == Verb.SKIP) {
      incomplete |= rollingBack && outcome == null;
      skipped.addAll(decision.steps());
      done.addAll(decision.steps());
    }
  }

  private List<String> forwardSteps() {
    if (!reach(PLAN) || !reach("prepareTarget")) {
      return next(done.contains(PLAN) ? "prepareTarget" : PLAN);
    }
    if (!done.containsAll(PARTS)) {
      List<String> enabled = new ArrayList<>();
      for (int part = 0; part < 2; part++) {
        boolean before = part == 0 || done.contains("export 0");
        String export = "export " + part;
        String validate = "validate " + part;
        String load = "import " + part;
        if (before) {
          enabled.addAll(next(export));
        }
        if (done.contains(export)) {
          enabled.addAll(next(validate));
        }
        if (done.contains(validate)) {
          enabled.addAll(next(load));
        }
      }
      // Those that wait for a decision hold nothing else up; the decision waits for all others.
      return enabled;
    }
    for (String step : List.of("completeExport", "finishLoad")) {
      if (!reach(step)) {
        return next(step);
      }
    }
    if (!done.contains("compare 0") || !done.contains("compare 1")) {
      List<String> enabled = new ArrayList<>(next("compare 0"));
      enabled.addAll(next("compare 1"));
      return enabled;
    }
    for (String step : List.of("completeImportValidation", "checkQuality")) {
      if (!reach(step)) {
        return next(step);
      }
    }
    if (approval && !approved) {
      approvalAwaited = true;
      return List.of();
    }
    if (!done.contains("cutover")) {
      return next("cutover");
    }
    if (paused) {
      return List.of();
    }
    outcome = skippedProof() ? Outcome.MIGRATED_WITH_SKIPS : Outcome.MIGRATED;
    return report();
  }

  private boolean skippedProof() {
    return skipped.stream().anyMatch(step -> !step.equals(REPORT));
  }

  private List<String> undoSteps() {
    List<String> steps = new ArrayList<>();
    if (done.containsAll(List.of("checkQuality")) && (!approval || approved)) {
      steps.add("compensate SWITCH_BACK");
    }
    if (done.contains(PLAN)) {
      steps.add("compensate DROP_LOAD");
    }
    for (String step : steps) {
      if (!done.contains(step)) {
        return next(step);
      }
    }
    outcome = incomplete ? Outcome.ROLLBACK_INCOMPLETE : Outcome.ROLLED_BACK;
    return report();
  }

  private List<String> report() {
    closed = done.contains(REPORT);
    return closed ? List.of() : next(REPORT);
  }

  private boolean reach(String step) {
    return done.contains(step);
  }

  private List<String> next(String step) {
    return done.contains(step) || failed.contains(step) || running.contains(step)
        ? List.of()
        : List.of(step);
  }

  private static boolean carriesRecords(String step) {
    return step.startsWith("export")
        || step.startsWith("import")
        || List.of(PLAN, "prepareTarget", "completeExport", "finishLoad", "cutover").contains(step);
  }

  @Override
  public String toString() {
    return state()
        + ", running "
        + running
        + ", failed "
        + failed
        + ", done "
        + done
        + ", skipped "
        + skipped
        + (paused ? ", paused" : "");
  }
}
