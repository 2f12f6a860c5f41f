package io.vecferry.workflow;

/**
 * What a person changes of the speed of a running migration. What is null stays as it is.
 *
 * @param who who is acting
 * @param reason why; required
 * @param exportParallelism partitions exported at once
 * @param importParallelism parts validated, imported or compared at once
 * @param batchSize records per request; 0 for what the spec says
 * @param rate records per second that are read from the source at most, and as many that are
 *     written to or compared on the target; 0 for no limit
 */
public record TuneRequest(
    String who,
    String reason,
    Integer exportParallelism,
    Integer importParallelism,
    Integer batchSize,
    Long rate) {}
