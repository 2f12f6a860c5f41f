package io.vecferry.workflow;

import io.temporal.workflow.Workflow;
import io.temporal.workflow.WorkflowInit;
import io.vecferry.activity.PartResult;
import io.vecferry.plan.Phase;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;

/** Cuts its history by continuing as new after a bounded number of parts. */
public final class PartitionWorkflowImpl
    implements PartitionWorkflow, PartitionPipeline.Surroundings {
  /** About 15 events a part: a run stays near 1,500 events. */
  private static final int PARTS_PER_RUN = 100;

  /**
   * Parts between two messages to the migration; each message costs its history about four events.
   */
  private static final int PARTS_PER_MESSAGE = 25;

  private final Map<Phase, PartitionProgress> unsaid = new EnumMap<>(Phase.class);
  private final Gate gate = new Gate(phase -> Integer.MAX_VALUE);
  private Tuning tuning = Tuning.planned(1);

  /** Takes over what was set before this run, before any message to it is handled. */
  @WorkflowInit
  public PartitionWorkflowImpl(PartitionTask task, PartitionOutcome soFar) {
    if (task.steering() != null) {
      steer(task.steering());
    }
  }

  @Override
  public PartitionOutcome run(PartitionTask task, PartitionOutcome soFar) {
    int failed = soFar == null ? 0 : soFar.failures().size();
    PartitionOutcome outcome =
        new PartitionPipeline(task, this)
            .run(PARTS_PER_RUN, PartitionPipeline.MOST_FAILURES - failed);
    unsaid.values().forEach(this::tell);
    PartitionOutcome total = soFar == null ? outcome : joined(soFar, outcome);
    boolean limitReached =
        !outcome.complete()
            && !outcome.cancelled()
            && outcome.nextPart() - task.nextPart() >= PARTS_PER_RUN;
    if (!limitReached) {
      return total;
    }
    PartitionTask rest =
        task.after(outcome).steered(new PartitionSteering(gate.isPaused(), false, tuning));
    return Workflow.newContinueAsNewStub(PartitionWorkflow.class).run(rest, total);
  }

  @Override
  public void steer(PartitionSteering steering) {
    if (steering.tuning() != null) {
      tuning = steering.tuning();
    }
    if (steering.paused()) {
      gate.close(steering.interrupt());
    } else {
      gate.open();
    }
  }

  @Override
  public <T> T pass(Phase phase, Supplier<T> step) {
    return gate.pass(phase, step);
  }

  @Override
  public Tuning tuning() {
    return tuning;
  }

  @Override
  public void done(Phase phase, PartResult result) {
    PartitionProgress before = unsaid.getOrDefault(phase, new PartitionProgress(phase, 0, 0, 0, 0));
    PartitionProgress now =
        new PartitionProgress(
            phase,
            before.parts() + 1,
            before.rows() + result.rows(),
            before.rowsReused() + (result.reused() ? result.rows() : 0),
            before.bytes() + result.bytes());
    if (now.parts() < PARTS_PER_MESSAGE) {
      unsaid.put(phase, now);
    } else {
      unsaid.remove(phase);
      tell(now);
    }
  }

  @Override
  public void failed(StepFailure failure) {
    if (Workflow.getVersion("tell-failures", Workflow.DEFAULT_VERSION, 1)
        != Workflow.DEFAULT_VERSION) {
      migration().partitionFailure(failure);
    }
  }

  private void tell(PartitionProgress progress) {
    migration().partitionProgress(progress);
  }

  private static MigrationWorkflow migration() {
    return Workflow.newExternalWorkflowStub(
        MigrationWorkflow.class, Workflow.getInfo().getParentWorkflowId().orElseThrow());
  }

  private static PartitionOutcome joined(PartitionOutcome before, PartitionOutcome now) {
    List<StepFailure> failures = new ArrayList<>(before.failures());
    failures.addAll(now.failures());
    return new PartitionOutcome(
        now.partition(),
        now.nextPart(),
        now.cursor(),
        now.complete(),
        now.cancelled(),
        before.rejects() + now.rejects(),
        failures);
  }
}
