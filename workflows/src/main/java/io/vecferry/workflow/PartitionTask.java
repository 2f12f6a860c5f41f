package io.vecferry.workflow;

import io.vecferry.plan.Phase;
import io.vecferry.plan.PlannedPartition;
import java.util.List;

/**
 * Work on the parts of one partition.
 *
 * @param steps what to do with each part, in order; with EXPORT among them parts are made until the
 *     partition ends
 * @param nextPart the first part to work on
 * @param cursor where that part starts; null for the start of the partition
 * @param complete whether all parts have been worked on, so that only {@code redo} is left
 * @param knownParts number of parts when EXPORT is not among the steps
 * @param redo earlier parts whose later steps have to be done again
 * @param steering what people have set when the work starts; null for nothing. Used by partition
 *     workflows, whose runs would forget it otherwise
 */
public record PartitionTask(
    String migration,
    PlannedPartition partition,
    List<Phase> steps,
    int nextPart,
    String cursor,
    boolean complete,
    int knownParts,
    List<StepFailure> redo,
    PartitionSteering steering) {

  /** All of a partition. */
  static PartitionTask start(
      String migration, PlannedPartition partition, List<Phase> steps, int knownParts) {
    return new PartitionTask(
        migration, partition, steps, 0, null, false, knownParts, List.of(), null);
  }

  boolean isOf(PartitionOutcome outcome) {
    return partition.index() == outcome.partition();
  }

  boolean isAbout(StepFailure failure) {
    return partition.index() == failure.partition();
  }

  /** What is left behind the part that an outcome has come to. */
  PartitionTask after(PartitionOutcome outcome) {
    return new PartitionTask(
        migration,
        partition,
        steps,
        outcome.nextPart(),
        outcome.cursor(),
        outcome.complete(),
        knownParts,
        List.of(),
        steering);
  }

  /** Only some failed steps, and the parts behind them when {@code further}. */
  PartitionTask again(List<StepFailure> failed, boolean further) {
    return new PartitionTask(
        migration,
        partition,
        steps,
        nextPart,
        cursor,
        complete || !further,
        knownParts,
        failed,
        steering);
  }

  /** The same with what people have set. */
  PartitionTask steered(PartitionSteering now) {
    return new PartitionTask(
        migration, partition, steps, nextPart, cursor, complete, knownParts, redo, now);
  }
}
