package io.vecferry.store.faiss;

/**
 * Rows of an inverted file, list after list.
 *
 * @param centroids one for each list, where codes are what is left after taking the centroid away;
 *     otherwise null
 */
record ListRows(Lists lists, Packing packing, Codec codec, Rows centroids) implements Rows {
  private static final int CENTROID_FLOATS = 1 << 14;

  @Override
  public long count() {
    return lists.rows();
  }

  @Override
  public int dimension() {
    return codec.dimension();
  }

  @Override
  public boolean labelled() {
    return true;
  }

  @Override
  public Precision precision() {
    return centroids == null ? codec.precision() : codec.precision().asFloats("residuals as ");
  }

  @Override
  public Rows inOrder() {
    return new OrderedRows(this);
  }

  @Override
  public Reader open(IndexHandles handles) {
    return new ListReader(handles);
  }

  private final class ListReader implements Reader {
    private final IndexHandles handles;
    private final CodedRows.CodeReader codes;
    private final Rows.Reader centroidReader;
    private final float[] block;
    private long blockFirst;
    private long blockEnd;

    private ListReader(IndexHandles handles) {
      this.handles = handles;
      this.codes = new CodedRows.CodeReader(handles, packing, codec);
      this.centroidReader = centroids == null ? null : centroids.open(handles);
      this.block =
          centroids == null
              ? null
              : new float[Math.max(1, CENTROID_FLOATS / dimension()) * dimension()];
    }

    @Override
    public void vectors(long row, int count, float[] target, int offset) {
      lists.each(
          row,
          count,
          (list, first, rows, done) -> {
            int at = offset + done * dimension();
            codes.read(lists.file(), lists.codesOf(list), first, rows, target, at);
            if (centroidReader != null) {
              addCentroid(lists.number(list), target, at, rows);
            }
          });
    }

    private void addCentroid(long number, float[] target, int offset, int rows) {
      int dimension = dimension();
      if (number < blockFirst || number >= blockEnd) {
        blockFirst = number;
        int wanted = (int) Math.min(block.length / dimension, centroids.count() - number);
        centroidReader.vectors(number, wanted, block, 0);
        blockEnd = number + wanted;
      }
      int centroid = (int) (number - blockFirst) * dimension;
      for (int row = 0; row < rows; row++) {
        int at = offset + row * dimension;
        for (int i = 0; i < dimension; i++) {
          target[at + i] += block[centroid + i];
        }
      }
    }

    @Override
    public void labels(long row, int count, long[] target, int offset) {
      lists.each(
          row,
          count,
          (list, first, rows, done) ->
              handles.longs(
                  lists.file(), lists.idsOf(list) + first * 8, target, offset + done, rows));
    }
  }
}
