package io.vecferry.workflow;

import com.fasterxml.jackson.databind.JsonNode;
import io.temporal.api.enums.v1.ParentClosePolicy;
import io.temporal.failure.ApplicationFailure;
import io.temporal.failure.ChildWorkflowFailure;
import io.temporal.failure.TemporalFailure;
import io.temporal.workflow.Async;
import io.temporal.workflow.CancellationScope;
import io.temporal.workflow.ChildWorkflowOptions;
import io.temporal.workflow.Promise;
import io.temporal.workflow.Workflow;
import io.vecferry.activity.CatchUpPass;
import io.vecferry.activity.CatchUpTask;
import io.vecferry.activity.CheckResult;
import io.vecferry.activity.Compensation;
import io.vecferry.activity.PartResult;
import io.vecferry.activity.RepairTask;
import io.vecferry.activity.ReportLocation;
import io.vecferry.activity.ReportRequest;
import io.vecferry.activity.WholeTask;
import io.vecferry.plan.FailureClass;
import io.vecferry.plan.Finding;
import io.vecferry.plan.MigrationPlan;
import io.vecferry.plan.Phase;
import io.vecferry.plan.PlannedPartition;
import io.vecferry.spec.CutoverWindow;
import io.vecferry.spec.MigrationSpec;
import io.vecferry.spec.SpecProblem;
import io.vecferry.spec.SpecReader;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Deque;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Supplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** The page that an operator reads: the phases of a migration from top to bottom. */
public final class MigrationWorkflowImpl extends SteeredMigration
    implements PartitionPipeline.Surroundings {
  /**
   * A schedule puts its time behind the workflow id: each of its runs is a migration of its own.
   */
  private static final Pattern SCHEDULED =
      Pattern.compile("(.*)(-\\d{4}-\\d{2}-\\d{2}T\\d{2}:\\d{2}:\\d{2}Z)");

  private static final String REHEARSED = "it was a rehearsal, and it went well";

  /** Passes over a source that changes all the time before a person is asked. */
  static final int MOST_PASSES = 10;

  private MigrationSpec spec;
  private final List<PlannedPartition> changes = new ArrayList<>();
  private final List<CatchUpPass> passes = new ArrayList<>();
  private final List<String> repairs = new ArrayList<>();
  private int[] partsOf = new int[0];
  private int openLanes;

  @Override
  public MigrationResult migrate(JsonNode document) {
    spec = readSpec(document);
    work = Workflow.newCancellationScope(this::moveAndProve);
    operator.started(spec.rollback().automatic());
    try {
      work.run();
    } catch (RollbackRequested requested) {
      return rollBack(requested.getMessage());
    } catch (TemporalFailure failure) {
      if (!Failures.isCancellation(failure)) {
        throw failure;
      }
      return rollBack(operator.rollbackReason() == null ? cancelled() : operator.rollbackReason());
    }
    return finish(
        board.anySkipped() ? Outcome.MIGRATED_WITH_SKIPS : Outcome.MIGRATED,
        board.anySkipped()
            ? "Migrated, but steps were skipped by a person: the proof has a gap."
            : "Migrated: " + proof());
  }

  /** What was proved, in words. */
  private String proof() {
    return spec.validation().samples() || spec.validation().allowedMismatches() > 0
        ? board.summary(Phase.VALIDATE_IMPORT) + "."
        : "every record is on the target and was compared.";
  }

  private String cancelled() {
    String reason = CancellationScope.current().getCancellationReason();
    board.action("cancel", "", reason == null ? "" : reason, "");
    return "the migration was cancelled"
        + (reason == null || reason.isBlank() ? "" : ": " + reason);
  }

  private void moveAndProve() {
    board.start(Phase.PLANNING);
    TargetClaim.take(spec.target());
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
    applyKeptChanges();
    checkQuality();
    if (spec.rehearsal()) {
      throw new RollbackRequested(REHEARSED);
    }
    approve(
        spec.approval().beforeCutover(),
        "approve the cutover to " + board.plan().target().collection());
    do {
      awaitWindow();
      catchUp();
    } while (spec.cutover().catchUp() && isOutsideOfWindows());
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
    board.arm(Compensation.dropLoad(board.plan().target().collection()));
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
    String summary = result == null ? "skipped" : result.summary();
    board.finish(
        Phase.VALIDATE_IMPORT,
        Stream.concat(Stream.of(summary), repairs.stream()).collect(Collectors.joining("; ")));
  }

  private void checkQuality() {
    board.start(Phase.QUALITY_CHECK);
    CheckResult result =
        step(Phase.QUALITY_CHECK, true, () -> Steps.whole("check quality").checkQuality(whole()));
    board.finish(Phase.QUALITY_CHECK, result == null ? "skipped" : result.summary());
  }

  /** Applies what the archive has of changes of the source, before anything is found anew. */
  private void applyKeptChanges() {
    if (!spec.cutover().catchUp()) {
      return;
    }
    List<CatchUpPass> kept =
        step(Phase.IMPORT, false, () -> Steps.whole("look for kept changes").keptChanges(whole()));
    for (CatchUpPass pass : kept) {
      apply(Phase.IMPORT, pass);
      passes.add(pass);
    }
  }

  /**
   * Applies what was written to the source meanwhile, until a pass over it finds no more than the
   * spec allows.
   */
  private void catchUp() {
    if (!spec.cutover().catchUp()) {
      return;
    }
    board.start(Phase.CUTOVER);
    int next = passes.isEmpty() ? 1 : passes.get(passes.size() - 1).pass() + 1;
    for (int pass = next; ; pass++) {
      CatchUpTask task = new CatchUpTask(spec.name(), pass);
      CatchUpPass found =
          step(
              Phase.CUTOVER,
              false,
              () -> Steps.whole("look for changes, pass " + task.pass()).findChanges(task));
      if (found.differences() > 0) {
        apply(Phase.CUTOVER, found);
      }
      passes.add(found);
      board.note(Phase.CUTOVER, caughtUp());
      boolean enough = found.differences() <= spec.cutover().maxDifference();
      if (enough || (pass - next + 1) % MOST_PASSES == 0 && !wantsMorePasses(found)) {
        return;
      }
    }
  }

  /** What the last passes have found, in words. */
  private String caughtUp() {
    return passes.subList(Math.max(0, passes.size() - MOST_PASSES), passes.size()).stream()
        .map(CatchUpPass::words)
        .collect(Collectors.joining("; "));
  }

  private void apply(Phase phase, CatchUpPass found) {
    CatchUpTask task = new CatchUpTask(spec.name(), found.pass());
    String pass = ", pass " + task.pass();
    CatchUpPass kept =
        step(phase, false, () -> Steps.whole("archive changes" + pass).keepChanges(task));
    step(phase, false, () -> Steps.whole("remove what has changed" + pass).removeChanged(task));
    List<PlannedPartition> news = kept.partition() == null ? List.of() : List.of(kept.partition());
    for (PlannedPartition partition : news) {
      changes.add(partition);
      partsOf = Arrays.copyOf(partsOf, Math.max(partsOf.length, partition.index() + 1));
      partsOf[partition.index()] = kept.parts();
    }
    work(news, List.of(Phase.VALIDATE_EXPORT, Phase.IMPORT));
    step(phase, false, () -> Steps.whole("finish changes" + pass).finishChanges(task));
    work(news, List.of(Phase.VALIDATE_IMPORT));
  }

  /** Asks a person what to do about a source that does not come to rest. */
  private boolean wantsMorePasses(CatchUpPass last) {
    boolean[] asked = new boolean[1];
    return step(
            Phase.CUTOVER,
            true,
            () -> {
              if (asked[0]) {
                return true;
              }
              asked[0] = true;
              throw ApplicationFailure.newNonRetryableFailure(
                  last.words()
                      + ", more than cutover.maxDifference, which is "
                      + spec.cutover().maxDifference()
                      + ". All of it was applied. Stop what writes to the source and retry, skip to"
                      + " switch all the same, or start again with a larger"
                      + " cutover.maxDifference.",
                  FailureClass.SOURCE_CHANGED.name());
            })
        != null;
  }

  private void awaitWindow() {
    if (spec.schedule().cutoverWindows().isEmpty()) {
      return;
    }
    gate.await();
    Optional<CutoverWindow.Opening> opening = nextOpening();
    while (opening.isPresent() && opening.get().start() > Workflow.currentTimeMillis()) {
      operator.awaitMoment(
          MigrationStatus.State.WAITING_FOR_WINDOW,
          "the cutover window that opens on " + opening.get().startWords(),
          Duration.ofMillis(opening.get().start() - Workflow.currentTimeMillis()));
      opening = nextOpening();
    }
  }

  /** Catching up may have taken longer than the window was open. */
  private boolean isOutsideOfWindows() {
    return nextOpening().filter(next -> next.start() > Workflow.currentTimeMillis()).isPresent();
  }

  private Optional<CutoverWindow.Opening> nextOpening() {
    return spec.schedule().opening(Workflow.currentTimeMillis());
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
        Phase.CUTOVER, passes.isEmpty() ? result.summary() : caughtUp() + "; " + result.summary());
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
    if (outcome == Outcome.MIGRATED || outcome == Outcome.MIGRATED_WITH_SKIPS) {
      keepWhatWasReplaced();
    }
    Workflow.await(Workflow::isEveryHandlerFinished);
    return new MigrationResult(
        spec.name(),
        outcome,
        verdict,
        rows(),
        report == null ? "" : report.html(),
        report == null ? "" : report.json());
  }

  private long rows() {
    if (board.plan() == null) {
      return 0;
    }
    CatchUpPass last = passes.isEmpty() ? null : passes.get(passes.size() - 1);
    boolean counted = last != null && last.pass() > 0 && last.rows() >= 0;
    return counted ? last.rows() : board.plan().source().rows();
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
              boolean rehearsed = reason.equals(REHEARSED) && !board.anySkipped();
              result[0] =
                  complete
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
    work(board.plan().partitions(), phases);
    if (phases.contains(Phase.EXPORT)) {
      // The other phases end with a check of the whole.
      board.finish(Phase.EXPORT, "");
    }
  }

  private void work(List<PlannedPartition> partitions, List<Phase> phases) {
    List<PartitionTask> tasks =
        partitions.stream()
            .filter(partition -> !stepsOf(partition, phases).isEmpty())
            .map(
                partition ->
                    PartitionTask.start(
                        spec.name(),
                        partition,
                        stepsOf(partition, phases),
                        partsOf[partition.index()]))
            .toList();
    Map<Integer, PartitionTask> left = new TreeMap<>();
    tasks.forEach(task -> left.put(task.partition().index(), task));
    List<StepFailure> open = new ArrayList<>();
    while (!tasks.isEmpty()) {
      for (PartitionOutcome outcome : runAll(tasks)) {
        open.addAll(outcome.failures());
        if (tasks.stream().filter(task -> task.isOf(outcome)).noneMatch(PartitionTask::complete)) {
          left.computeIfPresent(outcome.partition(), (index, task) -> task.after(outcome));
        }
      }
      tasks = remaining(left.values(), decide(open, phases), open);
    }
  }

  private PlannedPartition partition(int index) {
    return Stream.concat(board.plan().partitions().stream(), changes.stream())
        .filter(partition -> partition.index() == index)
        .findFirst()
        .orElseThrow();
  }

  /** The steps that parts of a partition go through. */
  private List<Phase> stepsOf(PlannedPartition partition, List<Phase> steps) {
    return board.plan().loads(partition)
        ? steps
        : steps.stream().filter(Phase::isOfArchive).toList();
  }

  private List<PartitionOutcome> runAll(List<PartitionTask> tasks) {
    Deque<PartitionTask> waiting = new ArrayDeque<>(tasks);
    List<PartitionOutcome> outcomes = new ArrayList<>();
    List<Promise<Void>> lanes = new ArrayList<>();
    RuntimeException unexpected = null;
    startLanes(lanes, waiting, outcomes);
    for (int lane = 0; lane < lanes.size(); ) {
      Promise.anyOf(lanes.get(lane), tuned).getFailure();
      if (tuned.isCompleted()) {
        tuned = Workflow.newPromise();
        startLanes(lanes, waiting, outcomes);
      }
      if (lanes.get(lane).isCompleted()) {
        RuntimeException failure = lanes.get(lane++).getFailure();
        boolean cancelled =
            failure instanceof TemporalFailure temporal && Failures.isCancellation(temporal);
        unexpected = failure == null || cancelled || unexpected != null ? unexpected : failure;
      }
    }
    CancellationScope.throwCanceled();
    if (unexpected != null) {
      throw unexpected;
    }
    for (PartitionOutcome outcome : outcomes) {
      partsOf[outcome.partition()] = Math.max(partsOf[outcome.partition()], outcome.nextPart());
    }
    return outcomes;
  }

  /** Starts as many lanes as may work on partitions now. */
  private void startLanes(
      List<Promise<Void>> lanes, Deque<PartitionTask> waiting, List<PartitionOutcome> outcomes) {
    int wanted = Math.min(board.tuning().exportParallelism() - openLanes, waiting.size());
    for (int i = 0; i < wanted; i++) {
      openLanes++;
      lanes.add(
          Async.procedure(
              () -> {
                try {
                  while (!waiting.isEmpty()
                      && !work.isCancelRequested()
                      && openLanes <= board.tuning().exportParallelism()) {
                    outcomes.add(runPartition(waiting.removeFirst()));
                  }
                } finally {
                  openLanes--;
                }
              }));
    }
  }

  private PartitionOutcome runPartition(PartitionTask task) {
    if (!board.plan().childWorkflows()) {
      return new PartitionPipeline(task, this)
          .run(Integer.MAX_VALUE, PartitionPipeline.MOST_FAILURES);
    }
    String id =
        String.format(
            "%s/%s/%04d/%d",
            Workflow.getInfo().getWorkflowId(),
            task.steps().get(0).name().toLowerCase(Locale.ROOT),
            task.partition().index(),
            Workflow.currentTimeMillis());
    gate.await();
    PartitionWorkflow child =
        Workflow.newChildWorkflowStub(
            PartitionWorkflow.class, ChildWorkflowOptions.newBuilder().setWorkflowId(id).build());
    children.put(id, child);
    try {
      PartitionOutcome outcome =
          child.run(task.steered(new PartitionSteering(false, false, board.tuning())), null);
      outcome.failures().forEach(this::partitionFailure);
      return outcome;
    } finally {
      children.remove(id);
      if (children.size() >= board.tuning().exportParallelism()) {
        // One of those that had to wait because of a lower parallelism has its turn.
        steerChildren(false);
      }
    }
  }

  /** What is still to be done after a round and the decision about it. */
  private static List<PartitionTask> remaining(
      Collection<PartitionTask> left, List<StepFailure> redo, List<StepFailure> open) {
    List<PartitionTask> remaining = new ArrayList<>();
    for (PartitionTask task : left) {
      List<StepFailure> again =
          redo.stream().filter(task::isAbout).filter(f -> f.phase() != Phase.EXPORT).toList();
      boolean further =
          !task.complete()
              && open.stream().filter(task::isAbout).noneMatch(f -> f.phase() == Phase.EXPORT);
      if (further || !again.isEmpty()) {
        remaining.add(task.again(again, further));
      }
    }
    return remaining;
  }

  /**
   * Asks a person about failed parts, until some are to be worked on again or all are skipped.
   *
   * @param open failures that nothing was decided about; the decided ones are taken out
   * @return the failures to be worked on again; of parts whose step is skipped, the next step
   */
  private List<StepFailure> decide(List<StepFailure> open, List<Phase> steps) {
    while (!open.isEmpty()) {
      Operator.Decision decision = ask(open);
      List<StepFailure> concerned = open.stream().filter(decision::concerns).toList();
      open.removeAll(concerned);
      if (decision.verb() == Verb.RETRY) {
        board.resolve(concerned);
        return concerned;
      }
      if (decision.verb() == Verb.REPAIR) {
        List<StepFailure> left = repair(concerned);
        if (left.isEmpty()) {
          return concerned;
        }
        open.addAll(left);
        continue;
      }
      board.skip(concerned);
      List<StepFailure> next =
          concerned.stream()
              .map(failure -> failure.next(stepsOf(partition(failure.partition()), steps)))
              .flatMap(Optional::stream)
              .toList();
      if (!next.isEmpty()) {
        return next;
      }
    }
    return List.of();
  }

  /** Runs a step on the whole until it works or a person has decided; null when it was skipped. */
  private <T> T step(Phase phase, boolean skippable, Supplier<T> action) {
    boolean repairs = false;
    while (true) {
      try {
        if (repairs) {
          repairParts(List.of(""));
        }
        return gate.pass(action);
      } catch (TemporalFailure failure) {
        if (Failures.isCancellation(failure)) {
          throw failure;
        }
        StepFailure noted = Failures.ofWhole(phase, skippable, failure);
        board.failed(noted);
        Verb verb = ask(List.of(noted)).verb();
        if (verb == Verb.SKIP) {
          board.skip(List.of(noted));
          return null;
        }
        repairs = verb == Verb.REPAIR;
        board.resolve(List.of(noted));
      }
    }
  }

  /**
   * Loads again what differs in parts.
   *
   * @return the parts again when that did not work, with the reason; they are to be compared anew
   */
  private List<StepFailure> repair(List<StepFailure> differing) {
    board.resolve(differing);
    try {
      repairParts(differing.stream().map(StepFailure::subject).toList());
      return List.of();
    } catch (TemporalFailure failure) {
      if (Failures.isCancellation(failure)) {
        throw failure;
      }
      List<StepFailure> left =
          differing.stream()
              .map(
                  part ->
                      Failures.ofPart(
                          part.phase(), part.subject(), part.partition(), part.part(), failure))
              .toList();
      left.forEach(board::failed);
      return left;
    }
  }

  private void repairParts(List<String> names) {
    RepairTask task = new RepairTask(whole(), names);
    CheckResult repaired =
        gate.pass(() -> Steps.whole("repair what differs on the target").repair(task));
    repairs.add(repaired.summary());
  }

  private Operator.Decision ask(List<StepFailure> failures) {
    if (spec.rollback().automatic() && board.state() != MigrationStatus.State.FINISHED) {
      throw new RollbackRequested(failures.get(0).toString());
    }
    return operator.awaitDecision(
        MigrationStatus.State.NEEDS_ATTENTION, Operator.question(failures), failures);
  }

  private WholeTask whole() {
    return new WholeTask(spec.name(), Arrays.stream(partsOf).boxed().toList());
  }

  @Override
  public <T> T pass(Phase phase, Supplier<T> step) {
    return gate.pass(phase, step);
  }

  @Override
  public Tuning tuning() {
    return board.tuning();
  }

  @Override
  public void done(Phase phase, PartResult result) {
    board.add(phase, result);
  }

  @Override
  public void failed(StepFailure failure) {
    board.failed(failure);
  }
}
