package io.vecferry.record;

import java.util.List;

/** One vector field of a batch. A row of it may be absent where the store allows that. */
public sealed interface VectorColumn permits DenseVectors, SparseVectors, MultiVectors {

  /** Name of the field; empty for a store whose records have one vector without a name. */
  String name();

  int rows();

  /** Whether this row has no vector in this field. */
  boolean isNull(int row);

  /** Bytes that the values take. */
  long bytes();

  /** The rows with these numbers, in this order. */
  VectorColumn select(int[] rows);

  /** The rows from {@code from} to {@code to - 1}. */
  VectorColumn slice(int from, int to);

  /** The rows of several columns of one field, one column after the other. */
  static VectorColumn concat(List<VectorColumn> columns) {
    VectorColumn first = columns.get(0);
    if (columns.size() == 1) {
      return first;
    }
    if (first instanceof DenseVectors) {
      return DenseVectors.concat(columns.stream().map(DenseVectors.class::cast).toList());
    }
    if (first instanceof SparseVectors) {
      return SparseVectors.concat(columns.stream().map(SparseVectors.class::cast).toList());
    }
    return MultiVectors.concat(columns.stream().map(MultiVectors.class::cast).toList());
  }

  /** The absent rows among the selected ones; null when none is absent. */
  static boolean[] selectNulls(boolean[] nulls, int[] rows) {
    if (nulls == null) {
      return null;
    }
    boolean[] selected = new boolean[rows.length];
    boolean any = false;
    for (int i = 0; i < rows.length; i++) {
      selected[i] = nulls[rows[i]];
      any |= selected[i];
    }
    return any ? selected : null;
  }
}
