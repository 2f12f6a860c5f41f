package io.vecferry.record;

import java.util.Arrays;
import java.util.List;

/**
 * Dense vectors of one dimension, row-major: component {@code c} of row {@code r} is {@code
 * values[r * dimension + c]}. Whatever width the store keeps (half precision, bytes, bits), it is
 * widened to floats, which is exact; see {@code ElementType}.
 *
 * @param name name of the field
 * @param dimension components of each vector
 * @param values {@code rows x dimension} floats, zeros in an absent row; not copied
 * @param nulls which rows have no vector; null when all have one
 */
public record DenseVectors(String name, int dimension, float[] values, boolean[] nulls)
    implements VectorColumn {

  public DenseVectors {
    if (dimension < 1 || values.length % dimension != 0) {
      throw new IllegalArgumentException(
          "values must be a multiple of the dimension " + dimension + ", got " + values.length);
    }
    if (nulls != null && nulls.length != values.length / dimension) {
      throw new IllegalArgumentException(
          "nulls must have " + values.length / dimension + " rows, got " + nulls.length);
    }
  }

  /** Vectors of which none is absent. */
  public DenseVectors(String name, int dimension, float[] values) {
    this(name, dimension, values, null);
  }

  @Override
  public int rows() {
    return values.length / dimension;
  }

  @Override
  public boolean isNull(int row) {
    return nulls != null && nulls[row];
  }

  @Override
  public long bytes() {
    return 4L * values.length;
  }

  @Override
  public DenseVectors select(int[] rows) {
    float[] selected = new float[Math.multiplyExact(rows.length, dimension)];
    for (int i = 0; i < rows.length; i++) {
      System.arraycopy(values, rows[i] * dimension, selected, i * dimension, dimension);
    }
    return new DenseVectors(name, dimension, selected, VectorColumn.selectNulls(nulls, rows));
  }

  @Override
  public DenseVectors slice(int from, int to) {
    return from == 0 && to == rows()
        ? this
        : new DenseVectors(
            name,
            dimension,
            Arrays.copyOfRange(values, from * dimension, to * dimension),
            Rows.sliceNulls(nulls, from, to));
  }

  static DenseVectors concat(List<DenseVectors> columns) {
    DenseVectors first = columns.get(0);
    int size = 0;
    for (DenseVectors column : columns) {
      size = Math.addExact(size, column.values.length);
    }
    float[] joined = new float[size];
    int end = 0;
    for (DenseVectors column : columns) {
      System.arraycopy(column.values, 0, joined, end, column.values.length);
      end += column.values.length;
    }
    return new DenseVectors(first.name, first.dimension, joined, Rows.concatNulls(columns));
  }
}
