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
import java.util.function.ToDoubleFunction;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * Loads the same records with different batch sizes and numbers of writers. Run by hand with the
 * type of a store, its address, a number of rows, a dimension, batch sizes with commas between them
 * (0 for auto), numbers of writers in the same way, rounds, and options of the target, such as
 * requestsInFlight=2. Each round begins with another setting, since what comes first finds a server
 * that has rested. Prints records a second until the last one is acknowledged, and until the load
 * is finished: medians of the rounds, and the best.
 */
public final class RequestSweep {
  private static final LoadStamp STAMP = new LoadStamp("sweep", "sweep");
  private static final int LARGEST = 10_000;

  /** Shares no factor with the usual numbers of settings. */
  private static final int STRIDE = 7;

  private record Setting(int size, int writers) {
    @Override
    public String toString() {
      return "batch " + (size == 0 ? "auto" : size) + ", " + writers + " writers";
    }
  }

  /** Records a second. */
  private record Speed(double written, double finished) {}

  private final String type;
  private final String[] settings;
  private final int dimension;
  private final List<RecordBatch> records = new ArrayList<>();
  private final int rows;

  private RequestSweep(String type, String[] settings, int rows, int dimension) {
    this.type = type;
    this.settings = settings;
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
            settings(arguments),
            Integer.parseInt(arguments[2]),
            Integer.parseInt(arguments[3]));
    int[] sizes = numbers(arguments[4]);
    int[] writers = numbers(arguments[5]);
    int rounds = Integer.parseInt(arguments[6]);
    List<Setting> settings = new ArrayList<>();
    for (int size : sizes) {
      for (int count : writers) {
        settings.add(new Setting(size, count));
      }
    }
    sweep.load(new Setting(1000, 2));
    Map<Setting, List<Speed>> measured = new LinkedHashMap<>();
    settings.forEach(setting -> measured.put(setting, new ArrayList<>()));
    for (int round = 0; round < rounds; round++) {
      for (int i = 0; i < settings.size(); i++) {
        Setting setting = settings.get((round * STRIDE + i) % settings.size());
        measured.get(setting).add(sweep.load(setting));
      }
    }
    measured.forEach(
        (setting, speeds) ->
            System.out.printf(
                Locale.ROOT,
                "%s %s x %s, %s: %,.0f (%,.0f), best %,.0f (%,.0f)%n",
                arguments[0],
                arguments[2],
                arguments[3],
                setting,
                ascending(speeds, Speed::written)[(rounds - 1) / 2],
                ascending(speeds, Speed::finished)[(rounds - 1) / 2],
                ascending(speeds, Speed::written)[rounds - 1],
                ascending(speeds, Speed::finished)[rounds - 1]));
    System.exit(0);
  }

  private static double[] ascending(List<Speed> speeds, ToDoubleFunction<Speed> kind) {
    return speeds.stream().mapToDouble(kind).sorted().toArray();
  }

  /** Names and values by turns. */
  private static String[] settings(String[] arguments) {
    return Stream.concat(
            Stream.of("url", arguments[1]),
            Arrays.stream(arguments, 7, arguments.length)
                .flatMap(option -> Arrays.stream(option.split("=", 2))))
        .toArray(String[]::new);
  }

  private static int[] numbers(String list) {
    return Arrays.stream(list.split(",")).mapToInt(Integer::parseInt).toArray();
  }

  private Speed load(Setting setting) {
    String name = "sweep_" + Long.toString(System.nanoTime(), 36);
    LoadSchema schema =
        new LoadSchema(
            List.of(new VectorFieldInfo("", dimension, Metric.IP, 0, "", Map.of())),
            Set.of(IdKind.INT64),
            "sweep",
            rows);
    ExecutorService executor = Executors.newFixedThreadPool(setting.writers());
    try (VectorStore store =
        Stores.get(type).open(StoreSettings.of("target", settings).with("collection", name))) {
      store.create(schema, STAMP);
      long start = System.nanoTime();
      AtomicInteger next = new AtomicInteger();
      List<CompletableFuture<Void>> work = new ArrayList<>();
      for (int i = 0; i < setting.writers(); i++) {
        BatchWriter writer = store.write("p" + i, STAMP);
        work.add(CompletableFuture.runAsync(() -> write(writer, next, setting.size()), executor));
      }
      work.forEach(CompletableFuture::join);
      double written = rows / ((System.nanoTime() - start) / 1e9);
      store.finishLoad(
          IntStream.range(0, setting.writers()).mapToObj(part -> "p" + part).toList(), STAMP);
      double finished = rows / ((System.nanoTime() - start) / 1e9);
      System.err.printf(Locale.ROOT, "%s, %s: %,.0f (%,.0f)%n", type, setting, written, finished);
      store.drop(STAMP);
      return new Speed(written, finished);
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
