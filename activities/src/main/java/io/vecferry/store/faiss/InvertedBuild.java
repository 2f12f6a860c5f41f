package io.vecferry.store.faiss;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.util.List;

/**
 * Builds inverted lists in three passes over the vectors: a sample to train the centroids, all to
 * find their lists, all to write them. Memory: the sample, 4 bytes per row, and a block of vectors;
 * the lists themselves never are in memory. Used by one thread, which starts others.
 */
final class InvertedBuild {
  static final int BLOCK_FLOATS = 1 << 23;
  private static final int ROWS_PER_STEP = 256;
  private static final int RUN_BYTES = 1 << 20;

  private final IndexPlan plan;
  private final int dimension;
  private final boolean innerProduct;
  private final List<SegmentRows.Part> parts;
  private final boolean labelled;
  private final int threads;
  private final int rows;
  private final int blockRows;
  private Centroids centroids;
  private ListOrder order;
  private ByteCodec codec;

  InvertedBuild(
      IndexPlan plan,
      int dimension,
      boolean innerProduct,
      List<SegmentRows.Part> parts,
      boolean labelled,
      int threads) {
    this.plan = plan;
    this.dimension = dimension;
    this.innerProduct = innerProduct;
    this.parts = parts;
    this.labelled = labelled;
    this.threads = threads;
    this.rows = Math.toIntExact(parts.stream().mapToLong(SegmentRows.Part::rows).sum());
    this.blockRows = Math.max(1, Math.min(Math.max(1, rows), BLOCK_FLOATS / dimension));
  }

  Centroids centroids() {
    return centroids;
  }

  /** The codec of what is left after taking the centroid away; null where floats are kept. */
  ByteCodec codec() {
    return codec;
  }

  /** Trains, and finds the list of each row. */
  void prepare() throws IOException {
    try (SegmentRows segments = new SegmentRows(parts, dimension)) {
      segments.requireComplete();
      int count = plan.listsFor(rows);
      centroids = KMeans.train(sample(segments, count), count, innerProduct, plan.seed(), threads);
      assign(segments);
    }
  }

  /** Rows at random, in their order; all when there are few. */
  private FloatRows sample(SegmentRows segments, int lists) throws IOException {
    long most = (long) lists * KMeans.MOST_ROWS_PER_CENTROID;
    int wanted = (int) Math.min(rows, most);
    FloatRows sample = new FloatRows(wanted, dimension);
    int taken = 0;
    for (int row = 0; row < rows && taken < wanted; ) {
      int run = 0;
      // Each row is taken with the probability that fills the sample exactly.
      while (run < wanted - taken
          && row + run < rows
          && (wanted == rows
              || Mix.fraction(plan.seed(), row + run) * (rows - row - run)
                  < wanted - taken - run)) {
        run++;
      }
      for (int done = 0; done < run; ) {
        int together = Math.min(run - done, sample.together(taken));
        segments.read(row + done, together, sample.block(taken), sample.at(taken));
        taken += together;
        done += together;
      }
      row += run + 1;
    }
    return sample;
  }

  private void assign(SegmentRows segments) throws IOException {
    int[] lists = new int[rows];
    float[] block = new float[blockRows * dimension];
    ByteCodec.Training training = new ByteCodec.Training(dimension);
    for (int first = 0; first < rows; first += blockRows) {
      int start = first;
      int count = Math.min(blockRows, rows - first);
      segments.read(first, count, block, 0);
      Parallel.run(
          threads,
          0,
          count,
          ROWS_PER_STEP,
          () -> {
            Centroids.Finder finder = centroids.new Finder();
            ByteCodec.Training ranges = new ByteCodec.Training(dimension);
            return (from, to) -> {
              finder.find(block, from * dimension, to - from, lists, start + from);
              if (plan.type().codes()) {
                for (int row = from; row < to; row++) {
                  takeCentroid(block, row * dimension, lists[start + row]);
                }
                ranges.add(block, from * dimension, to - from);
                training.merge(ranges);
              }
            };
          });
    }
    order = ListOrder.of(lists, centroids.count());
    codec = plan.type().codes() ? training.codec() : null;
  }

