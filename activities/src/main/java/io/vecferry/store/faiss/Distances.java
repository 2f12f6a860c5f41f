package io.vecferry.store.faiss;

/**
 * Distances as an index compares by them: the smaller the nearer, so inner products are negated. In
 * float precision, as FAISS computes them; something that is not a number counts as infinitely far.
 */
final class Distances {
  private final boolean innerProduct;
  private final int dimension;

  /**
   * @param innerProduct whether vectors are compared by inner product; by squared Euclidean
   *     distance otherwise
   */
  Distances(boolean innerProduct, int dimension) {
    this.innerProduct = innerProduct;
    this.dimension = dimension;
  }

  float between(float[] left, int leftAt, float[] right, int rightAt) {
    float distance =
        innerProduct
            ? -product(left, leftAt, right, rightAt)
            : squared(left, leftAt, right, rightAt);
    return distance == distance ? distance : Float.POSITIVE_INFINITY;
  }

  // Several sums side by side, so that the processor need not wait for each addition.

  private float squared(float[] left, int leftAt, float[] right, int rightAt) {
    float sum0 = 0;
    float sum1 = 0;
    float sum2 = 0;
    float sum3 = 0;
    int d = 0;
    for (; d + 3 < dimension; d += 4) {
      float difference0 = left[leftAt + d] - right[rightAt + d];
      float difference1 = left[leftAt + d + 1] - right[rightAt + d + 1];
      float difference2 = left[leftAt + d + 2] - right[rightAt + d + 2];
      float difference3 = left[leftAt + d + 3] - right[rightAt + d + 3];
      sum0 = Math.fma(difference0, difference0, sum0);
      sum1 = Math.fma(difference1, difference1, sum1);
      sum2 = Math.fma(difference2, difference2, sum2);
      sum3 = Math.fma(difference3, difference3, sum3);
    }
    for (; d < dimension; d++) {
      float difference = left[leftAt + d] - right[rightAt + d];
      sum0 = Math.fma(difference, difference, sum0);
    }
    return (sum0 + sum1) + (sum2 + sum3);
  }

  private float product(float[] left, int leftAt, float[] right, int rightAt) {
    float sum0 = 0;
    float sum1 = 0;
    float sum2 = 0;
    float sum3 = 0;
    int d = 0;
    for (; d + 3 < dimension; d += 4) {
      sum0 = Math.fma(left[leftAt + d], right[rightAt + d], sum0);
      sum1 = Math.fma(left[leftAt + d + 1], right[rightAt + d + 1], sum1);
      sum2 = Math.fma(left[leftAt + d + 2], right[rightAt + d + 2], sum2);
      sum3 = Math.fma(left[leftAt + d + 3], right[rightAt + d + 3], sum3);
    }
    for (; d < dimension; d++) {
      sum0 = Math.fma(left[leftAt + d], right[rightAt + d], sum0);
    }
    return (sum0 + sum1) + (sum2 + sum3);
  }

  /**
   * Distances of one vector to four rows. The four are read side by side, so that the processor
   * waits for memory once and not four times.
   */
  void toFour(float[] query, int at, FloatRows rows, int[] numbers, int from, float[] results) {
    int row0 = numbers[from];
    int row1 = numbers[from + 1];
    int row2 = numbers[from + 2];
    int row3 = numbers[from + 3];
    if (innerProduct) {
      products(
          query,
          at,
          rows.block(row0),
          rows.at(row0),
          rows.block(row1),
          rows.at(row1),
          rows.block(row2),
          rows.at(row2),
          rows.block(row3),
          rows.at(row3),
          results,
          from);
    } else {
      squares(
          query,
          at,
          rows.block(row0),
          rows.at(row0),
          rows.block(row1),
          rows.at(row1),
          rows.block(row2),
          rows.at(row2),
          rows.block(row3),
          rows.at(row3),
          results,
          from);
    }
  }

