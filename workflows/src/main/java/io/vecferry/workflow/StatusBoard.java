package io.vecferry.workflow;

import io.temporal.workflow.Workflow;
import io.vecferry.activity.Compensation;
import io.vecferry.activity.PartResult;
import io.vecferry.activity.ReportLocation;
import io.vecferry.plan.MigrationPlan;
import io.vecferry.plan.Phase;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;

/**
 * What a migration knows about itself, and where it shows it: the status query, the current details
 * on the page of the Temporal UI, and search attributes where the service knows them.
 */
final class StatusBoard {
  private final Map<Phase, PhaseProgress> phases = new EnumMap<>(Phase.class);
  private final List<StepFailure> failures = new ArrayList<>();
  private final List<StepFailure> skipped = new ArrayList<>();
  private final List<UndoStep> undo = new ArrayList<>();
  private final List<OperatorAction> actions = new ArrayList<>();
  private final long startedMillis = Workflow.currentTimeMillis();
  private String migration = "";
  private MigrationPlan plan;
  private MigrationStatus.State state = MigrationStatus.State.RUNNING;
  private String waitingFor = "";
  private Outcome outcome;
  private ReportLocation report;
  private String verdict = "";
  private Phase shownPhase;

  StatusBoard() {
    for (Phase phase : Phase.values()) {
      phases.put(
          phase, new PhaseProgress(phase, PhaseProgress.State.WAITING, 0, 0, 0, 0, 0, 0, ""));
    }
  }

  void migration(String name) {
    migration = name;
  }

  MigrationPlan plan() {
    return plan;
  }

  void plan(MigrationPlan made) {
    plan = made;
    if (plan.searchAttributes()) {
      Workflow.upsertTypedSearchAttributes(
          SearchAttributes.SOURCE.valueSet(plan.source().collection()),
          SearchAttributes.TARGET.valueSet(plan.target().collection()));
    }
    shownPhase = null;
    show();
  }

  void start(Phase phase) {
    PhaseProgress now = phases.get(phase);
    long started = now.startedMillis() == 0 ? Workflow.currentTimeMillis() : now.startedMillis();
    put(now, PhaseProgress.State.RUNNING, started, 0, "");
    show();
  }

  void finish(Phase phase, String summary) {
    PhaseProgress now = phases.get(phase);
    // Phases overlap: one that works by parts ended with its last part, not when the others did.
    long finished =
        now.partsDone() > 0 && summary.isEmpty()
            ? now.finishedMillis()
            : Workflow.currentTimeMillis();
    put(now, PhaseProgress.State.DONE, now.startedMillis(), finished, summary);
    show();
  }

  void mark(Phase phase, PhaseProgress.State phaseState) {
    PhaseProgress now = phases.get(phase);
    put(now, phaseState, now.startedMillis(), Workflow.currentTimeMillis(), now.summary());
    show();
  }

  void add(Phase phase, PartResult result) {
    add(
        new PartitionProgress(
            phase, 1, result.rows(), result.reused() ? result.rows() : 0, result.bytes()));
  }

  void add(PartitionProgress progress) {
    PhaseProgress now = phases.get(progress.phase());
    phases.put(
        progress.phase(),
        new PhaseProgress(
            now.phase(),
            now.state(),
            now.partsDone() + progress.parts(),
            now.rowsDone() + progress.rows(),
            now.rowsReused() + progress.rowsReused(),
            now.bytesDone() + progress.bytes(),
            now.startedMillis(),
            Workflow.currentTimeMillis(),
            now.summary()));
  }

  void failed(StepFailure failure) {
    failures.add(failure);
    show();
  }

  List<StepFailure> failures() {
    return List.copyOf(failures);
  }

  void resolve(List<StepFailure> resolved) {
    failures.removeAll(resolved);
  }

  void skip(List<StepFailure> left) {
    skipped.addAll(left);
    failures.removeAll(left);
  }

  boolean anySkipped() {
    return !skipped.isEmpty();
  }

  void arm(Compensation compensation) {
    if (undo.stream().noneMatch(step -> step.compensation().equals(compensation))) {
      undo.add(0, new UndoStep(compensation, UndoStep.State.ARMED, ""));
    }
  }

  List<UndoStep> undo() {
    return List.copyOf(undo);
  }

