package io.vecferry.store.milvus;

import io.milvus.grpc.QueryResults;
import io.vecferry.plan.FailureClass;
import io.vecferry.store.SourceRange;
import io.vecferry.store.StoreException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * All keys of a collection, read once in order: how many there are, and where ranges of them can
 * end. Keeps some keys only, however many there are.
 */
final class KeyScan {
  /** Largest page that Milvus gives, as long as nobody has set it otherwise. */
  static final int MOST_ROWS = 16_384;

  private static final int MOST_MARKS = 8_192;

  /**
   * @param rows keys up to and including this one
   */
  private record Mark(String key, long rows) {}

  private final List<Mark> marks = new ArrayList<>();
  private long stride = 1;
  private long rows;
  private String last;

  private KeyScan() {}

  static KeyScan of(MilvusCollection collection) {
    KeyScan scan = new KeyScan();
    scan.read(collection);
    return scan;
  }

  private void read(MilvusCollection collection) {
    Layout layout = keysOnly(collection.layout());
    Filter filter = collection.filter(layout);
    long moment = collection.now();
    int limit = MOST_ROWS;
    while (true) {
      Page page;
      try {
        QueryResults answer =
            collection.ask(
                collection.query(
                    filter.range(last, null), List.of(layout.idField()), limit, true, moment));
        page = new Page(answer, layout);
      } catch (StoreException e) {
        if (e.failureClass() != FailureClass.TOO_LARGE || limit == 1) {
          throw e;
        }
        limit /= 2;
        continue;
      }
      if (page.rows() == 0) {
        return;
      }
      requireOrder(page, layout, last);
      for (int row = 0; row < page.rows(); row++) {
        add(page, row);
      }
      last = page.id(page.rows() - 1);
    }
  }

  private static Layout keysOnly(Layout layout) {
    return new Layout(
        layout.idField(),
        layout.textIds(),
        layout.longestId(),
        List.of(),
        null,
        List.of(),
        false,
        layout.note());
  }

  private void add(Page page, int row) {
    rows++;
    if (rows % stride != 0) {
      return;
    }
    marks.add(new Mark(page.id(row), rows));
    if (marks.size() > MOST_MARKS) {
      stride *= 2;
      marks.removeIf(mark -> mark.rows() % stride != 0);
    }
  }

  /**
   * Refuses a page whose keys do not ascend: reading on behind its last key would lose rows.
   *
   * @param before the last key of the page before; null for none
   */
  static void requireOrder(Page page, Layout layout, String before) {
    for (int row = 0; row < page.rows(); row++) {
      boolean ascends =
          row == 0 ? before == null || isBehind(before, page, layout) : ascends(page, layout, row);
      if (!ascends) {
        throw new StoreException(
            FailureClass.INCOMPATIBLE,
            "this Milvus does not answer in the order of the key: \""
                + (row == 0 ? before : page.id(row - 1))
                + "\" comes before \""
                + page.id(row)
                + "\". Reading it page by page would lose rows.");
      }
    }
  }

  private static boolean isBehind(String before, Page page, Layout layout) {
    return layout.textIds()
        ? Arrays.compareUnsigned(
                before.getBytes(java.nio.charset.StandardCharsets.UTF_8), page.idBytes(0))
            < 0
        : Long.parseLong(before) < Long.parseLong(page.id(0));
  }

  private static boolean ascends(Page page, Layout layout, int row) {
    return layout.textIds()
        ? Arrays.compareUnsigned(page.idBytes(row - 1), page.idBytes(row)) < 0
        : Long.parseLong(page.id(row - 1)) < Long.parseLong(page.id(row));
  }

  /** Number of different keys. */
  long rows() {
    return rows;
  }

  /** Ranges of about the same size; their row counts are exact. */
  List<SourceRange> split(int wanted) {
    if (rows == 0) {
      return List.of(new SourceRange(Cursor.START, Cursor.START, 0, true));
    }
    long parts = Math.max(1, Math.min(wanted, marks.size()));
    List<SourceRange> ranges = new ArrayList<>();
    String start = Cursor.START;
    long before = 0;
    for (long part = 1; part < parts; part++) {
      Mark mark = markAt(rows * part / parts);
      if (mark.rows() > before && mark.rows() < rows) {
        String end = Cursor.behind(mark.key());
        ranges.add(new SourceRange(start, end, mark.rows() - before, true));
        start = end;
        before = mark.rows();
      }
    }
    ranges.add(new SourceRange(start, Cursor.behind(last), rows - before, true));
    return ranges;
  }

  private Mark markAt(long row) {
    int index = (int) Math.min(marks.size() - 1, Math.max(0, row / stride - 1));
    return marks.get(index);
  }
}
