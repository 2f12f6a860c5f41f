package io.vecferry.plan;

/**
 * A fixed range of the source, or of the collection that a migration finds on the target.
 *
 * @param index number of the partition, from 0
 * @param start cursor of its first record, in the own spelling of the collection's store
 * @param end cursor behind its last record
 * @param rows records in it
 * @param exact whether {@code rows} is exact
 * @param origin which collection it is a range of
 */
public record PlannedPartition(
    int index, String start, String end, long rows, boolean exact, Origin origin) {

  /** A collection that is exported. */
  public enum Origin {
    SOURCE,
    /** What readers of the target's name got before the migration. */
    TARGET
  }

  public PlannedPartition {
    origin = origin == null ? Origin.SOURCE : origin;
  }

  /** A range of the source. */
  public PlannedPartition(int index, String start, String end, long rows, boolean exact) {
    this(index, start, end, rows, exact, Origin.SOURCE);
  }
}
