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
 * Writes lines of text in another order. Reads them twice in their own order: to know how long they
 * are, and to put them in their places. Memory: 12 bytes per line and a block of lines.
 */
final class LinePlacer {
  private static final int BLOCK = 1 << 24;

  private final List<Path> files;
  private final int[] places;
  private byte[] data = new byte[BLOCK];
  private int[] starts = new int[1 << 12];

  /**
   * @param files lines, each ended by a newline
   * @param places for each line, in the order of the files, its place in the output
   */
  LinePlacer(List<Path> files, int[] places) {
    this.files = files;
    this.places = places;
  }

  private interface Lines {
    /** Takes lines of {@code data}: line i goes from {@code starts[i]} to {@code starts[i + 1]}. */
    void take(int firstLine, int count) throws IOException;
  }

  void write(SummedOutput output, FileChannel channel) throws IOException {
    output.flush();
    long[] positions = new long[places.length + 1];
    each(
        (firstLine, count) -> {
          for (int i = 0; i < count; i++) {
            positions[places[firstLine + i] + 1] = starts[i + 1] - starts[i];
          }
        });
    positions[0] = output.position();
    for (int place = 1; place < positions.length; place++) {
      positions[place] += positions[place - 1];
    }
    each(
        (firstLine, count) -> {
          for (int from = 0; from < count; ) {
            // Lines that follow each other on both sides are written at once.
            int to = from + 1;
            while (to < count && places[firstLine + to] == places[firstLine + to - 1] + 1) {
              to++;
            }
            ByteBuffer lines = ByteBuffer.wrap(data, starts[from], starts[to] - starts[from]);
            long position = positions[places[firstLine + from]];
            while (lines.hasRemaining()) {
              position += channel.write(lines, position);
            }
            from = to;
          }
        });
    output.skipWritten(positions[places.length]);
  }

  private void each(Lines lines) throws IOException {
    long line = 0;
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
          if (line + count > places.length) {
            throw changed(file);
          }
          lines.take((int) line, count);
          line += count;
          int rest = filled - starts[count];
          System.arraycopy(data, starts[count], data, 0, rest);
          filled = rest;
          if (filled == data.length) {
            data = Arrays.copyOf(data, Math.multiplyExact(data.length, 2));
          }
        }
        if (filled > 0) {
          throw changed(file);
        }
      }
    }
    if (line != places.length) {
      throw changed(files.get(files.size() - 1));
    }
  }

  private static StoreException changed(Path file) {
    return new StoreException(
        FailureClass.TARGET_CHANGED,
        file + " does not have one line for each vector; it was changed");
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
