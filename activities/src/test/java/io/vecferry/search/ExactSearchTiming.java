package io.vecferry.search;

import io.vecferry.store.Metric;
import java.util.Random;
import java.util.concurrent.CompletableFuture;

/** Measures 1,000 queries against 1M x 128 on two threads. Run by hand; prints seconds. */
public final class ExactSearchTiming {
  private ExactSearchTiming() {}

  public static void main(String[] arguments) {
    int dimension = 128;
    int rows = arguments.length > 0 ? Integer.parseInt(arguments[0]) : 1_000_000;
    int k = arguments.length > 1 ? Integer.parseInt(arguments[1]) : 10;
    int count = 1000;
    Random random = new Random(1);
    float[] values = new float[rows * dimension];
    for (int i = 0; i < values.length; i++) {
      values[i] = random.nextFloat() - 0.3f;
    }
    float[] queries = new float[count * dimension];
    for (int i = 0; i < queries.length; i++) {
      queries[i] = random.nextFloat() - 0.3f;
    }
    for (int round = 0; round < 3; round++) {
      for (Metric metric : new Metric[] {Metric.L2, Metric.IP, Metric.COSINE}) {
        long start = System.nanoTime();
        int half = rows / 2;
        CompletableFuture<ExactSearch> first =
            CompletableFuture.supplyAsync(
                () -> search(metric, queries, count, k, dimension, values, 0, half));
        ExactSearch second =
            search(metric, queries, count, k, dimension, values, half, rows - half);
        second.merge(first.join());
        System.out.printf("%s k=%d %.2f s%n", metric, k, (System.nanoTime() - start) / 1e9);
      }
    }
  }

  private static ExactSearch search(
      Metric metric,
      float[] queries,
      int count,
      int k,
      int dimension,
      float[] values,
      int firstRow,
      int rows) {
    ExactSearch search = new ExactSearch(metric, 0, dimension, queries, count, k);
    search.offer(values, firstRow * dimension, rows, firstRow);
    return search;
  }
}
