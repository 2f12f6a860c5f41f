package io.vecferry.store.faiss;

import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Writes a temporary {@code meta.jsonl} in the order of the rows of an index, so that everything
 * else knows one kind of metadata only.
 */
final class RowLines {
  private static final int BLOCK = 4096;

  private RowLines() {}

  /** Says what stands beside a row. */
  interface Line {
    /**
     * Writes a JSON object without the line's end.
     *
     * @param row position in the order of the index
     * @param label the index's own id of the row
     */
    void write(long row, long label, OutputStream target) throws IOException;
  }

  /** Writes one line per row; the caller deletes the file. */
  static Path write(IndexFile index, Line line) throws IOException {
    Path file = Files.createTempFile("vecferry-rows-", ".jsonl");
    boolean done = false;
    try (IndexFile.Reader reader = index.reader();
        OutputStream target = new BufferedOutputStream(Files.newOutputStream(file), 1 << 18)) {
      long[] labels = new long[BLOCK];
      for (long row = 0; row < index.rows(); row += BLOCK) {
        int rows = (int) Math.min(BLOCK, index.rows() - row);
        reader.labels(row, rows, labels);
        for (int i = 0; i < rows; i++) {
          line.write(row + i, labels[i], target);
          target.write('\n');
        }
      }
      done = true;
    } finally {
      if (!done) {
        Files.deleteIfExists(file);
      }
    }
    return file;
  }
}