  private void squares(
      float[] query,
      int at,
      float[] block0,
      int at0,
      float[] block1,
      int at1,
      float[] block2,
      int at2,
      float[] block3,
      int at3,
      float[] results,
      int to) {
    float even0 = 0;
    float even1 = 0;
    float even2 = 0;
    float even3 = 0;
    float odd0 = 0;
    float odd1 = 0;
    float odd2 = 0;
    float odd3 = 0;
    int d = 0;
    for (; d + 1 < dimension; d += 2) {
      float first = query[at + d];
      float second = query[at + d + 1];
      float difference0 = first - block0[at0 + d];
      float difference1 = first - block1[at1 + d];
      float difference2 = first - block2[at2 + d];
      float difference3 = first - block3[at3 + d];
      even0 = Math.fma(difference0, difference0, even0);
      even1 = Math.fma(difference1, difference1, even1);
      even2 = Math.fma(difference2, difference2, even2);
      even3 = Math.fma(difference3, difference3, even3);
      float next0 = second - block0[at0 + d + 1];
      float next1 = second - block1[at1 + d + 1];
      float next2 = second - block2[at2 + d + 1];
      float next3 = second - block3[at3 + d + 1];
      odd0 = Math.fma(next0, next0, odd0);
      odd1 = Math.fma(next1, next1, odd1);
      odd2 = Math.fma(next2, next2, odd2);
      odd3 = Math.fma(next3, next3, odd3);
    }
    if (d < dimension) {
      float last = query[at + d];
      even0 += (last - block0[at0 + d]) * (last - block0[at0 + d]);
      even1 += (last - block1[at1 + d]) * (last - block1[at1 + d]);
      even2 += (last - block2[at2 + d]) * (last - block2[at2 + d]);
      even3 += (last - block3[at3 + d]) * (last - block3[at3 + d]);
    }
    put(even0 + odd0, results, to);
    put(even1 + odd1, results, to + 1);
    put(even2 + odd2, results, to + 2);
    put(even3 + odd3, results, to + 3);
  }

  private void products(
      float[] query,
      int at,
      float[] block0,
      int at0,
      float[] block1,
      int at1,
      float[] block2,
      int at2,
      float[] block3,
      int at3,
      float[] results,
      int to) {
    float even0 = 0;
    float even1 = 0;
    float even2 = 0;
    float even3 = 0;
    float odd0 = 0;
    float odd1 = 0;
    float odd2 = 0;
    float odd3 = 0;
    int d = 0;
    for (; d + 1 < dimension; d += 2) {
      float first = query[at + d];
      float second = query[at + d + 1];
      even0 = Math.fma(first, block0[at0 + d], even0);
      even1 = Math.fma(first, block1[at1 + d], even1);
      even2 = Math.fma(first, block2[at2 + d], even2);
      even3 = Math.fma(first, block3[at3 + d], even3);
      odd0 = Math.fma(second, block0[at0 + d + 1], odd0);
      odd1 = Math.fma(second, block1[at1 + d + 1], odd1);
      odd2 = Math.fma(second, block2[at2 + d + 1], odd2);
      odd3 = Math.fma(second, block3[at3 + d + 1], odd3);
    }
    if (d < dimension) {
      float last = query[at + d];
      even0 = Math.fma(last, block0[at0 + d], even0);
      even1 = Math.fma(last, block1[at1 + d], even1);
      even2 = Math.fma(last, block2[at2 + d], even2);
      even3 = Math.fma(last, block3[at3 + d], even3);
    }
    put(-(even0 + odd0), results, to);
    put(-(even1 + odd1), results, to + 1);
    put(-(even2 + odd2), results, to + 2);
    put(-(even3 + odd3), results, to + 3);
  }

  private static void put(float distance, float[] results, int at) {
    results[at] = distance == distance ? distance : Float.POSITIVE_INFINITY;
  }
}
