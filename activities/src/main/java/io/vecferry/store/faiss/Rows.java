package io.vecferry.store.faiss;

/**
 * Vectors and their ids as they lie in the files of an index. Immutable; what is read is read
 * through a {@link Reader}.
 */
sealed interface Rows
    permits CodedRows,
        ListRows,
        DuplicateRows,
        RefinedRows,
        TwoLayerRows,
        ProductRows,
        OrderedRows,
        LabelledRows,
        TransformedRows {

  long count();

  int dimension();

  /** Whether ids are more than the row numbers. */
  boolean labelled();

  Precision precision();

  Reader open(IndexHandles handles);

  /** The same rows in the order of their ordinals, where they lie in another order. */
  default Rows inOrder() {
    return this;
  }

  /** Whether row numbers tell in which order vectors were added; reads ids where it must. */
  default boolean positional(IndexHandles handles) {
    return true;
  }

  /** Reads ranges of rows. For one thread. */
  interface Reader {
    /** Puts {@code count x dimension} floats into {@code target}, from {@code offset} on. */
    void vectors(long row, int count, float[] target, int offset);

    /** Puts {@code count} ids into {@code target}, from {@code offset} on. */
    default void labels(long row, int count, long[] target, int offset) {
      for (int i = 0; i < count; i++) {
        target[offset + i] = row + i;
      }
    }
  }
}
