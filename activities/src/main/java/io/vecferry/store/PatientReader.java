package io.vecferry.store;

import io.vecferry.plan.FailureClass;
import io.vecferry.record.RecordBatch;
import java.util.Optional;

/**
 * Reads a range from a store that may ask to slow down. It then goes on behind the last batch after
 * a while, with batches half as large unless a person has said how large they are, and nothing is
 * read again. After some batches they are larger again.
 */
public final class PatientReader implements BatchReader {
  /** Limits on requests in a time are met all the sooner with small batches. */
  private static final int SMALLEST_SHARE = 8;

  private static final int BATCHES_BEFORE_LARGER = 8;

  private final VectorStore store;
  private final SourceRange range;
  private final boolean fixedRows;
  private final int mostRows;
  private final RequestsSeen seen;
  private int rows;
  private int batches;
  private boolean smaller;
  private BatchReader reader;
  private String cursor;
  private boolean closed;

  /**
   * @param rows most records of a batch
   * @param fixedRows whether a person has said so
   * @param seen counts readers of this store in this process
   */
  public PatientReader(
      VectorStore store,
      SourceRange range,
      String cursor,
      int rows,
      boolean fixedRows,
      RequestsSeen seen) {
    this.store = store;
    this.range = range;
    this.cursor = cursor;
    this.mostRows = rows;
    this.rows = rows;
    this.fixedRows = fixedRows;
    this.seen = seen;
    seen.began(System.nanoTime());
  }

  @Override
  public RecordBatch next() {
    smaller = fixedRows;
    return SlowDown.obey(this::read);
  }

  private RecordBatch read() {
    try {
      if (reader == null) {
        reader = store.read(range, cursor, rows);
      }
      RecordBatch batch = reader.next();
      cursor = reader.cursor();
      batches++;
      if (batch != null) {
        seen.moved(batch.rows());
      }
      if (rows < mostRows && batches == BATCHES_BEFORE_LARGER) {
        resize(2 * rows);
      }
      return batch;
    } catch (StoreException e) {
      if (e.failureClass() == FailureClass.RATE_LIMITED) {
        resize(smaller ? rows : rows / 2);
        smaller = true;
      }
      throw e;
    }
  }

  private void resize(int wanted) {
    closeReader();
    batches = 0;
    rows = Math.min(mostRows, Math.max(wanted, Math.max(1, mostRows / SMALLEST_SHARE)));
  }

  @Override
  public String cursor() {
    return cursor;
  }

  /** What reading this store is like by now; empty where nothing was read. */
  public Optional<RequestsFound> found(String type) {
    return seen.found(type, System.nanoTime())
        .map(
            all ->
                new RequestsFound(
                    type, Math.min(all.rows(), rows), all.atOnce(), all.rowsPerSecond()));
  }

  @Override
  public void close() {
    if (!closed) {
      closed = true;
      seen.ended(System.nanoTime());
    }
    closeReader();
  }

  private void closeReader() {
    if (reader != null) {
      BatchReader open = reader;
      reader = null;
      open.close();
    }
  }
}
