package io.vecferry.store.faiss;

import io.vecferry.store.Metric;
import java.io.BufferedInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.function.Supplier;

/**
 * Reads the graph or the lists of a file that {@link IndexBuild} wrote, for searching with them.
 * Knows the layouts that are written and no others.
 */
final class BuiltIndex {
  private static final int BUFFER = 1 << 20;

  private final Path path;
  private final InputStream input;
  private final ByteBuffer value = ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN);
  private final byte[] bytes = new byte[1 << 16];
  private final ByteBuffer wrapped = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
  private int dimension;
  private long rows;
  private Metric metric;

  private BuiltIndex(Path path, InputStream input) {
    this.path = path;
    this.input = input;
  }

  /** Whether there is more to search with than the vectors. */
  static boolean isSearchable(IndexPlan.Type type) {
    return type.graph() || type.lists();
  }

  /**
   * Opens what an index was built for.
   *
   * @param plan what the file was made from
   * @param readers opens a reader of rows in the order of the file
   */
  static IndexSearch open(Path path, IndexPlan plan, Supplier<ListSearch.RowReader> readers) {
    try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ)) {
      InputStream input = new BufferedInputStream(Channels.newInputStream(channel), BUFFER);
      BuiltIndex index = new BuiltIndex(path, input);
      return plan.type().graph() ? index.graph() : index.lists(plan, readers);
    } catch (IOException e) {
      throw FileErrors.of("reading", path, e);
    }
  }

  private IndexSearch graph() throws IOException {
    String fourcc = fourcc();
    if (fourcc.equals("IxM2")) {
      header();
      fourcc = fourcc();
    }
    require(fourcc, "IHNf");
    header();
    skip(readLong() * 8);
    long levels = readLong();
    readInt();
    int m = readInt() / 2;
    skip((levels - 2) * 4);
    byte[] tops = new byte[Math.toIntExact(readLong())];
    for (int node = 0; node < tops.length; node++) {
      tops[node] = (byte) (readInt() - 1);
    }
    skip(readLong() * 8);
    HnswGraph graph = new HnswGraph(m, tops);
    readLong();
    for (int node = 0; node < tops.length; node++) {
      for (int level = 0; level <= tops[node]; level++) {
        readInts(graph.block(node, level), graph.at(node, level), graph.width(level));
      }
    }
    readInt();
    readInt();
    readInt();
    int breadth = readInt();
    readInt();
    fourcc();
    header();
    readLong();
    FloatRows vectors = new FloatRows(Math.toIntExact(rows), dimension);
    for (int row = 0; row < rows; ) {
      int count = vectors.together(row);
      readFloats(vectors.block(row), vectors.at(row), count * dimension);
      row += count;
    }
    return new GraphSearch(graph, vectors, metric == Metric.IP, breadth);
  }

  private IndexSearch lists(IndexPlan plan, Supplier<ListSearch.RowReader> readers)
      throws IOException {
    require(fourcc(), plan.type().codes() ? "IwSq" : "IwFl");
    header();
    int lists = Math.toIntExact(readLong());
    int probes = Math.toIntExact(readLong());
    fourcc();
    header();
    readLong();
    float[] centroids = new float[Math.multiplyExact(lists, dimension)];
    readFloats(centroids, 0, centroids.length);
    skip(1 + 8);
    if (plan.type().codes()) {
      skip(12 + 16);
      skip(readLong() * 4);
      skip(8 + 1);
    }
    require(fourcc(), "ilar");
    skip(16);
    boolean full = fourcc().equals("full");
    long[] sizes = new long[lists];
    long count = readLong();
    for (long i = 0; i < count; i += full ? 1 : 2) {
      int list = full ? (int) i : Math.toIntExact(readLong());
      sizes[list] = readLong();
    }
    long[] starts = new long[lists + 1];
    for (int list = 0; list < lists; list++) {
      starts[list + 1] = starts[list] + sizes[list];
    }
    return new ListSearch(centroids, dimension, metric, starts, probes, readers);
  }

  private void header() throws IOException {
    dimension = readInt();
    rows = readLong();
    skip(17);
    metric = readInt() == 0 ? Metric.IP : Metric.L2;
  }

  private void require(String fourcc, String expected) {
    if (!fourcc.equals(expected)) {
      throw FileErrors.bad(path + " starts with " + fourcc + ", " + expected + " was written");
    }
  }

  private String fourcc() throws IOException {
    byte[] letters = new byte[4];
    fill(letters, 4);
    return new String(letters, StandardCharsets.ISO_8859_1);
  }

  private int readInt() throws IOException {
    fill(value.array(), 4);
    return value.getInt(0);
  }

  private long readLong() throws IOException {
    fill(value.array(), 8);
    return value.getLong(0);
  }

  private void readInts(int[] target, int at, int count) throws IOException {
    for (int done = 0; done < count; ) {
      int part = Math.min(count - done, bytes.length / 4);
      fill(bytes, part * 4);
      wrapped.asIntBuffer().get(target, at + done, part);
      done += part;
    }
  }

  private void readFloats(float[] target, int at, int count) throws IOException {
    for (int done = 0; done < count; ) {
      int part = Math.min(count - done, bytes.length / 4);
      fill(bytes, part * 4);
      wrapped.asFloatBuffer().get(target, at + done, part);
      done += part;
    }
  }

  private void skip(long count) throws IOException {
    input.skipNBytes(count);
  }

  private void fill(byte[] target, int count) throws IOException {
    if (input.readNBytes(target, 0, count) < count) {
      throw new EOFException("the file ends too early");
    }
  }
}
