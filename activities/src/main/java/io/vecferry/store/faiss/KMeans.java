package io.vecferry.store.faiss;

import java.util.Arrays;

/**
 * Finds centroids by Lloyd's iterations over a sample. The same sample and seed give the same
 * centroids with any number of threads.
 */
final class KMeans {
  /** More vectors per centroid than this do not make better centroids. */
  static final int MOST_ROWS_PER_CENTROID = 256;

  private static final int ITERATIONS = 10;
  private static final int ROWS_PER_STEP = 256;

  /** How far the halves of a split cluster are moved apart, relative to each component. */
  private static final float SPLIT = 1 / 1024f;

  private final FloatRows sample;
  private final int count;
  private final boolean innerProduct;
  private final long seed;
  private final int threads;

  private KMeans(FloatRows sample, int count, boolean innerProduct, long seed, int threads) {
    this.sample = sample;
    this.count = count;
    this.innerProduct = innerProduct;
    this.seed = seed;
    this.threads = threads;
  }

  /**
   * Trains centroids.
   *
   * @param sample at least {@code count} vectors, or none
   * @param innerProduct whether vectors belong to the centroid with the largest inner product;
   *     centroids then have unit length
   */
  static Centroids train(
      FloatRows sample, int count, boolean innerProduct, long seed, int threads) {
    return new KMeans(sample, count, innerProduct, seed, threads).train();
  }

  private Centroids train() {
    int dimension = sample.dimension();
    int rows = sample.rows();
    float[] values = new float[Math.multiplyExact(count, dimension)];
    if (rows == 0) {
      return new Centroids(values, dimension, innerProduct);
    }
    int[] chosen = choose();
    for (int centroid = 0; centroid < count; centroid++) {
      System.arraycopy(
          sample.block(chosen[centroid]),
          sample.at(chosen[centroid]),
          values,
          centroid * dimension,
          dimension);
    }
    normalise(values);
    if (rows == count) {
      return new Centroids(values, dimension, innerProduct);
    }
    int[] nearest = new int[rows];
    for (int iteration = 0; iteration < ITERATIONS; iteration++) {
      assign(new Centroids(values, dimension, innerProduct), nearest);
      values = means(nearest, iteration);
      normalise(values);
    }
    return new Centroids(values, dimension, innerProduct);
  }

  /** Different rows of the sample, at random. */
  private int[] choose() {
    int[] rows = new int[sample.rows()];
    Arrays.setAll(rows, row -> row);
    for (int i = 0; i < count; i++) {
      int other = i + (int) Long.remainderUnsigned(Mix.hash(seed, i), rows.length - i);
      int moved = rows[i];
      rows[i] = rows[other];
      rows[other] = moved;
    }
    return Arrays.copyOf(rows, count);
  }

  private void assign(Centroids centroids, int[] nearest) {
    Parallel.run(
        threads,
        0,
        sample.rows(),
        ROWS_PER_STEP,
        () -> {
          Centroids.Finder finder = centroids.new Finder();
          return (from, to) -> {
            for (int row = from; row < to; ) {
              int rows = Math.min(to - row, sample.together(row));
              finder.find(sample.block(row), sample.at(row), rows, nearest, row);
              row += rows;
            }
          };
        });
  }

  private float[] means(int[] nearest, int iteration) {
    int dimension = sample.dimension();
    float[] sums = new float[count * dimension];
    int[] sizes = new int[count];
    // Each thread adds up the clusters of a range of its own: the order of additions is fixed.
    Parallel.run(
        threads,
        0,
        count,
        (count + threads - 1) / threads,
        () ->
            (from, to) -> {
              for (int row = 0; row < nearest.length; row++) {
                int centroid = nearest[row];
                if (centroid >= from && centroid < to) {
                  float[] block = sample.block(row);
                  int at = sample.at(row);
                  int sum = centroid * dimension;
                  for (int d = 0; d < dimension; d++) {
                    sums[sum + d] += block[at + d];
                  }
                  sizes[centroid]++;
                }
              }
              for (int centroid = from; centroid < to; centroid++) {
                for (int d = 0; d < dimension && sizes[centroid] > 0; d++) {
                  sums[centroid * dimension + d] /= sizes[centroid];
                }
              }
            });
    splitLarge(sums, sizes, iteration);
    return sums;
  }

  /** An empty cluster takes half of one that is drawn by size. */
  private void splitLarge(float[] values, int[] sizes, int iteration) {
    int dimension = sample.dimension();
    long draw = (long) iteration << 40;
    for (int empty = 0; empty < count; empty++) {
      if (sizes[empty] > 0) {
        continue;
      }
      long members = 0;
      for (int size : sizes) {
        members += Math.max(0, size - 1);
      }
      if (members == 0) {
        continue;
      }
      long drawn = (long) (Mix.fraction(~seed, draw++) * members);
      int large = 0;
      for (long left = drawn; left >= Math.max(0, sizes[large] - 1); large++) {
        left -= Math.max(0, sizes[large] - 1);
      }
      for (int d = 0; d < dimension; d++) {
        float value = values[large * dimension + d];
        float move = d % 2 == 0 ? SPLIT : -SPLIT;
        values[empty * dimension + d] = value * (1 + move);
        values[large * dimension + d] = value * (1 - move);
      }
      sizes[empty] = sizes[large] / 2;
      sizes[large] -= sizes[empty];
    }
  }

  private void normalise(float[] values) {
    if (!innerProduct) {
      return;
    }
    int dimension = sample.dimension();
    for (int centroid = 0; centroid < count; centroid++) {
      double square = 0;
      for (int d = 0; d < dimension; d++) {
        double value = values[centroid * dimension + d];
        square += value * value;
      }
      float scale = square > 0 ? (float) (1 / Math.sqrt(square)) : 1;
      for (int d = 0; d < dimension; d++) {
        values[centroid * dimension + d] *= scale;
      }
    }
  }
}
