package io.vecferry.phase;

import io.vecferry.activity.Pace;
import io.vecferry.plan.FailureClass;
import io.vecferry.spec.MigrationSpec;
import io.vecferry.store.StoreException;
import java.util.concurrent.TimeUnit;

/** Holds a step back to the records per second that a person has set. For one step. */
final class Throttle {
  /** Most bytes of records that are on their way together when nobody says how many records. */
  static final long BATCH_BYTES = 4L << 20;

  private final double rowsPerSecond;
  private final long startNanos = System.nanoTime();
  private long rows;

  /**
   * @param pace null for no limit
   */
  Throttle(Pace pace) {
    this.rowsPerSecond = pace == null ? 0 : pace.rowsPerSecond();
  }

  /**
   * Records in one request: as a person has set it, or else as the spec says.
   *
   * @return 0 when neither says anything
   */
  static int batchSize(Pace pace, int ofSpec) {
    return pace == null || pace.batchSize() == 0 ? ofSpec : pace.batchSize();
  }

  /**
   * The same; when neither says anything, as many as a request usually has, fewer when they are
   * large.
   */
  static int batchSize(Pace pace, int ofSpec, long bytesPerRow) {
    int asked = batchSize(pace, ofSpec);
    return asked > 0
        ? asked
        : (int) Math.max(1, Math.min(MigrationSpec.USUAL_BATCH, BATCH_BYTES / bytesPerRow));
  }

  /** So many records, but no more than may be done in a second. */
  int atMost(int some) {
    return rowsPerSecond <= 0 ? some : (int) Math.max(1, Math.min(some, rowsPerSecond));
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
