package io.vecferry.archive;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.List;
import org.apache.parquet.column.ColumnDescriptor;
import org.apache.parquet.column.ColumnReader;
import org.apache.parquet.column.Encoding;
import org.apache.parquet.column.page.DataPage;
import org.apache.parquet.column.page.DataPageV1;
import org.apache.parquet.column.page.PageReader;
import org.apache.parquet.schema.MessageType;
import org.apache.parquet.schema.PrimitiveType.PrimitiveTypeName;
import org.apache.parquet.schema.Type;

/**
 * A Parquet column of lists of 4-byte values, or of lists of such lists, which then all have the
 * same length. A row may have an empty list or none at all. What it writes has values that are
 * required; what it reads may have been written again by others, who make everything optional.
 */
final class ListColumn {
  private static final int PAGE_VALUES = 1 << 18;

  /** Values that room is made for before they are seen. */
  private static final int FIRST_VALUES = 1 << 22;

  /** Values that a row group may have; a damaged count must not use up the memory. */
  private static final int MOST_VALUES = 1 << 28;

  private final ColumnDescriptor descriptor;
  private final int dimension;

  /** Definition levels at which the lists have an element, outermost first. */
  private final int[] elementAt;

  /**
   * What a column holds.
   *
   * @param offsets {@code rows + 1} positions; row {@code r} has the values from {@code offsets[r]}
   *     to {@code offsets[r + 1] - 1}
   * @param nulls which rows have no list; null when all have one
   */
  record Lists(int[] offsets, boolean[] nulls, Words values) {
    int rows() {
      return offsets.length - 1;
    }
  }

  /**
   * Finds the column in a schema.
   *
   * @param path the beginning of its path
   * @param depth 1 for lists of values, 2 for lists of lists
   * @param dimension length of the innermost lists, 0 for any
   * @throws BadColumn when there is none of this shape
   */
  ListColumn(
      MessageType schema, List<String> path, PrimitiveTypeName type, int depth, int dimension) {
    this.descriptor =
        schema.getColumns().stream()
            .filter(
                column ->
                    column.getPath().length > path.size()
                        && List.of(column.getPath()).subList(0, path.size()).equals(path))
            .findFirst()
            .orElseThrow(() -> new BadColumn("it is not there, or not a list"));
    this.dimension = dimension;
    this.elementAt = new int[depth];
    if (descriptor.getPrimitiveType().getPrimitiveTypeName() != type
        || descriptor.getMaxRepetitionLevel() != depth) {
      throw new BadColumn(
          "it is not a list of %s%s".formatted(depth == 2 ? "lists of " : "", type));
    }
    int definition = 0;
    int list = 0;
    String[] names = descriptor.getPath();
    for (int length = 1; length <= names.length; length++) {
      Type part = schema.getType(Arrays.copyOf(names, length));
      definition += part.isRepetition(Type.Repetition.REQUIRED) ? 0 : 1;
      if (part.isRepetition(Type.Repetition.REPEATED)) {
        elementAt[list++] = definition;
      }
    }
  }

  ColumnDescriptor descriptor() {
    return descriptor;
  }

  /** Definition level of a value. */
  private int valueAt() {
    return descriptor.getMaxDefinitionLevel();
  }

  /** Writes all rows of a row group. */
  void write(PageOutput output, List<Lists> batches, boolean split, boolean compress)
      throws IOException {
    long entries = 0;
    for (Lists batch : batches) {
      for (int row = 0; row < batch.rows(); row++) {
        entries += Math.max(1, batch.offsets[row + 1] - batch.offsets[row]);
      }
    }
    output.start(descriptor, entries, compress);
    Levels.Encoder repetition = new Levels.Encoder();
    Levels.Encoder definition = new Levels.Encoder();
    Words page = batches.get(0).values.empty(1 << 10);
    int pageEntries = 0;
    for (Lists batch : batches) {
      for (int row = 0; row < batch.rows(); row++) {
        int start = batch.offsets[row];
        int length = batch.offsets[row + 1] - start;
        repetition.add(0, 1);
        if (length > 0) {
          addRepetitions(repetition, length);
          definition.add(valueAt(), length);
          page.add(batch.values, start, length);
        } else {
          boolean absent = batch.nulls != null && batch.nulls[row];
          definition.add(absent ? 0 : elementAt[0] - 1, 1);
        }
        pageEntries += Math.max(1, length);
        if (pageEntries >= PAGE_VALUES) {
          writePage(output, pageEntries, repetition, definition, page, split);
          pageEntries = 0;
        }
      }
    }
    if (pageEntries > 0) {
      writePage(output, pageEntries, repetition, definition, page, split);
    }
    output.end();
  }

  /** The levels of a row behind its first value. */
  private void addRepetitions(Levels.Encoder repetition, int length) {
    if (elementAt.length == 1) {
      repetition.add(1, length - 1);
      return;
    }
    repetition.add(2, dimension - 1);
    for (int vector = 1; vector < length / dimension; vector++) {
      repetition.add(1, 1);
      repetition.add(2, dimension - 1);
    }
  }

  private static void writePage(
      PageOutput output,
      int entries,
      Levels.Encoder repetition,
      Levels.Encoder definition,
      Words values,
      boolean split)
      throws IOException {
    byte[] first = repetition.take();
    byte[] second = definition.take();
    int start = 8 + first.length + second.length;
    byte[] page = new byte[Math.addExact(start, Math.multiplyExact(4, values.size()))];
    ByteBuffer.wrap(page)
        .order(ByteOrder.LITTLE_ENDIAN)
        .putInt(first.length)
        .put(first)
        .putInt(second.length)
        .put(second);
    values.toPage(page, start, split);
    values.clear();
    output.page(entries, page, split ? Encoding.BYTE_STREAM_SPLIT : Encoding.PLAIN);
  }

