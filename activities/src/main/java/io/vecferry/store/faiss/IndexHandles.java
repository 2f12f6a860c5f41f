package io.vecferry.store.faiss;

import io.vecferry.plan.FailureClass;
import io.vecferry.store.StoreException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;

/**
 * Reads from the files of an index at any position. For one thread; every reader has its own, and
 * closes it.
 */
final class IndexHandles implements AutoCloseable {
  private static final int SCRATCH = 1 << 18;

  private final List<Path> paths;
  private final FileChannel[] channels;
  private final ByteBuffer scratch =
      ByteBuffer.allocateDirect(SCRATCH).order(ByteOrder.LITTLE_ENDIAN);

  /**
   * @param paths the index file, and the file of its on-disk lists if it has one
   */
  IndexHandles(List<Path> paths) {
    this.paths = paths;
    this.channels = new FileChannel[paths.size()];
    for (int i = 0; i < channels.length; i++) {
      try {
        channels[i] = FileChannel.open(paths.get(i), StandardOpenOption.READ);
      } catch (IOException e) {
        close();
        throw FileErrors.of("opening", paths.get(i), e);
      }
    }
  }

  void floats(int file, long position, float[] target, int offset, int count) {
    for (int done = 0; done < count; ) {
      int floats = Math.min(count - done, SCRATCH / 4);
      fill(file, position + done * 4L, floats * 4);
      scratch.asFloatBuffer().get(target, offset + done, floats);
      done += floats;
    }
  }

  void longs(int file, long position, long[] target, int offset, int count) {
    for (int done = 0; done < count; ) {
      int longs = Math.min(count - done, SCRATCH / 8);
      fill(file, position + done * 8L, longs * 8);
      scratch.asLongBuffer().get(target, offset + done, longs);
      done += longs;
    }
  }

  void bytes(int file, long position, byte[] target, int offset, int count) {
    for (int done = 0; done < count; ) {
      int bytes = Math.min(count - done, SCRATCH);
      fill(file, position + done, bytes);
      scratch.get(target, offset + done, bytes);
      done += bytes;
    }
  }

  private void fill(int file, long position, int bytes) {
    scratch.clear().limit(bytes);
    try {
      while (scratch.hasRemaining()) {
        if (channels[file].read(scratch, position + scratch.position()) < 0) {
          throw new StoreException(
              FailureClass.SOURCE_CHANGED, paths.get(file) + " became shorter while it was read");
        }
      }
    } catch (IOException e) {
      throw FileErrors.of("reading", paths.get(file), e);
    }
    scratch.flip();
  }

  @Override
  public void close() {
    for (int i = 0; i < channels.length; i++) {
      try {
        if (channels[i] != null) {
          channels[i].close();
        }
      } catch (IOException e) {
        throw FileErrors.of("closing", paths.get(i), e);
      }
    }
  }
}
