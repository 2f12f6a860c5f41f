package io.vecferry.workflow;

import com.fasterxml.jackson.databind.JsonNode;
import io.temporal.api.enums.v1.ParentClosePolicy;
import io.temporal.failure.ApplicationFailure;
import io.temporal.failure.ChildWorkflowFailure;
import io.temporal.failure.TemporalFailure;
import io.temporal.workflow.Async;
import io.temporal.workflow.CancellationScope;
import io.temporal.workflow.ChildWorkflowOptions;
import io.temporal.workflow.Workflow;
import io.vecferry.activity.CheckResult;
import io.vecferry.activity.Compensation;
import io.vecferry.activity.ReportLocation;
import io.vecferry.activity.ReportRequest;
import io.vecferry.activity.WholeTask;
import io.vecferry.plan.Finding;
import io.vecferry.plan.MigrationPlan;
import io.vecferry.plan.Phase;
import io.vecferry.spec.MigrationSpec;
import io.vecferry.spec.SpecProblem;
import io.vecferry.spec.SpecReader;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.function.Supplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** The page that an operator reads: the phases of a migration from top to bottom. */
public final class MigrationWorkflowImpl extends SteeredMigration {
  /**
   * A schedule puts its time behind the workflow id: each of its runs is a migration of its own.
   */
  private static final Pattern SCHEDULED =
      Pattern.compile("(.*)(-\\d{4}-\\d{2}-\\d{2}T\\d{2}:\\d{2}:\\d{2}Z)");

  private static final String REHEARSED = "it was a rehearsal, and it went well";

  private final Repairs repairs = new Repairs(board, gate, this::whole);
  private final TargetClaim claim = new TargetClaim();
  private MigrationSpec spec;
  private DecidedSteps steps;
  private PartRounds rounds;
  private CatchUpPasses passes;
  private Announcements announcements;

  @Override
  public MigrationResult migrate(JsonNode document) {
    spec = readSpec(document);
    board.schedule(spec.schedule());
    announcements = new Announcements(spec, board);
    steps = new DecidedSteps(board, gate, operator, repairs, spec.rollback().automatic());
    work = Workflow.newCancellationScope(this::moveAndProve);
    operator.started(spec.rollback().automatic());
    try {
      work.run();
    } catch (RollbackRequested requested) {
      return rollBack(requested.getMessage());
    } catch (TemporalFailure failure) {
      if (!Failures.isCancellation(failure)) {
        announcements.conclude("has not started", Failures.message(failure));
        claim.giveBack();
        throw failure;
      }
      return rollBack(operator.rollbackReason() == null ? cancelled() : operator.rollbackReason());
    }
    // Readers are switched over: a cancel does not change that, and the report says so.
    return uncancelled(
        () ->
            finish(
                board.anySkipped() ? Outcome.MIGRATED_WITH_SKIPS : Outcome.MIGRATED,
                board.anySkipped()
                    ? "Migrated, but steps were skipped by a person: the proof has a gap."
                    : "Migrated: " + proof()));
  }

  /** What was proved, in words. */
  private String proof() {
    MigrationSpec.Validation wanted = spec.validation();
    boolean all =
        !wanted.samples()
            && wanted.allowedMismatches() == 0
            && wanted.checkVectors()
            && wanted.checkMetadata()
            && spec.load().maxRejects() == 0;
    return all
        ? "every record is on the target and was compared."
        : board.summary(Phase.VALIDATE_IMPORT) + ".";
  }

  private String cancelled() {
    String reason = CancellationScope.current().getCancellationReason();
    board.action("cancel", "", reason == null ? "" : reason, "");
    return "the migration was cancelled"
        + (reason == null || reason.isBlank() ? "" : ": " + reason);
  }

