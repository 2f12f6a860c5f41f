package io.vecferry.workflow;

import com.fasterxml.jackson.databind.JsonNode;
import io.temporal.failure.ApplicationFailure;
import io.temporal.failure.TemporalFailure;
import io.temporal.workflow.Async;
import io.temporal.workflow.CancellationScope;
import io.temporal.workflow.ChildWorkflowOptions;
import io.temporal.workflow.Promise;
import io.temporal.workflow.Workflow;
import io.vecferry.activity.CheckResult;
import io.vecferry.activity.Compensation;
import io.vecferry.activity.PartResult;
import io.vecferry.activity.ReportLocation;
import io.vecferry.activity.ReportRequest;
import io.vecferry.activity.WholeTask;
import io.vecferry.plan.Finding;
import io.vecferry.plan.MigrationPlan;
import io.vecferry.plan.Phase;
import io.vecferry.plan.PlannedPartition;
import io.vecferry.spec.MigrationSpec;
import io.vecferry.spec.SpecProblem;
import io.vecferry.spec.SpecReader;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Supplier;
import java.util.stream.Collectors;

/** The page that an operator reads: the phases of a migration from top to bottom. */
public final class MigrationWorkflowImpl
    implements MigrationWorkflow, PartitionPipeline.Surroundings {
  private final StatusBoard board = new StatusBoard();
  private final Operator operator = new Operator(board);
  private final Map<String, PartitionWorkflow> children = new LinkedHashMap<>();
  private MigrationSpec spec;
  private int[] partsOf = new int[0];
  private CancellationScope work;

  @Override
  public MigrationResult migrate(JsonNode document) {
    spec = readSpec(document);
    work = Workflow.newCancellationScope(this::moveAndProve);
    try {
      work.run();
    } catch (RollbackRequested requested) {
      return rollBack(requested.getMessage());
    } catch (TemporalFailure failure) {
      if (!Failures.isCancellation(failure)) {
        throw failure;
      }
      return rollBack(
          operator.rollbackReason() == null
              ? "the migration was cancelled"
              : operator.rollbackReason());
    }
    return finish(
        board.anySkipped() ? Outcome.MIGRATED_WITH_SKIPS : Outcome.MIGRATED,
        board.anySkipped()
            ? "Migrated, but steps were skipped by a person: the proof has a gap."
            : "Migrated: every record is on the target and was compared.");
  }

  private void moveAndProve() {
    makePlan();
    awaitStart();
    boolean importsWhileExporting = spec.overlap() && !spec.approval().beforeImport();
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
    checkQuality();
    approve(
        spec.approval().beforeCutover(),
        "approve the cutover to " + board.plan().target().collection());
    cutOver();
  }

  private MigrationSpec readSpec(JsonNode document) {
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
    board.start(Phase.PLANNING);
    MigrationPlan plan = step(Phase.PLANNING, false, () -> Steps.whole("plan").plan(spec));
    if (!plan.blocking().isEmpty()) {
      String list =
          plan.blocking().stream().map(Finding::toString).collect(Collectors.joining("\n  "));
      throw ApplicationFailure.newNonRetryableFailure(
          "The migration cannot start:\n  " + list, BLOCKED);
    }
    board.plan(plan);
    partsOf = new int[plan.partitions().size()];
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
    board.arm(
        new Compensation(
            Compensation.Kind.DROP_LOAD,
            "remove what was loaded for " + board.plan().target().collection()));
    step(Phase.IMPORT, false, () -> Steps.whole("prepare the target").prepareTarget(whole()));
  }

  private void finishLoad() {
    CheckResult result =
        step(Phase.IMPORT, false, () -> Steps.whole("finish the load").finishLoad(whole()));
    board.finish(Phase.IMPORT, result.summary());
  }

  private void validateImport() {
    workOnParts(Phase.VALIDATE_IMPORT);
    CheckResult result =
        step(
            Phase.VALIDATE_IMPORT,
            true,
            () -> Steps.whole("compare counts").completeImportValidation(whole()));
    board.finish(Phase.VALIDATE_IMPORT, result == null ? "skipped" : result.summary());
  }

  private void checkQuality() {
    board.start(Phase.QUALITY_CHECK);
    CheckResult result =
        step(Phase.QUALITY_CHECK, true, () -> Steps.whole("check quality").checkQuality(whole()));
    board.finish(Phase.QUALITY_CHECK, result == null ? "skipped" : result.summary());
  }

  private void cutOver() {
    board.start(Phase.CUTOVER);
    board.arm(
        new Compensation(
            Compensation.Kind.UNPUBLISH,
            "take " + board.plan().target().collection() + " away again"));
    CheckResult result = step(Phase.CUTOVER, false, () -> Steps.whole("cut over").cutover(whole()));
    board.finish(Phase.CUTOVER, result.summary());
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
    ReportLocation report =
        step(
            Phase.FINALIZE,
            true,
            () ->
                Steps.whole("write the report")
                    .writeReport(new ReportRequest(spec.name(), board.snapshot())));
    board.report(report);
    board.outcome(outcome, verdict);
    Workflow.await(Workflow::isEveryHandlerFinished);
    return new MigrationResult(
        spec.name(),
        outcome,
        verdict,
        board.plan() == null ? 0 : board.plan().source().rows(),
        report == null ? "" : report.html(),
        report == null ? "" : report.json());
  }

  /**
   * Undoes, newest first, in a scope of its own: a cancelled scope would run nothing. All writers
   * have stopped by now.
   */
  private MigrationResult rollBack(String reason) {
    MigrationResult[] result = new MigrationResult[1];
    Workflow.newDetachedCancellationScope(
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
              result[0] =
                  complete
                      ? finish(
                          Outcome.ROLLED_BACK,
                          "Not migrated: "
                              + reason
                              + ". The previous state is restored, the archive is kept.")
                      : finish(
                          Outcome.ROLLBACK_INCOMPLETE,
                          "Not migrated: "
                              + reason
                              + ". Not everything could be undone; a person must look.");
            })
        .run();
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
        StepFailure noted = Failures.ofStep(Phase.ROLLBACK, "", -1, -1, failure);
        board.undone(compensation, UndoStep.State.FAILED, noted.message());
        board.failed(noted);
        Operator.Decision decision =
            operator.awaitDecision(
                MigrationStatus.State.ROLLBACK_INCOMPLETE,
                "retry or skip: could not " + compensation.description(),
                true);
        if (decision == Operator.Decision.SKIP) {
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
    List<PartitionTask> tasks = new ArrayList<>();
    for (PlannedPartition partition : board.plan().partitions()) {
      tasks.add(
          new PartitionTask(
              spec.name(),
              partition,
              phases,
              0,
              null,
              false,
              partsOf[partition.index()],
              List.of()));
    }
    while (!tasks.isEmpty()) {
      List<PartitionOutcome> outcomes = runAll(tasks);
      List<StepFailure> failures = outcomes.stream().flatMap(o -> o.failures().stream()).toList();
      List<StepFailure> redo = failures.isEmpty() ? List.of() : decide(failures);
      tasks = remaining(tasks, outcomes, redo);
    }
    if (phases.contains(Phase.EXPORT)) {
      // The other phases end with a check of the whole.
      board.finish(Phase.EXPORT, "");
    }
  }

  private List<PartitionOutcome> runAll(List<PartitionTask> tasks) {
    Deque<PartitionTask> waiting = new ArrayDeque<>(tasks);
    List<PartitionOutcome> outcomes = new ArrayList<>();
    List<Promise<Void>> lanes = new ArrayList<>();
    for (int i = 0; i < Math.min(board.plan().parallelism(), tasks.size()); i++) {
      lanes.add(
          Async.procedure(
              () -> {
                while (!waiting.isEmpty() && !work.isCancelRequested()) {
                  outcomes.add(runPartition(waiting.removeFirst()));
                }
              }));
    }
    List<RuntimeException> unexpected = new ArrayList<>();
    for (Promise<Void> lane : lanes) {
      RuntimeException failure = lane.getFailure();
      boolean cancelled =
          failure instanceof TemporalFailure temporal && Failures.isCancellation(temporal);
      if (failure != null && !cancelled) {
        unexpected.add(failure);
      }
    }
    CancellationScope.throwCanceled();
    if (!unexpected.isEmpty()) {
      throw unexpected.get(0);
    }
    for (PartitionOutcome outcome : outcomes) {
      partsOf[outcome.partition()] = Math.max(partsOf[outcome.partition()], outcome.nextPart());
    }
    return outcomes;
  }

  private PartitionOutcome runPartition(PartitionTask task) {
    if (!board.plan().childWorkflows()) {
      return new PartitionPipeline(task, this).run(Integer.MAX_VALUE);
    }
    String id =
        String.format(
            "%s/%s/%04d/%d",
            Workflow.getInfo().getWorkflowId(),
            task.steps().get(0).name().toLowerCase(Locale.ROOT),
            task.partition().index(),
            Workflow.currentTimeMillis());
    PartitionWorkflow child =
        Workflow.newChildWorkflowStub(
            PartitionWorkflow.class, ChildWorkflowOptions.newBuilder().setWorkflowId(id).build());
    children.put(id, child);
    try {
      PartitionOutcome outcome = child.run(task, null);
      outcome.failures().forEach(board::failed);
      return outcome;
    } finally {
      children.remove(id);
    }
  }

  /** What is still to be done after a round. */
  private static List<PartitionTask> remaining(
      List<PartitionTask> tasks, List<PartitionOutcome> outcomes, List<StepFailure> redo) {
    List<PartitionTask> remaining = new ArrayList<>();
    for (PartitionOutcome outcome : outcomes) {
      PartitionTask task =
          tasks.stream()
              .filter(candidate -> candidate.partition().index() == outcome.partition())
              .findFirst()
              .orElseThrow();
      List<StepFailure> again =
          redo.stream()
              .filter(failure -> failure.partition() == outcome.partition())
              .filter(failure -> failure.phase() != Phase.EXPORT)
              .toList();
      if (!outcome.complete() || !again.isEmpty()) {
        remaining.add(
            new PartitionTask(
                task.migration(),
                task.partition(),
                task.steps(),
                outcome.nextPart(),
                outcome.cursor(),
                outcome.complete(),
                task.knownParts(),
                again));
      }
    }
    return remaining;
  }

  /**
   * Asks a person about failed parts.
   *
   * @return the failures to be worked on again; the others are skipped
   */
  private List<StepFailure> decide(List<StepFailure> failures) {
    List<StepFailure> open = new ArrayList<>(failures);
    List<StepFailure> redo = new ArrayList<>();
    while (!open.isEmpty()) {
      boolean skippable =
          open.stream()
              .noneMatch(
                  failure -> failure.phase() == Phase.EXPORT || failure.phase() == Phase.IMPORT);
      Operator.Decision decision = ask(open, skippable);
      List<StepFailure> concerned = open.stream().filter(operator::concerns).toList();
      open.removeAll(concerned);
      if (decision == Operator.Decision.RETRY) {
        board.resolve(concerned);
        redo.addAll(concerned);
      } else {
        board.skip(concerned);
      }
    }
    return redo;
  }

  /** Runs a step on the whole until it works or a person has decided; null when it was skipped. */
  private <T> T step(Phase phase, boolean skippable, Supplier<T> action) {
    while (true) {
      operator.awaitPermission();
      try {
        return action.get();
      } catch (TemporalFailure failure) {
        if (Failures.isCancellation(failure)) {
          throw failure;
        }
        StepFailure noted = Failures.ofStep(phase, "", -1, -1, failure);
        board.failed(noted);
        if (ask(List.of(noted), skippable) == Operator.Decision.SKIP) {
          board.skip(List.of(noted));
          return null;
        }
        board.resolve(List.of(noted));
      }
    }
  }

  private Operator.Decision ask(List<StepFailure> failures, boolean skippable) {
    if (spec.rollback().automatic() && board.state() != MigrationStatus.State.FINISHED) {
      throw new RollbackRequested(failures.get(0).toString());
    }
    String waitingFor =
        (skippable ? "retry, skip or rollback: " : "retry or rollback: ")
            + failures.get(0)
            + (failures.size() > 1 ? " (and " + (failures.size() - 1) + " more)" : "");
    return operator.awaitDecision(MigrationStatus.State.NEEDS_ATTENTION, waitingFor, skippable);
  }

  private WholeTask whole() {
    return new WholeTask(spec.name(), Arrays.stream(partsOf).boxed().toList());
  }

  @Override
  public void awaitPermission() {
    operator.awaitPermission();
  }

  @Override
  public void done(Phase phase, PartResult result) {
    board.add(phase, result);
  }

  @Override
  public void failed(StepFailure failure) {
    board.failed(failure);
  }

  @Override
  public void partitionProgress(PartitionProgress progress) {
    board.add(progress);
  }

  @Override
  public MigrationStatus status() {
    return board.snapshot();
  }

  @Override
  public MigrationPlan plan() {
    return board.plan();
  }

  @Override
  public List<StepFailure> failures() {
    return board.failures();
  }

  @Override
  public String pause(VerbRequest request) {
    operator.pause(request);
    children.values().forEach(child -> child.setPaused(true));
    return "Paused: what runs is finished, nothing new starts. Use resume to go on.";
  }

  @Override
  public void validatePause(VerbRequest request) {
    operator.checkReason("pause", request);
    operator.checkPause();
  }

  @Override
  public String resume(VerbRequest request) {
    operator.resume(request);
    children.values().forEach(child -> child.setPaused(false));
    return "Resumed.";
  }

  @Override
  public void validateResume(VerbRequest request) {
    operator.checkReason("resume", request);
    operator.checkResume();
  }

  @Override
  public String retry(VerbRequest request) {
    operator.decide(Operator.Decision.RETRY, request);
    return "The failed steps are tried again.";
  }

  @Override
  public void validateRetry(VerbRequest request) {
    operator.checkReason("retry", request);
    operator.checkDecision(Operator.Decision.RETRY, request);
  }

  @Override
  public String skip(VerbRequest request) {
    operator.decide(Operator.Decision.SKIP, request);
    return "The failed steps are skipped; the report will say so and the proof has a gap.";
  }

  @Override
  public void validateSkip(VerbRequest request) {
    operator.checkReason("skip", request);
    operator.checkDecision(Operator.Decision.SKIP, request);
  }

  @Override
  public String approve(VerbRequest request) {
    operator.approve(true, request);
    return "Approved.";
  }

  @Override
  public void validateApprove(VerbRequest request) {
    operator.checkReason("approve", request);
    operator.checkApproval("approve");
  }

  @Override
  public String reject(VerbRequest request) {
    operator.approve(false, request);
    return "Rejected: the previous state is being restored.";
  }

  @Override
  public void validateReject(VerbRequest request) {
    operator.checkReason("reject", request);
    operator.checkApproval("reject");
  }

  @Override
  public String rollback(VerbRequest request) {
    operator.requestRollback(request);
    work.cancel(request.reason());
    return "Rolling back: the previous state is being restored.";
  }

  @Override
  public void validateRollback(VerbRequest request) {
    operator.checkReason("rollback", request);
    operator.checkRollback();
    if (work == null) {
      throw new IllegalStateException("rollback is not possible: the migration has not started.");
    }
  }
}
