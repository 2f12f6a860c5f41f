package io.vecferry.search;

import io.vecferry.store.Metric;
import java.util.Arrays;
import java.util.function.LongConsumer;

/**
 * The k nearest of all vectors that are offered, by brute force. Knows nothing of stores or files:
 * blocks of vectors go in, row numbers and scores come out. One instance is used by one thread;
 * several instances over parts of the data are merged.
 *
 * <p>Scores are computed in double precision from the two vectors alone, so they do not depend on
 * how the data was cut into blocks. Answers are ranked by that score, equal ones by row number, and
 * a score that is not a number ranks behind all others. The cosine of a zero vector is 0; a
 * quotient of two zeros in {@link Metric#CANBERRA} and {@link Metric#BRAY_CURTIS} counts as 0.
 */
public final class ExactSearch {
  private static final int BLOCK_ROWS = 1024;

  /**
   * Sums of so many queries, even, and four dimensions of a block fit into the first cache of a
   * processor together, so that the block comes from the second one once for all of them.
   */
  private static final int QUERIES_AT_ONCE = 8;

  private static final int UNROLLED_DIMENSIONS = 4;

  /**
   * So few queries are compared directly: turning the vectors round would cost more than it saves.
   */
  private static final int FEW_QUERIES = 3;

  /** Relative error of one rounding of a float. */
  private static final double FLOAT_ROUNDING = 0x1p-24;

  private final Metric metric;
  private final double metricArgument;
  private final int dimension;
  private final int paddedDimension;
  private final int count;
  private final int k;
  private final float[] queries;
  private final double[] queryNorms;
  private final float[] paddedQueries;

  private final double[] keys;
  private final long[] numbers;
  private final int[] sizes;

  private double largestNorm;

  private boolean[] absent;
  private long firstNumber;
  private float[][] transposed;
  private float[] initial;
  private float[][] accumulated;

  /**
   * @param metric how vectors are compared
   * @param metricArgument argument of the metric, 0 where there is none
   * @param dimension components of each vector
   * @param queries {@code count x dimension} floats, row-major
   * @param count number of queries
   * @param k answers wanted per query
   */
  public ExactSearch(
      Metric metric, float metricArgument, int dimension, float[] queries, int count, int k) {
    if (dimension < 1 || count < 0 || k < 1 || queries.length < (long) count * dimension) {
      throw new IllegalArgumentException(
          "dimension %d, %d queries in %d floats, k %d"
              .formatted(dimension, count, queries.length, k));
    }
    this.metric = metric;
    this.metricArgument = metricArgument;
    this.dimension = dimension;
    this.paddedDimension =
        (dimension + UNROLLED_DIMENSIONS - 1) / UNROLLED_DIMENSIONS * UNROLLED_DIMENSIONS;
    this.count = count;
    this.k = k;
    this.queries = queries.clone();
    this.queryNorms = new double[count];
    this.keys = new double[Math.multiplyExact(count, k)];
    this.numbers = new long[keys.length];
    this.sizes = new int[count];
    for (int query = 0; query < count; query++) {
      queryNorms[query] = Math.sqrt(squaredNorm(queries, query * dimension));
    }
    this.paddedQueries = isFiltered() ? padQueries() : new float[0];
  }

  private ExactSearch(ExactSearch other) {
    this.metric = other.metric;
    this.metricArgument = other.metricArgument;
    this.dimension = other.dimension;
    this.paddedDimension = other.paddedDimension;
    this.count = other.count;
    this.k = other.k;
    this.queries = other.queries;
    this.queryNorms = other.queryNorms;
    this.paddedQueries = other.paddedQueries;
    this.keys = new double[other.keys.length];
    this.numbers = new long[keys.length];
    this.sizes = new int[count];
  }

  /** An instance without answers that shares the queries, which are most of the memory. */
  public ExactSearch another() {
    return new ExactSearch(this);
  }

  /**
   * Compares {@code rows} vectors that start at {@code values[offset]}; they get the numbers {@code
   * firstRow, firstRow + 1, ...}.
   */
  public void offer(float[] values, int offset, int rows, long firstRow) {
    offer(values, null, offset, rows, firstRow);
  }

