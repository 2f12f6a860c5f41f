package io.vecferry.workflow;

import io.temporal.workflow.Workflow;
import io.vecferry.activity.Attempts;
import io.vecferry.activity.Compensation;
import io.vecferry.activity.PartResult;
import io.vecferry.activity.ReportLocation;
import io.vecferry.plan.MigrationPlan;
import io.vecferry.plan.Phase;
import io.vecferry.spec.CutoverWindow;
import io.vecferry.spec.MigrationSpec;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Supplier;

/**
 * What a migration knows about itself, and where it shows it: the status query, the current details
 * on the page of the Temporal UI, and search attributes where the service knows them.
 */
final class StatusBoard {
  /** Failures, skipped steps and actions in a status each, which travels in one payload. */
  private static final int MOST_SHOWN = 50;

  private static final int LONGEST_TEXT = 500;

  private final Map<Phase, PhaseProgress> phases = new EnumMap<>(Phase.class);
  private final Map<Phase, Long> records = new EnumMap<>(Phase.class);
  private final List<StepFailure> failures = new ArrayList<>();
  private final List<StepFailure> skipped = new ArrayList<>();
  private final List<UndoStep> undo = new ArrayList<>();
  private final List<OperatorAction> actions = new ArrayList<>();
  private final Map<String, Attempts> attempts = new TreeMap<>();
  private final long startedMillis = Workflow.currentTimeMillis();
  private String migration = "";
  private MigrationPlan plan;
  private String archive = "";
  private MigrationStatus.State state = MigrationStatus.State.RUNNING;
  private String waitingFor = "";
  private String listed = MigrationStatus.State.RUNNING.name();
  private Outcome outcome;
  private ReportLocation report;
  private String verdict = "";
  private Phase shownPhase;
  private long shownProgress = -1;
  private boolean showsProgress;
  private Tuning tuning;
  private boolean shownAttention;
  private Supplier<List<VerbChoice>> choices = List::of;
  private Supplier<String> attention = () -> "";
  private Supplier<NotificationStatus> notifications = () -> NotificationStatus.NONE;
  private MigrationSpec.Schedule schedule;
  private long changes;

  StatusBoard() {
    for (Phase phase : Phase.values()) {
      phases.put(
          phase, new PhaseProgress(phase, PhaseProgress.State.WAITING, 0, 0, 0, 0, 0, 0, ""));
    }
  }

  void migration(String name) {
    migration = name;
  }

  /** When readers may be switched over. */
  void schedule(MigrationSpec.Schedule times) {
    schedule = times;
  }

  /** Who knows what is possible now. */
  void choices(Supplier<List<VerbChoice>> possible) {
    choices = possible;
  }

  /** Who knows what a person is asked while work goes on. */
  void attention(Supplier<String> question) {
    attention = question;
  }

  /** Who knows what people were told. */
  void notifications(Supplier<NotificationStatus> told) {
    notifications = told;
  }

  /** Grows whenever something has changed. */
  long changes() {
    return changes;
  }

  /** The speed; null before planning has ended. */
  Tuning tuning() {
    return tuning;
  }

  void tuning(Tuning chosen) {
    tuning = chosen;
  }

  MigrationPlan plan() {
    return plan;
  }

  /**
   * @param validation says how many of the records are compared
   */
  void plan(MigrationPlan made, MigrationSpec.Validation validation) {
    plan = made;
    long loaded = plan.loadedRows();
    records.put(Phase.EXPORT, plan.exportedRows());
    records.put(Phase.VALIDATE_EXPORT, plan.exportedRows());
    records.put(Phase.IMPORT, loaded);
    records.put(Phase.VALIDATE_IMPORT, (long) (loaded * validation.share(loaded)));
    archive = made.archive();
    tuning = Tuning.planned(plan.parallelism());
    if (plan.searchAttributes()) {
      showsProgress =
          Workflow.getVersion("show-progress", Workflow.DEFAULT_VERSION, 1)
              != Workflow.DEFAULT_VERSION;
      Workflow.upsertTypedSearchAttributes(
          SearchAttributes.SOURCE.valueSet(plan.source().collection()),
          SearchAttributes.TARGET.valueSet(plan.target().collection()));
    }
    shownPhase = null;
    show();
  }

