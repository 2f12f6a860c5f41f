package io.vecferry.store;

import io.vecferry.record.IdKind;
import io.vecferry.record.RecordBatch;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;

/**
 * Loads the same records with different batch sizes and numbers of writers. Run by hand with the
 * type of a store, its address, a number of rows, a dimension, batch sizes with commas between them
 * (0 for auto), numbers of writers in the same way, and rounds. Prints records a second until the
 * last one is acknowledged, and until the load is finished; best of the rounds.
 */
public final class RequestSweep {
  private static final LoadStamp STAMP = new LoadStamp("sweep", "sweep");
  private static final int LARGEST = 10_000;

  private final String type;
  private final String url;
  private final int dimension;
  private final List<RecordBatch> records = new ArrayList<>();
  private final int rows;

  private RequestSweep(String type, String url, int rows, int dimension) {
    this.type = type;
    this.url = url;
    this.dimension = dimension;
    this.rows = rows;
    for (int start = 0; start < rows; start += LARGEST) {
      records.add(StoreTiming.batch(start, Math.min(LARGEST, rows - start), dimension));
    }
  }

  public static void main(String[] arguments) {
    RequestSweep sweep =
        new RequestSweep(
            arguments[0],
            arguments[1],
            Integer.parseInt(arguments[2]),
            Integer.parseInt(arguments[3]));
    int[] sizes = numbers(arguments[4]);
    int[] writers = numbers(arguments[5]);
    int rounds = Integer.parseInt(arguments[6]);
    sweep.load(1000, 2);
    Map<String, double[]> best = new LinkedHashMap<>();
    for (int round = 0; round < rounds; round++) {
      for (int size : sizes) {
        for (int count : writers) {
          double[] now = sweep.load(size, count);
          best.merge(
              (size == 0 ? "auto" : size) + " " + count,
              now,
              (a, b) -> new double[] {Math.max(a[0], b[0]), Math.max(a[1], b[1])});
        }
      }
    }
    best.forEach(
        (setting, speed) ->
            System.out.printf(
                Locale.ROOT,
                "%s %s x %s, batch and writers %s: %,.0f %,.0f%n",
                arguments[0],
                arguments[2],
                arguments[3],
                setting,
                speed[0],
                speed[1]));
    System.exit(0);
  }

  private static int[] numbers(String list) {
    return Arrays.stream(list.split(",")).mapToInt(Integer::parseInt).toArray();
  }

  private double[] load(int size, int writers) {
    String name = "sweep_" + Long.toString(System.nanoTime(), 36);
    LoadSchema schema =
        new LoadSchema(
            List.of(new VectorFieldInfo("", dimension, Metric.IP, 0, "", Map.of())),
            Set.of(IdKind.INT64),
            "sweep",
            rows);
    ExecutorService executor = Executors.newFixedThreadPool(writers);
    try (VectorStore store =
        Stores.get(type).open(StoreSettings.of("target", "url", url, "collection", name))) {
      store.create(schema, STAMP);
      long start = System.nanoTime();
      AtomicInteger next = new AtomicInteger();
      List<CompletableFuture<Void>> work = new ArrayList<>();
      for (int i = 0; i < writers; i++) {
        BatchWriter writer = store.write("p" + i, STAMP);
        work.add(CompletableFuture.runAsync(() -> write(writer, next, size), executor));
      }
      work.forEach(CompletableFuture::join);
      double written = rows / ((System.nanoTime() - start) / 1e9);
      store.finishLoad(IntStream.range(0, writers).mapToObj(part -> "p" + part).toList(), STAMP);
      double finished = rows / ((System.nanoTime() - start) / 1e9);
      System.err.printf(
          Locale.ROOT, "%s %d %d: %,.0f %,.0f%n", type, size, writers, written, finished);
      store.drop(STAMP);
      return new double[] {written, finished};
    } finally {
      executor.shutdown();
    }
  }

  /** Takes records where the other writers have stopped to. */
  private void write(BatchWriter writer, AtomicInteger next, int size) {
    try (writer) {
      while (true) {
        int wanted = size == 0 ? writer.batchRows() : size;
        int from = next.getAndAdd(wanted);
        if (from >= rows) {
          break;
        }
        writer.write(records(from, Math.min(rows, from + wanted)));
      }
      writer.finish();
    }
  }

  private RecordBatch records(int from, int to) {
    List<RecordBatch> pieces = new ArrayList<>();
    int row = from;
    while (row < to) {
      RecordBatch block = records.get(row / LARGEST);
      int start = row % LARGEST;
      int count = Math.min(block.rows() - start, to - row);
      pieces.add(block.select(IntStream.range(start, start + count).toArray()));
      row += count;
    }
    return pieces.size() == 1 ? pieces.get(0) : RecordBatch.concat(pieces);
  }
}
