package io.vecferry.workflow;

import io.temporal.workflow.SignalMethod;
import io.temporal.workflow.WorkflowInterface;
import io.temporal.workflow.WorkflowMethod;

/**
 * The parts of one partition, with a history of its own that is cut by continuing as new. Used when
 * a migration has too many parts for one history. It never waits for a person: it reports what
 * failed to the migration, which asks.
 */
@WorkflowInterface
public interface PartitionWorkflow {

  /**
   * Works through the partition.
   *
   * @param soFar outcome of earlier runs of the same task; null at the start
   */
  @WorkflowMethod
  PartitionOutcome run(PartitionTask task, PartitionOutcome soFar);

  @SignalMethod(description = "What people have set on the migration; sent by it, not by people")
  void steer(PartitionSteering steering);
}
