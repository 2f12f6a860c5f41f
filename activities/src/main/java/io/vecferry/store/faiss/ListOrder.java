package io.vecferry.store.faiss;

/**
 * The order of rows in an inverted file: list after list, in each as they came.
 *
 * @param lists the list of each row
 * @param starts for each list, the rows that stand before it; one more for all rows
 */
record ListOrder(int[] lists, int[] starts) {

  static ListOrder of(int[] lists, int count) {
    int[] starts = new int[count + 1];
    for (int list : lists) {
      starts[list + 1]++;
    }
    for (int list = 0; list < count; list++) {
      starts[list + 1] += starts[list];
    }
    return new ListOrder(lists, starts);
  }

  int size(int list) {
    return starts[list + 1] - starts[list];
  }

  /**
   * Numbers of some consecutive rows, sorted by list and in each as they came.
   *
   * @param from first row
   * @return rows counted from {@code from}
   */
  int[] sorted(int from, int count) {
    int[] ends = new int[starts.length];
    for (int row = 0; row < count; row++) {
      ends[lists[from + row] + 1]++;
    }
    for (int list = 1; list < ends.length; list++) {
      ends[list] += ends[list - 1];
    }
    int[] sorted = new int[count];
    for (int row = 0; row < count; row++) {
      sorted[ends[lists[from + row]]++] = row;
    }
    return sorted;
  }
}
