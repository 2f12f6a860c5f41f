package io.vecferry.store.faiss;

import io.vecferry.plan.FailureClass;
import io.vecferry.store.StoreException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.List;

/**
 * Writes lines of text in the order of an inverted file. Reads them twice in their own order, to
 * know where each list begins and to put them there; a block of them is in memory.
 */
final class LineScatter {
  private static final int BLOCK = 1 << 24;

  private final List<Path> files;
  private final ListOrder order;
  private byte[] data = new byte[BLOCK];
  private int[] starts = new int[1 << 12];

  /**
   * @param files with one line per row, each ended by a newline
   */
  LineScatter(List<Path> files, ListOrder order) {
    this.files = files;
    this.order = order;
  }

  private interface Lines {
    /** Takes lines of {@code data}: line i goes from {@code starts[i]} to {@code starts[i + 1]}. */
    void take(int firstRow, int count) throws IOException;
  }

  void write(SummedOutput output, FileChannel channel) throws IOException {
    output.flush();
    int lists = order.starts().length - 1;
    long[] next = new long[lists + 1];
    each(
        (firstRow, count) -> {
          for (int i = 0; i < count; i++) {
            next[order.lists()[firstRow + i] + 1] += starts[i + 1] - starts[i];
          }
        });
    next[0] = output.position();
    for (int list = 1; list <= lists; list++) {
      next[list] += next[list - 1];
    }
    long end = next[lists];
    each(
        (firstRow, count) -> {
          int[] sorted = order.sorted(firstRow, count);
          byte[] run = new byte[1 << 16];
          for (int at = 0; at < count; ) {
            int list = order.lists()[firstRow + sorted[at]];
            int length = 0;
            for (; at < count && order.lists()[firstRow + sorted[at]] == list; at++) {
              int start = starts[sorted[at]];
              int bytes = starts[sorted[at] + 1] - start;
              if (length + bytes > run.length) {
                run = Arrays.copyOf(run, Math.max(run.length * 2, length + bytes));
              }
              System.arraycopy(data, start, run, length, bytes);
              length += bytes;
            }
            ByteBuffer bytes = ByteBuffer.wrap(run, 0, length);
            while (bytes.hasRemaining()) {
              next[list] += channel.write(bytes, next[list]);
            }
          }
        });
    output.skipWritten(end);
  }

  private void each(Lines lines) throws IOException {
    int row = 0;
    for (Path file : files) {
      try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
        int filled = 0;
        while (true) {
          if (Thread.currentThread().isInterrupted()) {
            throw Parallel.interrupted();
          }
          int read = channel.read(ByteBuffer.wrap(data, filled, data.length - filled));
          if (read < 0) {
            break;
          }
          filled += read;
          int count = split(filled);
          requireRows(row + (long) count, file);
          lines.take(row, count);
          row += count;
          int rest = filled - starts[count];
          System.arraycopy(data, starts[count], data, 0, rest);
          filled = rest;
          if (filled == data.length) {
            data = Arrays.copyOf(data, Math.multiplyExact(data.length, 2));
          }
        }
        if (filled > 0) {
          throw new StoreException(
              FailureClass.TARGET_CHANGED, file + " ends within a line; it was changed");
        }
      }
    }
    if (row != order.lists().length) {
      requireRows(-1, files.get(files.size() - 1));
    }
  }

  private void requireRows(long rows, Path file) {
    if (rows < 0 || rows > order.lists().length) {
      throw new StoreException(
          FailureClass.TARGET_CHANGED,
          file + " does not have a line for each vector; it was changed");
    }
  }

  /** Finds complete lines. */
  private int split(int filled) {
    int count = 0;
    starts[0] = 0;
    for (int i = 0; i < filled; i++) {
      if (data[i] == '\n') {
        count++;
        if (count == starts.length) {
          starts = Arrays.copyOf(starts, count * 2);
        }
        starts[count] = i + 1;
      }
    }
    return count;
  }
}
