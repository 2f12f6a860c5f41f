package io.vecferry.store.faiss;

import io.vecferry.search.ExactSearch;
import io.vecferry.store.Metric;
import io.vecferry.store.SearchWidth;
import java.util.Arrays;
import java.util.function.Supplier;

/**
 * Compares each query with the vectors of the lists whose centroids are nearest to it. Only the
 * centroids are in memory.
 *
 * @param centroids {@code lists x dimension} floats, row-major
 * @param starts for each list, the rows that stand before it; one more for all rows
 * @param probes lists that are searched per query
 * @param readers opens a reader of rows in the order of the index file, for one thread
 */
record ListSearch(
    float[] centroids,
    int dimension,
    Metric metric,
    long[] starts,
    int probes,
    Supplier<RowReader> readers)
    implements IndexSearch {
  private static final int BLOCK_FLOATS = 1 << 18;

  /** Reads decoded vectors. */
  interface RowReader extends AutoCloseable {
    void read(long row, int count, float[] target);

    @Override
    void close();
  }

  @Override
  public SearchWidth width(int k) {
    int lists = starts.length - 1;
    return new SearchWidth("nprobe", Math.min(probes, lists), lists);
  }

  @Override
  public ListSearch wide(int width) {
    return new ListSearch(centroids, dimension, metric, starts, width, readers);
  }

  @Override
  public Found search(float[] queries, int count, int k) {
    Found found = new Found(new long[count][], new float[count][]);
    int step = Math.max(1, (count + Parallel.threads() - 1) / Parallel.threads());
    Parallel.run(
        Parallel.threads(),
        0,
        count,
        step,
        () ->
            (from, to) -> {
              ExactSearch[] searches = new ExactSearch[to - from];
              for (int i = 0; i < searches.length; i++) {
                int at = (from + i) * dimension;
                float[] query = Arrays.copyOfRange(queries, at, at + dimension);
                searches[i] = new ExactSearch(metric, 0, dimension, query, 1, k);
              }
              scan(probesOf(queries, from, to), searches);
              for (int i = 0; i < searches.length; i++) {
                found.rows()[from + i] = searches[i].rows(0);
                found.scores()[from + i] = searches[i].scores(0);
              }
            });
    return found;
  }

  /** List in the upper half, query counted from {@code from} in the lower half; ascending. */
  private long[] probesOf(float[] queries, int from, int to) {
    Distances distances = new Distances(metric == Metric.IP, dimension);
    int lists = starts.length - 1;
    int searched = Math.min(probes, lists);
    long[] keys = new long[lists];
    long[] chosen = new long[(to - from) * searched];
    for (int query = from; query < to; query++) {
      for (int list = 0; list < lists; list++) {
        keys[list] =
            HnswWalk.key(
                distances.between(queries, query * dimension, centroids, list * dimension), list);
      }
      Arrays.sort(keys);
      for (int i = 0; i < searched; i++) {
        chosen[(query - from) * searched + i] = (long) HnswWalk.node(keys[i]) << 32 | query - from;
      }
    }
    Arrays.sort(chosen);
    return chosen;
  }

  /** Reads each list once for all queries that ask for it. */
  private void scan(long[] probed, ExactSearch[] searches) {
    int blockRows = Math.max(1, BLOCK_FLOATS / dimension);
    float[] block = new float[blockRows * dimension];
    try (RowReader reader = readers.get()) {
      for (int from = 0; from < probed.length; ) {
        int list = (int) (probed[from] >>> 32);
        int to = from;
        while (to < probed.length && probed[to] >>> 32 == list) {
          to++;
        }
        for (long row = starts[list]; row < starts[list + 1]; row += blockRows) {
          int rows = (int) Math.min(blockRows, starts[list + 1] - row);
          reader.read(row, rows, block);
          for (int i = from; i < to; i++) {
            searches[(int) probed[i]].offer(block, 0, rows, row);
          }
        }
        from = to;
      }
    }
  }
}
