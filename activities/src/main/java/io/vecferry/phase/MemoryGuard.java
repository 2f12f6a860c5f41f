package io.vecferry.phase;

import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.Supplier;

/**
 * Lets a worker take fewer parts at once before its memory runs out. One part is always let in, so
 * that work goes on. Thread-safe.
 */
final class MemoryGuard {
  private final Supplier<List<MemoryUse>> readings;
  private int running;

  /**
   * @param readings what is used now, of all that is limited
   */
  MemoryGuard(Supplier<List<MemoryUse>> readings) {
    this.readings = readings;
  }

  /**
   * Works on a part.
   *
   * @throws HeldBack when memory is short and other parts run, which give theirs back
   */
  <T> T run(Supplier<T> work) {
    enter();
    try {
      return work.get();
    } finally {
      leave();
    }
  }

  private synchronized void enter() {
    if (running > 0) {
      Optional<MemoryUse> full = readings.get().stream().filter(MemoryUse::isNearlyAll).findFirst();
      if (full.isPresent()) {
        throw new HeldBack(
            String.format(
                Locale.ROOT,
                "this worker is short of memory and does fewer parts at once: %s; %d run. Tried"
                    + " again when some are done. If it lasts: %s, or tune parallelism or batchSize.",
                full.get(),
                running,
                full.get().remedy()));
      }
    }
    running++;
  }

  private synchronized void leave() {
    running--;
  }
}
