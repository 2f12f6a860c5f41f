package io.vecferry.phase;

import com.sun.management.OperatingSystemMXBean;
import io.vecferry.report.MigrationReport.ResourceSample;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;

/**
 * Samples what this process uses, each second. Keeps a bounded number of samples by thinning out
 * the older ones.
 */
final class ResourceMonitor implements AutoCloseable {
  private static final int LARGEST = 7200;

  private final LongSupplier diskFree;
  private final List<ResourceSample> samples = new ArrayList<>();
  private final ScheduledExecutorService executor =
      Executors.newSingleThreadScheduledExecutor(
          task -> {
            Thread thread = new Thread(task, "resource-monitor");
            thread.setDaemon(true);
            return thread;
          });

  /**
   * @param diskFree bytes that are free for archives; -1 when nobody can tell
   */
  ResourceMonitor(LongSupplier diskFree) {
    this.diskFree = diskFree;
    executor.scheduleAtFixedRate(this::sample, 0, 1, TimeUnit.SECONDS);
  }

  /** Samples since a moment in milliseconds since 1970; their times are on the same clock. */
  synchronized List<ResourceSample> since(long millis) {
    return samples.stream().filter(sample -> sample.elapsedMillis() >= millis).toList();
  }

  /** The last sample; its time is in milliseconds since 1970. */
  synchronized Optional<ResourceSample> latest() {
    return samples.isEmpty() ? Optional.empty() : Optional.of(samples.get(samples.size() - 1));
  }

  @Override
  public void close() {
    executor.shutdownNow();
  }

  private synchronized void sample() {
    OperatingSystemMXBean system = ManagementFactory.getPlatformMXBean(OperatingSystemMXBean.class);
    Runtime runtime = Runtime.getRuntime();
    if (samples.size() >= LARGEST) {
      for (int i = LARGEST / 2 - 1; i >= 0; i--) {
        samples.remove(2 * i);
      }
    }
    samples.add(
        new ResourceSample(
            System.currentTimeMillis(),
            Math.max(0, system.getProcessCpuLoad()) * 100 * runtime.availableProcessors(),
            runtime.totalMemory() - runtime.freeMemory(),
            residentBytes(),
            diskFree.getAsLong()));
  }

  private static long residentBytes() {
    try {
      String[] fields = Files.readString(Path.of("/proc/self/statm")).split(" ");
      return Long.parseLong(fields[1]) * 4096;
    } catch (IOException | RuntimeException e) {
      return -1;
    }
  }
}
