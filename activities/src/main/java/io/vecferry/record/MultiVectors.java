package io.vecferry.record;

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
    if (dimension < 1 || values.length < (long) offsets[offsets.length - 1] * dimension) {
      throw new IllegalArgumentException(
          offsets[offsets.length - 1]
              + " vectors of dimension "
              + dimension
              + " need more than "
              + values.length
              + " values");
    }
    if (nulls != null && nulls.length != offsets.length - 1) {
      throw new IllegalArgumentException(
          "nulls must have " + (offsets.length - 1) + " rows, got " + nulls.length);
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
}