  private void moveAndProve() {
    board.start(Phase.PLANNING);
    claim.take(spec.target());
    makePlan();
    awaitStart();
    // Which records of the target stay in a merge is known when both sides are exported, and which
    // of several a moving source has of an id.
    boolean importsWhileExporting = spec.importsWhileExporting() && !board.plan().merges();
    if (importsWhileExporting) {
      prepareTarget();
      workOnParts(Phase.EXPORT, Phase.VALIDATE_EXPORT, Phase.IMPORT);
      completeExport();
    } else {
      exportOnly();
      completeExport();
      approve(
          spec.approval().beforeImport(),
          "approve the import into " + board.plan().target().collection());
      prepareTarget();
      workOnParts(Phase.IMPORT);
    }
    finishLoad();
    validateImport();
    passes.applyKept();
    checkQuality();
    if (spec.rehearsal()) {
      throw new RollbackRequested(REHEARSED);
    }
    approve(
        spec.approval().beforeCutover(),
        "approve the cutover to " + board.plan().target().collection());
    CutoverWindows windows = new CutoverWindows(spec.schedule(), gate, operator);
    do {
      windows.await();
      passes.run();
      // Catching up may have taken longer than the window was open.
    } while (spec.cutover().catchUp() && windows.areClosed());
    cutOver();
    // A pause in the last moment is ended by resume or by rollback, and after this by neither.
    gate.await();
  }

  private MigrationSpec readSpec(JsonNode document) {
    if (document != null && document.toString().length() > Payloads.LARGEST / 2) {
      throw ApplicationFailure.newNonRetryableFailure(
          "The spec has "
              + document.toString().length()
              + " characters; it may have "
              + Payloads.LARGEST / 2
              + ".",
          INVALID_SPEC);
    }
    SpecReader.Result read = SpecReader.read(document);
    board.migration(read.spec().name());
    List<SpecProblem> problems = Steps.whole("check the spec").checkSpec(document);
    if (!problems.isEmpty()) {
      String list =
          problems.stream().map(SpecProblem::toString).collect(Collectors.joining("\n  "));
      throw ApplicationFailure.newNonRetryableFailure(
          "The spec has "
              + problems.size()
              + (problems.size() == 1 ? " problem:\n  " : " problems:\n  ")
              + list,
          INVALID_SPEC);
    }
    String expected = MigrationWorkflow.workflowId(read.spec().name());
    String actual = Workflow.getInfo().getWorkflowId();
    Matcher scheduled = SCHEDULED.matcher(actual);
    if (scheduled.matches() && scheduled.group(1).equals(expected)) {
      MigrationSpec run =
          read.spec().named(read.spec().name() + scheduled.group(2).replace(":", ""));
      board.migration(run.name());
      return run;
    }
    if (!expected.equals(actual)) {
      throw ApplicationFailure.newNonRetryableFailure(
          "The workflow id must be '"
              + expected
              + "', so that the same migration cannot run twice, got '"
              + actual
              + "'. Start it again with that id.",
          INVALID_SPEC);
    }
    return read.spec();
  }

  private void makePlan() {
    MigrationPlan plan = step(Phase.PLANNING, false, () -> Steps.whole("plan").plan(spec));
    if (!plan.blocking().isEmpty()) {
      String list =
          plan.blocking().stream().map(Finding::toString).collect(Collectors.joining("\n  "));
      throw ApplicationFailure.newNonRetryableFailure(
          "The migration cannot start:\n  " + list, BLOCKED);
    }
    board.plan(plan, spec.validation());
    rounds = new PartRounds(spec.name(), this, steps, repairs);
    passes = new CatchUpPasses(spec, board, steps, rounds, this::compareWhole);
    board.finish(
        Phase.PLANNING,
        plan.resumed()
            ? "went on with the plan of an earlier run"
            : plan.estimate().parts() + " parts in " + plan.partitions().size() + " partitions");
  }

  private void awaitStart() {
    long wait = spec.schedule().startAfterMillis() - Workflow.currentTimeMillis();
    if (wait > 0) {
      board.state(MigrationStatus.State.WAITING_FOR_START, "the start time of the spec");
      Workflow.sleep(Duration.ofMillis(wait));
      board.state(MigrationStatus.State.RUNNING, "");
    }
  }

  private void exportOnly() {
    if (spec.overlap()) {
      workOnParts(Phase.EXPORT, Phase.VALIDATE_EXPORT);
    } else {
      workOnParts(Phase.EXPORT);
      workOnParts(Phase.VALIDATE_EXPORT);
    }
  }

