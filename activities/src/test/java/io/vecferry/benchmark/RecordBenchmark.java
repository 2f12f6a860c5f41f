package io.vecferry.benchmark;

import io.vecferry.record.DenseVectors;
import io.vecferry.record.IdColumn;
import io.vecferry.record.IdKind;
import io.vecferry.record.RecordBatch;
import io.vecferry.record.TextColumn;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/**
 * What all benchmarks have in common: records with vectors of two lengths, so that what is
 * allocated for each float can be told from what is allocated for each record. Time and bytes are
 * of one record. {@code benchmarks/jmh.py} runs them and makes a table.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@OperationsPerInvocation(RecordBenchmark.ROWS)
@Fork(value = 1, jvmArgsAppend = "-Xmx1g")
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 3, time = 1)
public abstract class RecordBenchmark {
  /** Records that one invocation works on. */
  public static final int ROWS = 512;

  /** Components of a vector. */
  @Param({"128", "1024"})
  public int dimension;

  /** The same records every time; the name of their vectors is empty. */
  protected RecordBatch batch() {
    Random random = new Random(7);
    float[] values = new float[ROWS * dimension];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) random.nextGaussian();
    }
    TextColumn.Builder ids = new TextColumn.Builder(ROWS);
    TextColumn.Builder documents = new TextColumn.Builder(ROWS);
    TextColumn.Builder metadata = new TextColumn.Builder(ROWS);
    for (int row = 0; row < ROWS; row++) {
      ids.add("record-" + row);
      documents.add("A sentence of some words, as documents have, number " + row);
      metadata.add(
          "{\"category\":\"c%d\",\"price\":%d.5,\"row\":%d}".formatted(row % 10, row % 1000, row));
    }
    return new RecordBatch(
        IdColumn.of(IdKind.STRING, ids.build()),
        List.of(new DenseVectors("", dimension, values)),
        documents.build(),
        metadata.build());
  }
}
