package io.vecferry.store.faiss;

/**
 * How large an index gets, and how much memory building it takes.
 *
 * @param file bytes of the index file
 * @param memory bytes of memory that are in use at most, without those of the Java machine itself
 */
record IndexSize(long file, long memory) {
  /** Buffers of the output and of a reader of segments. */
  private static final long BUFFERS = 4L << 20;

  static IndexSize of(IndexPlan plan, long rows, int dimension, int threads) {
    long vectors = rows * dimension * 4;
    long sample = vectors;
    long centroids = 0;
    if (plan.type().lists()) {
      int lists = plan.listsFor(rows);
      centroids = 4L * lists * dimension;
      sample = Math.min(vectors, centroids * KMeans.MOST_ROWS_PER_CENTROID);
    }
    long block = Math.min(vectors, InvertedBuild.BLOCK_FLOATS * 4L);
    return switch (plan.type()) {
      case AUTOMATIC, FLAT, LABELLED_FLAT -> new IndexSize(vectors, BUFFERS);
      case SQ8 -> new IndexSize(rows * dimension, BUFFERS + 2L * IndexBuild.READ_FLOATS * 4);
      case HNSW -> {
        // Ground level, the levels above it on average, their places, the order of nodes.
        long links = rows * (8L * plan.m() + 4L * plan.m() / (plan.m() - 1) + 4);
        yield new IndexSize(
            vectors + links + 8 * rows, vectors + links + rows * (7 + threads) + BUFFERS);
      }
      // Centroids by rows and by columns, and the new ones that an iteration makes; the sample is
      // gone before a block is read.
      case IVF_FLAT ->
          new IndexSize(
              vectors + 8 * rows + centroids,
              Math.max(sample + 8 * sample / (4L * dimension), block + 8 * rows)
                  + 3 * centroids
                  + BUFFERS);
      case IVF_SQ8 ->
          new IndexSize(
              vectors / 4 + 8 * rows + centroids,
              Math.max(sample + 8 * sample / (4L * dimension), block + 8 * rows)
                  + 3 * centroids
                  + BUFFERS);
    };
  }
}
