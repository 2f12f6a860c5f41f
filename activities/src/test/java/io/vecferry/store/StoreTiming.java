package io.vecferry.store;

import com.sun.management.OperatingSystemMXBean;
import com.sun.management.ThreadMXBean;
import io.vecferry.record.DenseVectors;
import io.vecferry.record.IdColumn;
import io.vecferry.record.IdKind;
import io.vecferry.record.RecordBatch;
import io.vecferry.record.TextColumn;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.stream.IntStream;

/**
 * Writes and reads 200k x 128 and 50k x 768, or less. Run by hand with the type of a store, its
 * address, a number of writers and readers, and a percentage of the rows; prints rows a second, and
 * CPU time and allocation of this process per row. The second round is the warm one.
 */
public final class StoreTiming {
  private static final LoadStamp STAMP = new LoadStamp("timing", "timing");
  private static final int BATCH = 1000;

  private StoreTiming() {}

  public static void main(String[] arguments) {
    int parallel = Integer.parseInt(arguments[2]);
    int percent = Integer.parseInt(arguments[3]);
    for (int round = 0; round < 2; round++) {
      run(arguments[0], arguments[1], parallel, 2000 * percent, 128);
      run(arguments[0], arguments[1], parallel, 500 * percent, 768);
    }
    System.exit(0);
  }

  private static void run(String type, String url, int parallel, int rows, int dimension) {
    String name = "timing_" + Long.toString(System.nanoTime(), 36);
    LoadSchema schema =
        new LoadSchema(
            List.of(new VectorFieldInfo("", dimension, Metric.IP, 0, "", Map.of())),
            Set.of(IdKind.INT64),
            "timing",
            rows);
    List<RecordBatch> batches = new ArrayList<>();
    for (int start = 0; start < rows; start += BATCH) {
      batches.add(batch(start, BATCH, dimension));
    }
    ExecutorService executor = Executors.newFixedThreadPool(parallel);
    try (VectorStore store =
        Stores.get(type).open(StoreSettings.of("target", "url", url, "collection", name))) {
      store.create(schema, STAMP);
      Meter write = new Meter();
      List<BatchWriter> writers = new ArrayList<>();
      List<CompletableFuture<Void>> work = new ArrayList<>();
      for (int part = 0; part < parallel; part++) {
        BatchWriter writer = store.write("p" + part, STAMP);
        writers.add(writer);
        int first = part;
        work.add(
            CompletableFuture.runAsync(
                () -> {
                  for (int i = first; i < batches.size(); i += parallel) {
                    writer.write(batches.get(i));
                  }
                  writer.finish();
                },
                executor));
      }
      work.forEach(CompletableFuture::join);
      write.print("write", rows, dimension);
      writers.forEach(BatchWriter::close);
      store.finishLoad(IntStream.range(0, parallel).mapToObj(part -> "p" + part).toList(), STAMP);

      Meter read = new Meter();
      work.clear();
      for (SourceRange range : store.split(parallel)) {
        work.add(CompletableFuture.runAsync(() -> read(store, range), executor));
      }
      work.forEach(CompletableFuture::join);
      read.print("read", rows, dimension);

      Meter fetch = new Meter();
      for (int i = 0; i < batches.size() / 4; i++) {
        store.fetch(batches.get(i).ids());
      }
      fetch.print("fetch", rows / 4, dimension);
      store.drop(STAMP);
    } finally {
      executor.shutdown();
    }
  }

  private static void read(VectorStore store, SourceRange range) {
    try (BatchReader reader = store.read(range, null, BATCH)) {
      while (reader.next() != null) {}
    }
  }

  /** Records that are the same each time. */
  static RecordBatch batch(int start, int rows, int dimension) {
    Random random = new Random(start);
    float[] values = new float[rows * dimension];
    for (int i = 0; i < values.length; i++) {
      values[i] = random.nextFloat();
    }
    TextColumn.Builder ids = new TextColumn.Builder(rows);
    TextColumn.Builder documents = new TextColumn.Builder(rows);
    TextColumn.Builder metadata = new TextColumn.Builder(rows);
    for (int i = start; i < start + rows; i++) {
      ids.add(Integer.toString(i));
      documents.add("A sentence of some words, as documents have, number " + i);
      metadata.add(
          "{\"category\":\"c" + i % 10 + "\",\"price\":" + i % 1000 + ".5,\"row\":" + i + "}");
    }
    return new RecordBatch(
        IdColumn.of(IdKind.INT64, ids.build()),
        List.of(new DenseVectors("", dimension, values)),
        documents.build(),
        metadata.build());
  }

  /** What this process has used since it was made. */
  private static final class Meter {
    private static final OperatingSystemMXBean SYSTEM =
        (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
    private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

    private final long nanos = System.nanoTime();
    private final long cpu = SYSTEM.getProcessCpuTime();
    private final long bytes = allocated();

    private static long allocated() {
      long sum = 0;
      for (long thread : THREADS.getThreadAllocatedBytes(THREADS.getAllThreadIds())) {
        sum += Math.max(0, thread);
      }
      return sum;
    }

    void print(String what, int rows, int dimension) {
      System.out.printf(
          "%-5s %,7d x %d: %,8.0f rows/s, client CPU %5.1f us/row, %,7d bytes/row%n",
          what,
          rows,
          dimension,
          rows / ((System.nanoTime() - nanos) / 1e9),
          (SYSTEM.getProcessCpuTime() - cpu) / 1e3 / rows,
          (allocated() - bytes) / rows);
    }
  }
}
