package io.vecferry.store.faiss;

/** How codes lie one after the other. */
sealed interface Packing {

  /** Bytes that a number of codes takes; the largest long when there cannot be so many. */
  long bytes(long count);

  /**
   * Reads codes.
   *
   * @param position where the first code of all starts
   * @param first number of the first code to read
   */
  void read(IndexHandles handles, int file, long position, long first, int count, byte[] target);

  private static long product(long left, long right) {
    return left != 0 && right > Long.MAX_VALUE / left ? Long.MAX_VALUE : left * right;
  }

  /** Code after code. */
  record Plain(int codeSize) implements Packing {
    @Override
    public long bytes(long count) {
      return product(count, codeSize);
    }

    @Override
    public void read(
        IndexHandles handles, int file, long position, long first, int count, byte[] target) {
      handles.bytes(file, position + first * codeSize, target, 0, count * codeSize);
    }
  }

  /**
   * Blocks of 32 codes of four-bit numbers, transposed so that a processor compares 32 vectors at
   * once.
   *
   * @param pieces numbers in a code
   * @param padded the same, rounded up to an even number
   */
  record Blocks(int pieces, int padded) implements Packing {
    static final int BLOCK_ROWS = 32;

    int blockBytes() {
      return Math.multiplyExact(padded, BLOCK_ROWS / 2);
    }

    @Override
    public long bytes(long count) {
      return product(count / BLOCK_ROWS + (count % BLOCK_ROWS == 0 ? 0 : 1), blockBytes());
    }

    @Override
    public void read(
        IndexHandles handles, int file, long position, long first, int count, byte[] target) {
      byte[] block = new byte[blockBytes()];
      int codeSize = (pieces + 1) / 2;
      long loaded = -1;
      for (int i = 0; i < count; i++) {
        long row = first + i;
        if (row / BLOCK_ROWS != loaded) {
          loaded = row / BLOCK_ROWS;
          handles.bytes(file, position + loaded * block.length, block, 0, block.length);
        }
        int inBlock = (int) (row % BLOCK_ROWS);
        int lane = inBlock & 15;
        int column = lane < 8 ? 2 * lane : 2 * (lane - 8) + 1;
        for (int pair = 0; pair < codeSize; pair++) {
          int even = block[pair * BLOCK_ROWS + column] & 0xff;
          int odd = block[pair * BLOCK_ROWS + 16 + column] & 0xff;
          target[i * codeSize + pair] =
              (byte) (inBlock < 16 ? even & 0xf | (odd & 0xf) << 4 : even >> 4 | (odd >> 4) << 4);
        }
      }
    }
  }
}