  private void completeExport() {
    CheckResult result =
        step(
            Phase.VALIDATE_EXPORT,
            false,
            () -> Steps.whole("check the archive").completeExport(whole()));
    board.finish(Phase.VALIDATE_EXPORT, result.summary());
  }

  private void prepareTarget() {
    board.arm(Compensation.dropLoad(board.plan().target().collection()));
    step(Phase.IMPORT, false, () -> Steps.whole("prepare the target").prepareTarget(whole()));
  }

  private void finishLoad() {
    CheckResult result =
        step(Phase.IMPORT, false, () -> Steps.whole("finish the load").finishLoad(whole()));
    board.finish(Phase.IMPORT, "");
    board.note(Phase.IMPORT, result.summary());
  }

  private void validateImport() {
    workOnParts(Phase.VALIDATE_IMPORT);
    board.finish(Phase.VALIDATE_IMPORT, compareWhole());
  }

  /** Compares the number of records, and says what that and the parts have shown. */
  private String compareWhole() {
    CheckResult result =
        step(
            Phase.VALIDATE_IMPORT,
            true,
            () -> Steps.whole("compare counts").completeImportValidation(whole()));
    String summary = result == null ? "skipped" : result.summary();
    return Stream.concat(Stream.of(summary), repairs.words().stream())
        .collect(Collectors.joining("; "));
  }

  private void checkQuality() {
    board.start(Phase.QUALITY_CHECK);
    CheckResult result =
        step(Phase.QUALITY_CHECK, true, () -> Steps.whole("check quality").checkQuality(whole()));
    board.finish(Phase.QUALITY_CHECK, result == null ? "skipped" : result.summary());
  }

  private void cutOver() {
    board.start(Phase.CUTOVER);
    String target = board.plan().target().collection();
    if (board.plan().restoresFromBackup()) {
      board.arm(Compensation.restoreBackup(target));
    }
    board.arm(Compensation.switchBack(target, board.plan().nameSwitch()));
    CheckResult result = step(Phase.CUTOVER, false, () -> Steps.whole("cut over").cutover(whole()));
    board.finish(
        Phase.CUTOVER,
        Stream.of(passes.words(), result.summary())
            .filter(words -> !words.isEmpty())
            .collect(Collectors.joining("; ")));
  }

  private void approve(boolean needed, String what) {
    if (needed && !operator.awaitApproval(what)) {
      throw new RollbackRequested("the approval was refused");
    }
  }

  private MigrationResult finish(Outcome outcome, String verdict) {
    board.start(Phase.FINALIZE);
    board.finish(Phase.FINALIZE, "");
    board.outcome(outcome, verdict);
    boolean migrated = outcome == Outcome.MIGRATED || outcome == Outcome.MIGRATED_WITH_SKIPS;
    if (migrated && spec.archive().moveTo() != null && board.plan().existing() == null) {
      moveArchive();
    }
    ReportLocation report =
        step(
            Phase.FINALIZE,
            true,
            () ->
                Steps.whole("write the report")
                    .writeReport(new ReportRequest(spec.name(), board.snapshot())));
    board.report(report);
    board.outcome(outcome, verdict);
    if (migrated) {
      keepWhatWasReplaced();
    }
    announcements.conclude(outcome.name(), verdict);
    claim.giveBack();
    Workflow.await(Workflow::isEveryHandlerFinished);
    return new MigrationResult(
        spec.name(),
        outcome,
        verdict,
        rows(),
        report == null ? "" : report.html(),
        report == null ? "" : report.json());
  }

  /** With something replaced, the archive moves when no rollback needs it any more. */
  private void moveArchive() {
    String place =
        step(Phase.FINALIZE, true, () -> Steps.whole("move the archive").moveArchive(whole()));
    if (place != null) {
      board.archive(place);
      board.finish(Phase.FINALIZE, "the archive is in " + place);
    }
  }

  private long rows() {
    if (board.plan() == null) {
      return 0;
    }
    return passes.rows().orElse(board.plan().source().rows());
  }

