package io.vecferry.store.faiss;

/** Rows with an id map around them (FAISS' IndexIDMap). */
record LabelledRows(Rows inner, IndexInput.Region ids) implements Rows {

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
    return inner.precision();
  }

  @Override
  public boolean positional(IndexHandles handles) {
    return inner.positional(handles);
  }

  @Override
  public Rows inOrder() {
    return new LabelledRows(inner.inOrder(), ids);
  }

  @Override
  public Reader open(IndexHandles handles) {
    Reader reader = inner.open(handles);
    return new Reader() {
      @Override
      public void vectors(long row, int count, float[] target, int offset) {
        reader.vectors(row, count, target, offset);
      }

      @Override
      public void labels(long row, int count, long[] target, int offset) {
        if (!inner.labelled()) {
          handles.longs(ids.file(), ids.offset() + row * 8, target, offset, count);
          return;
        }
        // The ids in the lists are ordinals; what the user gave stands in the map.
        reader.labels(row, count, target, offset);
        for (int i = 0; i < count; ) {
          int run = 1;
          while (i + run < count && target[offset + i + run] == target[offset + i] + run) {
            run++;
          }
          long ordinal = target[offset + i];
          if (ordinal < 0 || ordinal > ids.bytes() / 8 - run) {
            throw FileErrors.bad(
                "row "
                    + (row + i)
                    + " of the index has the ordinal "
                    + ordinal
                    + ", its id map has "
                    + ids.bytes() / 8
                    + " ids");
          }
          handles.longs(ids.file(), ids.offset() + ordinal * 8, target, offset + i, run);
          i += run;
        }
      }
    };
  }
}
