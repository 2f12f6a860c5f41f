package io.vecferry.store.faiss;

import io.vecferry.plan.FailureClass;
import io.vecferry.record.IdColumn;
import io.vecferry.store.StoreException;
import java.io.IOException;

/**
 * Finds rows by id: open addressing over row numbers, with a part of each hash and the position of
 * each line, about 20 bytes per row. A hit is verified against the file. Immutable once built.
 */
final class IdIndex {
  private static final int MAXIMUM_ROWS = 1 << 28;

  private final int[] slots;
  private final int[] hashes;
  private final long[] offsets;

  private IdIndex(IndexFile index, boolean lines) {
    if (index.rows() > MAXIMUM_ROWS) {
      throw new StoreException(
          FailureClass.RESOURCE_EXHAUSTED,
          index.path()
              + " has "
              + index.rows()
              + " rows; looking up ids out of order works up to "
              + MAXIMUM_ROWS);
    }
    int rows = (int) index.rows();
    this.slots = new int[Math.max(16, Integer.highestOneBit(Math.max(1, rows)) * 4)];
    this.hashes = new int[rows];
    this.offsets = lines ? new long[rows] : new long[0];
  }

  /** Reads all ids once; they are those of the lines where there is a sidecar, else the labels. */
  static IdIndex build(IndexFile index, Sidecar sidecar) {
    IdIndex built = new IdIndex(index, sidecar != null);
    try {
      if (sidecar == null) {
        built.addLabels(index);
      } else {
        try (MetaReader lines = sidecar.reader(0, 0)) {
          for (int row = 0; row < index.rows(); row++) {
            if (!lines.next()) {
              throw sidecar.linesDiffer(row);
            }
            lines.parseId();
            built.offsets[row] = lines.lineOffset();
            built.add(row, lines.idHash());
          }
        }
      }
    } catch (IOException e) {
      throw FileErrors.of("reading", index.path(), e);
    }
    return built;
  }

  private void addLabels(IndexFile index) {
    long[] labels = new long[4096];
    try (IndexFile.Reader reader = index.reader()) {
      for (long row = 0; row < index.rows(); row += labels.length) {
        int rows = (int) Math.min(labels.length, index.rows() - row);
        reader.labels(row, rows, labels);
        for (int i = 0; i < rows; i++) {
          add((int) row + i, IdHash.ofLabel(labels[i]));
        }
      }
    }
  }

  private void add(int row, long hash) {
    hashes[row] = (int) (hash >>> 32);
    int slot = (int) hash & slots.length - 1;
    while (slots[slot] != 0) {
      slot = slot + 1 & slots.length - 1;
    }
    slots[slot] = row + 1;
  }

  /**
   * Finds a record and leaves the reader on its line, parsed for its id.
   *
   * @return its row, -1 when there is none
   */
  long find(IdColumn ids, int at, MetaReader lines) throws IOException {
    long hash =
        IdHash.of(ids.kind(at), ids.texts().bytes(), ids.texts().start(at), ids.texts().length(at));
    int slot = (int) hash & slots.length - 1;
    for (; slots[slot] != 0; slot = slot + 1 & slots.length - 1) {
      int row = slots[slot] - 1;
      if (hashes[row] == (int) (hash >>> 32)) {
        lines.seek(row, offsets[row]);
        lines.next();
        lines.parseId();
        if (lines.idIs(ids.kind(at), ids.texts(), at)) {
          return row;
        }
      }
    }
    return -1;
  }

  /** Finds the row of a label, -1 when there is none. */
  long find(long label, IndexFile.Reader reader) {
    long hash = IdHash.ofLabel(label);
    long[] actual = new long[1];
    int slot = (int) hash & slots.length - 1;
    for (; slots[slot] != 0; slot = slot + 1 & slots.length - 1) {
      int row = slots[slot] - 1;
      if (hashes[row] == (int) (hash >>> 32)) {
        reader.labels(row, 1, actual);
        if (actual[0] == label) {
          return row;
        }
      }
    }
    return -1;
  }
}
