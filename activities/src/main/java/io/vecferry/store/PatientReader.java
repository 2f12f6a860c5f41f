package io.vecferry.store;

import io.vecferry.plan.FailureClass;
import io.vecferry.record.RecordBatch;

/**
 * Reads a range from a store that may ask to slow down. It then goes on behind the last batch after
 * a while, with batches half as large unless a person has said how large they are, and nothing is
 * read again.
 */
public final class PatientReader implements BatchReader {
  private final VectorStore store;
  private final SourceRange range;
  private final boolean fixedRows;
  private int rows;
  private BatchReader reader;
  private String cursor;

  /**
   * @param rows most records of a batch
   * @param fixedRows whether a person has said so
   */
  public PatientReader(
      VectorStore store, SourceRange range, String cursor, int rows, boolean fixedRows) {
    this.store = store;
    this.range = range;
    this.cursor = cursor;
    this.rows = rows;
    this.fixedRows = fixedRows;
  }

  @Override
  public RecordBatch next() {
    return SlowDown.obey(this::read);
  }

  private RecordBatch read() {
    try {
      if (reader == null) {
        reader = store.read(range, cursor, rows);
      }
      RecordBatch batch = reader.next();
      cursor = reader.cursor();
      return batch;
    } catch (StoreException e) {
      if (e.failureClass() == FailureClass.RATE_LIMITED) {
        close();
        rows = fixedRows ? rows : Math.max(1, rows / 2);
      }
      throw e;
    }
  }

  @Override
  public String cursor() {
    return cursor;
  }

  @Override
  public void close() {
    if (reader != null) {
      BatchReader open = reader;
      reader = null;
      open.close();
    }
  }
}
