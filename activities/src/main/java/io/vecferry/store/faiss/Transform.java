package io.vecferry.store.faiss;

import java.util.Arrays;
import java.util.SplittableRandom;

/** What was done to a vector before it was kept, and how it is undone. */
sealed interface Transform {

  /** Components before it was applied. */
  int before();

  /** Components after it was applied. */
  int after();

  String name();

  /** What it takes away for good, in words; null for nothing. */
  String loss();

  /**
   * Undoes it.
   *
   * @param from {@code count x after}
   * @param to gets {@code count x before}
   */
  void undo(float[] from, int count, float[] to);

  /**
   * A rotation, with fewer components afterwards perhaps: {@code y = A x + b}. Sums are made in
   * double precision; the library makes them in single precision and in an order that depends on
   * the processor, so the last bits of its answers vary.
   *
   * @param matrix {@code after x before}, row-major, orthonormal rows
   * @param bias {@code after} floats; null for none
   */
  record Rotation(String name, int before, int after, float[] matrix, float[] bias)
      implements Transform {
    private static final float TOLERANCE = 4e-5f;

    /** Rows that are compared each with each, which takes time with their number cubed. */
    private static final int EVERY_PAIR = 1024;

    private static final int PROBES = 24;

    /** Whether the rows are of unit length and stand upright on each other, as FAISS asks. */
    static boolean orthonormal(float[] matrix, int before, int after) {
      if (after > before) {
        return false;
      }
      if (after > EVERY_PAIR) {
        return returnsProbes(matrix, before, after);
      }
      for (int i = 0; i < after; i++) {
        for (int j = 0; j <= i; j++) {
          double sum = 0;
          for (int k = 0; k < before; k++) {
            sum += (double) matrix[i * before + k] * matrix[j * before + k];
          }
          // A comparison that is false for NaN as well.
          if (!(Math.abs(sum - (i == j ? 1 : 0)) <= TOLERANCE)) {
            return false;
          }
        }
      }
      return true;
    }

    /**
     * Turns vectors of random signs there and back. A pair of rows that does not stand upright
     * moves a component by as much in at least every second probe.
     */
    private static boolean returnsProbes(float[] matrix, int before, int after) {
      SplittableRandom random = new SplittableRandom(1234);
      double[] signs = new double[after];
      double[] turned = new double[before];
      for (int probe = 0; probe < PROBES; probe++) {
        Arrays.fill(turned, 0);
        for (int i = 0; i < after; i++) {
          signs[i] = random.nextBoolean() ? 1 : -1;
          for (int k = 0; k < before; k++) {
            turned[k] += signs[i] * matrix[i * before + k];
          }
        }
        for (int i = 0; i < after; i++) {
          double sum = 0;
          for (int k = 0; k < before; k++) {
            sum += turned[k] * matrix[i * before + k];
          }
          if (!(Math.abs(sum - signs[i]) <= TOLERANCE)) {
            return false;
          }
        }
      }
      return true;
    }

    @Override
    public String loss() {
      return after < before
          ? after + " of " + before + " dimensions are kept, what stood in the others is gone"
          : null;
    }

    @Override
    public void undo(float[] from, int count, float[] to) {
      double[] sums = new double[before];
      for (int row = 0; row < count; row++) {
        Arrays.fill(sums, 0);
        for (int i = 0; i < after; i++) {
          double value = from[row * after + i];
          if (bias != null) {
            value -= bias[i];
          }
          int line = i * before;
          for (int j = 0; j < before; j++) {
            sums[j] += value * matrix[line + j];
          }
        }
        for (int j = 0; j < before; j++) {
          to[row * before + j] = (float) sums[j];
        }
      }
    }
  }

  /** Division by the length. */
  record Normalisation(int before) implements Transform {
    @Override
    public int after() {
      return before;
    }

    @Override
    public String name() {
      return "L2norm";
    }

    @Override
    public String loss() {
      return "vectors were made unit length when they were added, their lengths are gone";
    }

    @Override
    public void undo(float[] from, int count, float[] to) {
      System.arraycopy(from, 0, to, 0, count * before);
    }
  }

  /** The mean was taken away. */
  record Centring(int before, float[] mean) implements Transform {
    @Override
    public int after() {
      return before;
    }

    @Override
    public String name() {
      return "centred";
    }

    @Override
    public String loss() {
      return null;
    }

    @Override
    public void undo(float[] from, int count, float[] to) {
      for (int i = 0; i < count * before; i++) {
        to[i] = from[i] + mean[i % before];
      }
    }
  }

  /**
   * Components were chosen, moved, or filled up with zeros.
   *
   * @param origins for each component afterwards the one before; -1 for zero
   */
  record Remapping(int before, int[] origins) implements Transform {
    @Override
    public int after() {
      return origins.length;
    }

    @Override
    public String name() {
      return "remapped";
    }

    @Override
    public String loss() {
      long kept = Arrays.stream(origins).filter(origin -> origin >= 0).distinct().count();
      return kept < before ? kept + " of " + before + " dimensions are kept" : null;
    }

    @Override
    public void undo(float[] from, int count, float[] to) {
      Arrays.fill(to, 0, count * before, 0);
      for (int row = 0; row < count; row++) {
        for (int i = 0; i < origins.length; i++) {
          if (origins[i] >= 0) {
            to[row * before + origins[i]] = from[row * origins.length + i];
          }
        }
      }
    }
  }
}
