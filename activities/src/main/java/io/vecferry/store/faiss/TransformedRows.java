package io.vecferry.store.faiss;

import java.util.List;

/**
 * Rows that were transformed before they were kept (FAISS' IndexPreTransform); reading undoes it.
 *
 * @param transforms in the order in which they were applied
 */
record TransformedRows(Rows inner, List<Transform> transforms) implements Rows {

  @Override
  public long count() {
    return inner.count();
  }

  @Override
  public int dimension() {
    return transforms.isEmpty() ? inner.dimension() : transforms.get(0).before();
  }

  @Override
  public boolean labelled() {
    return inner.labelled();
  }

  @Override
  public boolean positional(IndexHandles handles) {
    return inner.positional(handles);
  }

  @Override
  public Rows inOrder() {
    return new TransformedRows(inner.inOrder(), transforms);
  }

  @Override
  public Precision precision() {
    Precision precision = inner.precision();
    for (int i = transforms.size() - 1; i >= 0; i--) {
      Transform transform = transforms.get(i);
      String loss = transform.loss();
      precision =
          loss == null
              ? precision.asFloats(transform.name() + ", ")
              : precision.asFloats(transform.name() + ", ", loss);
    }
    return precision;
  }

  @Override
  public Reader open(IndexHandles handles) {
    Reader reader = inner.open(handles);
    return new Reader() {
      private static final int CHUNK_FLOATS = 1 << 16;

      @Override
      public void vectors(long row, int count, float[] target, int offset) {
        int widest = inner.dimension();
        for (Transform transform : transforms) {
          widest = Math.max(widest, Math.max(transform.before(), transform.after()));
        }
        int chunk = Math.max(1, Math.min(count, CHUNK_FLOATS / widest));
        float[] from = new float[chunk * widest];
        float[] to = new float[chunk * widest];
        for (int done = 0; done < count; ) {
          int now = Math.min(chunk, count - done);
          reader.vectors(row + done, now, from, 0);
          for (int i = transforms.size() - 1; i >= 0; i--) {
            transforms.get(i).undo(from, now, to);
            float[] swapped = from;
            from = to;
            to = swapped;
          }
          System.arraycopy(from, 0, target, offset + done * dimension(), now * dimension());
          done += now;
        }
      }

      @Override
      public void labels(long row, int count, long[] target, int offset) {
        reader.labels(row, count, target, offset);
      }
    };
  }
}
