package io.vecferry.archive;

import io.vecferry.archive.place.ArchiveRoot;
import io.vecferry.record.ElementType;
import io.vecferry.record.IdKind;
import io.vecferry.record.RecordBatch;
import io.vecferry.record.VectorKind;
import io.vecferry.store.Metric;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import java.util.Set;
import java.util.function.Consumer;
import java.util.stream.IntStream;

/**
 * Compares places of archives. Run by hand with two or more places; parts of 200,000 x 128 are
 * written to each in turn by two threads, checked and read back. Prints seconds, after a first
 * round that does not count, and medians as a share of the first place.
 */
public final class ArchiveTiming {
  private static final int PARTS = 4;
  private static final int BATCHES = 50;
  private static final int DIMENSION = 128;
  private static final int ROUNDS = 3;

  private ArchiveTiming() {}

  public static void main(String[] places) {
    List<RecordBatch> batches =
        IntStream.range(0, BATCHES)
            .mapToObj(i -> Samples.random(new Random(i), 1000, DIMENSION, 1000L * i))
            .toList();
    PartSchema schema =
        new PartSchema(
            List.of(
                Samples.field(
                    "", VectorKind.DENSE, ElementType.FLOAT32, DIMENSION, Metric.L2, false)),
            Set.of(IdKind.INT64));
    List<List<double[]>> seconds = new ArrayList<>();
    for (String ignored : places) {
      seconds.add(new ArrayList<>());
    }
    for (int round = 0; round <= ROUNDS; round++) {
      for (int place = 0; place < places.length; place++) {
        double[] taken = time(ArchiveRoot.of(places[place]).store(), schema, batches);
        System.out.printf(
            Locale.ROOT,
            "%s write %.2f s, check %.2f s, read %.2f s%n",
            places[place],
            taken[0],
            taken[1],
            taken[2]);
        if (round > 0) {
          seconds.get(place).add(taken);
        }
      }
    }
    for (int place = 1; place < places.length; place++) {
      System.out.printf(
          Locale.ROOT,
          "%s: write %.2f, check %.2f, read %.2f, all %.2f of the speed of %s%n",
          places[place],
          share(seconds, place, 0, 1),
          share(seconds, place, 1, 2),
          share(seconds, place, 2, 3),
          share(seconds, place, 0, 3),
          places[0]);
    }
  }

  private static double share(List<List<double[]>> seconds, int place, int from, int to) {
    return median(seconds.get(0), from, to) / median(seconds.get(place), from, to);
  }

  private static double median(List<double[]> rounds, int from, int to) {
    return rounds.stream()
        .mapToDouble(taken -> IntStream.range(from, to).mapToDouble(i -> taken[i]).sum())
        .sorted()
        .skip(rounds.size() / 2)
        .findFirst()
        .orElseThrow();
  }

  private static double[] time(ArtifactStore store, PartSchema schema, List<RecordBatch> batches) {
    return new double[] {
      inParallel(
          path -> {
            try (PartWriter writer = new PartWriter(store, path, schema)) {
              batches.forEach(writer::append);
              writer.finish(null, null, true, "", null);
            }
          }),
      inParallel(path -> PartReader.verifyChecksum(store, path)),
      inParallel(
          path -> {
            try (PartReader reader = PartReader.open(store, path)) {
              PartReader.Batches read = reader.batches(1000);
              long rows = 0;
              for (RecordBatch batch = read.next(); batch != null; batch = read.next()) {
                rows += batch.rows();
              }
              if (rows != reader.sidecar().rows()) {
                throw new IllegalStateException(rows + " rows");
              }
            }
          })
    };
  }

  private static double inParallel(Consumer<String> step) {
    long start = System.nanoTime();
    Thread[] threads = new Thread[2];
    for (int i = 0; i < threads.length; i++) {
      int first = i;
      threads[i] =
          new Thread(
              () -> {
                for (int part = first; part < PARTS; part += threads.length) {
                  step.accept("timing/p000-00000" + part + ".parquet");
                }
              });
      threads[i].start();
    }
    for (Thread thread : threads) {
      try {
        thread.join();
      } catch (InterruptedException e) {
        throw new IllegalStateException(e);
      }
    }
    return (System.nanoTime() - start) / 1e9;
  }
}
