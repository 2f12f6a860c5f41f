package io.vecferry.store.faiss;

import java.util.Arrays;

/**
 * Where the inverted lists of an index lie. Only lists with vectors are held: an index may have far
 * more lists than the file has bytes.
 */
final class Lists {
  private final int file;
  private long[] numbers = new long[16];
  private long[] firstRows = new long[17];
  private long[] codes = new long[16];
  private long[] ids = new long[16];
  private int size;

  /**
   * @param file 0 for the index file, 1 for the file of on-disk lists
   */
  Lists(int file) {
    this.file = file;
  }

  void add(long number, long rows, long codesAt, long idsAt) {
    if (size == numbers.length) {
      numbers = Arrays.copyOf(numbers, size * 2);
      firstRows = Arrays.copyOf(firstRows, size * 2 + 1);
      codes = Arrays.copyOf(codes, size * 2);
      ids = Arrays.copyOf(ids, size * 2);
    }
    numbers[size] = number;
    codes[size] = codesAt;
    ids[size] = idsAt;
    firstRows[size + 1] = Math.addExact(firstRows[size], rows);
    size++;
  }

  int file() {
    return file;
  }

  long rows() {
    return firstRows[size];
  }

  /** The list, counted among those that have vectors, in which a row is. */
  int listOf(long row) {
    int found = Arrays.binarySearch(firstRows, 0, size + 1, row);
    return found >= 0 ? found : -found - 2;
  }

  long number(int list) {
    return numbers[list];
  }

  long firstRow(int list) {
    return firstRows[list];
  }

  long endRow(int list) {
    return firstRows[list + 1];
  }

  long codesOf(int list) {
    return codes[list];
  }

  long idsOf(int list) {
    return ids[list];
  }

  /** Calls back for each stretch of a range that lies in one list. */
  void each(long row, int count, Stretch stretch) {
    long at = row;
    long end = row + count;
    for (int list = listOf(row); at < end; list++) {
      int rows = (int) (Math.min(end, endRow(list)) - at);
      stretch.visit(list, at - firstRows[list], rows, (int) (at - row));
      at += rows;
    }
  }

  /** Some consecutive rows of one list. */
  interface Stretch {
    /**
     * @param list counted among those that have vectors
     * @param first position of the first row in the list
     * @param done rows of the range that come before it
     */
    void visit(int list, long first, int rows, int done);
  }
}
