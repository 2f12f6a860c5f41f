package io.vecferry.store.faiss;

import io.vecferry.plan.FailureClass;
import io.vecferry.store.StoreException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;

/**
 * A {@code meta.jsonl} with one line per row. Finds the line of any row with a table of every
 * {@value #STEP}th line start, which is built by one scan when it is first needed. Thread-safe.
 */
final class Sidecar {
  private static final int STEP = 1024;

  private final Path path;
  private final String name;
  private final long expectedRows;
  private volatile long[] table;

  /**
   * @param path the file to read
   * @param name what people know the file as
   * @param expectedRows vectors in the index
   */
  Sidecar(Path path, String name, long expectedRows) {
    this.path = path;
    this.name = name;
    this.expectedRows = expectedRows;
  }

  String name() {
    return name;
  }

  /** A reader that starts at a line; the caller closes it. */
  MetaReader reader(long row, long offset) {
    try {
      return new MetaReader(FileChannel.open(path, StandardOpenOption.READ), name, row, offset);
    } catch (IOException e) {
      throw FileErrors.of("opening", path, e);
    }
  }

  /** Puts a reader before the line of a row. */
  void seek(MetaReader reader, long row) throws IOException {
    long[] starts = table();
    long near = row / STEP;
    if (reader.nextRow() > row || reader.nextRow() < near * STEP) {
      reader.seek(near * STEP, starts[(int) near]);
    }
    while (reader.nextRow() < row) {
      reader.next();
    }
  }

  /** Position of the line of a row; the length of the file for the row behind the last one. */
  long offsetOf(long row) {
    try (MetaReader reader = reader(0, 0)) {
      seek(reader, row);
      return reader.nextOffset();
    } catch (IOException e) {
      throw FileErrors.of("reading", path, e);
    }
  }

  private long[] table() {
    long[] known = table;
    if (known == null) {
      synchronized (this) {
        if (table == null) {
          table = scan();
        }
        known = table;
      }
    }
    return known;
  }

  private long[] scan() {
    long[] starts = new long[64];
    long lines = 0;
    long position = 0;
    byte last = '\n';
    byte[] block = new byte[1 << 20];
    starts[0] = 0;
    try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ)) {
      for (int read = channel.read(ByteBuffer.wrap(block)); read > 0; ) {
        for (int i = 0; i < read; i++) {
          if (block[i] == '\n') {
            lines++;
            if (lines % STEP == 0) {
              int at = (int) (lines / STEP);
              if (at >= starts.length) {
                starts = Arrays.copyOf(starts, at * 2);
              }
              starts[at] = position + i + 1;
            }
          }
        }
        last = block[read - 1];
        position += read;
        read = channel.read(ByteBuffer.wrap(block));
      }
    } catch (IOException e) {
      throw FileErrors.of("reading", path, e);
    }
    if (last != '\n') {
      lines++;
    }
    if (lines != expectedRows) {
      throw linesDiffer(lines);
    }
    return starts;
  }

  StoreException linesDiffer(long lines) {
    return new StoreException(
        FailureClass.INCOMPATIBLE,
        name + " has " + lines + " lines, the index has " + expectedRows + " vectors");
  }

  long bytes() {
    try {
      return Files.size(path);
    } catch (IOException e) {
      throw FileErrors.of("reading", path, e);
    }
  }
}
