package io.vecferry.archive.source;

import io.vecferry.plan.FailureClass;
import io.vecferry.store.StoreException;

/**
 * A position between two records of an archive, as {@code 3:1200}.
 *
 * @param part number of the part, in the order of the archive
 * @param row number of the row in it
 */
record ArchivePosition(int part, long row) implements Comparable<ArchivePosition> {

  static ArchivePosition parse(String text) {
    int colon = text.indexOf(':');
    try {
      return new ArchivePosition(
          Integer.parseInt(text.substring(0, Math.max(0, colon))),
          Long.parseLong(text.substring(colon + 1)));
    } catch (NumberFormatException e) {
      throw new StoreException(
          FailureClass.BUG, "'" + text + "' is not a position in an archive", e);
    }
  }

  @Override
  public int compareTo(ArchivePosition other) {
    return part != other.part ? Integer.compare(part, other.part) : Long.compare(row, other.row);
  }

  @Override
  public String toString() {
    return part + ":" + row;
  }
}