  /**
   * Compares vectors of which some are absent; those keep their numbers and are no answers.
   *
   * @param nulls which rows are absent, counted from {@code offset}; null when none is
   */
  public void offer(float[] values, boolean[] nulls, int offset, int rows, long firstRow) {
    absent = nulls;
    firstNumber = firstRow;
    if (rows < 0 || offset < 0 || offset + (long) rows * dimension > values.length) {
      throw new IllegalArgumentException(
          "%d rows from %d on do not fit into %d floats".formatted(rows, offset, values.length));
    }
    for (int row = 0; row < rows; row += BLOCK_ROWS) {
      int blockRows = Math.min(BLOCK_ROWS, rows - row);
      int blockOffset = offset + row * dimension;
      if (isFiltered()) {
        offerFiltered(values, blockOffset, blockRows, firstRow + row);
      } else {
        largestNorm = Double.POSITIVE_INFINITY;
        for (int query = 0; query < count; query++) {
          offerAll(query, values, blockOffset, blockRows, firstRow + row);
        }
      }
    }
  }

  /** Takes over the answers of another instance with the same queries. */
  public void merge(ExactSearch other) {
    if (other.count != count || other.metric != metric || other.dimension != dimension) {
      throw new IllegalArgumentException("the other instance has other queries");
    }
    largestNorm = Math.max(largestNorm, other.largestNorm);
    for (int query = 0; query < count; query++) {
      int base = query * other.k;
      for (int i = 0; i < other.sizes[query]; i++) {
        insert(query, other.keys[base + i], other.numbers[base + i]);
      }
    }
  }

  /**
   * Row numbers of the answers to a query, nearest first; equal scores by row number. Fewer than k
   * when fewer rows were offered.
   */
  public long[] rows(int query) {
    int[] order = order(query);
    long[] rows = new long[order.length];
    for (int i = 0; i < rows.length; i++) {
      rows[i] = numbers[query * k + order[i]];
    }
    return rows;
  }

  /**
   * Scores of the answers to a query, in the order of {@link #rows}, on the scale of {@link
   * Metric}.
   */
  public float[] scores(int query) {
    int[] order = order(query);
    float[] scores = new float[order.length];
    for (int i = 0; i < scores.length; i++) {
      double key = keys[query * k + order[i]];
      scores[i] = (float) (metric.largerIsNearer() ? key : 0.0 - key);
    }
    return scores;
  }

  /** Norm of a query. */
  public double queryNorm(int query) {
    return queryNorms[query];
  }

  /**
   * A bound of the norms of all vectors that were offered; infinite where none was computed, NaN
   * where one is.
   */
  public double largestNorm() {
    return largestNorm;
  }

  /** Gives the numbers of all answers so far, in no order; one may be an answer to many queries. */
  public void numbers(LongConsumer taker) {
    for (int query = 0; query < count; query++) {
      for (int i = 0; i < sizes[query]; i++) {
        taker.accept(numbers[query * k + i]);
      }
    }
  }

  private boolean isFiltered() {
    return count > FEW_QUERIES
        && (metric == Metric.L2 || metric == Metric.IP || metric == Metric.COSINE);
  }

  private float[] padQueries() {
    float[] padded = new float[Math.multiplyExact(count + (count & 1), paddedDimension)];
    for (int query = 0; query < count; query++) {
      double scale = metric == Metric.COSINE && queryNorms[query] > 0 ? 1 / queryNorms[query] : 1;
      for (int d = 0; d < dimension; d++) {
        padded[query * paddedDimension + d] = (float) (queries[query * dimension + d] * scale);
      }
    }
    return padded;
  }

  private void offerAll(int query, float[] values, int offset, int rows, long firstRow) {
    for (int row = 0; row < rows; row++) {
      consider(query, values, offset, row, firstRow);
    }
  }

  private void consider(int query, float[] values, int offset, int row, long firstRow) {
    long number = firstRow + row;
    if (absent == null || !absent[(int) (number - firstNumber)]) {
      insert(query, key(query, values, offset + row * dimension), number);
    }
  }