  /** Leaves somebody behind who can switch back, or drop what was replaced when its time is up. */
  private void keepWhatWasReplaced() {
    if (board.plan().existing() == null) {
      return;
    }
    RetentionTask task =
        new RetentionTask(
            whole(),
            board.undo().stream().map(UndoStep::compensation).toList(),
            spec.archive().deleteOldCollectionAfterMillis());
    try {
      Workflow.newDetachedCancellationScope(() -> startRetention(task)).run();
    } catch (ChildWorkflowFailure alreadyThere) {
      // That of an earlier run of this migration goes on.
    }
  }

  private void startRetention(RetentionTask task) {
    RetentionWorkflow retention =
        Workflow.newChildWorkflowStub(
            RetentionWorkflow.class,
            ChildWorkflowOptions.newBuilder()
                .setWorkflowId(RetentionWorkflow.workflowId(spec.name()))
                .setParentClosePolicy(ParentClosePolicy.PARENT_CLOSE_POLICY_ABANDON)
                .setStaticSummary("what " + spec.name() + " has replaced")
                .build());
    Async.procedure(retention::keep, task);
    Workflow.getWorkflowExecution(retention).get();
  }

  /** Undoes, newest first. All writers have stopped by now. */
  private MigrationResult rollBack(String reason) {
    return uncancelled(
        () -> {
          operator.release();
          board.resolve(board.failures());
          board.state(MigrationStatus.State.ROLLING_BACK, "");
          board.start(Phase.ROLLBACK);
          boolean complete = true;
          for (UndoStep step : board.undo()) {
            complete &= undo(step.compensation());
          }
          board.finish(Phase.ROLLBACK, reason);
          boolean rehearsed = reason.equals(REHEARSED) && !board.anySkipped();
          return complete
              ? finish(
                  rehearsed ? Outcome.REHEARSED : Outcome.ROLLED_BACK,
                  "Not migrated: "
                      + reason
                      + ". The previous state is restored, the archive is kept.")
              : finish(
                  Outcome.ROLLBACK_INCOMPLETE,
                  "Not migrated: "
                      + reason
                      + ". Not everything could be undone; a person must look.");
        });
  }

  /** Does work in a scope of its own: a cancelled one would run nothing. */
  private static MigrationResult uncancelled(Supplier<MigrationResult> work) {
    MigrationResult[] result = new MigrationResult[1];
    Workflow.newDetachedCancellationScope(() -> result[0] = work.get()).run();
    return result[0];
  }

  private boolean undo(Compensation compensation) {
    while (true) {
      try {
        CheckResult result =
            Steps.whole("undo: " + compensation.description()).compensate(whole(), compensation);
        board.undone(compensation, UndoStep.State.DONE, result.summary());
        return true;
      } catch (TemporalFailure failure) {
        StepFailure noted = Failures.ofWhole(Phase.ROLLBACK, true, failure);
        board.undone(compensation, UndoStep.State.FAILED, noted.message());
        board.failed(noted);
        Operator.Decision decision =
            operator.awaitDecision(
                MigrationStatus.State.ROLLBACK_INCOMPLETE,
                "retry or skip: could not " + compensation.description(),
                List.of(noted));
        if (decision.verb() == Verb.SKIP) {
          board.skip(List.of(noted));
          board.undone(compensation, UndoStep.State.SKIPPED, noted.message());
          return false;
        }
        board.resolve(List.of(noted));
      }
    }
  }

  /**
   * Runs steps over all parts of all partitions, several partitions at once, until all are done or
   * a person has decided.
   */
  private void workOnParts(Phase... steps) {
    List<Phase> phases = Arrays.asList(steps);
    phases.forEach(board::start);
    rounds.run(board.plan().partitions(), phases);
    if (phases.contains(Phase.EXPORT)) {
      // The other phases end with a check of the whole.
      board.finish(Phase.EXPORT, "");
    }
  }

  private <T> T step(Phase phase, boolean skippable, Supplier<T> action) {
    return steps.run(phase, skippable, action);
  }

  private WholeTask whole() {
    return rounds == null ? new WholeTask(spec.name(), List.of()) : rounds.whole();
  }
}
