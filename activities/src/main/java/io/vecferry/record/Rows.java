package io.vecferry.record;

import java.util.Arrays;
import java.util.List;

/** Offsets and absent rows of columns, cut and joined. */
final class Rows {
  private Rows() {}

  /** The absent rows of a slice; null when none is absent. */
  static boolean[] sliceNulls(boolean[] nulls, int from, int to) {
    for (int row = from; nulls != null && row < to; row++) {
      if (nulls[row]) {
        return Arrays.copyOfRange(nulls, from, to);
      }
    }
    return null;
  }

  /** The absent rows of several columns; null when none is absent. */
  static boolean[] concatNulls(List<? extends VectorColumn> columns) {
    boolean[] nulls = new boolean[columns.stream().mapToInt(VectorColumn::rows).sum()];
    boolean any = false;
    int end = 0;
    for (VectorColumn column : columns) {
      for (int row = 0; row < column.rows(); row++) {
        nulls[end] = column.isNull(row);
        any |= nulls[end++];
      }
    }
    return any ? nulls : null;
  }

  /** The offsets of a slice. */
  static int[] slice(int[] offsets, int from, int to) {
    int[] sliced = Arrays.copyOfRange(offsets, from, to + 1);
    for (int i = 0; i < sliced.length; i++) {
      sliced[i] -= offsets[from];
    }
    return sliced;
  }

  /** The offsets of several columns. */
  static int[] concat(List<int[]> columns) {
    int[] joined = new int[columns.stream().mapToInt(offsets -> offsets.length - 1).sum() + 1];
    int row = 0;
    for (int[] offsets : columns) {
      int base = joined[row];
      for (int i = 1; i < offsets.length; i++) {
        joined[++row] = Math.addExact(base, offsets[i]);
      }
    }
    return joined;
  }

  /**
   * Checks that offsets begin with 0, do not descend, and that an absent row has no part in them.
   *
   * @throws IllegalArgumentException when they are not so
   */
  static void require(String name, int[] offsets, boolean[] nulls) {
    if (offsets.length == 0 || offsets[0] != 0) {
      throw new IllegalArgumentException("offsets of '" + name + "' must begin with 0");
    }
    if (nulls != null && nulls.length != offsets.length - 1) {
      throw new IllegalArgumentException(
          "nulls must have " + (offsets.length - 1) + " rows, got " + nulls.length);
    }
    for (int row = 0; row + 1 < offsets.length; row++) {
      int length = offsets[row + 1] - offsets[row];
      if (length < 0 || (length > 0 && nulls != null && nulls[row])) {
        throw new IllegalArgumentException(
            "row %d of '%s' goes from %d to %d%s"
                .formatted(
                    row, name, offsets[row], offsets[row + 1], length < 0 ? "" : " and is absent"));
      }
    }
  }
}
