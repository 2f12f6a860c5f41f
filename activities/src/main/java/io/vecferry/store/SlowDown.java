package io.vecferry.store;

import io.vecferry.plan.FailureClass;
import java.time.Duration;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;

/** What is done when a store asks to slow down: wait, longer each time, and ask again. */
public final class SlowDown {
  private static final Duration FIRST_PAUSE = Duration.ofMillis(250);
  private static final Duration LONGEST_PAUSE = Duration.ofSeconds(8);
  private static final Duration PATIENCE = Duration.ofSeconds(90);

  private SlowDown() {}

  /**
   * Makes a request until the store does not refuse it as one too many any more, for a minute and a
   * half at most.
   */
  public static <T> T obey(Supplier<T> request) {
    long deadline = System.nanoTime() + PATIENCE.toNanos();
    long pause = FIRST_PAUSE.toMillis();
    while (true) {
      try {
        return request.get();
      } catch (StoreException e) {
        if (e.failureClass() != FailureClass.RATE_LIMITED || System.nanoTime() > deadline) {
          throw e;
        }
        sleep(pause + ThreadLocalRandom.current().nextLong(pause));
        pause = Math.min(2 * pause, LONGEST_PAUSE.toMillis());
      }
    }
  }

  private static void sleep(long millis) {
    try {
      TimeUnit.MILLISECONDS.sleep(millis);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new StoreException(FailureClass.TRANSIENT, "the work was stopped", e);
    }
  }
}
