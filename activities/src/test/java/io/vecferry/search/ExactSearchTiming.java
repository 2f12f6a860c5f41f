package io.vecferry.search;

import io.vecferry.store.Metric;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Measures exact search over vectors in memory. Run by {@code benchmarks/exact_search.py} with two
 * files of little-endian floats: vectors, queries, dimension, answers, metric, threads, rounds,
 * file for the answers. Prints the seconds of each round.
 */
public final class ExactSearchTiming {
  /** As a part of an archive is read. */
  private static final int BLOCK_ROWS = 4096;

  private ExactSearchTiming() {}

  public static void main(String[] arguments) throws IOException {
    float[] values = floats(Path.of(arguments[0]));
    float[] queries = floats(Path.of(arguments[1]));
    int dimension = Integer.parseInt(arguments[2]);
    int k = Integer.parseInt(arguments[3]);
    Metric metric = Metric.ofSpelling(arguments[4]);
    int threads = Integer.parseInt(arguments[5]);
    int rounds = Integer.parseInt(arguments[6]);
    int count = queries.length / dimension;
    ExactSearch search = null;
    for (int round = 0; round < rounds; round++) {
      long start = System.nanoTime();
      search = search(metric, dimension, values, queries, k, threads);
      System.out.printf(Locale.ROOT, "%.3f%n", (System.nanoTime() - start) / 1e9);
    }
    StringBuilder answers = new StringBuilder();
    for (int query = 0; query < count; query++) {
      for (long row : search.rows(query)) {
        answers.append(row).append(' ');
      }
      answers.append('\n');
    }
    Files.writeString(Path.of(arguments[7]), answers);
  }

  private static ExactSearch search(
      Metric metric, int dimension, float[] values, float[] queries, int k, int threads) {
    int rows = values.length / dimension;
    int count = queries.length / dimension;
    AtomicInteger next = new AtomicInteger();
    List<ExactSearch> found =
        new ArrayList<>(
            InParallel.run(
                threads,
                () -> {
                  ExactSearch search = new ExactSearch(metric, 0, dimension, queries, count, k);
                  for (int row = next.getAndAdd(BLOCK_ROWS);
                      row < rows;
                      row = next.getAndAdd(BLOCK_ROWS)) {
                    search.offer(values, row * dimension, Math.min(BLOCK_ROWS, rows - row), row);
                  }
                  return search;
                }));
    ExactSearch all = found.remove(0);
    found.forEach(all::merge);
    return all;
  }

  private static float[] floats(Path file) throws IOException {
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
      float[] floats = new float[Math.toIntExact(channel.size() / 4)];
      ByteBuffer buffer = ByteBuffer.allocate(1 << 24).order(ByteOrder.LITTLE_ENDIAN);
      for (int at = 0; channel.read(buffer) >= 0 || buffer.position() > 0; ) {
        buffer.flip();
        int some = buffer.remaining() / 4;
        buffer.asFloatBuffer().get(floats, at, some);
        at += some;
        buffer.position(4 * some);
        buffer.compact();
      }
      return floats;
    }
  }
}
