package io.vecferry.store.faiss;

/** How a vector is written as a code of fixed length. */
sealed interface Codec permits FloatCodec, ScalarCodec, ProductCodec, BitCodec {

  int dimension();

  /** Bytes of one code. */
  int codeSize();

  Precision precision();

  /** What is needed to decode, read from the index; cheap when it was read before. */
  Decoder decoder(IndexHandles handles);

  /** Turns codes into vectors. Thread-safe. */
  interface Decoder {
    /**
     * @param codes {@code count} codes one after the other, from {@code from} on
     * @param target gets {@code count x dimension} floats from {@code offset} on
     */
    void decode(byte[] codes, int from, int count, float[] target, int offset);
  }
}
