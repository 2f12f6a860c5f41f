package io.vecferry.search;

import io.vecferry.store.Metric;

/**
 * The k nearest of all vectors that are offered, by brute force. Knows nothing of stores or files:
 * blocks of vectors go in, row numbers and scores come out. One instance is used by one thread;
 * several instances over parts of the data are merged.
 */
public final class ExactSearch {

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
    throw new UnsupportedOperationException("to be written");
  }

  /**
   * Compares {@code rows} vectors that start at {@code values[offset]}; they get the numbers {@code
   * firstRow, firstRow + 1, ...}.
   */
  public void offer(float[] values, int offset, int rows, long firstRow) {}

  /** Takes over the answers of another instance with the same queries. */
  public void merge(ExactSearch other) {}

  /**
   * Row numbers of the answers to a query, nearest first; equal scores by row number. Fewer than k
   * when fewer rows were offered.
   */
  public long[] rows(int query) {
    return new long[0];
  }

  /**
   * Scores of the answers to a query, in the order of {@link #rows}, on the scale of {@link
   * Metric}.
   */
  public float[] scores(int query) {
    return new float[0];
  }
}
