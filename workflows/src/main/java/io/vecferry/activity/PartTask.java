package io.vecferry.activity;

import io.vecferry.plan.PlannedPartition;

/**
 * Work on one part.
 *
 * @param migration name of the migration, which finds spec, plan and parts in the archive
 * @param partition the partition that the part belongs to
 * @param part number of the part inside its partition, from 0
 * @param cursor for an export: where the part starts; null for the start of the partition
 * @param pace how fast a person wants it to go; null for as fast as it can
 */
public record PartTask(
    String migration, PlannedPartition partition, int part, String cursor, Pace pace) {

  /** Name of the part: sorts in the order of the source. */
  public String partName() {
    return String.format("p%03d-%06d", partition.index(), part);
  }
}
