package io.vecferry.store.faiss;

import io.vecferry.store.BatchReader;
import io.vecferry.store.SourceRange;
import io.vecferry.store.StoreSettings;
import io.vecferry.store.VectorStore;
import java.util.Arrays;
import java.util.List;

/**
 * Reads whole indexes into batches, by one thread and by two. Run by hand with the paths of index
 * files; prints seconds.
 */
public final class FaissReadTiming {
  private FaissReadTiming() {}

  public static void main(String[] arguments) {
    for (String path : arguments) {
      for (int parts : new int[] {1, 1, 1, 2, 2, 2}) {
        long start = System.nanoTime();
        long rows = 0;
        try (VectorStore store =
            new FaissProvider().open(StoreSettings.of("source", "path", path))) {
          List<SourceRange> ranges = store.split(parts);
          long opened = System.nanoTime();
          rows =
              Arrays.stream(ranges.toArray(SourceRange[]::new))
                  .parallel()
                  .mapToLong(range -> read(store, range))
                  .sum();
          System.out.printf(
              "%s: %d threads, %d rows, opened in %.2f s, read in %.2f s%n",
              path, parts, rows, (opened - start) / 1e9, (System.nanoTime() - opened) / 1e9);
        }
      }
    }
  }

  private static long read(VectorStore store, SourceRange range) {
    long rows = 0;
    try (BatchReader reader = store.read(range, null, 1000)) {
      for (var batch = reader.next(); batch != null; batch = reader.next()) {
        rows += batch.rows();
      }
    }
    return rows;
  }
}