  /**
   * Computes approximate scores of a whole block with loops that the compiler vectorises, and exact
   * ones only for rows that could enter the answers within the error bound of the approximation.
   */
  private void offerFiltered(float[] values, int offset, int rows, long firstRow) {
    double blockNorm = transpose(values, offset, rows);
    largestNorm = Math.max(largestNorm, blockNorm);
    for (int from = 0; from < count; from += QUERIES_AT_ONCE) {
      int to = Math.min(count, from + QUERIES_AT_ONCE);
      for (int query = from; query < to; query++) {
        System.arraycopy(initial, 0, accumulated[query - from], 0, rows);
      }
      for (int d = 0; d < paddedDimension; d += UNROLLED_DIMENSIONS) {
        for (int query = from; query < to; query += 2) {
          int first = query * paddedDimension + d;
          int second = first + paddedDimension;
          accumulate(
              transposed[d],
              transposed[d + 1],
              transposed[d + 2],
              transposed[d + 3],
              paddedQueries[first],
              paddedQueries[first + 1],
              paddedQueries[first + 2],
              paddedQueries[first + 3],
              paddedQueries[second],
              paddedQueries[second + 1],
              paddedQueries[second + 2],
              paddedQueries[second + 3],
              accumulated[query - from],
              accumulated[query - from + 1],
              rows);
        }
      }
      for (int query = from; query < to; query++) {
        select(query, accumulated[query - from], values, offset, rows, firstRow, blockNorm);
      }
    }
  }

  /** Fills the dimension-major block and returns the largest norm in it, NaN if one is NaN. */
  private double transpose(float[] values, int offset, int rows) {
    if (transposed == null || transposed[0].length < rows) {
      transposed = new float[paddedDimension][rows];
      initial = new float[rows];
      accumulated = new float[QUERIES_AT_ONCE][rows];
    }
    double largestNorm = 0;
    int tileRows = 16;
    double[] scales = new double[tileRows];
    for (int tile = 0; tile < rows; tile += tileRows) {
      int end = Math.min(rows, tile + tileRows);
      for (int row = tile; row < end; row++) {
        double squared = squaredNorm(values, offset + row * dimension);
        double norm = Math.sqrt(squared);
        largestNorm = Math.max(largestNorm, norm);
        initial[row] = metric == Metric.L2 ? (float) (-squared / 2) : 0;
        scales[row - tile] = norm > 0 ? 1 / norm : 0;
      }
      for (int d = 0; d < dimension; d++) {
        float[] column = transposed[d];
        if (metric == Metric.COSINE) {
          for (int row = tile; row < end; row++) {
            column[row] = (float) (values[offset + row * dimension + d] * scales[row - tile]);
          }
        } else {
          for (int row = tile; row < end; row++) {
            column[row] = values[offset + row * dimension + d];
          }
        }
      }
    }
    return largestNorm;
  }

  // Two queries and four dimensions at a time: larger bodies are no longer vectorised on Java 17.
  private static void accumulate(
      float[] column0,
      float[] column1,
      float[] column2,
      float[] column3,
      float first0,
      float first1,
      float first2,
      float first3,
      float second0,
      float second1,
      float second2,
      float second3,
      float[] firstSums,
      float[] secondSums,
      int rows) {
    for (int j = 0; j < rows; j++) {
      firstSums[j] =
          Math.fma(
              first0,
              column0[j],
              Math.fma(
                  first1,
                  column1[j],
                  Math.fma(first2, column2[j], Math.fma(first3, column3[j], firstSums[j]))));
      secondSums[j] =
          Math.fma(
              second0,
              column0[j],
              Math.fma(
                  second1,
                  column1[j],
                  Math.fma(second2, column2[j], Math.fma(second3, column3[j], secondSums[j]))));
    }
  }

  private void select(
      int query,
      float[] sums,
      float[] values,
      int offset,
      int rows,
      long firstRow,
      double blockNorm) {
    double queryNorm = metric == Metric.COSINE ? 1 : queryNorms[query];
    double rowNorm = metric == Metric.COSINE ? Math.min(1, blockNorm) : blockNorm;
    double magnitude = queryNorm * rowNorm + (metric == Metric.L2 ? rowNorm * rowNorm / 2 : 0);
    boolean safe =
        magnitude < Float.MAX_VALUE / 4
            && Double.isFinite(queryNorms[query])
            && Double.isFinite(blockNorm);
    if (!safe) {
      offerAll(query, values, offset, rows, firstRow);
      return;
    }
    double slack =
        1.01 * (paddedDimension + 16) * FLOAT_ROUNDING * magnitude
            + (paddedDimension + 16.0) * Float.MIN_VALUE * (1 + queryNorm + rowNorm)
            + (metric == Metric.L2 ? 1e-12 * queryNorm * queryNorm : 0);
    float limit = limit(query, slack);
    int row = 0;
    for (; row + 3 < rows; row += 4) {
      if (!(sums[row] <= limit)
          | !(sums[row + 1] <= limit)
          | !(sums[row + 2] <= limit)
          | !(sums[row + 3] <= limit)) {
        for (int candidate = row; candidate < row + 4; candidate++) {
          if (!(sums[candidate] <= limit)) {
            consider(query, values, offset, candidate, firstRow);
            limit = limit(query, slack);
          }
        }
      }
    }
    for (; row < rows; row++) {
      if (!(sums[row] <= limit)) {
        consider(query, values, offset, row, firstRow);
        limit = limit(query, slack);
      }
    }
  }