  /** Says where the archive is from now on. */
  void archive(String place) {
    archive = place;
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

  /** Says what a running phase has found so far. */
  void note(Phase phase, String summary) {
    PhaseProgress now = phases.get(phase);
    put(now, now.state(), now.startedMillis(), now.finishedMillis(), summary);
    show();
  }

  /** What a phase has found. */
  String summary(Phase phase) {
    return phases.get(phase).summary();
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
    show();
  }

  /** Notes a failure that waits for a decision. */
  void failed(StepFailure failure) {
    String step = failure.phase() + " " + failure.subject();
    Attempts before = attempts.getOrDefault(step, new Attempts(0, failure.sinceMillis()));
    Attempts all = new Attempts(before.attempts() + failure.attempts(), before.sinceMillis());
    attempts.put(step, all);
    failures.add(failure.seenFrom(where(failure.phase()), all.attempts(), all.sinceMillis()));
    show();
  }

  boolean knows(StepFailure failure) {
    return failures.stream().anyMatch(failure::isSameStep);
  }

  /** Store and collection that a phase works on. */
  private String where(Phase phase) {
    if (plan == null) {
      return "";
    }
    String source = "source " + plan.source().store() + " " + plan.source().collection();
    String target = "target " + plan.target().store() + " " + plan.target().collection();
    return switch (phase) {
      case EXPORT -> source;
      case VALIDATE_EXPORT, FINALIZE -> "archive " + archive;
      case IMPORT, VALIDATE_IMPORT, CUTOVER, ROLLBACK -> target;
      case PLANNING, QUALITY_CHECK -> source + ", " + target;
    };
  }

  List<StepFailure> failures() {
    return List.copyOf(failures);
  }

  void resolve(List<StepFailure> resolved) {
    failures.removeIf(failure -> resolved.stream().anyMatch(failure::isSameStep));
    show();
  }

  void skip(List<StepFailure> left) {
    failures.stream()
        .filter(failure -> left.stream().anyMatch(failure::isSameStep))
        .forEach(skipped::add);
    resolve(left);
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

  void action(String verb, String who, String reason, String detail) {
    String name = who == null || who.isBlank() ? "unknown" : who;
    actions.add(
        new OperatorAction(
            Workflow.currentTimeMillis(),
            verb,
            shortened(name),
            shortened(reason),
            shortened(detail)));
    show();
  }

  MigrationStatus.State state() {
    return state;
  }

  void state(MigrationStatus.State newState, String newWaitingFor) {
    state = newState;
    waitingFor = newWaitingFor;
    shownPhase = null;
    show();
    boolean ended = outcome != null && state == MigrationStatus.State.FINISHED;
    listed(ended ? outcome.name() : state.name());
  }

  /** Shows lists of migrations what this one does. */
  private void listed(String word) {
    if (word.equals(listed)) {
      return;
    }
    listed = word;
    if (Workflow.getVersion("list-state", Workflow.DEFAULT_VERSION, 1)
        != Workflow.DEFAULT_VERSION) {
      Workflow.upsertMemo(Map.of(MigrationWorkflow.STATE_MEMO, word));
    }
  }

  void report(ReportLocation location) {
    report = location;
  }

  boolean hasOutcome() {
    return outcome != null;
  }

  Outcome outcome() {
    return outcome;
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
    long now = Workflow.currentTimeMillis();
    return new MigrationStatus(
        migration,
        state,
        phase(),
        plan == null ? 0 : plan.exportedRows(),
        List.copyOf(phases.values()),
        first(failures),
        first(skipped),
        List.copyOf(undo),
        List.copyOf(actions.subList(Math.max(0, actions.size() - MOST_SHOWN), actions.size())),
        waitingFor(),
        outcome,
        verdict,
        archive,
        report,
        startedMillis,
        now,
        secondsLeft(now),
        tuning,
        choices.get(),
        List.of(),
        notifications.get(),
        cutoverBefore(now));
  }

  private Long cutoverBefore(long atMillis) {
    return schedule == null || phases.get(Phase.CUTOVER).state() != PhaseProgress.State.WAITING
        ? null
        : schedule.opening(atMillis).map(CutoverWindow.Opening::end).orElse(null);
  }

  private Long secondsLeft(long atMillis) {
    return plan == null || outcome != null
        ? null
        : new TimeLeft(plan.forecast().phases(), records, phases.values(), this::underway, atMillis)
            .seconds();
  }

  private double underway(Phase phase) {
    return (double) tuning.parallelism(phase) / Math.max(1, plan.estimate().parts());
  }

  private String waitingFor() {
    String asked = attention.get();
    return waitingFor.isEmpty() || asked.isEmpty() ? waitingFor + asked : waitingFor + "; " + asked;
  }

  private static <T> List<T> first(List<T> all) {
    return List.copyOf(all.subList(0, Math.min(MOST_SHOWN, all.size())));
  }

  private static String shortened(String text) {
    return text == null || text.length() <= LONGEST_TEXT ? text : text.substring(0, LONGEST_TEXT);
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

  /** Whether readers are switched over. */
  boolean isCutOver() {
    return phases.get(Phase.CUTOVER).state() == PhaseProgress.State.DONE;
  }

  /** The earliest phase that is not done. */
  Phase phase() {
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

  /** Shows what has changed. */
  void show() {
    changes++;
    Workflow.setCurrentDetails(Details.of(snapshot()));
    if (plan == null || !plan.searchAttributes()) {
      return;
    }
    Phase phase = phase();
    boolean needed = needsAttention();
    if (phase != shownPhase || shownAttention != needed) {
      shownPhase = phase;
      shownAttention = needed;
      Workflow.upsertTypedSearchAttributes(
          SearchAttributes.PHASE.valueSet(phase.name()),
          SearchAttributes.ATTENTION.valueSet(needed));
    }
    long progress = progress();
    if (showsProgress && progress != shownProgress) {
      shownProgress = progress;
      Workflow.upsertTypedSearchAttributes(SearchAttributes.PROGRESS.valueSet(progress));
    }
  }

  /** Whether a person is asked while work goes on. */
  boolean isAsking() {
    return !attention.get().isEmpty();
  }

  private boolean needsAttention() {
    return state == MigrationStatus.State.NEEDS_ATTENTION
        || state == MigrationStatus.State.ROLLBACK_INCOMPLETE
        || isAsking()
            && Workflow.getVersion("attention-at-once", Workflow.DEFAULT_VERSION, 1)
                != Workflow.DEFAULT_VERSION;
  }

  /** Per cent of the records that have gone through the phases that work by parts, in tens. */
  private long progress() {
    if (outcome == Outcome.MIGRATED || outcome == Outcome.MIGRATED_WITH_SKIPS) {
      return 100;
    }
    long done = 0;
    for (PhaseProgress progress : phases.values()) {
      done += progress.rowsDone();
    }
    long all = Math.max(1, 4 * plan.exportedRows());
    return Math.min(90, 100 * done / all / 10 * 10);
  }
}
