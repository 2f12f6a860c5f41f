package io.vecferry.store.faiss;

import io.vecferry.plan.FailureClass;
import io.vecferry.store.StoreException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;

/**
 * The vectors of a load in the order of its parts, and their labels where all ids are integers.
 * Reads at any row; used by one thread.
 */
final class SegmentRows implements AutoCloseable {
  private static final int BUFFER = 1 << 20;

  private final List<Part> parts;
  private final long[] firstRows;
  private final int dimension;
  private final ByteBuffer buffer = IndexFile.scratch(BUFFER);
  private FileChannel open;
  private Path openPath;

  /**
   * Files of one part.
   *
   * @param vectors float32, little-endian, row-major
   * @param labels int64, little-endian; not there where ids are not integers
   */
  record Part(Path vectors, Path labels, long rows) {}

  SegmentRows(List<Part> parts, int dimension) {
    this.parts = new ArrayList<>(parts);
    this.dimension = dimension;
    this.firstRows = new long[parts.size() + 1];
    for (int i = 0; i < parts.size(); i++) {
      firstRows[i + 1] = firstRows[i] + parts.get(i).rows();
    }
  }

  /** Whether every file is as long as its rows are. */
  void requireComplete() throws IOException {
    for (Part part : parts) {
      long expected = part.rows() * dimension * 4;
      long size = Files.size(part.vectors());
      if (size != expected) {
        throw new StoreException(
            FailureClass.TARGET_CHANGED,
            part.vectors() + " has " + size + " bytes, " + expected + " were written");
      }
    }
  }

  int dimension() {
    return dimension;
  }

  long rows() {
    return firstRows[parts.size()];
  }

  /** Reads consecutive vectors into {@code target} from {@code at} on. */
  void read(long row, int count, float[] target, int at) throws IOException {
    int done = 0;
    for (int part = partOf(row); done < count; part++) {
      long inPart = row + done - firstRows[part];
      int rows = (int) Math.min(count - done, parts.get(part).rows() - inPart);
      if (rows > 0) {
        readFloats(part, inPart, rows, target, at + done * dimension);
        done += rows;
      }
    }
  }

  private void readFloats(int part, long row, int rows, float[] target, int at) throws IOException {
    FileChannel channel = channel(parts.get(part).vectors());
    long position = row * dimension * 4;
    int left = rows * dimension;
    int to = at;
    while (left > 0) {
      int floats = Math.min(left, BUFFER / 4);
      fill(channel, position, floats * 4);
      buffer.asFloatBuffer().get(target, to, floats);
      position += floats * 4L;
      to += floats;
      left -= floats;
    }
  }

  /** Reads labels of consecutive rows. */
  void readLabels(long row, int count, long[] target) throws IOException {
    int done = 0;
    for (int part = partOf(row); done < count; part++) {
      long inPart = row + done - firstRows[part];
      int rows = (int) Math.min(count - done, parts.get(part).rows() - inPart);
      for (int left = rows; left > 0; ) {
        int labels = Math.min(left, BUFFER / 8);
        fill(channel(parts.get(part).labels()), (inPart + rows - left) * 8, labels * 8);
        buffer.asLongBuffer().get(target, done, labels);
        done += labels;
        left -= labels;
      }
    }
  }

  private int partOf(long row) {
    int low = 0;
    int high = parts.size();
    while (high - low > 1) {
      int middle = low + high >>> 1;
      if (firstRows[middle] <= row) {
        low = middle;
      } else {
        high = middle;
      }
    }
    return low;
  }

  private void fill(FileChannel channel, long position, int bytes) throws IOException {
    buffer.clear().limit(bytes);
    long at = position;
    while (buffer.hasRemaining()) {
      int read = channel.read(buffer, at);
      if (read < 0) {
        throw new StoreException(
            FailureClass.TARGET_CHANGED, openPath + " is shorter than what was written");
      }
      at += read;
    }
    buffer.flip();
  }

  private FileChannel channel(Path path) throws IOException {
    if (!path.equals(openPath)) {
      close();
      open = FileChannel.open(path, StandardOpenOption.READ);
      openPath = path;
    }
    return open;
  }

  @Override
  public void close() throws IOException {
    if (open != null) {
      open.close();
      open = null;
      openPath = null;
    }
  }
}