  /**
   * Reads all rows of a row group.
   *
   * @param values an empty array of the type of the column
   * @throws BadColumn when the column is not of this shape
   */
  Lists read(RowGroup group, int rows, Words values) throws IOException {
    PageReader pages = group.pages(descriptor);
    long left = requireCount(pages.getTotalValueCount(), rows);
    Reading reading = new Reading(rows, values.empty((int) Math.min(left, FIRST_VALUES)));
    while (left > 0) {
      DataPage page = pages.readPage();
      if (!reading.add(page)) {
        return readSlowly(group, rows, values);
      }
      left -= page.getValueCount();
    }
    return reading.finish();
  }

  /** Reads all rows of a row group in any encoding that the library knows. */
  Lists readSlowly(RowGroup group, int rows, Words values) throws IOException {
    ColumnReader reader = group.valuesAgain(descriptor);
    Reading reading = new Reading(rows, values.empty(1 << 10));
    for (long left = requireCount(reader.getTotalValueCount(), rows); left > 0; left--) {
      int definition = reader.getCurrentDefinitionLevel();
      reading.add(reader.getCurrentRepetitionLevel(), definition, 1);
      if (definition == valueAt()) {
        reading.values.add(reader);
      }
      reader.consume();
    }
    return reading.finish();
  }

  private static long requireCount(long values, int rows) {
    if (values < rows || values > MOST_VALUES) {
      throw new BadColumn(
          "it has %d values for %d rows; a row group may have %d"
              .formatted(values, rows, MOST_VALUES));
    }
    return values;
  }

  /** Starts to read pages one by one. */
  Reading reading(int rows, Words values) {
    return new Reading(rows, values);
  }

  /** Rows in the making, from their levels and values. */
  final class Reading {
    private final int expectedRows;
    private final Words values;
    private final int[] offsets;
    private boolean[] nulls;
    private int rows;
    private int end;
    private int innermost;

    private Reading(int expectedRows, Words values) {
      this.expectedRows = expectedRows;
      this.values = values;
      this.offsets = new int[expectedRows + 1];
    }

    /**
     * Takes a page apart.
     *
     * @return false when it is of another kind than is written here; nothing was done then
     */
    boolean add(DataPage page) throws IOException {
      if (!(page instanceof DataPageV1 data)
          || data.getRlEncoding() != Encoding.RLE
          || data.getDlEncoding() != Encoding.RLE) {
        return false;
      }
      boolean split = data.getValueEncoding() == Encoding.BYTE_STREAM_SPLIT;
      if (split ? values instanceof Words.Integers : data.getValueEncoding() != Encoding.PLAIN) {
        return false;
      }
      add(data.getBytes().toByteArray(), data.getValueCount(), split);
      return true;
    }

    void add(byte[] page, int entries, boolean split) {
      ByteBuffer in = ByteBuffer.wrap(page).order(ByteOrder.LITTLE_ENDIAN);
      Levels.Decoder repetition = new Levels.Decoder(in, Levels.width(elementAt.length));
      Levels.Decoder definition = new Levels.Decoder(in, Levels.width(valueAt()));
      int before = end;
      int left = entries;
      while (left > 0) {
        int count = Math.min(left, Math.min(repetition.ready(), definition.ready()));
        add(repetition.level(), definition.level(), count);
        repetition.skip(count);
        definition.skip(count);
        left -= count;
      }
      int added = end - before;
      if (in.remaining() != 4L * added) {
        throw new BadColumn("a page has %d bytes for %d values".formatted(in.remaining(), added));
      }
      values.addPage(page, in.position(), added, split);
    }

    /** Adds so many entries with the same levels; their values are added by the caller. */
    private void add(int repetition, int definition, int count) {
      if (repetition == elementAt.length && definition == valueAt() && innermost > 0) {
        innermost += count;
        end += count;
        return;
      }
      for (int i = 0; i < count; i++) {
        if (repetition == 0) {
          endInnermost();
          if (rows == expectedRows) {
            throw new BadColumn("it has more than %d rows".formatted(expectedRows));
          }
          offsets[rows++] = end;
        } else if (repetition < elementAt.length && innermost > 0) {
          endInnermost();
        } else {
          throw new BadColumn(
              innermost > 0
                  ? "row %d has a null in it".formatted(rows - 1)
                  : "row %d starts in its middle".formatted(rows));
        }
        if (definition == valueAt()) {
          innermost = 1;
          end++;
        } else if (repetition > 0 || definition >= elementAt[0]) {
          throw new BadColumn("row %d has a null or an empty list in it".formatted(rows - 1));
        } else if (definition < elementAt[0] - 1) {
          nulls = nulls == null ? new boolean[expectedRows] : nulls;
          nulls[rows - 1] = true;
        }
      }
    }

    private void endInnermost() {
      if (innermost > 0 && dimension > 0 && innermost != dimension) {
        throw new BadColumn(
            "row %d has a vector of dimension %d, expected %d"
                .formatted(rows - 1, innermost, dimension));
      }
      innermost = 0;
    }

    Lists finish() {
      endInnermost();
      if (rows != expectedRows) {
        throw new BadColumn("it has %d rows, expected %d".formatted(rows, expectedRows));
      }
      offsets[rows] = end;
      return new Lists(offsets, nulls, values);
    }
  }
}
