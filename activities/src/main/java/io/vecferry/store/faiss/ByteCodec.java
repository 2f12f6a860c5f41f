package io.vecferry.store.faiss;

import java.util.Arrays;

/**
 * Keeps each component as one of 256 steps between the smallest and the largest value that it has
 * in the data; FAISS' QT_8bit with its default training. Codes and ranges are equal to FAISS' to
 * the bit.
 *
 * @param lowest smallest value of each component
 * @param span largest value less the smallest one
 */
record ByteCodec(float[] lowest, float[] span) {
  private static final int STEPS = 255;

  /** Finds the range of each component; thread-safe through {@link #merge}. */
  static final class Training {
    private final float[] lowest;
    private final float[] highest;

    Training(int dimension) {
      lowest = new float[dimension];
      highest = new float[dimension];
      Arrays.fill(lowest, Float.POSITIVE_INFINITY);
      Arrays.fill(highest, Float.NEGATIVE_INFINITY);
    }

    void add(float[] values, int at, int rows) {
      int dimension = lowest.length;
      for (int row = 0; row < rows; row++) {
        int start = at + row * dimension;
        for (int d = 0; d < dimension; d++) {
          lowest[d] = Math.min(lowest[d], values[start + d]);
          highest[d] = Math.max(highest[d], values[start + d]);
        }
      }
    }

    synchronized void merge(Training other) {
      for (int d = 0; d < lowest.length; d++) {
        lowest[d] = Math.min(lowest[d], other.lowest[d]);
        highest[d] = Math.max(highest[d], other.highest[d]);
      }
    }

    /** The codec; throws when a range is larger than a float can be. */
    ByteCodec codec() {
      float[] span = new float[lowest.length];
      float[] start = new float[lowest.length];
      for (int d = 0; d < span.length; d++) {
        boolean seen = lowest[d] <= highest[d];
        start[d] = seen ? lowest[d] : 0;
        span[d] = seen ? highest[d] - lowest[d] : 0;
        if (!Float.isFinite(span[d]) || !Float.isFinite(start[d])) {
          throw FileErrors.bad(
              "component "
                  + d
                  + " has values from "
                  + lowest[d]
                  + " to "
                  + highest[d]
                  + ": 8-bit codes cannot span that. Use an index that keeps floats, as Flat,"
                  + " HNSW or IVF_FLAT");
        }
      }
      return new ByteCodec(start, span);
    }
  }

  void encode(float[] values, int at, byte[] codes, int to) {
    for (int d = 0; d < lowest.length; d++) {
      float share = 0;
      if (span[d] != 0) {
        share = (values[at + d] - lowest[d]) / span[d];
        share = share < 0 ? 0 : share > 1 ? 1 : share;
      }
      codes[to + d] = (byte) (int) (share * STEPS);
    }
  }
}
