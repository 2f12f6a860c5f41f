package io.vecferry.archive;

/** A column of a Parquet file is not as it should be; the message does not name the column. */
final class BadColumn extends RuntimeException {
  BadColumn(String message) {
    super(message, null, false, false);
  }
}
