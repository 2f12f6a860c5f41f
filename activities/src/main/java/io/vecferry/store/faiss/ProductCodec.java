package io.vecferry.store.faiss;

import io.vecferry.record.ElementType;

/**
 * Pieces of a vector as numbers of their nearest centroids (FAISS' ProductQuantizer). The codebook
 * is read when it is first needed and kept as long as the parsed index is.
 */
final class ProductCodec implements Codec {
  private final int dimension;
  private final int pieces;
  private final int bits;
  private final IndexInput.Region centroids;
  private volatile float[] codebook;

  /**
   * @param pieces pieces of a vector, all of the same length
   * @param bits of the number of a centroid, 1 to 24
   * @param centroids {@code pieces x 2^bits x dimension / pieces} floats
   */
  ProductCodec(int dimension, int pieces, int bits, IndexInput.Region centroids) {
    this.dimension = dimension;
    this.pieces = pieces;
    this.bits = bits;
    this.centroids = centroids;
  }

  int pieces() {
    return pieces;
  }

  int bits() {
    return bits;
  }

  @Override
  public int dimension() {
    return dimension;
  }

  @Override
  public int codeSize() {
    return (int) (((long) pieces * bits + 7) / 8);
  }

  @Override
  public Precision precision() {
    return new Precision(
        ElementType.FLOAT32,
        "PQ" + pieces + "x" + bits,
        codeSize()
            + " bytes stand for the "
            + 4L * dimension
            + " of a vector; the error cannot be known without the original vectors");
  }

  /** Floats of one centroid. */
  int pieceLength() {
    return dimension / pieces;
  }

  float[] codebook(IndexHandles handles) {
    float[] known = codebook;
    if (known == null) {
      known = new float[(int) (centroids.bytes() / 4)];
      handles.floats(centroids.file(), centroids.offset(), known, 0, known.length);
      codebook = known;
    }
    return known;
  }

  @Override
  public Decoder decoder(IndexHandles handles) {
    float[] table = codebook(handles);
    int length = pieceLength();
    int codeSize = codeSize();
    return (codes, from, count, target, offset) -> {
      for (int row = 0; row < count; row++) {
        int code = from + row * codeSize;
        int at = offset + row * dimension;
        for (int piece = 0; piece < pieces; piece++) {
          int number = number(codes, code, piece);
          System.arraycopy(table, ((piece << bits) + number) * length, target, at, length);
          at += length;
        }
      }
    };
  }

  /** The numbers are a stream of bits, from the least significant on. */
  private int number(byte[] codes, int code, int piece) {
    if (bits == 8) {
      return codes[code + piece] & 0xff;
    }
    long bit = (long) piece * bits;
    int at = code + (int) (bit >>> 3);
    int shift = (int) (bit & 7);
    long value = 0;
    for (int i = 0; i * 8 < shift + bits; i++) {
      value |= (codes[at + i] & 0xffL) << (8 * i);
    }
    return (int) (value >>> shift) & (1 << bits) - 1;
  }
}
