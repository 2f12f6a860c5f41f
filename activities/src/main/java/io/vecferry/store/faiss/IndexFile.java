package io.vecferry.store.faiss;

import io.vecferry.store.Metric;
import io.vecferry.store.StoreException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/**
 * Where things stand in a FAISS index file, after its header was read and every count in it was
 * checked against the size of the file.
 *
 * @param path the file
 * @param size its size in bytes
 * @param indexType {@code Flat}, {@code IDMap,Flat} or {@code IDMap2,Flat}
 * @param dimension components of each vector
 * @param rows number of vectors
 * @param metric metric of the index
 * @param metricArgument argument of the metric, 0 where there is none
 * @param vectorsOffset position of the first vector; vectors are float32, little-endian, row-major
 * @param labelsOffset position of the first int64 label, -1 when labels are the row numbers
 */
record IndexFile(
    Path path,
    long size,
    String indexType,
    int dimension,
    long rows,
    Metric metric,
    float metricArgument,
    long vectorsOffset,
    long labelsOffset) {

  private static final int MAXIMUM_DIMENSION = 1 << 20;

  /**
   * Reads the structure of a file.
   *
   * @throws StoreException when it is missing, not a FAISS index, of a type that cannot be read,
   *     truncated, or when its counts contradict each other
   */
  static IndexFile open(Path path) {
    try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ)) {
      return new Parser(path, channel).parse();
    } catch (IOException e) {
      throw FileErrors.of("reading", path, e);
    }
  }

  /**
   * Reads vectors of consecutive rows into {@code target}, starting at component {@code offset}.
   */
  void readVectors(
      FileChannel channel, long row, int count, float[] target, int offset, ByteBuffer scratch)
      throws IOException {
    long position = vectorsOffset + row * dimension * 4L;
    int left = Math.multiplyExact(count, dimension);
    int at = offset;
    while (left > 0) {
      int floats = Math.min(left, scratch.capacity() / 4);
      scratch.clear().limit(floats * 4);
      readFully(channel, scratch, position);
      scratch.flip();
      scratch.asFloatBuffer().get(target, at, floats);
      position += floats * 4L;
      at += floats;
      left -= floats;
    }
  }

  /** Reads labels of consecutive rows; the row numbers themselves when the index has no id map. */
  void readLabels(FileChannel channel, long row, int count, long[] target, ByteBuffer scratch)
      throws IOException {
    if (labelsOffset < 0) {
      for (int i = 0; i < count; i++) {
        target[i] = row + i;
      }
      return;
    }
    int done = 0;
    while (done < count) {
      int labels = Math.min(count - done, scratch.capacity() / 8);
      scratch.clear().limit(labels * 8);
      readFully(channel, scratch, labelsOffset + (row + done) * 8);
      scratch.flip();
      scratch.asLongBuffer().get(target, done, labels);
      done += labels;
    }
  }

  /** A buffer for {@link #readVectors} and {@link #readLabels}. */
  static ByteBuffer scratch(int bytes) {
    return (bytes <= 4096 ? ByteBuffer.allocate(bytes) : ByteBuffer.allocateDirect(bytes))
        .order(ByteOrder.LITTLE_ENDIAN);
  }

  private void readFully(FileChannel channel, ByteBuffer buffer, long position) throws IOException {
    long at = position;
    while (buffer.hasRemaining()) {
      int read = channel.read(buffer, at);
      if (read < 0) {
        throw new StoreException(
            io.vecferry.plan.FailureClass.SOURCE_CHANGED,
            path + " became shorter while it was read: it had " + size + " bytes");
      }
      at += read;
    }
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

  /**
   * Everything that stands before the first vector.
   *
   * @param labelled whether an id map goes around the flat index; its count and labels then follow
   *     the vectors
   */
  static ByteBuffer header(
      int dimension, long rows, Metric metric, float metricArgument, boolean labelled) {
    ByteBuffer buffer = ByteBuffer.allocate(128).order(ByteOrder.LITTLE_ENDIAN);
    if (labelled) {
      buffer.put("IxM2".getBytes(StandardCharsets.US_ASCII));
      putIndexHeader(buffer, dimension, rows, metric, metricArgument);
    }
    String fourcc =
        switch (metric) {
          case L2 -> "IxF2";
          case IP -> "IxFI";
          default -> "IxFl";
        };
    buffer.put(fourcc.getBytes(StandardCharsets.US_ASCII));
    putIndexHeader(buffer, dimension, rows, metric, metricArgument);
    buffer.putLong(Math.multiplyExact(rows, dimension));
    return buffer.flip();
  }

  private static void putIndexHeader(
      ByteBuffer buffer, int dimension, long rows, Metric metric, float metricArgument) {
    int number = metricNumber(metric);
    buffer.putInt(dimension).putLong(rows).putLong(1 << 20).putLong(1 << 20);
    buffer.put((byte) 1).putInt(number);
    if (number > 1) {
      buffer.putFloat(metricArgument);
    }
  }

  /** Walks the header; positions are 64-bit and nothing is allocated from a count in the file. */
  private static final class Parser {
    private final Path path;
    private final FileChannel channel;
    private final long size;
    private final ByteBuffer head;
    private long position;

    private Parser(Path path, FileChannel channel) throws IOException {
      this.path = path;
      this.channel = channel;
      this.size = channel.size();
      this.head = ByteBuffer.allocate(256).order(ByteOrder.LITTLE_ENDIAN);
    }

    private record Header(int dimension, long rows, Metric metric, float argument) {}

    private IndexFile parse() throws IOException {
      String fourcc = fourcc();
      boolean labelled = fourcc.equals("IxMp") || fourcc.equals("IxM2");
      Header outer = null;
      String indexType = "Flat";
      if (labelled) {
        outer = header("the header of " + (fourcc.equals("IxMp") ? "IndexIDMap" : "IndexIDMap2"));
        indexType = fourcc.equals("IxMp") ? "IDMap,Flat" : "IDMap2,Flat";
        fourcc = fourcc();
      }
      if (!fourcc.equals("IxF2") && !fourcc.equals("IxFI") && !fourcc.equals("IxFl")) {
        throw refuse(fourcc, labelled);
      }
      Header inner = header("the header of IndexFlat");
      if (fourcc.equals("IxF2") && inner.metric() != Metric.L2
          || fourcc.equals("IxFI") && inner.metric() != Metric.IP) {
        throw damaged(
            "the index type " + fourcc + " contradicts its metric " + inner.metric().spelling());
      }
      if (outer != null
          && (outer.dimension() != inner.dimension()
              || outer.rows() != inner.rows()
              || outer.metric() != inner.metric())) {
        throw damaged(
            "the id map says dimension "
                + outer.dimension()
                + ", "
                + outer.rows()
                + " vectors, metric "
                + outer.metric().spelling()
                + ", the index in it says "
                + inner.dimension()
                + ", "
                + inner.rows()
                + ", "
                + inner.metric().spelling());
      }
      long floats = take(8, "the number of floats").getLong();
      long wanted;
      try {
        wanted = Math.multiplyExact(inner.rows(), (long) inner.dimension());
      } catch (ArithmeticException e) {
        throw damaged(inner.rows() + " vectors cannot be in a file of " + size + " bytes");
      }
      if (floats != wanted) {
        throw damaged(
            "it says "
                + inner.rows()
                + " vectors of dimension "
                + inner.dimension()
                + ", which are "
                + wanted
                + " floats, but also that there are "
                + floats);
      }
      long vectorsOffset = position;
      skip(floats, 4, "vectors");
      long labelsOffset = -1;
      if (labelled) {
        long labels = take(8, "the number of ids").getLong();
        if (labels != inner.rows()) {
          throw damaged(
              "it has "
                  + inner.rows()
                  + " vectors but says that its id map has "
                  + labels
                  + " ids");
        }
        labelsOffset = position;
        skip(labels, 8, "ids");
      }
      if (position != size) {
        throw damaged(
            "the index ends at byte "
                + position
                + ", but the file has "
                + size
                + " bytes: "
                + (size - position)
                + " more than it should");
      }
      return new IndexFile(
          path,
          size,
          indexType,
          inner.dimension(),
          inner.rows(),
          inner.metric(),
          inner.argument(),
          vectorsOffset,
          labelsOffset);
    }

    private Header header(String what) throws IOException {
      ByteBuffer buffer = take(33, what);
      int dimension = buffer.getInt();
      long rows = buffer.getLong();
      buffer.position(buffer.position() + 16);
      int trained = buffer.get() & 0xff;
      int number = buffer.getInt();
      if (dimension < 1 || dimension > MAXIMUM_DIMENSION) {
        throw damaged(
            what + " says dimension " + dimension + "; 1 to " + MAXIMUM_DIMENSION + " is possible");
      }
      if (rows < 0) {
        throw damaged(what + " says " + rows + " vectors");
      }
      if (trained > 1) {
        throw damaged(what + " has " + trained + " where only 0 or 1 is possible (is_trained)");
      }
      Metric metric = metric(number);
      float argument = number > 1 ? take(4, "the metric argument").getFloat() : 0;
      return new Header(dimension, rows, metric, argument);
    }

    private Metric metric(int number) {
      return switch (number) {
        case 0 -> Metric.IP;
        case 1 -> Metric.L2;
        case 2 -> Metric.L1;
        case 3 -> Metric.LINF;
        case 4 -> Metric.LP;
        case 20 -> Metric.CANBERRA;
        case 21 -> Metric.BRAY_CURTIS;
        case 22 -> Metric.JENSEN_SHANNON;
        case 23 -> throw refuseMetric("Jaccard");
        case 24 -> throw refuseMetric("NaNEuclidean");
        case 25 -> throw refuseMetric("Gower");
        default -> throw damaged("metric number " + number + " is not known");
      };
    }

    private StoreException refuseMetric(String name) {
      return FileErrors.incompatible(path + ": the metric " + name + " is not supported");
    }

    private String fourcc() throws IOException {
      boolean first = position == 0;
      if (first && size < 4) {
        byte[] few = new byte[(int) size];
        channel.read(ByteBuffer.wrap(few), 0);
        if (size == 0) {
          throw FileErrors.incompatible(path + " is an empty file, not a FAISS index");
        }
      }
      ByteBuffer buffer = take(4, "an index type of 4 bytes");
      byte[] bytes = new byte[4];
      buffer.get(bytes);
      return new String(bytes, StandardCharsets.ISO_8859_1);
    }

    private StoreException refuse(String fourcc, boolean inside) throws IOException {
      String name = IndexTypes.unsupportedClass(fourcc);
      if (name == null && (fourcc.equals("IxMp") || fourcc.equals("IxM2"))) {
        name = "an id map in an id map";
      }
      if (name != null) {
        return FileErrors.incompatible(
            path
                + ": index type "
                + name
                + " ("
                + fourcc
                + ")"
                + (inside ? " inside an id map" : "")
                + " is not supported yet; supported: "
                + IndexTypes.SUPPORTED);
      }
      if (inside) {
        return damaged("the id map holds an unknown index type");
      }
      byte[] start = new byte[(int) Math.min(64, size)];
      channel.read(ByteBuffer.wrap(start), 0);
      return FileErrors.incompatible(
          path
              + " is "
              + IndexTypes.foreignFormat(start, start.length)
              + ", not a FAISS index; supported: "
              + IndexTypes.SUPPORTED);
    }

    private ByteBuffer take(int bytes, String what) throws IOException {
      if (size - position < bytes) {
        throw truncated(what, bytes);
      }
      head.clear().limit(bytes);
      long at = position;
      while (head.hasRemaining()) {
        int read = channel.read(head, at);
        if (read < 0) {
          throw truncated(what, bytes);
        }
        at += read;
      }
      position += bytes;
      return head.flip();
    }

    private void skip(long count, int width, String what) {
      if (count < 0 || count > (size - position) / width) {
        throw FileErrors.bad(
            path
                + " is truncated: "
                + count
                + (width == 4 ? " floats of vectors" : " ids of 8 bytes")
                + " were expected from byte "
                + position
                + ", the file has "
                + (size - position)
                + " bytes left for "
                + what);
      }
      position += count * width;
    }

    private StoreException truncated(String what, int bytes) {
      return FileErrors.bad(
          path
              + " is truncated: "
              + what
              + " ("
              + bytes
              + " bytes) was expected at byte "
              + position
              + ", the file ends at "
              + size);
    }

    private StoreException damaged(String message) {
      return FileErrors.bad(path + " is not a consistent FAISS index: " + message);
    }
  }
}
