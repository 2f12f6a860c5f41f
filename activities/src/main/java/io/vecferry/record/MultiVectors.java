package io.vecferry.record;

import java.util.Arrays;
import java.util.List;

/**
 * A matrix per record: any number of dense vectors of one dimension. Vectors of row {@code r} are
 * those from {@code offsets[r]} to {@code offsets[r + 1] - 1}.
 *
 * @param name name of the field
 * @param dimension components of each vector
 * @param offsets {@code rows + 1} positions, counted in vectors
 * @param values components of all vectors, one vector after the other
 * @param nulls which rows have no matrix; null when all have one
 */
public record MultiVectors(
    String name, int dimension, int[] offsets, float[] values, boolean[] nulls)
    implements VectorColumn {

  public MultiVectors {
    Rows.require(name, offsets, nulls);
    if (dimension < 1 || values.length < (long) offsets[offsets.length - 1] * dimension) {
      throw new IllegalArgumentException(
          offsets[offsets.length - 1]
              + " vectors of dimension "
              + dimension
              + " need more than "
              + values.length
              + " values");
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
    return 4L * offsets[rows()] * dimension + 4L * offsets.length;
  }

  @Override
  public MultiVectors select(int[] rows) {
    int[] selectedOffsets = new int[rows.length + 1];
    for (int i = 0; i < rows.length; i++) {
      selectedOffsets[i + 1] = selectedOffsets[i] + offsets[rows[i] + 1] - offsets[rows[i]];
    }
    float[] selected = new float[Math.multiplyExact(selectedOffsets[rows.length], dimension)];
    for (int i = 0; i < rows.length; i++) {
      System.arraycopy(
          values,
          offsets[rows[i]] * dimension,
          selected,
          selectedOffsets[i] * dimension,
          (selectedOffsets[i + 1] - selectedOffsets[i]) * dimension);
    }
    return new MultiVectors(
        name, dimension, selectedOffsets, selected, VectorColumn.selectNulls(nulls, rows));
  }

  @Override
  public MultiVectors slice(int from, int to) {
    return from == 0 && to == rows()
        ? this
        : new MultiVectors(
            name,
            dimension,
            Rows.slice(offsets, from, to),
            Arrays.copyOfRange(values, offsets[from] * dimension, offsets[to] * dimension),
            Rows.sliceNulls(nulls, from, to));
  }

  static MultiVectors concat(List<MultiVectors> columns) {
    MultiVectors first = columns.get(0);
    int[] offsets = Rows.concat(columns.stream().map(c -> c.offsets).toList());
    float[] values = new float[Math.multiplyExact(offsets[offsets.length - 1], first.dimension)];
    int end = 0;
    for (MultiVectors column : columns) {
      int size = column.offsets[column.rows()] * first.dimension;
      System.arraycopy(column.values, 0, values, end, size);
      end += size;
    }
    return new MultiVectors(
        first.name, first.dimension, offsets, values, Rows.concatNulls(columns));
  }
}
