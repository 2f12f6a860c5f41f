package io.vecferry.store.faiss;

/**
 * All combinations of the centroids of a product quantizer, as a coarse quantizer has them (FAISS'
 * MultiIndexQuantizer): the bits of a row's number are the numbers of its pieces.
 */
record ProductRows(ProductCodec codec) implements Rows {

  @Override
  public long count() {
    long bits = (long) codec.pieces() * codec.bits();
    return bits > 62 ? Long.MAX_VALUE : 1L << bits;
  }

  @Override
  public int dimension() {
    return codec.dimension();
  }

  @Override
  public boolean labelled() {
    return false;
  }

  @Override
  public Precision precision() {
    return codec.precision();
  }

  @Override
  public Reader open(IndexHandles handles) {
    float[] codebook = codec.codebook(handles);
    int length = codec.pieceLength();
    return (row, rows, target, offset) -> {
      for (int i = 0; i < rows; i++) {
        long rest = row + i;
        int at = offset + i * dimension();
        for (int piece = 0; piece < codec.pieces(); piece++) {
          int number = (int) rest & (1 << codec.bits()) - 1;
          rest >>>= codec.bits();
          System.arraycopy(
              codebook,
              ((piece << codec.bits()) + number) * length,
              target,
              at + piece * length,
              length);
        }
      }
    };
  }
}
