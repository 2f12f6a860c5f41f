package io.vecferry.record;

/**
 * Dense vectors of one dimension, row-major: component {@code c} of row {@code r} is {@code
 * values[r * dimension + c]}.
 *
 * @param name name of the field
 * @param dimension components of each vector
 * @param values {@code rows x dimension} floats; not copied
 */
public record DenseVectors(String name, int dimension, float[] values) implements VectorColumn {

  public DenseVectors {
    if (dimension < 1 || values.length % dimension != 0) {
      throw new IllegalArgumentException(
          "values must be a multiple of the dimension " + dimension + ", got " + values.length);
    }
  }

  @Override
  public int rows() {
    return values.length / dimension;
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
    return new DenseVectors(name, dimension, selected);
  }
}
