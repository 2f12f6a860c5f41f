package io.vecferry.store.chroma;

import io.vecferry.plan.FailureClass;
import io.vecferry.store.StoreException;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * A file that is written once and read at any place, and is gone when this process is. Not a
 * channel: those are closed for all their users when one of them is interrupted. Thread-safe.
 */
final class TemporaryFile implements AutoCloseable {
  private final RandomAccessFile file;

  TemporaryFile() {
    try {
      Path path = Files.createTempFile("vecferry-chroma", ".ids");
      this.file = new RandomAccessFile(path.toFile(), "rw");
      try {
        // It stays usable as long as it is open, and nothing can leave it behind.
        Files.delete(path);
      } catch (IOException e) {
        path.toFile().deleteOnExit();
      }
    } catch (IOException e) {
      throw problem(e);
    }
  }

  synchronized void append(byte[] bytes, int count) {
    try {
      file.seek(file.length());
      file.write(bytes, 0, count);
    } catch (IOException e) {
      throw problem(e);
    }
  }

  synchronized byte[] read(long position, int count) {
    try {
      byte[] bytes = new byte[count];
      file.seek(position);
      file.readFully(bytes);
      return bytes;
    } catch (IOException e) {
      throw problem(e);
    }
  }

  private static StoreException problem(IOException e) {
    return new StoreException(
        FailureClass.RESOURCE_EXHAUSTED,
        "the ids of a collection cannot be kept in "
            + System.getProperty("java.io.tmpdir")
            + " on this worker: "
            + e.getMessage()
            + ". Make room there, or set java.io.tmpdir.",
        e);
  }

  @Override
  public synchronized void close() {
    try {
      file.close();
    } catch (IOException e) {
      throw problem(e);
    }
  }
}
