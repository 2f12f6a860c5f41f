package io.vecferry.archive;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.apache.parquet.ParquetReadOptions;
import org.apache.parquet.column.page.PageReadStore;
import org.apache.parquet.conf.PlainParquetConfiguration;
import org.apache.parquet.example.data.Group;
import org.apache.parquet.example.data.simple.convert.GroupRecordConverter;
import org.apache.parquet.hadoop.ParquetFileReader;
import org.apache.parquet.io.ColumnIOFactory;
import org.apache.parquet.io.LocalInputFile;
import org.apache.parquet.io.MessageColumnIO;
import org.apache.parquet.io.RecordReader;
import org.apache.parquet.schema.GroupType;
import org.apache.parquet.schema.MessageType;
import org.apache.parquet.schema.PrimitiveType.PrimitiveTypeName;
import org.apache.parquet.schema.Type;

/**
 * Reads one column of vectors from a Parquet file that anybody may have written: lists of 32- or
 * 64-bit floats in any of the shapes that lists have. For files of some thousand rows.
 */
public final class VectorTable {
  private static final byte[] MAGIC = {'P', 'A', 'R', '1'};
  private static final int LARGEST_FOOTER = 64 << 20;

  private VectorTable() {}

  /** Says what is wrong with a file. */
  public static final class Unreadable extends IOException {
    private static final long serialVersionUID = 1;

    Unreadable(String message) {
      super(message);
    }
  }

  /** Takes the vectors one after the other. */
  public interface Taker {
    /** Returns whether there is more to read. */
    boolean take(double[] vector);
  }

  /**
   * Reads vectors in the order of the file; an absent vector is one of no components.
   *
   * @param name column that is read where there are several
   * @throws Unreadable when the file has no such column, or is damaged
   */
  public static void read(Path file, String name, Taker taker) throws IOException {
    requireFooter(file);
    ParquetReadOptions options =
        ParquetReadOptions.builder(new PlainParquetConfiguration())
            .withCodecFactory(new ParquetFiles.Codecs())
            .usePageChecksumVerification(true)
            .build();
    Rows rows = new Rows(taker);
    try (ParquetFileReader reader = ParquetFileReader.open(new LocalInputFile(file), options)) {
      MessageType schema = reader.getFileMetaData().getSchema();
      Type column = column(schema, name);
      MessageType projected = new MessageType(schema.getName(), column);
      reader.setRequestedSchema(projected);
      MessageColumnIO columns = new ColumnIOFactory().getColumnIO(projected, schema);
      boolean more = true;
      for (PageReadStore group = reader.readNextRowGroup();
          group != null && more;
          group = reader.readNextRowGroup()) {
        RecordReader<Group> records =
            columns.getRecordReader(group, new GroupRecordConverter(projected));
        for (long row = 0; row < group.getRowCount() && more; row++) {
          more = rows.take(records.read());
        }
      }
    } catch (IOException | RuntimeException | LinkageError | OutOfMemoryError e) {
      if (e == rows.refused) {
        throw rows.refused;
      }
      // A damaged footer or page may ask for any amount of memory.
      throw e instanceof Unreadable known
          ? known
          : new Unreadable("it is damaged, or no Parquet file: " + e.getMessage());
    }
  }

  private static void requireFooter(Path file) throws IOException {
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
      ByteBuffer end = ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN);
      long from = channel.size() - end.capacity();
      while (from >= MAGIC.length && end.hasRemaining() && channel.read(end, from) > 0) {
        from = channel.size() - end.remaining();
      }
      int length = end.hasRemaining() ? -1 : end.getInt(0);
      boolean whole = !end.hasRemaining() && ByteBuffer.wrap(MAGIC).equals(end.position(4));
      if (!whole || length < 0 || length > LARGEST_FOOTER || length > channel.size()) {
        throw new Unreadable("it is truncated, or no Parquet file: its footer is missing.");
      }
    }
  }

  private static Type column(MessageType schema, String name) throws Unreadable {
    List<Type> columns = new ArrayList<>();
    for (Type type : schema.getFields()) {
      if (isVector(type)) {
        columns.add(type);
      }
    }
    for (Type column : columns) {
      if (column.getName().equals(name)) {
        return column;
      }
    }
    if (columns.size() != 1) {
      throw new Unreadable(
          "it needs one column of lists of floats, or one called '"
              + name
              + "'; it has "
              + (columns.isEmpty() ? "none." : columns.stream().map(Type::getName).toList() + "."));
    }
    return columns.get(0);
  }

  private static boolean isVector(Type type) {
    boolean repeated = type.isRepetition(Type.Repetition.REPEATED);
    Type inner = type;
    while (!inner.isPrimitive()) {
      GroupType group = inner.asGroupType();
      if (group.getFieldCount() != 1) {
        return false;
      }
      inner = group.getType(0);
      repeated |= inner.isRepetition(Type.Repetition.REPEATED);
    }
    PrimitiveTypeName primitive = inner.asPrimitiveType().getPrimitiveTypeName();
    return repeated
        && (primitive == PrimitiveTypeName.FLOAT || primitive == PrimitiveTypeName.DOUBLE);
  }

  /** Turns rows into vectors. What the taker throws is not taken for damage of the file. */
  private static final class Rows {
    private final Taker taker;
    private double[] values = new double[1024];
    private int size;
    private RuntimeException refused;

    Rows(Taker taker) {
      this.taker = taker;
    }

    boolean take(Group row) {
      size = 0;
      collect(row);
      try {
        return taker.take(Arrays.copyOf(values, size));
      } catch (RuntimeException e) {
        refused = e;
        throw e;
      }
    }

    private void collect(Group group) {
      GroupType type = group.getType();
      for (int field = 0; field < type.getFieldCount(); field++) {
        for (int i = 0; i < group.getFieldRepetitionCount(field); i++) {
          if (!type.getType(field).isPrimitive()) {
            collect(group.getGroup(field, i));
          } else if (type.getType(field).asPrimitiveType().getPrimitiveTypeName()
              == PrimitiveTypeName.FLOAT) {
            add(group.getFloat(field, i));
          } else {
            add(group.getDouble(field, i));
          }
        }
      }
    }

    private void add(double value) {
      if (size == values.length) {
        values = Arrays.copyOf(values, 2 * size);
      }
      values[size++] = value;
    }
  }
}
