package io.vecferry.phase;

import io.vecferry.activity.Pace;
import io.vecferry.plan.FailureClass;
import io.vecferry.store.StoreException;
import java.util.concurrent.TimeUnit;

/** Holds a step back to the records per second that a person has set. For one step. */
final class Throttle {
  private final double rowsPerSecond;
  private final long startNanos = System.nanoTime();
  private long rows;

  /**
   * @param pace null for no limit
   */
  Throttle(Pace pace) {
    this.rowsPerSecond = pace == null ? 0 : pace.rowsPerSecond();
  }

  /** Records in one request: as a person has set it, or else as the spec says. */
  static int batchSize(Pace pace, int ofSpec) {
    return pace == null || pace.batchSize() == 0 ? ofSpec : pace.batchSize();
  }

  /** Waits until the records done so far, with these, are not too many. */
  void done(int more) {
    rows += more;
    if (rowsPerSecond <= 0) {
      return;
    }
    long due = startNanos + (long) (rows / rowsPerSecond * 1e9);
    try {
      TimeUnit.NANOSECONDS.sleep(due - System.nanoTime());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new StoreException(FailureClass.TRANSIENT, "interrupted while held back", e);
    }
  }
}
