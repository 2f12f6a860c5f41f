package io.vecferry.store.faiss;

import java.util.Arrays;

/**
 * An inverted file that keeps equal vectors once (FAISS' IndexIVFFlatDedup). The ids that share a
 * vector with an earlier one follow as rows of their own. The table is held in memory, 24 bytes for
 * each of them.
 *
 * @param pairs {@code (id in the lists, id with the same vector)}, two int64 each
 */
record DuplicateRows(Rows inner, IndexInput.Region pairs) implements Rows {
  private static final int LABELS = 1 << 13;

  @Override
  public long count() {
    return inner.count() + pairs.bytes() / 16;
  }

  @Override
  public int dimension() {
    return inner.dimension();
  }

  @Override
  public boolean labelled() {
    return true;
  }

  @Override
  public Precision precision() {
    return inner.precision();
  }

  @Override
  public Rows inOrder() {
    return new OrderedRows(this);
  }

  @Override
  public Reader open(IndexHandles handles) {
    return new DuplicateReader(handles, inner.open(handles));
  }

  private final class DuplicateReader implements Reader {
    private final IndexHandles handles;
    private final Reader reader;
    private long[] table;
    private long[] rowOfPair;

    private DuplicateReader(IndexHandles handles, Reader reader) {
      this.handles = handles;
      this.reader = reader;
    }

    private void load() {
      if (table != null) {
        return;
      }
      long[] read = new long[Math.toIntExact(pairs.bytes() / 8)];
      handles.longs(pairs.file(), pairs.offset(), read, 0, read.length);
      long[] wanted = new long[read.length / 2];
      for (int i = 0; i < wanted.length; i++) {
        wanted[i] = read[2 * i];
      }
      long[] ascending = wanted.clone();
      Arrays.sort(ascending);
      long[] rows = new long[wanted.length];
      Arrays.fill(rows, -1);
      long[] labels = new long[LABELS];
      for (long from = 0; from < inner.count(); from += LABELS) {
        int now = (int) Math.min(LABELS, inner.count() - from);
        reader.labels(from, now, labels, 0);
        for (int i = 0; i < now; i++) {
          int found = Arrays.binarySearch(ascending, labels[i]);
          if (found >= 0) {
            rows[found] = from + i;
          }
        }
      }
      // Equal ids may stand several times; the search meets any one of them.
      for (int i = 1; i < rows.length; i++) {
        if (ascending[i] == ascending[i - 1] && rows[i] < 0) {
          rows[i] = rows[i - 1];
        }
      }
      for (int i = rows.length - 2; i >= 0; i--) {
        if (ascending[i] == ascending[i + 1] && rows[i] < 0) {
          rows[i] = rows[i + 1];
        }
      }
      rowOfPair = new long[wanted.length];
      for (int i = 0; i < wanted.length; i++) {
        rowOfPair[i] = rows[Arrays.binarySearch(ascending, wanted[i])];
        if (rowOfPair[i] < 0) {
          throw FileErrors.bad(
              "the table of duplicates refers to the id "
                  + wanted[i]
                  + ", which is in no list of the index");
        }
      }
      table = read;
    }

    @Override
    public void vectors(long row, int count, float[] target, int offset) {
      int here = (int) Math.max(0, Math.min(count, inner.count() - row));
      if (here > 0) {
        reader.vectors(row, here, target, offset);
      }
      for (int i = here; i < count; i++) {
        load();
        int pair = (int) (row + i - inner.count());
        reader.vectors(rowOfPair[pair], 1, target, offset + i * dimension());
      }
    }

    @Override
    public void labels(long row, int count, long[] target, int offset) {
      int here = (int) Math.max(0, Math.min(count, inner.count() - row));
      if (here > 0) {
        reader.labels(row, here, target, offset);
      }
      for (int i = here; i < count; i++) {
        load();
        target[offset + i] = table[2 * (int) (row + i - inner.count()) + 1];
      }
    }
  }
}
