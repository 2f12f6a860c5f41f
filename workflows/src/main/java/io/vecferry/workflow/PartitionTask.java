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
 */
public record PartitionTask(
    String migration,
    PlannedPartition partition,
    List<Phase> steps,
    int nextPart,
    String cursor,
    boolean complete,
    int knownParts,
    List<StepFailure> redo) {}
