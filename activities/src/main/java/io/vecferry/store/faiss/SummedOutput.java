package io.vecferry.store.faiss;

import io.vecferry.plan.FailureClass;
import io.vecferry.store.StoreException;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.zip.CRC32C;

/** Writes a file from its start to its end, and knows size and checksum of what was written. */
final class SummedOutput extends OutputStream {
  private static final int BUFFER = 1 << 20;

  private final FileChannel channel;
  private final ByteBuffer buffer =
      ByteBuffer.allocateDirect(BUFFER).order(ByteOrder.LITTLE_ENDIAN);
  private final CRC32C checksum = new CRC32C();
  private long bytes;

  SummedOutput(FileChannel channel) {
    this.channel = channel;
  }

  /** Bytes written so far, flushed or not. */
  long position() {
    return bytes + buffer.position();
  }

  Manifest.FileSum sum() {
    return new Manifest.FileSum(bytes, Long.toHexString(checksum.getValue()));
  }

  @Override
  public void write(int value) throws IOException {
    room(1).put((byte) value);
  }

  @Override
  public void write(byte[] source, int offset, int length) throws IOException {
    int at = offset;
    int left = length;
    while (left > 0) {
      int part = Math.min(left, room(1).remaining());
      buffer.put(source, at, part);
      at += part;
      left -= part;
    }
  }

  /** Writes four letters. */
  void fourcc(String name) throws IOException {
    room(4).put(name.getBytes(StandardCharsets.US_ASCII));
  }

  void putInt(int value) throws IOException {
    room(4).putInt(value);
  }

  void putLong(long value) throws IOException {
    room(8).putLong(value);
  }

  void putFloat(float value) throws IOException {
    room(4).putFloat(value);
  }

  void putDouble(double value) throws IOException {
    room(8).putDouble(value);
  }

  void putInts(int[] values, int from, int count) throws IOException {
    for (int done = 0; done < count; ) {
      int part = Math.min(count - done, room(4).remaining() / 4);
      buffer.asIntBuffer().put(values, from + done, part);
      buffer.position(buffer.position() + part * 4);
      done += part;
    }
  }

  void putFloats(float[] values) throws IOException {
    for (int done = 0; done < values.length; ) {
      int part = Math.min(values.length - done, room(4).remaining() / 4);
      buffer.asFloatBuffer().put(values, done, part);
      buffer.position(buffer.position() + part * 4);
      done += part;
    }
  }

  private ByteBuffer room(int wanted) throws IOException {
    if (buffer.remaining() < wanted) {
      flush();
    }
    return buffer;
  }

  /** Appends a whole file, which must have as many bytes as expected. */
  void copy(Path source, long expected) throws IOException {
    flush();
    long copied = 0;
    try (FileChannel from = FileChannel.open(source, StandardOpenOption.READ)) {
      while (from.read(buffer) >= 0) {
        copied += buffer.position();
        flush();
      }
    }
    if (copied != expected) {
      throw new StoreException(
          FailureClass.TARGET_CHANGED,
          source + " has " + copied + " bytes, " + expected + " were written");
    }
  }

  /** Takes over what somebody else wrote behind the last byte that was written here. */
  void skipWritten(long end) throws IOException {
    flush();
    channel.position(bytes);
    while (bytes < end) {
      buffer.limit((int) Math.min(buffer.capacity(), end - bytes));
      if (channel.read(buffer) < 0) {
        throw new IOException("the file ends at " + bytes + ", not at " + end);
      }
      buffer.flip();
      checksum.update(buffer.duplicate());
      bytes += buffer.remaining();
      buffer.clear();
    }
  }

  @Override
  public void flush() throws IOException {
    buffer.flip();
    checksum.update(buffer.duplicate());
    bytes += buffer.remaining();
    Durable.writeFully(channel, buffer);
    buffer.clear();
  }
}
