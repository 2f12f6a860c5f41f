package io.vecferry.store.faiss;

import io.vecferry.store.Metric;
import java.io.IOException;
import java.lang.ref.SoftReference;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileTime;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A FAISS index file whose structure was read and whose counts were checked against its size.
 * Thread-safe; vectors are read through a {@link Reader}, of which each thread has its own.
 */
final class IndexFile {
  /** Stands for the Hamming distance, which has no number of its own in FAISS. */
  static final int HAMMING = -2;

  private static final int REMEMBERED = 4;

  /** A migration opens its source once per part; walking a large graph again would cost. */
  private static final Map<Path, Parsed> PARSED =
      new LinkedHashMap<>(8, 0.75f, true) {
        @Override
        protected boolean removeEldestEntry(Map.Entry<Path, Parsed> eldest) {
          return size() > REMEMBERED;
        }
      };

  private final Path path;
  private final long size;
  private final List<Path> paths;
  private final IndexParser.Node node;
  private final Metric metric;
  private final Rows rows;
  private volatile IndexFile inOrder;

  /** Which state of a file was parsed. */
  private record Parsed(
      long size, FileTime modified, Object identity, SoftReference<IndexFile> index) {}

  private IndexFile(
      Path path, long size, List<Path> paths, IndexParser.Node node, Metric metric, Rows rows) {
    this.path = path;
    this.size = size;
    this.paths = paths;
    this.node = node;
    this.metric = metric;
    this.rows = rows;
  }

  /**
   * Reads the structure of a file.
   *
   * @throws io.vecferry.store.StoreException when it is missing, not a FAISS index, of a type that
   *     cannot be read, truncated, or when its counts contradict each other
   */
  static IndexFile open(Path path) {
    try {
      BasicFileAttributes attributes = Files.readAttributes(path, BasicFileAttributes.class);
      Path key = path.toAbsolutePath();
      synchronized (PARSED) {
        Parsed known = PARSED.get(key);
        IndexFile index = known == null ? null : known.index().get();
        if (index != null
            && known.size() == attributes.size()
            && known.modified().equals(attributes.lastModifiedTime())
            && java.util.Objects.equals(known.identity(), attributes.fileKey())) {
          return index;
        }
      }
      IndexFile parsed = parse(path);
      synchronized (PARSED) {
        PARSED.put(
            key,
            new Parsed(
                attributes.size(),
                attributes.lastModifiedTime(),
                attributes.fileKey(),
                new SoftReference<>(parsed)));
      }
      return parsed;
    } catch (IOException e) {
      throw FileErrors.of("reading", path, e);
    }
  }

  private static IndexFile parse(Path path) throws IOException {
    try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ)) {
      IndexParser parser = new IndexParser(path, channel);
      IndexParser.Node node = parser.parse();
      Metric metric = metric(node.header().metric());
      if (metric == null) {
        throw FileErrors.incompatible(
            path
                + ": its metric is "
                + metricClass(node.header().metric())
                + ", which is not supported; inner product, l2, l1, linf, lp, canberra, bray_curtis"
                + " and jensen_shannon are");
      }
      List<Path> paths =
          parser.listsFile() == null ? List.of(path) : List.of(path, parser.listsFile());
      return new IndexFile(path, channel.size(), paths, node, metric, node.rows());
    }
  }

  Path path() {
    return path;
  }

  /** Size of the index file in bytes. */
  long size() {
    return size;
  }

  /** The index file, and the file of its on-disk lists if it has one. */
  List<Path> paths() {
    return paths;
  }

  /** A name as FAISS' index_factory spells it, as {@code IDMap2,Flat} or {@code IVF1024,SQ8}. */
  String indexType() {
    return node.type();
  }

  /** Parameters of the index. */
  Map<String, String> indexParams() {
    return node.params();
  }

  int dimension() {
    return rows.dimension();
  }

  /** Number of vectors that are in the file. */
  long rows() {
    return rows.count();
  }

  /** Number of vectors that the index says it has. */
  long countedRows() {
    return node.header().rows();
  }

  Metric metric() {
    return metric;
  }

  float metricArgument() {
    return node.header().argument();
  }

  /** Whether ids are more than the row numbers. */
  boolean labelled() {
    return rows.labelled();
  }

  Precision precision() {
    return rows.precision();
  }

  /**
   * The same index with its rows in the ascending order of their ordinals, where inverted lists
   * have them in another order. What stands beside an index is in this order.
   */
  IndexFile inOrder() {
    IndexFile known = inOrder;
    if (known == null) {
      known = new IndexFile(path, size, paths, node, metric, rows.inOrder());
      known.inOrder = known;
      inOrder = known;
    }
    return known;
  }

  /** Whether row numbers tell in which order vectors were added. */
  boolean positional() {
    try (IndexHandles handles = new IndexHandles(paths)) {
      return rows.positional(handles);
    }
  }

  /** Opens the files; the caller closes the reader. */
  Reader reader() {
    IndexHandles handles = new IndexHandles(paths);
    try {
      return new Reader(handles, rows.open(handles));
    } catch (RuntimeException e) {
      handles.close();
      throw e;
    }
  }

  /** Reads vectors and ids. For one thread. */
  static final class Reader implements AutoCloseable {
    private final IndexHandles handles;
    private final Rows.Reader rows;

    private Reader(IndexHandles handles, Rows.Reader rows) {
      this.handles = handles;
      this.rows = rows;
    }

    /** Puts {@code count x dimension} floats into {@code target}, from {@code offset} on. */
    void vectors(long row, int count, float[] target, int offset) {
      rows.vectors(row, count, target, offset);
    }

    /** Puts the ids of consecutive rows into {@code target}. */
    void labels(long row, int count, long[] target) {
      rows.labels(row, count, target, 0);
    }

    @Override
    public void close() {
      handles.close();
    }
  }

  /** A little-endian buffer for reading and writing files. */
  static ByteBuffer scratch(int bytes) {
    return (bytes <= 4096 ? ByteBuffer.allocate(bytes) : ByteBuffer.allocateDirect(bytes))
        .order(ByteOrder.LITTLE_ENDIAN);
  }

  /** The metric with FAISS' number; null for one that is not supported. */
  static Metric metric(int number) {
    return switch (number) {
      case HAMMING -> Metric.HAMMING;
      case 0 -> Metric.IP;
      case 1 -> Metric.L2;
      case 2 -> Metric.L1;
      case 3 -> Metric.LINF;
      case 4 -> Metric.LP;
      case 20 -> Metric.CANBERRA;
      case 21 -> Metric.BRAY_CURTIS;
      case 22 -> Metric.JENSEN_SHANNON;
      default -> null;
    };
  }

  private static String metricClass(int number) {
    return switch (number) {
      case 23 -> "Jaccard";
      case 24 -> "NaNEuclidean";
      case 25 -> "Gower";
      default -> "number " + number;
    };
  }

  /** FAISS' number of a metric. */
  static int metricNumber(Metric metric) {
    return switch (metric) {
      case IP -> 0;
      case L2 -> 1;
      case L1 -> 2;
      case LINF -> 3;
      case LP -> 4;
      case CANBERRA -> 20;
      case BRAY_CURTIS -> 21;
      case JENSEN_SHANNON -> 22;
      case COSINE, HAMMING, JACCARD ->
          throw FileErrors.incompatible(
              "a FAISS index of floats has no metric " + metric.spelling());
    };
  }
}
