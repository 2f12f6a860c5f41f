package io.vecferry.record;

import java.util.Arrays;
import java.util.List;

/**
 * Sparse vectors. Entries of row {@code r} are those from {@code offsets[r]} to {@code offsets[r +
 * 1] - 1}; their indices ascend (as unsigned numbers) and none occurs twice.
 *
 * @param name name of the field
 * @param offsets {@code rows + 1} positions
 * @param indices unsigned 32-bit index of each entry
 * @param values value of each entry
 * @param nulls which rows have no vector, which is not the same as one without entries; null when
 *     all have one
 */
public record SparseVectors(
    String name, int[] offsets, int[] indices, float[] values, boolean[] nulls)
    implements VectorColumn {

  public SparseVectors {
    Rows.require(name, offsets, nulls);
    int entries = offsets[offsets.length - 1];
    if (indices.length < entries || values.length < entries) {
      throw new IllegalArgumentException(
          "%d entries need as many indices and values, got %d and %d"
              .formatted(entries, indices.length, values.length));
    }
  }

  @Override
  public int rows() {
    return offsets.length - 1;
  }

  @Override
  public boolean isNull(int row) {
    return nulls != null && nulls[row];
  }

  @Override
  public long bytes() {
    return 8L * offsets[rows()] + 4L * offsets.length;
  }

  @Override
  public SparseVectors select(int[] rows) {
    int[] selectedOffsets = new int[rows.length + 1];
    for (int i = 0; i < rows.length; i++) {
      selectedOffsets[i + 1] = selectedOffsets[i] + offsets[rows[i] + 1] - offsets[rows[i]];
    }
    int[] selectedIndices = new int[selectedOffsets[rows.length]];
    float[] selectedValues = new float[selectedOffsets[rows.length]];
    for (int i = 0; i < rows.length; i++) {
      int length = selectedOffsets[i + 1] - selectedOffsets[i];
      System.arraycopy(indices, offsets[rows[i]], selectedIndices, selectedOffsets[i], length);
      System.arraycopy(values, offsets[rows[i]], selectedValues, selectedOffsets[i], length);
    }
    return new SparseVectors(
        name,
        selectedOffsets,
        selectedIndices,
        selectedValues,
        VectorColumn.selectNulls(nulls, rows));
  }

  @Override
  public SparseVectors slice(int from, int to) {
    return from == 0 && to == rows()
        ? this
        : new SparseVectors(
            name,
            Rows.slice(offsets, from, to),
            Arrays.copyOfRange(indices, offsets[from], offsets[to]),
            Arrays.copyOfRange(values, offsets[from], offsets[to]),
            Rows.sliceNulls(nulls, from, to));
  }

  static SparseVectors concat(List<SparseVectors> columns) {
    int[] offsets = Rows.concat(columns.stream().map(c -> c.offsets).toList());
    int[] indices = new int[offsets[offsets.length - 1]];
    float[] values = new float[indices.length];
    int end = 0;
    for (SparseVectors column : columns) {
      int entries = column.offsets[column.rows()];
      System.arraycopy(column.indices, 0, indices, end, entries);
      System.arraycopy(column.values, 0, values, end, entries);
      end += entries;
    }
    return new SparseVectors(
        columns.get(0).name, offsets, indices, values, Rows.concatNulls(columns));
  }
}
