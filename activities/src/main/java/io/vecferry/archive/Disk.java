package io.vecferry.archive;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;

/** The disk under a folder. */
public final class Disk {
  private static final Set<String> MEMORY = Set.of("tmpfs", "ramfs");

  private Disk() {}

  /** Bytes of the whole disk that a folder is or will be on; 0 when nobody can tell. */
  public static long totalBytes(Path folder) {
    Path there = existing(folder);
    try {
      return there == null ? 0 : Files.getFileStore(there).getTotalSpace();
    } catch (IOException e) {
      return 0;
    }
  }

  /** Bytes that are free for a folder, which need not be there yet; -1 when nobody can tell. */
  public static long freeBytes(Path folder) {
    Path there = existing(folder);
    try {
      return there == null ? -1 : Files.getFileStore(there).getUsableSpace();
    } catch (IOException e) {
      return -1;
    }
  }

  /** Whether what is written to a folder takes memory of the machine. */
  public static boolean isMemory(Path folder) {
    Path there = existing(folder);
    try {
      return there != null && MEMORY.contains(Files.getFileStore(there).type());
    } catch (IOException e) {
      return false;
    }
  }

  private static Path existing(Path folder) {
    Path there = folder.toAbsolutePath().normalize();
    while (there != null && !Files.isDirectory(there)) {
      there = there.getParent();
    }
    return there;
  }
}
