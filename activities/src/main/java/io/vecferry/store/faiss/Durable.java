package io.vecferry.store.faiss;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.UUID;

/** File operations that are all there or not at all, also after power loss. */
final class Durable {
  static final String TEMPORARY = ".tmp";

  private Durable() {}

  /** A name beside a file for an attempt at it, which nobody else uses. */
  static Path temporary(Path file) {
    return file.resolveSibling(file.getFileName() + "." + UUID.randomUUID() + TEMPORARY);
  }

  /** Replaces a file by these bytes. */
  static void replace(Path file, byte[] bytes) throws IOException {
    Path temporary = temporary(file);
    try {
      try (FileChannel channel =
          FileChannel.open(temporary, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
        writeFully(channel, ByteBuffer.wrap(bytes));
        channel.force(true);
      }
      move(temporary, file);
    } finally {
      Files.deleteIfExists(temporary);
    }
    syncFolder(file.getParent());
  }

  static void move(Path from, Path to) throws IOException {
    Files.move(from, to, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
  }

  static void writeFully(FileChannel channel, ByteBuffer buffer) throws IOException {
    while (buffer.hasRemaining()) {
      channel.write(buffer);
    }
  }

  /** Makes names in a folder durable. */
  static void syncFolder(Path folder) throws IOException {
    try (FileChannel channel = FileChannel.open(folder, StandardOpenOption.READ)) {
      channel.force(true);
    }
  }
}