  /** The approximate sum at or below which a row cannot enter the answers. */
  private float limit(int query, double slack) {
    if (sizes[query] < k) {
      return Float.NEGATIVE_INFINITY;
    }
    double worst = keys[query * k];
    double sum = metric == Metric.L2 ? (worst + queryNorms[query] * queryNorms[query]) / 2 : worst;
    return Math.nextDown((float) (sum - slack));
  }

  /** The exact score of a row, negated where smaller is nearer. */
  private double key(int query, float[] values, int start) {
    int queryStart = query * dimension;
    return switch (metric) {
      case IP -> dot(queryStart, values, start);
      case COSINE -> {
        double norms = queryNorms[query] * Math.sqrt(squaredNorm(values, start));
        yield norms == 0 ? 0 : dot(queryStart, values, start) / norms;
      }
      case L2 -> -squaredDistance(queryStart, values, start);
      case L1 -> -absoluteDistance(queryStart, values, start);
      case LINF -> -largestDifference(queryStart, values, start);
      case LP -> -powerDistance(queryStart, values, start);
      case CANBERRA -> -canberra(queryStart, values, start);
      case BRAY_CURTIS -> -brayCurtis(queryStart, values, start);
      case JENSEN_SHANNON -> -jensenShannon(queryStart, values, start);
      // Bits are floats of 0 and 1 here.
      case HAMMING -> -absoluteDistance(queryStart, values, start);
      case JACCARD -> -jaccard(queryStart, values, start);
    };
  }

  private double jaccard(int queryStart, float[] values, int start) {
    int both = 0;
    int either = 0;
    for (int i = 0; i < dimension; i++) {
      boolean left = queries[queryStart + i] != 0;
      boolean right = values[start + i] != 0;
      both += left && right ? 1 : 0;
      either += left || right ? 1 : 0;
    }
    return either == 0 ? 0 : 1 - (double) both / either;
  }

  private double dot(int queryStart, float[] values, int start) {
    double sum0 = 0;
    double sum1 = 0;
    double sum2 = 0;
    double sum3 = 0;
    int d = 0;
    for (; d + 3 < dimension; d += 4) {
      sum0 += (double) queries[queryStart + d] * values[start + d];
      sum1 += (double) queries[queryStart + d + 1] * values[start + d + 1];
      sum2 += (double) queries[queryStart + d + 2] * values[start + d + 2];
      sum3 += (double) queries[queryStart + d + 3] * values[start + d + 3];
    }
    for (; d < dimension; d++) {
      sum0 += (double) queries[queryStart + d] * values[start + d];
    }
    return (sum0 + sum1) + (sum2 + sum3);
  }

  private double squaredNorm(float[] values, int start) {
    double sum0 = 0;
    double sum1 = 0;
    double sum2 = 0;
    double sum3 = 0;
    int d = 0;
    for (; d + 3 < dimension; d += 4) {
      sum0 += (double) values[start + d] * values[start + d];
      sum1 += (double) values[start + d + 1] * values[start + d + 1];
      sum2 += (double) values[start + d + 2] * values[start + d + 2];
      sum3 += (double) values[start + d + 3] * values[start + d + 3];
    }
    for (; d < dimension; d++) {
      sum0 += (double) values[start + d] * values[start + d];
    }
    return (sum0 + sum1) + (sum2 + sum3);
  }

  private double squaredDistance(int queryStart, float[] values, int start) {
    double sum0 = 0;
    double sum1 = 0;
    int d = 0;
    for (; d + 1 < dimension; d += 2) {
      double difference0 = (double) queries[queryStart + d] - values[start + d];
      double difference1 = (double) queries[queryStart + d + 1] - values[start + d + 1];
      sum0 += difference0 * difference0;
      sum1 += difference1 * difference1;
    }
    if (d < dimension) {
      double difference = (double) queries[queryStart + d] - values[start + d];
      sum0 += difference * difference;
    }
    return sum0 + sum1;
  }

