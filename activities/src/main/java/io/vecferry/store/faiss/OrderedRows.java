package io.vecferry.store.faiss;

import io.vecferry.plan.FailureClass;
import io.vecferry.store.StoreException;
import java.util.Arrays;

/**
 * Rows in the ascending order of their ids, which for most inverted files is the order in which
 * they were added, and the order of what stands beside the index. Holds four bytes for each row,
 * made when they are first needed.
 */
final class OrderedRows implements Rows {
  private static final int LABELS = 1 << 13;
  private static final int RUN_ROWS = 64;

  private final Rows inner;
  private volatile Order order;

  OrderedRows(Rows inner) {
    this.inner = inner;
  }

  /**
   * @param rows for each place in the order the row of {@code inner}
   * @param sequential whether the ids are the numbers from 0 on
   */
  private record Order(int[] rows, boolean sequential) {}

  @Override
  public long count() {
    return inner.count();
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
  public Reader open(IndexHandles handles) {
    return new OrderedReader(inner.open(handles));
  }

  @Override
  public boolean positional(IndexHandles handles) {
    return order(inner.open(handles)).sequential();
  }

  private Order order(Reader reader) {
    Order known = order;
    if (known == null) {
      synchronized (this) {
        if (order == null) {
          order = makeOrder(reader);
        }
        known = order;
      }
    }
    return known;
  }

  private Order makeOrder(Reader reader) {
    if (count() > Integer.MAX_VALUE - 16) {
      throw new StoreException(
          FailureClass.RESOURCE_EXHAUSTED,
          count() + " rows cannot be put into the order of their ids; 2^31 can");
    }
    int rows = (int) count();
    int[] places = new int[rows];
    Arrays.fill(places, -1);
    long[] block = new long[LABELS];
    for (int from = 0; from < rows; from += LABELS) {
      int now = Math.min(LABELS, rows - from);
      reader.labels(from, now, block, 0);
      for (int i = 0; i < now; i++) {
        if (block[i] < 0 || block[i] >= rows || places[(int) block[i]] >= 0) {
          return sorted(reader, rows);
        }
        places[(int) block[i]] = from + i;
      }
    }
    return new Order(places, true);
  }

  /** Ids with gaps, or twice: a row's place is the rank of its id. */
  private static Order sorted(Reader reader, int rows) {
    long[] labels = new long[rows];
    for (int from = 0; from < rows; from += LABELS) {
      reader.labels(from, Math.min(LABELS, rows - from), labels, from);
    }
    long[] ascending = labels.clone();
    Arrays.parallelSort(ascending);
    int[] places = new int[rows];
    int[] taken = new int[rows];
    for (int row = 0; row < rows; row++) {
      int rank = firstOf(ascending, labels[row]);
      places[rank + taken[rank]++] = row;
    }
    return new Order(places, false);
  }

  private static int firstOf(long[] ascending, long label) {
    int low = 0;
    int high = ascending.length;
    while (low < high) {
      int middle = (low + high) >>> 1;
      if (ascending[middle] < label) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low;
  }

  private final class OrderedReader implements Reader {
    private final Reader reader;
    private float[] run = new float[0];
    private long[] runLabels = new long[0];

    private OrderedReader(Reader reader) {
      this.reader = reader;
    }

    @Override
    public void vectors(long row, int count, float[] target, int offset) {
      int dimension = dimension();
      if (run.length == 0) {
        run = new float[RUN_ROWS * dimension];
      }
      each(
          row,
          count,
          (from, rows, places, first) -> {
            reader.vectors(from, rows, run, 0);
            for (int i = 0; i < rows; i++) {
              System.arraycopy(
                  run,
                  i * dimension,
                  target,
                  offset + (int) (places[first + i] & 0xffffffffL) * dimension,
                  dimension);
            }
          });
    }

    @Override
    public void labels(long row, int count, long[] target, int offset) {
      if (order(reader).sequential()) {
        Reader.super.labels(row, count, target, offset);
        return;
      }
      if (runLabels.length == 0) {
        runLabels = new long[RUN_ROWS];
      }
      each(
          row,
          count,
          (from, rows, places, first) -> {
            reader.labels(from, rows, runLabels, 0);
            for (int i = 0; i < rows; i++) {
              target[offset + (int) (places[first + i] & 0xffffffffL)] = runLabels[i];
            }
          });
    }

    /** Visits a range in the order of the file, so that neighbours are read together. */
    private void each(long row, int count, Run visitor) {
      int[] rows = order(reader).rows();
      long[] places = new long[count];
      for (int i = 0; i < count; i++) {
        places[i] = (long) rows[(int) row + i] << 32 | i;
      }
      Arrays.sort(places);
      for (int from = 0; from < count; ) {
        int to = from + 1;
        while (to < count
            && to - from < RUN_ROWS
            && places[to] >>> 32 == (places[to - 1] >>> 32) + 1) {
          to++;
        }
        visitor.visit(places[from] >>> 32, to - from, places, from);
        from = to;
      }
    }
  }

  /** Some consecutive rows of the file. */
  private interface Run {
    /**
     * @param places the file's row in the upper half, the place in the range in the lower one
     * @param first where in {@code places} the run starts
     */
    void visit(long row, int rows, long[] places, int first);
  }
}
