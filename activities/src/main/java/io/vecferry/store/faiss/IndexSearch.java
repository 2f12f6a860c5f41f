package io.vecferry.store.faiss;

import io.vecferry.store.SearchWidth;

/** Searches with what an index was built for, as FAISS would. Thread-safe. */
sealed interface IndexSearch permits GraphSearch, ListSearch {

  /**
   * Answers to some queries.
   *
   * @param rows for each query, rows in the order of the index file, nearest first
   * @param scores for each query, scores on the scale of {@link io.vecferry.store.Metric}
   */
  record Found(long[][] rows, float[][] scores) {}

  /**
   * The nearest vectors that are found.
   *
   * @param queries {@code count x dimension} floats, row-major
   */
  Found search(float[] queries, int count, int k);

  /** What makes a search look at more. */
  SearchWidth width(int k);

  /** The same search that looks at so many. */
  IndexSearch wide(int width);
}