  private double absoluteDistance(int queryStart, float[] values, int start) {
    double sum0 = 0;
    double sum1 = 0;
    int d = 0;
    for (; d + 1 < dimension; d += 2) {
      sum0 += Math.abs((double) queries[queryStart + d] - values[start + d]);
      sum1 += Math.abs((double) queries[queryStart + d + 1] - values[start + d + 1]);
    }
    if (d < dimension) {
      sum0 += Math.abs((double) queries[queryStart + d] - values[start + d]);
    }
    return sum0 + sum1;
  }

  private double largestDifference(int queryStart, float[] values, int start) {
    double result = 0;
    for (int d = 0; d < dimension; d++) {
      result = Math.max(result, Math.abs((double) queries[queryStart + d] - values[start + d]));
    }
    return result;
  }

  private double powerDistance(int queryStart, float[] values, int start) {
    double sum = 0;
    for (int d = 0; d < dimension; d++) {
      sum +=
          Math.pow(Math.abs((double) queries[queryStart + d] - values[start + d]), metricArgument);
    }
    return sum;
  }

  private double canberra(int queryStart, float[] values, int start) {
    double sum = 0;
    for (int d = 0; d < dimension; d++) {
      double ours = queries[queryStart + d];
      double theirs = values[start + d];
      double denominator = Math.abs(ours) + Math.abs(theirs);
      sum += denominator == 0 ? 0 : Math.abs(ours - theirs) / denominator;
    }
    return sum;
  }

  private double brayCurtis(int queryStart, float[] values, int start) {
    double numerator = 0;
    double denominator = 0;
    for (int d = 0; d < dimension; d++) {
      double ours = queries[queryStart + d];
      double theirs = values[start + d];
      numerator += Math.abs(ours - theirs);
      denominator += Math.abs(ours + theirs);
    }
    return numerator == 0 ? 0 : numerator / denominator;
  }

  private double jensenShannon(int queryStart, float[] values, int start) {
    double sum = 0;
    for (int d = 0; d < dimension; d++) {
      double ours = queries[queryStart + d];
      double theirs = values[start + d];
      double mean = 0.5 * (ours + theirs);
      sum += divergence(ours, mean) + divergence(theirs, mean);
    }
    return 0.5 * sum;
  }

  private static double divergence(double value, double mean) {
    return value == 0 ? 0 : -value * Math.log(mean / value);
  }

  // The answers to a query are a heap whose root is the worst of them.
  private void insert(int query, double key, long number) {
    int base = query * k;
    if (sizes[query] < k) {
      int position = sizes[query]++;
      while (position > 0) {
        int parent = (position - 1) / 2;
        if (!isBetter(keys[base + parent], numbers[base + parent], key, number)) {
          break;
        }
        keys[base + position] = keys[base + parent];
        numbers[base + position] = numbers[base + parent];
        position = parent;
      }
      keys[base + position] = key;
      numbers[base + position] = number;
    } else if (isBetter(key, number, keys[base], numbers[base])) {
      replaceWorst(base, key, number);
    }
  }

  private void replaceWorst(int base, double key, long number) {
    int position = 0;
    while (true) {
      int child = 2 * position + 1;
      if (child >= k) {
        break;
      }
      if (child + 1 < k
          && isBetter(
              keys[base + child],
              numbers[base + child],
              keys[base + child + 1],
              numbers[base + child + 1])) {
        child++;
      }
      if (!isBetter(key, number, keys[base + child], numbers[base + child])) {
        break;
      }
      keys[base + position] = keys[base + child];
      numbers[base + position] = numbers[base + child];
      position = child;
    }
    keys[base + position] = key;
    numbers[base + position] = number;
  }

  private static boolean isBetter(double key, long number, double otherKey, long otherNumber) {
    if (key > otherKey) {
      return true;
    }
    if (key < otherKey) {
      return false;
    }
    if (Double.isNaN(key) != Double.isNaN(otherKey)) {
      return Double.isNaN(otherKey);
    }
    return number < otherNumber;
  }

  /** Positions in the heap of a query, nearest first. */
  private int[] order(int query) {
    int base = query * k;
    Integer[] positions = new Integer[sizes[query]];
    Arrays.setAll(positions, i -> i);
    Arrays.sort(
        positions,
        (a, b) ->
            a.equals(b)
                ? 0
                : isBetter(keys[base + a], numbers[base + a], keys[base + b], numbers[base + b])
                    ? -1
                    : 1);
    int[] order = new int[positions.length];
    Arrays.setAll(order, i -> positions[i]);
    return order;
  }
}
