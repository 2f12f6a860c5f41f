package io.vecferry.store.faiss;

/** Codes of all vectors one after the other, in the order in which they were added. */
record CodedRows(long count, IndexInput.Region codes, Packing packing, Codec codec)
    implements Rows {
  /** Bytes of codes that are decoded at once. */
  static final int CHUNK = 1 << 17;

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
    CodeReader reader = new CodeReader(handles, packing, codec);
    return (row, rows, target, offset) ->
        reader.read(codes.file(), codes.offset(), row, rows, target, offset);
  }

  /** Reads and decodes; floats go straight to where they are wanted. */
  static final class CodeReader {
    private final IndexHandles handles;
    private final Packing packing;
    private final Codec codec;
    private final Codec.Decoder decoder;
    private final boolean floats;
    private byte[] buffer = new byte[0];

    CodeReader(IndexHandles handles, Packing packing, Codec codec) {
      this.handles = handles;
      this.packing = packing;
      this.codec = codec;
      this.decoder = codec.decoder(handles);
      this.floats = codec instanceof FloatCodec && packing instanceof Packing.Plain;
    }

    void read(int file, long position, long first, int rows, float[] target, int offset) {
      int dimension = codec.dimension();
      if (floats) {
        handles.floats(
            file,
            position + first * 4L * dimension,
            target,
            offset,
            Math.multiplyExact(rows, dimension));
        return;
      }
      int size = Math.max(1, codec.codeSize());
      int chunk = Math.max(1, Math.min(rows, CHUNK / size));
      if (buffer.length < chunk * size) {
        buffer = new byte[chunk * size];
      }
      for (int done = 0; done < rows; ) {
        int now = Math.min(chunk, rows - done);
        packing.read(handles, file, position, first + done, now, buffer);
        decoder.decode(buffer, 0, now, target, offset + done * dimension);
        done += now;
      }
    }
  }
}
