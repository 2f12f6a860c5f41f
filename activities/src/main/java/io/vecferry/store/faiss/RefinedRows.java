package io.vecferry.store.faiss;

/**
 * An inverted file with a second code for each vector that holds what the first one lost (FAISS'
 * IndexIVFPQR).
 *
 * @param codes second codes, in the order of the ids
 */
record RefinedRows(Rows inner, IndexInput.Region codes, ProductCodec codec) implements Rows {

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
    return new Precision(
        inner.precision().element(),
        inner.precision().codec() + " refined by " + codec.precision().codec(),
        inner.precision().loss());
  }

  @Override
  public Rows inOrder() {
    return new OrderedRows(this);
  }

  @Override
  public Reader open(IndexHandles handles) {
    Reader reader = inner.open(handles);
    Codec.Decoder decoder = codec.decoder(handles);
    byte[] code = new byte[codec.codeSize()];
    float[] rest = new float[dimension()];
    long[] label = new long[1];
    return new Reader() {
      @Override
      public void vectors(long row, int count, float[] target, int offset) {
        reader.vectors(row, count, target, offset);
        for (int i = 0; i < count; i++) {
          reader.labels(row + i, 1, label, 0);
          if (label[0] < 0 || label[0] >= codes.bytes() / code.length) {
            throw FileErrors.bad(
                "the id "
                    + label[0]
                    + " has no second code; the index has "
                    + codes.bytes() / code.length);
          }
          handles.bytes(
              codes.file(), codes.offset() + label[0] * code.length, code, 0, code.length);
          decoder.decode(code, 0, 1, rest, 0);
          for (int c = 0; c < rest.length; c++) {
            target[offset + i * rest.length + c] += rest[c];
          }
        }
      }

      @Override
      public void labels(long row, int count, long[] target, int offset) {
        reader.labels(row, count, target, offset);
      }
    };
  }
}
