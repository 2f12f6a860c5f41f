package io.vecferry.store.faiss;

/**
 * Vectors in memory, row-major in blocks of whole rows, so that there may be more than 2^31
 * components. Filled by one thread or by several that own different rows.
 */
final class FloatRows {
  private static final int BLOCK_FLOATS = 1 << 24;

  private final int rows;
  private final int dimension;
  private final int shift;
  private final int mask;
  private final float[][] blocks;

  FloatRows(int rows, int dimension) {
    this.rows = rows;
    this.dimension = dimension;
    int blockRows = Integer.highestOneBit(Math.max(1, BLOCK_FLOATS / dimension));
    this.shift = Integer.numberOfTrailingZeros(blockRows);
    this.mask = blockRows - 1;
    this.blocks = new float[(int) (((long) rows + mask) >>> shift)][];
    for (int block = 0; block < blocks.length; block++) {
      int last = (int) Math.min(blockRows, rows - ((long) block << shift));
      blocks[block] = new float[last * dimension];
    }
  }

  int rows() {
    return rows;
  }

  int dimension() {
    return dimension;
  }

  /** The array that a row is in. */
  float[] block(int row) {
    return blocks[row >>> shift];
  }

  /** Position of a row's first component in {@link #block}. */
  int at(int row) {
    return (row & mask) * dimension;
  }

  /** Rows from this one on that lie one after the other in its block. */
  int together(int row) {
    return Math.min(mask + 1 - (row & mask), rows - row);
  }
}
