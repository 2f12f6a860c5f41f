package io.vecferry.store.faiss;

import io.vecferry.store.Metric;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.util.Arrays;
import java.util.List;

/**
 * Writes the index file of a load from the vectors of its parts. Used once, by one thread, which
 * starts others.
 *
 * <p>What stands beside an index is in the ascending order of its ids. That is the order of the
 * parts, but for an inverted file whose ids are those of the records: see {@link #places}.
 */
final class IndexBuild {
  static final int READ_FLOATS = 1 << 20;
  private static final int EIGHT_BITS = 0;
  private static final int RANGE_OF_ALL = 0;

  private final IndexPlan plan;
  private final int dimension;
  private final Metric metric;
  private final float metricArgument;
  private final List<SegmentRows.Part> parts;
  private final long rows;
  private final boolean labelled;
  private final int threads;

  /**
   * @param labelled whether the ids of all records are integers that the index is to know
   */
  IndexBuild(
      IndexPlan plan,
      int dimension,
      Metric metric,
      float metricArgument,
      List<SegmentRows.Part> parts,
      boolean labelled,
      int threads) {
    this.plan = plan;
    this.dimension = dimension;
    this.metric = metric;
    this.metricArgument = metricArgument;
    this.parts = parts;
    this.rows = parts.stream().mapToLong(SegmentRows.Part::rows).sum();
    this.labelled = labelled;
    this.threads = threads;
  }

  /**
   * For each row in the order of the parts, the place of what stands beside it; null when that is
   * the same order.
   */
  int[] places() throws IOException {
    if (!labelled || !plan.type().lists()) {
      return null;
    }
    long[] ids = new long[Math.toIntExact(rows)];
    try (SegmentRows segments = new SegmentRows(parts, dimension)) {
      segments.readLabels(0, ids.length, ids);
    }
    boolean ascending = true;
    for (int row = 1; row < ids.length && ascending; row++) {
      ascending = ids[row - 1] < ids[row];
    }
    if (ascending) {
      return null;
    }
    long[] sorted = ids.clone();
    Arrays.parallelSort(sorted);
    for (int i = 1; i < sorted.length; i++) {
      if (sorted[i] == sorted[i - 1]) {
        throw FileErrors.bad("the id " + sorted[i] + " is there more than once");
      }
    }
    int[] places = new int[ids.length];
    for (int row = 0; row < ids.length; row++) {
      places[row] = Arrays.binarySearch(sorted, ids[row]);
    }
    return places;
  }

  /**
   * Writes everything.
   *
   * @param channel the file behind the output, for content that is not written in order
   */
  void write(SummedOutput output, FileChannel channel) throws IOException {
    switch (plan.type()) {
      case AUTOMATIC, FLAT, LABELLED_FLAT -> {
        beginLabelled(output);
        writeFlat(output);
        endLabelled(output);
      }
      case HNSW -> {
        HnswGraph graph = graph();
        beginLabelled(output);
        output.fourcc("IHNf");
        header(output, rows);
        writeGraph(output, graph);
        writeFlat(output);
        endLabelled(output);
      }
      case SQ8 -> {
        beginLabelled(output);
        writeCodes(output);
        endLabelled(output);
      }
      case IVF_FLAT, IVF_SQ8 -> {
        InvertedBuild lists =
            new InvertedBuild(plan, dimension, metric == Metric.IP, parts, labelled, threads);
        lists.prepare();
        output.fourcc(plan.type().codes() ? "IwSq" : "IwFl");
        header(output, rows);
        output.putLong(lists.centroids().count());
        output.putLong(plan.probesFor(lists.centroids().count()));
        flatHeader(output, lists.centroids().count());
        output.putFloats(lists.centroids().values());
        noDirectMap(output);
        if (plan.type().codes()) {
          quantizer(output, lists.codec());
          output.putLong(dimension);
          output.write(1);
        }
        lists.write(output, channel);
      }
    }
  }

  private void header(SummedOutput output, long count) throws IOException {
    int number = IndexFile.metricNumber(metric);
    output.putInt(dimension);
    output.putLong(count);
    output.putLong(1 << 20);
    output.putLong(1 << 20);
    output.write(1);
    output.putInt(number);
    if (number > 1) {
      output.putFloat(metricArgument);
    }
  }

  private void beginLabelled(SummedOutput output) throws IOException {
    if (labelled) {
      output.fourcc("IxM2");
      header(output, rows);
    }
  }

