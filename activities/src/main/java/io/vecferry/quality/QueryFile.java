package io.vecferry.quality;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.json.JsonReadFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.vecferry.archive.VectorTable;
import io.vecferry.plan.FailureClass;
import io.vecferry.record.ElementType;
import io.vecferry.store.StoreException;
import java.io.BufferedReader;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A file of queries on the worker: {@code .npy} of 32- or 64-bit floats, JSON lines, or Parquet
 * with a column of lists of floats. Its content is data and nothing else; sizes that it claims are
 * compared with its real size before anything is allocated.
 *
 * @param dimension components that each query has to have
 * @param element how the searched field keeps components; queries have none that it cannot hold,
 *     and floats are rounded to it, so that all who are asked are asked the same
 * @param cosine whether a side compares by cosine, which a zero vector has none of
 */
public record QueryFile(Path path, int dimension, ElementType element, boolean cosine) {
  /** Queries that a check asks at most. */
  private static final int MOST = 100_000;

  private static final long MOST_FLOATS = 1 << 28;
  private static final long LARGEST = 2L << 30;
  private static final int LONGEST_LINE = 4 << 20;
  private static final int LONGEST_HEADER = 1 << 16;
  private static final byte[] MAGIC = {(byte) 0x93, 'N', 'U', 'M', 'P', 'Y'};
  private static final Pattern TYPE = Pattern.compile("'descr'\\s*:\\s*'([^']*)'");
  private static final Pattern FORTRAN = Pattern.compile("'fortran_order'\\s*:\\s*True");
  private static final Pattern SHAPE = Pattern.compile("'shape'\\s*:\\s*\\(([0-9,\\s]*)\\)");
  private static final JsonMapper MAPPER =
      JsonMapper.builder().enable(JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS).build();

  /**
   * Reads the whole file as a check would.
   *
   * @param wanted queries that are taken from its beginning; null for all
   * @return how many queries there are
   * @throws StoreException MISSING, PERMISSION, or INCOMPATIBLE with what is wrong and where
   */
  public int check(Integer wanted) {
    return read(wanted).count();
  }

  /** Reads queries from the beginning of the file; as {@link #check}. */
  Queries read(Integer wanted) {
    String name = path.getFileName() == null ? "" : path.getFileName().toString();
    String ending =
        name.contains(".") ? name.substring(name.lastIndexOf('.')).toLowerCase(Locale.ROOT) : "";
    Collected collected = new Collected(wanted);
    try {
      if (!Files.exists(path)) {
        throw new NoSuchFileException(path.toString());
      }
      if (!Files.isRegularFile(path)) {
        throw bad("it is no file. Name a file that ends in .parquet, .jsonl or .npy.");
      }
      if (Files.size(path) > LARGEST) {
        throw bad("it has " + Files.size(path) + " bytes, at most " + LARGEST + " are read.");
      }
      switch (ending) {
        case ".npy" -> readNumpy(collected);
        case ".jsonl", ".ndjson" -> readLines(collected);
        case ".parquet" -> readParquet(collected);
        default ->
            throw bad(
                "its ending "
                    + (ending.isEmpty() ? "is missing" : "\"" + ending + "\" is not known")
                    + ". Use .parquet, .jsonl (or .ndjson) or .npy.");
      }
    } catch (NoSuchFileException e) {
      throw new StoreException(
          FailureClass.MISSING,
          "quality.queries: there is no file "
              + path
              + " on this worker. Correct the path, or leave it out to ask for vectors of the"
              + " source.");
    } catch (AccessDeniedException e) {
      throw new StoreException(
          FailureClass.PERMISSION, "quality.queries: " + path + " may not be read.");
    } catch (CharacterCodingException e) {
      throw bad("it is not UTF-8 text.");
    } catch (EOFException e) {
      throw bad("it ends too early: it is truncated, or still being written.");
    } catch (IOException e) {
      throw bad("it cannot be read: " + e.getMessage());
    }
    if (collected.names.isEmpty() && collected.wantsMore()) {
      throw bad("it has no queries.");
    }
    return collected.queries();
  }

  private StoreException bad(String what) {
    return new StoreException(FailureClass.INCOMPATIBLE, "quality.queries: " + path + ": " + what);
  }