  private void takeCentroid(float[] values, int at, int list) {
    float[] all = centroids.values();
    for (int d = 0; d < dimension; d++) {
      values[at + d] -= all[list * dimension + d];
    }
  }

  /** Writes the lists; what the output has written so far stands before them. */
  void write(SummedOutput output, FileChannel channel) throws IOException {
    int lists = centroids.count();
    int codeSize = codec == null ? dimension * 4 : dimension;
    output.fourcc("ilar");
    output.putLong(lists);
    output.putLong(codeSize);
    writeSizes(output, lists);
    output.flush();
    long[] codesAt = new long[lists];
    long[] labelsAt = new long[lists];
    long end = output.position();
    for (int list = 0; list < lists; list++) {
      codesAt[list] = end;
      labelsAt[list] = end + (long) order.size(list) * codeSize;
      end = labelsAt[list] + order.size(list) * 8L;
    }
    scatter(channel, codesAt, labelsAt, codeSize);
    output.skipWritten(end);
  }

  /** Sizes of all lists, or of those that have rows where these are few, as FAISS writes them. */
  private void writeSizes(SummedOutput output, int lists) throws IOException {
    int filled = 0;
    for (int list = 0; list < lists; list++) {
      filled += order.size(list) > 0 ? 1 : 0;
    }
    boolean full = filled > lists / 2;
    output.fourcc(full ? "full" : "sprs");
    output.putLong(full ? lists : 2L * filled);
    for (int list = 0; list < lists; list++) {
      if (full) {
        output.putLong(order.size(list));
      } else if (order.size(list) > 0) {
        output.putLong(list);
        output.putLong(order.size(list));
      }
    }
  }

  /** Reads the rows in their order and writes them, sorted by list, a block at a time. */
  private void scatter(FileChannel channel, long[] codesAt, long[] labelsAt, int codeSize)
      throws IOException {
    float[] block = new float[blockRows * dimension];
    long[] labels = new long[blockRows];
    byte[] code = new byte[dimension];
    ByteBuffer codes =
        ByteBuffer.allocateDirect(Math.max(codeSize, RUN_BYTES)).order(ByteOrder.LITTLE_ENDIAN);
    ByteBuffer ids = ByteBuffer.allocateDirect(RUN_BYTES / 8 * 8).order(ByteOrder.LITTLE_ENDIAN);
    try (SegmentRows segments = new SegmentRows(parts, dimension)) {
      for (int first = 0; first < rows; first += blockRows) {
        if (Thread.currentThread().isInterrupted()) {
          throw Parallel.interrupted();
        }
        int count = Math.min(blockRows, rows - first);
        segments.read(first, count, block, 0);
        if (labelled) {
          segments.readLabels(first, count, labels);
        }
        int[] sorted = order.sorted(first, count);
        for (int at = 0; at < count; ) {
          int list = order.lists()[first + sorted[at]];
          codes.clear();
          ids.clear();
          long codesTo = codesAt[list];
          long idsTo = labelsAt[list];
          while (at < count
              && order.lists()[first + sorted[at]] == list
              && codes.remaining() >= codeSize
              && ids.remaining() >= 8) {
            int row = sorted[at++];
            put(block, row * dimension, list, code, codes);
            ids.putLong(labelled ? labels[row] : first + row);
          }
          codesAt[list] += codes.position();
          labelsAt[list] += ids.position();
          writeAt(channel, codes.flip(), codesTo);
          writeAt(channel, ids.flip(), idsTo);
        }
      }
    }
  }

  private void put(float[] values, int at, int list, byte[] code, ByteBuffer codes) {
    if (codec == null) {
      codes.asFloatBuffer().put(values, at, dimension);
      codes.position(codes.position() + dimension * 4);
    } else {
      takeCentroid(values, at, list);
      codec.encode(values, at, code, 0);
      codes.put(code);
    }
  }

  private static void writeAt(FileChannel channel, ByteBuffer bytes, long position)
      throws IOException {
    long at = position;
    while (bytes.hasRemaining()) {
      at += channel.write(bytes, at);
    }
  }
}
