package io.vecferry.phase;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.lang.management.MemoryPoolMXBean;
import java.lang.management.MemoryType;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * Memory of this process that is limited.
 *
 * @param name what it is, for messages
 * @param used bytes that cannot be had back
 * @param limit bytes
 * @param nearly share of the limit above which it is nearly used up
 * @param remedy how to get more
 */
record MemoryUse(String name, long used, long limit, double nearly, String remedy) {
  private static final double NEARLY_ALL_OF_HEAP = 0.85;

  /** The kernel ends a process without a word at the limit. */
  private static final double NEARLY_ALL_OF_GROUP = 0.9;

  private static final Path GROUP = Path.of("/sys/fs/cgroup");

  /** What is limited here. */
  static List<MemoryUse> now() {
    List<MemoryUse> uses = new ArrayList<>();
    Runtime runtime = Runtime.getRuntime();
    uses.add(heap(runtime.totalMemory() - runtime.freeMemory(), keptInHeap(), runtime.maxMemory()));
    MemoryUse group = group(GROUP);
    if (group != null) {
      uses.add(group);
    }
    return uses;
  }

  /**
   * The heap.
   *
   * @param used with what nobody needs any more
   * @param kept what the last collection of all of it has left; what was given up since, it does
   *     not know
   */
  static MemoryUse heap(long used, long kept, long limit) {
    return new MemoryUse(
        "heap after collection",
        Math.min(used, kept),
        limit,
        NEARLY_ALL_OF_HEAP,
        "start it with a larger -Xmx");
  }

  private static long keptInHeap() {
    long kept = 0;
    for (MemoryPoolMXBean pool : ManagementFactory.getMemoryPoolMXBeans()) {
      if (pool.getType() == MemoryType.HEAP && pool.getCollectionUsage() != null) {
        kept += pool.getCollectionUsage().getUsed();
      }
    }
    return kept;
  }

  /**
   * The control group that the process is in, as it sees it: of version 2, or of version 1.
   *
   * @return null when it has no limit
   */
  static MemoryUse group(Path root) {
    try {
      boolean second = Files.exists(root.resolve("memory.max"));
      Path folder = second ? root : root.resolve("memory");
      String limit =
          Files.readString(folder.resolve(second ? "memory.max" : "memory.limit_in_bytes")).strip();
      long used =
          Long.parseLong(
              Files.readString(folder.resolve(second ? "memory.current" : "memory.usage_in_bytes"))
                  .strip());
      List<String> caches =
          second
              ? List.of("active_file ", "inactive_file ")
              : List.of("total_active_file ", "total_inactive_file ");
      long reclaimable =
          Files.readAllLines(folder.resolve("memory.stat")).stream()
              .filter(line -> caches.stream().anyMatch(line::startsWith))
              .mapToLong(line -> Long.parseLong(line.substring(line.indexOf(' ') + 1)))
              .sum();
      // Version 1 has a very large number for no limit.
      return limit.equals("max") || Long.parseLong(limit) > 1L << 60
          ? null
          : new MemoryUse(
              "memory of its control group",
              used - reclaimable,
              Long.parseLong(limit),
              NEARLY_ALL_OF_GROUP,
              "give its container or unit more");
    } catch (IOException | NumberFormatException e) {
      return null;
    }
  }

  boolean isNearlyAll() {
    return used > nearly * limit;
  }

  @Override
  public String toString() {
    return String.format(
        Locale.ROOT, "%s %d MB of %d MB", name, used / (1 << 20), limit / (1 << 20));
  }
}
