package io.vecferry.store;

/**
 * A fixed range of a collection, decided once and read in order.
 *
 * <p>Of a range that is exact, a reader that meets other records than there were says
 * SOURCE_CHANGED; of another one it gives what is there.
 *
 * @param start cursor of its first record, in the store's own spelling
 * @param end cursor behind its last record
 * @param rows number of records in it; an estimate when {@code exact} is false
 * @param exact whether {@code rows} is exact
 */
public record SourceRange(String start, String end, long rows, boolean exact) {

  /** The same range of a collection that somebody may write to. */
  public SourceRange moving() {
    return new SourceRange(start, end, rows, false);
  }
}