  private void endLabelled(SummedOutput output) throws IOException {
    if (labelled) {
      output.putLong(rows);
      for (SegmentRows.Part part : parts) {
        output.copy(part.labels(), part.rows() * 8);
      }
    }
  }

  /** Everything of a flat index but its vectors. */
  private void flatHeader(SummedOutput output, long count) throws IOException {
    output.fourcc(
        switch (metric) {
          case L2 -> "IxF2";
          case IP -> "IxFI";
          default -> "IxFl";
        });
    header(output, count);
    output.putLong(Math.multiplyExact(count, dimension));
  }

  private void writeFlat(SummedOutput output) throws IOException {
    flatHeader(output, rows);
    for (SegmentRows.Part part : parts) {
      output.copy(part.vectors(), part.rows() * dimension * 4L);
    }
  }

  private static void noDirectMap(SummedOutput output) throws IOException {
    output.write(0);
    output.putLong(0);
  }

  private HnswGraph graph() throws IOException {
    FloatRows vectors = new FloatRows(Math.toIntExact(rows), dimension);
    try (SegmentRows segments = new SegmentRows(parts, dimension)) {
      for (int row = 0; row < rows; ) {
        int count = vectors.together(row);
        segments.read(row, count, vectors.block(row), vectors.at(row));
        row += count;
      }
    }
    return HnswBuilder.build(
        vectors, metric == Metric.IP, plan.m(), plan.efConstruction(), plan.seed(), threads);
  }

  private void writeGraph(SummedOutput output, HnswGraph graph) throws IOException {
    double[] shares = HnswBuilder.levelShares(plan.m());
    output.putLong(shares.length);
    for (double share : shares) {
      output.putDouble(share);
    }
    output.putLong(shares.length + 1L);
    output.putInt(0);
    for (int level = 0; level < shares.length; level++) {
      output.putInt((level + 2) * plan.m());
    }
    int nodes = graph.nodes();
    output.putLong(nodes);
    for (int node = 0; node < nodes; node++) {
      output.putInt(graph.top(node) + 1);
    }
    output.putLong(nodes + 1L);
    long offset = 0;
    output.putLong(offset);
    for (int node = 0; node < nodes; node++) {
      offset += (graph.top(node) + 2L) * plan.m();
      output.putLong(offset);
    }
    output.putLong(offset);
    for (int node = 0; node < nodes; node++) {
      for (int level = 0; level <= graph.top(node); level++) {
        output.putInts(graph.block(node, level), graph.at(node, level), graph.width(level));
      }
    }
    output.putInt(graph.entry());
    output.putInt(graph.entry() < 0 ? -1 : graph.top(graph.entry()));
    output.putInt(plan.efConstruction());
    output.putInt(plan.efSearch());
    output.putInt(1);
  }

  private void writeCodes(SummedOutput output) throws IOException {
    int blockRows = Math.max(1, READ_FLOATS / dimension);
    float[] block = new float[blockRows * dimension];
    ByteCodec.Training training = new ByteCodec.Training(dimension);
    try (SegmentRows segments = new SegmentRows(parts, dimension)) {
      segments.requireComplete();
      for (long row = 0; row < rows; row += blockRows) {
        int count = (int) Math.min(blockRows, rows - row);
        segments.read(row, count, block, 0);
        training.add(block, 0, count);
      }
      ByteCodec codec = training.codec();
      output.fourcc("IxSQ");
      header(output, rows);
      quantizer(output, codec);
      output.putLong(Math.multiplyExact(rows, dimension));
      byte[] codes = new byte[block.length];
      for (long row = 0; row < rows; row += blockRows) {
        int count = (int) Math.min(blockRows, rows - row);
        segments.read(row, count, block, 0);
        for (int i = 0; i < count; i++) {
          codec.encode(block, i * dimension, codes, i * dimension);
        }
        output.write(codes, 0, count * dimension);
      }
    }
  }

  private void quantizer(SummedOutput output, ByteCodec codec) throws IOException {
    output.putInt(EIGHT_BITS);
    output.putInt(RANGE_OF_ALL);
    output.putFloat(0);
    output.putLong(dimension);
    output.putLong(dimension);
    output.putLong(2L * dimension);
    output.putFloats(codec.lowest());
    output.putFloats(codec.span());
  }
}
