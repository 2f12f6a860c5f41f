package io.vecferry.workflow;

import java.util.List;

/**
 * How far a partition got.
 *
 * @param partition its number
 * @param nextPart number of parts made so far, or the first one not yet worked on
 * @param cursor position behind the last part made
 * @param complete whether the partition was worked through
 * @param cancelled whether it stopped because it was told to
 * @param rejects records that the target refused
 * @param failures steps that failed; the other parts went on
 */
public record PartitionOutcome(
    int partition,
    int nextPart,
    String cursor,
    boolean complete,
    boolean cancelled,
    long rejects,
    List<StepFailure> failures) {}
