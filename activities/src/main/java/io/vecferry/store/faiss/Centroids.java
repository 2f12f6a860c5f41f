package io.vecferry.store.faiss;

import java.util.Arrays;

/**
 * Centroids of an inverted file, laid out so that one vector is compared with many of them at a
 * time. Immutable; finding is thread-safe with a {@link Finder} per thread.
 */
final class Centroids {
  private static final int TILE = 512;
  private static final int UNROLLED = 4;

  private final int count;
  private final int dimension;
  private final int paddedDimension;
  private final float[] values;
  private final float[][][] tiles;
  private final float[] offsets;

  /**
   * @param values {@code count x dimension} floats, row-major; kept
   * @param innerProduct whether the one with the largest inner product is the nearest
   */
  Centroids(float[] values, int dimension, boolean innerProduct) {
    this.values = values;
    this.dimension = dimension;
    this.count = values.length / dimension;
    this.paddedDimension = (dimension + UNROLLED - 1) / UNROLLED * UNROLLED;
    this.tiles = new float[(count + TILE - 1) / TILE][paddedDimension][TILE];
    this.offsets = new float[tiles.length * TILE];
    // The padding of the last tile is never nearer than a centroid.
    Arrays.fill(offsets, Float.NEGATIVE_INFINITY);
    for (int centroid = 0; centroid < count; centroid++) {
      double square = 0;
      for (int d = 0; d < dimension; d++) {
        float value = values[centroid * dimension + d];
        tiles[centroid / TILE][d][centroid % TILE] = value;
        square += (double) value * value;
      }
      offsets[centroid] = innerProduct ? 0 : (float) (-square / 2);
    }
  }

  int count() {
    return count;
  }

  /** {@code count x dimension} floats, row-major. */
  float[] values() {
    return values;
  }

  /** Finds the nearest centroid of vectors; used by one thread. */
  final class Finder {
    private final float[] first = new float[TILE];
    private final float[] second = new float[TILE];
    private float[] padded = new float[0];
    private float[] best = new float[0];

    /**
     * Finds the nearest centroid of each row.
     *
     * @param rows vectors that start at {@code vectors[at]}
     * @param nearest gets the numbers of the centroids, from {@code to} on
     */
    void find(float[] vectors, int at, int rows, int[] nearest, int to) {
      pad(vectors, at, rows);
      Arrays.fill(best, 0, rows, Float.NEGATIVE_INFINITY);
      Arrays.fill(nearest, to, to + rows, 0);
      for (int tile = 0; tile < tiles.length; tile++) {
        float[][] columns = tiles[tile];
        for (int row = 0; row < rows; row += 2) {
          System.arraycopy(offsets, tile * TILE, first, 0, TILE);
          System.arraycopy(offsets, tile * TILE, second, 0, TILE);
          int left = row * paddedDimension;
          int right = left + paddedDimension;
          for (int d = 0; d < paddedDimension; d += UNROLLED) {
            accumulate(columns, d, left + d, right + d);
          }
          choose(first, tile, row, nearest, to);
          if (row + 1 < rows) {
            choose(second, tile, row + 1, nearest, to);
          }
        }
      }
    }

    private void pad(float[] vectors, int at, int rows) {
      if (best.length < rows) {
        padded = new float[(rows + 1) * paddedDimension];
        best = new float[rows];
      }
      for (int row = 0; row < rows; row++) {
        System.arraycopy(vectors, at + row * dimension, padded, row * paddedDimension, dimension);
      }
    }

    private void choose(float[] scores, int tile, int row, int[] nearest, int to) {
      float highest = best[row];
      int found = -1;
      for (int i = 0; i < TILE; i++) {
        if (scores[i] > highest) {
          highest = scores[i];
          found = i;
        }
      }
      if (found >= 0) {
        best[row] = highest;
        nearest[to + row] = tile * TILE + found;
      }
    }

    private void accumulate(float[][] columns, int d, int left, int right) {
      multiply(
          columns[d],
          columns[d + 1],
          columns[d + 2],
          columns[d + 3],
          padded[left],
          padded[left + 1],
          padded[left + 2],
          padded[left + 3],
          padded[right],
          padded[right + 1],
          padded[right + 2],
          padded[right + 3],
          first,
          second);
    }
  }

  // Two rows and four dimensions at a time: larger bodies are no longer vectorised on Java 17.
  private static void multiply(
      float[] column0,
      float[] column1,
      float[] column2,
      float[] column3,
      float left0,
      float left1,
      float left2,
      float left3,
      float right0,
      float right1,
      float right2,
      float right3,
      float[] leftSums,
      float[] rightSums) {
    for (int j = 0; j < leftSums.length; j++) {
      leftSums[j] =
          Math.fma(
              left0,
              column0[j],
              Math.fma(
                  left1,
                  column1[j],
                  Math.fma(left2, column2[j], Math.fma(left3, column3[j], leftSums[j]))));
      rightSums[j] =
          Math.fma(
              right0,
              column0[j],
              Math.fma(
                  right1,
                  column1[j],
                  Math.fma(right2, column2[j], Math.fma(right3, column3[j], rightSums[j]))));
    }
  }
}
