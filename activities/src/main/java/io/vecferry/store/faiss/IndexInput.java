package io.vecferry.store.faiss;

import io.vecferry.store.StoreException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/**
 * Walks a FAISS file from its start to its end. Every count is checked against what is left of the
 * file before anything is skipped or allocated; positions are 64-bit. Not thread-safe.
 */
final class IndexInput {
  private static final int WINDOW = 1 << 16;

  private final Path path;
  private final FileChannel channel;
  private final long size;
  private final ByteBuffer window;
  private long windowEnd;

  IndexInput(Path path, FileChannel channel) throws IOException {
    this.path = path;
    this.channel = channel;
    this.size = channel.size();
    int bytes = (int) Math.max(16, Math.min(WINDOW, size));
    this.window = ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
    window.limit(0);
  }

  Path path() {
    return path;
  }

  long size() {
    return size;
  }

  /** Where the next value starts. */
  long position() {
    return windowEnd - window.remaining();
  }

  String fourcc(String what) throws IOException {
    need(4, what);
    byte[] letters = new byte[4];
    window.get(letters);
    return new String(letters, StandardCharsets.ISO_8859_1);
  }

  int readByte(String what) throws IOException {
    need(1, what);
    return window.get() & 0xff;
  }

  boolean readFlag(String what) throws IOException {
    int value = readByte(what);
    if (value > 1) {
      throw damaged(what + " is " + value + " where only 0 or 1 is possible");
    }
    return value == 1;
  }

  int readInt(String what) throws IOException {
    need(4, what);
    return window.getInt();
  }

  long readLong(String what) throws IOException {
    need(8, what);
    return window.getLong();
  }

  float readFloat(String what) throws IOException {
    need(4, what);
    return window.getFloat();
  }

  /** Steps over a vector whose count stands before it. */
  Region vector(int width, String what) throws IOException {
    long count = readLong("the number of " + what);
    return region(count, width, what);
  }

  /** Steps over a vector that must have this many elements. */
  Region vector(long expected, int width, String what) throws IOException {
    long count = readLong("the number of " + what);
    if (count != expected) {
      throw damaged("it has " + count + " " + what + " where " + expected + " are needed");
    }
    return region(count, width, what);
  }

  /** Steps over {@code count} elements of {@code width} bytes. */
  Region region(long count, long width, String what) throws IOException {
    long left = size - position();
    if (count < 0 || count > 0 && width > left / count) {
      throw FileErrors.bad(
          path
              + " is truncated: "
              + Long.toUnsignedString(count)
              + " "
              + what
              + " of "
              + width
              + " bytes were expected from byte "
              + position()
              + ", the file has "
              + left
              + " bytes left");
    }
    Region region = new Region(0, position(), count * width);
    skip(count * width);
    return region;
  }

  /** Goes to another position, which must be one that was checked before. */
  void seek(long position) {
    windowEnd = position;
    window.limit(0);
  }

  private void skip(long bytes) {
    if (bytes <= window.remaining()) {
      window.position(window.position() + (int) bytes);
      return;
    }
    windowEnd = position() + bytes;
    window.limit(0);
  }

  float[] floats(long expected, String what) throws IOException {
    long count = readLong("the number of " + what);
    if (count != expected) {
      throw damaged("it has " + count + " " + what + " where " + expected + " are needed");
    }
    return floats(count, what, expected);
  }

  /** Any number of floats, whose count stands before them, up to a largest sensible one. */
  float[] floatsUpTo(long most, String what) throws IOException {
    long count = readLong("the number of " + what);
    if (count < 0 || count > most) {
      throw damaged("it has " + Long.toUnsignedString(count) + " " + what);
    }
    return floats(count, what, most);
  }

  private float[] floats(long count, String what, long most) throws IOException {
    if (most > Integer.MAX_VALUE - 16) {
      throw damaged(count + " " + what + " are more than can be held in memory");
    }
    if (count > (size - position()) / 4) {
      throw truncated(what, count * 4);
    }
    float[] values = new float[(int) count];
    for (int i = 0; i < values.length; i++) {
      values[i] = readFloat(what);
    }
    return values;
  }

  private void need(int bytes, String what) throws IOException {
    if (window.remaining() >= bytes) {
      return;
    }
    long position = position();
    if (size - position < bytes) {
      throw truncated(what, bytes);
    }
    window.compact();
    while (window.hasRemaining()) {
      int read = channel.read(window, position + window.position());
      if (read < 0) {
        break;
      }
    }
    window.flip();
    windowEnd = position + window.limit();
    if (window.remaining() < bytes) {
      throw truncated(what, bytes);
    }
  }

  private StoreException truncated(String what, long bytes) {
    return FileErrors.bad(
        path
            + " is truncated: "
            + what
            + " ("
            + bytes
            + " bytes) was expected at byte "
            + position()
            + ", the file ends at "
            + size);
  }

  StoreException damaged(String message) {
    return FileErrors.bad(path + " is not a consistent FAISS index: " + message);
  }

  /**
   * A stretch of bytes.
   *
   * @param file 0 for the index file, 1 for the file of its on-disk lists
   */
  record Region(int file, long offset, long bytes) {}
}
