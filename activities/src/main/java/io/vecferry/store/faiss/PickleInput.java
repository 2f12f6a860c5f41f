package io.vecferry.store.faiss;

import io.vecferry.store.StoreException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.util.Arrays;

/** Bytes of a pickle file, in order and by position. Lengths are checked before allocating. */
final class PickleInput {
  private final Path path;
  private final FileChannel channel;
  private final long size;
  private final byte[] window = new byte[1 << 16];
  private long windowOffset;
  private int at;
  private int end;

  PickleInput(Path path, FileChannel channel) throws IOException {
    this.path = path;
    this.channel = channel;
    this.size = channel.size();
  }

  long size() {
    return size;
  }

  long position() {
    return windowOffset + at;
  }

  int unsignedByte() throws IOException {
    if (at == end) {
      windowOffset += end;
      at = 0;
      end = Math.max(0, channel.read(ByteBuffer.wrap(window), windowOffset));
      if (end == 0) {
        throw truncated(1);
      }
    }
    return window[at++] & 0xff;
  }

  /** A little-endian number of up to 8 bytes. */
  long number(int bytes) throws IOException {
    long value = 0;
    for (int i = 0; i < bytes; i++) {
      value |= (long) unsignedByte() << 8 * i;
    }
    return value;
  }

  byte[] bytes(long length) throws IOException {
    if (length < 0 || length > size - position()) {
      throw truncated(length);
    }
    if (length > Integer.MAX_VALUE - 16) {
      throw FileErrors.bad(path + ": a text of " + length + " bytes is longer than supported");
    }
    byte[] bytes = new byte[(int) length];
    int done = 0;
    while (done < bytes.length) {
      if (at == end) {
        bytes[done++] = (byte) unsignedByte();
        continue;
      }
      int part = Math.min(bytes.length - done, end - at);
      System.arraycopy(window, at, bytes, done, part);
      at += part;
      done += part;
    }
    return bytes;
  }

  /** The bytes up to the next line feed, without it. */
  byte[] line() throws IOException {
    byte[] line = new byte[64];
    int length = 0;
    for (int value = unsignedByte(); value != '\n'; value = unsignedByte()) {
      if (length == line.length) {
        line = Arrays.copyOf(line, Math.multiplyExact(length, 2));
      }
      line[length++] = (byte) value;
    }
    return Arrays.copyOf(line, length);
  }

  /** A second input over the same file that starts at a position; for looking up what was read. */
  void seek(long position) {
    if (position >= windowOffset && position <= windowOffset + end) {
      at = (int) (position - windowOffset);
    } else {
      windowOffset = position;
      at = 0;
      end = 0;
    }
  }

  StoreException truncated(long wanted) {
    return FileErrors.bad(
        path
            + " is truncated: "
            + (wanted < 0 ? "an impossible number of" : String.valueOf(wanted))
            + " bytes were expected at byte "
            + position()
            + ", the file has "
            + size);
  }
}
