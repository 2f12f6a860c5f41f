package io.vecferry.store.faiss;

/**
 * Codes that start with the number of a centroid (FAISS' Index2Layer).
 *
 * @param numberBytes bytes of the number, little-endian
 */
record TwoLayerRows(
    long count, IndexInput.Region codes, int numberBytes, ProductCodec codec, Rows centroids)
    implements Rows {

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
    return codec.precision().asFloats("residuals as ");
  }

  @Override
  public Reader open(IndexHandles handles) {
    Codec.Decoder decoder = codec.decoder(handles);
    Reader centroidReader = centroids.open(handles);
    int size = numberBytes + codec.codeSize();
    int chunk = Math.max(1, CodedRows.CHUNK / size);
    byte[] buffer = new byte[chunk * size];
    float[] centroid = new float[dimension()];
    return (row, rows, target, offset) -> {
      for (int done = 0; done < rows; ) {
        int now = Math.min(chunk, rows - done);
        handles.bytes(codes.file(), codes.offset() + (row + done) * size, buffer, 0, now * size);
        for (int i = 0; i < now; i++) {
          long number = 0;
          for (int b = numberBytes - 1; b >= 0; b--) {
            number = number << 8 | buffer[i * size + b] & 0xff;
          }
          if (number < 0 || number >= centroids.count()) {
            throw FileErrors.bad(
                "row "
                    + (row + done + i)
                    + " refers to the centroid "
                    + number
                    + ", the index has "
                    + centroids.count());
          }
          int at = offset + (done + i) * dimension();
          decoder.decode(buffer, i * size + numberBytes, 1, target, at);
          centroidReader.vectors(number, 1, centroid, 0);
          for (int c = 0; c < centroid.length; c++) {
            target[at + c] += centroid[c];
          }
        }
        done += now;
      }
    };
  }
}
