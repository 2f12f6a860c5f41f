package io.vecferry.store;

import io.vecferry.record.RecordBatch;

/** Reads a range batch by batch. Not thread-safe; several readers of one store may run at once. */
public interface BatchReader extends AutoCloseable {

  /** The next records, at most as many as the batch size, or null at the end of the range. */
  RecordBatch next();

  /**
   * The position behind the last batch. It can be given to {@link VectorStore#read} later, in
   * another process, and is never a handle that a server may forget.
   */
  String cursor();

  @Override
  void close();
}
