package io.vecferry.archive;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** The disk under a folder. */
public final class Disk {
  private Disk() {}

  /** Bytes that are free for a folder, which need not be there yet; -1 when nobody can tell. */
  public static long freeBytes(Path folder) {
    Path there = folder.toAbsolutePath().normalize();
    while (there != null && !Files.isDirectory(there)) {
      there = there.getParent();
    }
    try {
      return there == null ? -1 : Files.getFileStore(there).getUsableSpace();
    } catch (IOException e) {
      return -1;
    }
  }
}
