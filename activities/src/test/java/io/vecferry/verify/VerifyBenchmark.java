package io.vecferry.verify;

import io.vecferry.benchmark.RecordBenchmark;
import io.vecferry.record.RecordBatch;
import io.vecferry.record.VectorColumn;
import java.util.List;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.infra.Blackhole;

/** Comparing records with those of the archive, and hashing them. */
public class VerifyBenchmark extends RecordBenchmark {
  private final RecordDigest digest = new RecordDigest();
  private RecordBatch archived;
  private RecordBatch found;
  private List<VectorColumn> columns;

  @Setup
  public void prepare() {
    archived = batch();
    found = batch();
    columns = RecordDigest.columns(archived);
  }

  @Benchmark
  public void hash(Blackhole blackhole) {
    for (int row = 0; row < ROWS; row++) {
      blackhole.consume(digest.of(archived, columns, row));
    }
  }

  @Benchmark
  public Object compare() {
    RecordComparator comparator = new RecordComparator(1e-3, true, true);
    comparator.compare(archived, found);
    return comparator.result();
  }
}