  void undone(Compensation compensation, UndoStep.State stepState, String result) {
    undo.replaceAll(
        step ->
            step.compensation().equals(compensation)
                ? new UndoStep(compensation, stepState, result)
                : step);
    show();
  }

  void action(String verb, VerbRequest request) {
    String who = request.who() == null || request.who().isBlank() ? "unknown" : request.who();
    actions.add(new OperatorAction(Workflow.currentTimeMillis(), verb, who, request.reason()));
  }

  MigrationStatus.State state() {
    return state;
  }

  void state(MigrationStatus.State newState, String newWaitingFor) {
    state = newState;
    waitingFor = newWaitingFor;
    shownPhase = null;
    show();
  }

  void report(ReportLocation location) {
    report = location;
  }

  boolean hasOutcome() {
    return outcome != null;
  }

  void outcome(Outcome reached, String sentence) {
    outcome = reached;
    verdict = sentence;
    state(MigrationStatus.State.FINISHED, "");
    if (plan != null && plan.searchAttributes()) {
      Workflow.upsertTypedSearchAttributes(SearchAttributes.OUTCOME.valueSet(reached.name()));
    }
  }

  MigrationStatus snapshot() {
    return new MigrationStatus(
        migration,
        state,
        phase(),
        plan == null ? 0 : plan.source().rows(),
        List.copyOf(phases.values()),
        List.copyOf(failures),
        List.copyOf(skipped),
        List.copyOf(undo),
        List.copyOf(actions),
        waitingFor,
        outcome,
        verdict,
        plan == null ? "" : plan.archive(),
        report,
        startedMillis,
        Workflow.currentTimeMillis());
  }

  private void put(
      PhaseProgress now,
      PhaseProgress.State phaseState,
      long started,
      long finished,
      String summary) {
    phases.put(
        now.phase(),
        new PhaseProgress(
            now.phase(),
            phaseState,
            now.partsDone(),
            now.rowsDone(),
            now.rowsReused(),
            now.bytesDone(),
            started,
            finished,
            summary));
  }

  private Phase phase() {
    if (state == MigrationStatus.State.ROLLING_BACK
        || state == MigrationStatus.State.ROLLBACK_INCOMPLETE) {
      return Phase.ROLLBACK;
    }
    for (PhaseProgress progress : phases.values()) {
      if (progress.state() == PhaseProgress.State.RUNNING
          || progress.state() == PhaseProgress.State.WAITING) {
        return progress.phase() == Phase.ROLLBACK ? Phase.FINALIZE : progress.phase();
      }
    }
    return Phase.FINALIZE;
  }

  private void show() {
    Workflow.setCurrentDetails(details());
    Phase phase = phase();
    if (plan != null && plan.searchAttributes() && phase != shownPhase) {
      shownPhase = phase;
      Workflow.upsertTypedSearchAttributes(
          SearchAttributes.PHASE.valueSet(phase.name()),
          SearchAttributes.ATTENTION.valueSet(
              state == MigrationStatus.State.NEEDS_ATTENTION
                  || state == MigrationStatus.State.ROLLBACK_INCOMPLETE));
    }
  }

  private String details() {
    StringBuilder text = new StringBuilder();
    text.append("**").append(migration).append("**: ").append(state);
    if (!waitingFor.isEmpty()) {
      text.append(" - ").append(waitingFor);
    }
    text.append("\n\n| phase | state | parts | records |\n|---|---|---|---|\n");
    for (PhaseProgress progress : phases.values()) {
      if (progress.phase() != Phase.ROLLBACK || progress.state() != PhaseProgress.State.WAITING) {
        text.append("| ").append(progress.phase()).append(" | ").append(progress.state());
        text.append(" | ").append(progress.partsDone()).append(" | ").append(progress.rowsDone());
        text.append(" |\n");
      }
    }
    for (StepFailure failure : failures.subList(0, Math.min(5, failures.size()))) {
      text.append("\n- ").append(failure);
    }
    if (!failures.isEmpty()) {
      text.append(
          "\n\nUpdates: `retry` does the failed steps again, `skip` leaves them, `rollback` restores the previous state.");
    }
    return text.length() > 15_000 ? text.substring(0, 15_000) : text.toString();
  }
}
