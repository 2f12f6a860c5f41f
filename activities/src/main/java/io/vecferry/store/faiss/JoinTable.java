package io.vecferry.store.faiss;

import io.vecferry.plan.FailureClass;
import io.vecferry.record.IdKind;
import io.vecferry.store.StoreException;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;

/**
 * Texts by key, kept in a temporary file; memory is 32 bytes for each. Filled once, then read. Not
 * thread-safe.
 */
final class JoinTable implements AutoCloseable {
  private final FileChannel channel;
  private final OutputStream output;
  private long end;
  private int size;
  private long[] starts = new long[1024];
  private int[] keyLengths = new int[1024];
  private long[] hashes = new long[1024];
  private int[] slots;

  JoinTable() throws IOException {
    Path file = Files.createTempFile("vecferry-metadata-", ".table");
    this.channel =
        FileChannel.open(
            file,
            StandardOpenOption.READ,
            StandardOpenOption.WRITE,
            StandardOpenOption.DELETE_ON_CLOSE);
    this.output = new BufferedOutputStream(Channels.newOutputStream(channel), 1 << 16);
  }

  int size() {
    return size;
  }

  void add(byte[] key, byte[] text) throws IOException {
    if (size == Integer.MAX_VALUE - 16) {
      throw new StoreException(
          FailureClass.RESOURCE_EXHAUSTED, "metadata of more than 2^31 rows cannot be joined");
    }
    if (size + 1 >= starts.length) {
      int larger = (int) Math.min(Integer.MAX_VALUE - 16, starts.length * 2L);
      starts = Arrays.copyOf(starts, larger);
      keyLengths = Arrays.copyOf(keyLengths, larger);
      hashes = Arrays.copyOf(hashes, larger);
    }
    output.write(key);
    output.write(text);
    keyLengths[size] = key.length;
    hashes[size] = IdHash.of(IdKind.STRING, key, 0, key.length);
    end += (long) key.length + text.length;
    starts[++size] = end;
  }

  /** The entry with a key, -1 when there is none. */
  int find(byte[] key) throws IOException {
    index();
    long hash = IdHash.of(IdKind.STRING, key, 0, key.length);
    for (int slot = (int) hash & slots.length - 1;
        slots[slot] != 0;
        slot = slot + 1 & slots.length - 1) {
      int entry = slots[slot] - 1;
      if (hashes[entry] == hash && Arrays.equals(key(entry), key)) {
        return entry;
      }
    }
    return -1;
  }

  /** An entry whose key an earlier one has, -1 when there is none. */
  int duplicate() throws IOException {
    index();
    for (int entry = 0; entry < size; entry++) {
      if (find(key(entry)) != entry) {
        return entry;
      }
    }
    return -1;
  }

  private void index() throws IOException {
    if (slots != null) {
      return;
    }
    output.flush();
    int capacity = (int) Math.min(1L << 30, Long.highestOneBit(Math.max(16, size)) * 4);
    slots = new int[capacity];
    for (int entry = 0; entry < size; entry++) {
      int slot = (int) hashes[entry] & slots.length - 1;
      while (slots[slot] != 0) {
        slot = slot + 1 & slots.length - 1;
      }
      slots[slot] = entry + 1;
    }
  }

  byte[] key(int entry) throws IOException {
    return read(starts[entry], keyLengths[entry]);
  }

  byte[] text(int entry) throws IOException {
    output.flush();
    long start = starts[entry] + keyLengths[entry];
    return read(start, Math.toIntExact(starts[entry + 1] - start));
  }

  private byte[] read(long position, int length) throws IOException {
    ByteBuffer buffer = ByteBuffer.allocate(length);
    while (buffer.hasRemaining()) {
      if (channel.read(buffer, position + buffer.position()) < 0) {
        throw new IOException("the temporary file became shorter");
      }
    }
    return buffer.array();
  }

  @Override
  public void close() throws IOException {
    channel.close();
  }
}
