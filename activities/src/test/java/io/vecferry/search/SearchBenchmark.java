package io.vecferry.search;

import io.vecferry.benchmark.RecordBenchmark;
import io.vecferry.store.Metric;
import java.util.Arrays;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Setup;

/** Exact search: a block of vectors is offered to queries. Time is of a record with all of them. */
public class SearchBenchmark extends RecordBenchmark {
  private static final int QUERIES = 64;
  private static final int NEAREST = 10;

  private float[] values;
  private ExactSearch search;

  @Setup
  public void prepare() {
    values = batch().onlyVectors().values();
    float[] queries = Arrays.copyOf(values, QUERIES * dimension);
    search = new ExactSearch(Metric.L2, 0, dimension, queries, QUERIES, NEAREST);
  }

  @Benchmark
  public Object offerBlock() {
    search.offer(values, 0, ROWS, 0);
    return search;
  }
}
