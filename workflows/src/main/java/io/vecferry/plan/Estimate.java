package io.vecferry.plan;

/**
 * What a migration will need.
 *
 * @param archiveBytes size of the backup
 * @param targetBytes size of the new collection
 * @param workerMemoryBytes heap that the worker needs for batches in flight
 * @param networkBytes bytes that cross between worker and stores
 * @param parts number of parts
 * @param historyEvents events that the longest workflow history will have
 * @param seconds duration of the whole migration; from the speed of the canary, or from assumed
 *     speeds where there was none
 */
public record Estimate(
    long archiveBytes,
    long targetBytes,
    long workerMemoryBytes,
    long networkBytes,
    long parts,
    long historyEvents,
    long seconds) {}
