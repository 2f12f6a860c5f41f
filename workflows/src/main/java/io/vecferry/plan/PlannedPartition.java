package io.vecferry.plan;

/**
 * A fixed range of the source.
 *
 * @param index number of the partition, from 0
 * @param start cursor of its first record, in the source's own spelling
 * @param end cursor behind its last record
 * @param rows records in it
 * @param exact whether {@code rows} is exact
 */
public record PlannedPartition(int index, String start, String end, long rows, boolean exact) {}
