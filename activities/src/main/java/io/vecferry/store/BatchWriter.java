package io.vecferry.store;

import io.vecferry.record.RecordBatch;
import java.util.List;
import java.util.Optional;

/**
 * Writes the records of one part into a load. Writing the same part again replaces what an earlier
 * attempt wrote; two attempts may overlap. Not thread-safe.
 */
public interface BatchWriter extends AutoCloseable {

  /**
   * Sends a batch. May return before the store has acknowledged it; blocks while too much is in
   * flight.
   */
  void write(RecordBatch batch);

  /**
   * Rows that the next batch should have where nobody has said how many: those of one request, as
   * the store likes it.
   */
  default int batchRows() {
    return AdaptiveRequests.FIRST_ROWS;
  }

  /** What requests of this load are like by now; empty where a store takes none. */
  default Optional<RequestsFound> requests() {
    return Optional.empty();
  }

  /** Number of rows, counted from the first one, that the store has acknowledged without a gap. */
  long acknowledged();

  /**
   * Number of rows, counted from the first one, that another writer of this part can leave out: the
   * target has them, and refused none of them. 0 where only a whole part counts.
   */
  default long resumable() {
    return 0;
  }

  /**
   * Waits until everything is acknowledged and makes the part durable.
   *
   * @return records that the store refused, each with its reason
   */
  List<Reject> finish();

  /** Frees resources; without {@link #finish} nothing of the part is promised to be there. */
  @Override
  void close();
}
