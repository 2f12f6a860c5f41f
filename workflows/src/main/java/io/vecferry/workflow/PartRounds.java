package io.vecferry.workflow;

import io.temporal.failure.TemporalFailure;
import io.temporal.workflow.Async;
import io.temporal.workflow.CancellationScope;
import io.temporal.workflow.ChildWorkflowOptions;
import io.temporal.workflow.Promise;
import io.temporal.workflow.Workflow;
import io.vecferry.activity.PartResult;
import io.vecferry.activity.WholeTask;
import io.vecferry.plan.Phase;
import io.vecferry.plan.PlannedPartition;
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
import java.util.stream.Stream;

/**
 * Steps over all parts of partitions, several partitions at once, in rounds: what has failed in one
 * and is to be done again is done in the next.
 */
final class PartRounds implements PartitionPipeline.Surroundings {
  private final String name;
  private final SteeredMigration migration;
  private final StatusBoard board;
  private final Gate gate;
  private final DecidedSteps steps;
  private final Repairs repairs;
  private final List<PlannedPartition> changes = new ArrayList<>();
  private int[] partsOf;
  private int openLanes;

  /**
   * @param name name of the migration, whose plan has been made
   */
  PartRounds(String name, SteeredMigration migration, DecidedSteps steps, Repairs repairs) {
    this.name = name;
    this.migration = migration;
    this.board = migration.board;
    this.gate = migration.gate;
    this.steps = steps;
    this.repairs = repairs;
    this.partsOf = new int[board.plan().partitions().size()];
  }

  /** Adds a partition that was not planned, with its parts, which are exported already. */
  void add(PlannedPartition partition, int parts) {
    changes.add(partition);
    partsOf = Arrays.copyOf(partsOf, Math.max(partsOf.length, partition.index() + 1));
    partsOf[partition.index()] = parts;
  }

  /** The migration as a whole, with the parts that there are so far. */
  WholeTask whole() {
    return new WholeTask(name, Arrays.stream(partsOf).boxed().toList());
  }

  /** Works until all steps are done or a person has decided. */
  void run(List<PlannedPartition> partitions, List<Phase> phases) {
    List<PartitionTask> tasks =
        partitions.stream()
            .filter(partition -> !stepsOf(partition, phases).isEmpty())
            .map(
                partition ->
                    PartitionTask.start(
                        name, partition, stepsOf(partition, phases), partsOf[partition.index()]))
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
  private List<Phase> stepsOf(PlannedPartition partition, List<Phase> phases) {
    return board.plan().loads(partition)
        ? phases
        : phases.stream().filter(Phase::isOfArchive).toList();
  }

  private List<PartitionOutcome> runAll(List<PartitionTask> tasks) {
    Deque<PartitionTask> waiting = new ArrayDeque<>(tasks);
    List<PartitionOutcome> outcomes = new ArrayList<>();
    List<Promise<Void>> lanes = new ArrayList<>();
    RuntimeException unexpected = null;
    startLanes(lanes, waiting, outcomes);
    for (int lane = 0; lane < lanes.size(); ) {
      Promise.anyOf(lanes.get(lane), migration.tuned).getFailure();
      if (migration.tuned.isCompleted()) {
        migration.tuned = Workflow.newPromise();
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
                      && !migration.work.isCancelRequested()
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
    migration.children.put(id, child);
    try {
      PartitionOutcome outcome =
          child.run(task.steered(new PartitionSteering(false, false, board.tuning())), null);
      outcome.failures().forEach(migration::partitionFailure);
      return outcome;
    } finally {
      migration.children.remove(id);
      if (migration.children.size() >= board.tuning().exportParallelism()) {
        // One of those that had to wait because of a lower parallelism has its turn.
        migration.steerChildren(false);
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
  private List<StepFailure> decide(List<StepFailure> open, List<Phase> phases) {
    while (!open.isEmpty()) {
      Operator.Decision decision = steps.ask(open);
      List<StepFailure> concerned = open.stream().filter(decision::concerns).toList();
      open.removeAll(concerned);
      if (decision.verb() == Verb.RETRY) {
        board.resolve(concerned);
        return concerned;
      }
      if (decision.verb() == Verb.REPAIR) {
        List<StepFailure> left = repairs.parts(concerned);
        if (left.isEmpty()) {
          return concerned;
        }
        open.addAll(left);
        continue;
      }
      board.skip(concerned);
      List<StepFailure> next =
          concerned.stream()
              .map(failure -> failure.next(stepsOf(partition(failure.partition()), phases)))
              .flatMap(Optional::stream)
              .toList();
      if (!next.isEmpty()) {
        return next;
      }
    }
    return List.of();
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
