package io.vecferry.store.faiss;

import io.vecferry.record.ElementType;

/** Vectors of bits, eight to a byte, the first one in the most significant bit. */
record BitCodec(int dimension) implements Codec {

  @Override
  public int codeSize() {
    return dimension / 8;
  }

  @Override
  public Precision precision() {
    return new Precision(ElementType.BIT, "bits", null);
  }

  @Override
  public Decoder decoder(IndexHandles handles) {
    return (codes, from, count, target, offset) -> {
      int values = count * dimension;
      for (int i = 0; i < values; i++) {
        target[offset + i] = codes[from + (i >> 3)] >> (7 - (i & 7)) & 1;
      }
    };
  }
}