  private void readNumpy(Collected collected) throws IOException {
    try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ)) {
      ByteBuffer start = bytes(channel, 10);
      byte[] magic = new byte[MAGIC.length];
      start.get(magic);
      if (!Arrays.equals(magic, MAGIC)) {
        throw bad("it is no .npy file: it does not begin with \\x93NUMPY.");
      }
      int version = start.get();
      start.get();
      long length = start.getShort() & 0xffff;
      if (version > 1) {
        channel.position(8);
        length = bytes(channel, 4).getInt() & 0xffffffffL;
      }
      if (length > LONGEST_HEADER) {
        throw bad("its header is said to have " + length + " bytes; it is damaged.");
      }
      String header = StandardCharsets.ISO_8859_1.decode(bytes(channel, (int) length)).toString();
      Matcher type = TYPE.matcher(header);
      String kind = type.find() ? type.group(1) : "unknown";
      if (!kind.matches("[<=>]f[48]")) {
        throw bad("its numbers are of type " + kind + "; floats of 32 or 64 bits are taken.");
      }
      if (FORTRAN.matcher(header).find()) {
        throw bad("it is in Fortran order. Save numpy.ascontiguousarray(queries).");
      }
      readNumbers(channel, shape(header), kind, collected);
    }
  }

  /** Rows and columns. */
  private long[] shape(String header) {
    Matcher shape = SHAPE.matcher(header);
    List<Long> sizes = new ArrayList<>();
    if (shape.find()) {
      for (String size : shape.group(1).split(",")) {
        if (!size.isBlank()) {
          sizes.add(size.strip().length() > 12 ? Long.MAX_VALUE : Long.parseLong(size.strip()));
        }
      }
    }
    if (sizes.isEmpty() || sizes.size() > 2) {
      throw bad("it has " + sizes.size() + " axes; queries are rows of two.");
    }
    return sizes.size() == 1
        ? new long[] {1, sizes.get(0)}
        : new long[] {sizes.get(0), sizes.get(1)};
  }

  private void readNumbers(FileChannel channel, long[] shape, String kind, Collected collected)
      throws IOException {
    if (shape[0] == 0) {
      return;
    }
    if (shape[1] != dimension) {
      throw wrongDimension("its rows", shape[1]);
    }
    int width = kind.charAt(2) - '0';
    int rowBytes = Math.multiplyExact(dimension, width);
    long found = channel.size() - channel.position();
    if (shape[0] > Long.MAX_VALUE / rowBytes || found < shape[0] * rowBytes) {
      throw bad(
          "it is truncated: "
              + shape[0]
              + " rows are announced, there are bytes for "
              + found / rowBytes
              + ".");
    }
    ByteOrder order = kind.charAt(0) == '>' ? ByteOrder.BIG_ENDIAN : ByteOrder.LITTLE_ENDIAN;
    double[] row = new double[dimension];
    for (long query = 0; query < shape[0] && collected.wantsMore(); query++) {
      ByteBuffer values = bytes(channel, rowBytes).order(order);
      for (int i = 0; i < dimension; i++) {
        row[i] = width == 4 ? values.getFloat() : values.getDouble();
      }
      collected.add("query " + (query + 1), row);
    }
  }

  private static ByteBuffer bytes(FileChannel channel, int count) throws IOException {
    ByteBuffer buffer = ByteBuffer.allocate(count).order(ByteOrder.LITTLE_ENDIAN);
    while (buffer.hasRemaining()) {
      if (channel.read(buffer) < 0) {
        throw new EOFException();
      }
    }
    return buffer.flip();
  }

  private void readLines(Collected collected) throws IOException {
    try (BufferedReader reader = Files.newBufferedReader(path)) {
      int number = 0;
      for (String line = line(reader); line != null && collected.wantsMore(); line = line(reader)) {
        number++;
        if (!line.isBlank()) {
          readLine(number, line, collected);
        }
      }
    }
  }

  private String line(BufferedReader reader) throws IOException {
    StringBuilder line = new StringBuilder();
    int character = reader.read();
    if (character < 0) {
      return null;
    }
    for (; character >= 0 && character != '\n'; character = reader.read()) {
      if (line.length() == LONGEST_LINE) {
        throw bad("a line has more than " + LONGEST_LINE + " characters.");
      }
      line.append((char) character);
    }
    return line.toString();
  }

  private void readLine(int number, String line, Collected collected) {
    String name = "line " + number;
    JsonNode node;
    try {
      node = MAPPER.readTree(line);
    } catch (JsonProcessingException e) {
      throw bad(name + " is no JSON, or is truncated: " + e.getOriginalMessage());
    }
    JsonNode vector =
        node.isArray() ? node : node.has("vector") ? node.get("vector") : node.path("embedding");
    if (!vector.isArray()) {
      throw bad(
          name + " has no vector. Each line is a list of numbers, or an object with \"vector\".");
    }
    double[] values = new double[vector.size()];
    for (int i = 0; i < values.length; i++) {
      if (!vector.get(i).isNumber()) {
        throw bad(name + ", component " + i + " is no number: " + shortened(vector.get(i)));
      }
      values[i] = vector.get(i).doubleValue();
    }
    JsonNode called = node.has("text") ? node.get("text") : node.path("id");
    collected.add(name, called.isValueNode() ? shortened(called) : name, values);
  }

  private static String shortened(JsonNode value) {
    String text = value.isTextual() ? value.textValue() : value.toString();
    return text.length() <= 80 ? text : text.substring(0, 80) + "...";
  }

  private void readParquet(Collected collected) throws IOException {
    int[] number = {0};
    try {
      VectorTable.read(
          path,
          "vector",
          values -> {
            if (!collected.wantsMore()) {
              return false;
            }
            number[0]++;
            collected.add("row " + number[0], values);
            return true;
          });
    } catch (VectorTable.Unreadable e) {
      throw bad(e.getMessage());
    }
  }

  private StoreException wrongDimension(String where, long found) {
    return bad(
        where
            + ": "
            + found
            + " components, the vectors of the source have "
            + dimension
            + ". Make the queries with the model that made the collection.");
  }

  /** A component as the field keeps it. */
  private float component(String where, int number, double value) {
    float component = (float) value;
    String place = where + ", component " + number;
    if (!Float.isFinite(component)) {
      throw bad(place + " is no finite 32-bit float: " + value + ".");
    }
    float kept = element.nearest(component);
    boolean whole =
        element == ElementType.INT8 || element == ElementType.UINT8 || element == ElementType.BIT;
    if (whole ? kept != value : !Float.isFinite(kept)) {
      throw bad(
          place
              + " is "
              + value
              + "; the searched field has components of type "
              + element
              + ": "
              + element.range()
              + ".");
    }
    return kept;
  }

  /** Queries that are being collected, and checked. */
  private final class Collected {
    private final Integer wanted;
    private final List<String> names = new ArrayList<>();
    private float[] vectors = new float[0];

    Collected(Integer wanted) {
      this.wanted = wanted;
    }

    boolean wantsMore() {
      return wanted == null || names.size() < wanted;
    }

    void add(String where, double[] values) {
      add(where, where, values);
    }

    void add(String where, String name, double[] values) {
      if (values.length != dimension) {
        throw wrongDimension(where, values.length);
      }
      if (names.size() == MOST || (names.size() + 1L) * dimension > MOST_FLOATS) {
        throw bad(
            "it has more than "
                + names.size()
                + " queries, which is all that a check asks. Set quality.sampleSize to ask the"
                + " first ones.");
      }
      int at = names.size() * dimension;
      if (vectors.length < at + dimension) {
        vectors = Arrays.copyOf(vectors, Math.max(at + dimension, vectors.length * 2));
      }
      boolean zero = true;
      for (int i = 0; i < dimension; i++) {
        float component = component(where, i, values[i]);
        zero &= component == 0;
        vectors[at + i] = component;
      }
      if (zero && cosine) {
        throw bad(where + " is a zero vector, which has no cosine. Remove it.");
      }
      names.add(name);
    }

    Queries queries() {
      return new Queries(dimension, Arrays.copyOf(vectors, names.size() * dimension), names);
    }
  }
}
