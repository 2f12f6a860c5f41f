package io.vecferry.store.faiss;

import io.vecferry.record.Numbers;
import io.vecferry.store.StoreException;
import java.io.IOException;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.nio.file.Path;
import java.time.Instant;
import java.time.LocalDate;
import java.util.LinkedHashMap;
import java.util.Map;
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
import org.apache.parquet.schema.LogicalTypeAnnotation;
import org.apache.parquet.schema.LogicalTypeAnnotation.DateLogicalTypeAnnotation;
import org.apache.parquet.schema.LogicalTypeAnnotation.DecimalLogicalTypeAnnotation;
import org.apache.parquet.schema.LogicalTypeAnnotation.EnumLogicalTypeAnnotation;
import org.apache.parquet.schema.LogicalTypeAnnotation.IntLogicalTypeAnnotation;
import org.apache.parquet.schema.LogicalTypeAnnotation.JsonLogicalTypeAnnotation;
import org.apache.parquet.schema.LogicalTypeAnnotation.ListLogicalTypeAnnotation;
import org.apache.parquet.schema.LogicalTypeAnnotation.MapLogicalTypeAnnotation;
import org.apache.parquet.schema.LogicalTypeAnnotation.StringLogicalTypeAnnotation;
import org.apache.parquet.schema.LogicalTypeAnnotation.TimestampLogicalTypeAnnotation;
import org.apache.parquet.schema.MessageType;
import org.apache.parquet.schema.Type;

/**
 * Reads the rows of a Parquet file as JSON: texts, numbers, booleans, lists, maps and structs as
 * what they are, dates and times as ISO 8601 texts, decimals as numbers. A null value is a null.
 */
final class ParquetRows {
  private final Path path;

  private ParquetRows(Path path) {
    this.path = path;
  }

  static void read(Path path, MetadataFileReader.Sink sink) throws IOException {
    ParquetRows rows = new ParquetRows(path);
    ParquetReadOptions options =
        ParquetReadOptions.builder(new PlainParquetConfiguration())
            .withCodecFactory(new ParquetPages())
            .build();
    try (ParquetFileReader file = ParquetFileReader.open(new LocalInputFile(path), options)) {
      MessageType schema = file.getFileMetaData().getSchema();
      MessageColumnIO columns = new ColumnIOFactory().getColumnIO(schema);
      long number = 0;
      for (PageReadStore pages = file.readNextRowGroup();
          pages != null;
          pages = file.readNextRowGroup()) {
        RecordReader<Group> records =
            columns.getRecordReader(pages, new GroupRecordConverter(schema));
        for (long row = 0; row < pages.getRowCount(); row++) {
          sink.row("row " + ++number, rows.columns(records.read()));
        }
      }
    } catch (StoreException | IOException e) {
      throw e;
    } catch (RuntimeException e) {
      // The library throws all kinds of them for a damaged file.
      throw FileErrors.bad(path + " is not a Parquet file that can be read: " + e.getMessage());
    }
  }

  private Map<String, String> columns(Group group) throws IOException {
    Map<String, String> values = new LinkedHashMap<>();
    for (int i = 0; i < group.getType().getFieldCount(); i++) {
      values.put(group.getType().getFieldName(i), field(group, i));
    }
    return values;
  }

  private String field(Group group, int field) throws IOException {
    Type type = group.getType().getType(field);
    int count = group.getFieldRepetitionCount(field);
    if (type.isRepetition(Type.Repetition.REPEATED)) {
      StringBuilder items = new StringBuilder("[");
      for (int i = 0; i < count; i++) {
        items.append(i == 0 ? "" : ",").append(value(group, field, i, type));
      }
      return items.append(']').toString();
    }
    return count == 0 ? "null" : value(group, field, 0, type);
  }

  private String value(Group group, int field, int index, Type type) throws IOException {
    if (type.isPrimitive()) {
      return primitive(group, field, index, type);
    }
    Group inner = group.getGroup(field, index);
    LogicalTypeAnnotation kind = type.getLogicalTypeAnnotation();
    if (kind instanceof ListLogicalTypeAnnotation) {
      StringBuilder items = new StringBuilder("[");
      for (int i = 0; i < inner.getFieldRepetitionCount(0); i++) {
        Type item = inner.getType().getType(0);
        items.append(i == 0 ? "" : ",");
        items.append(
            item.isPrimitive() ? value(inner, 0, i, item) : field(inner.getGroup(0, i), 0));
      }
      return items.append(']').toString();
    }
    StringBuilder members = new StringBuilder("{");
    if (kind instanceof MapLogicalTypeAnnotation) {
      for (int i = 0; i < inner.getFieldRepetitionCount(0); i++) {
        Group entry = inner.getGroup(0, i);
        String key = field(entry, 0);
        members.append(i == 0 ? "" : ",").append(key.startsWith("\"") ? key : '"' + key + '"');
        members.append(':').append(field(entry, 1));
      }
      return members.append('}').toString();
    }
    for (int i = 0; i < inner.getType().getFieldCount(); i++) {
      members.append(i == 0 ? "" : ",").append(JsonRow.quote(inner.getType().getFieldName(i)));
      members.append(':').append(field(inner, i));
    }
    return members.append('}').toString();
  }

  private String primitive(Group group, int field, int index, Type type) throws IOException {
    LogicalTypeAnnotation kind = type.getLogicalTypeAnnotation();
    return switch (type.asPrimitiveType().getPrimitiveTypeName()) {
      case BOOLEAN -> Boolean.toString(group.getBoolean(field, index));
      case INT32 -> {
        int number = group.getInteger(field, index);
        yield kind instanceof DateLogicalTypeAnnotation
            ? JsonRow.quote(LocalDate.ofEpochDay(number).toString())
            : kind instanceof DecimalLogicalTypeAnnotation decimal
                ? BigDecimal.valueOf(number, decimal.getScale()).toPlainString()
                : unsigned(kind) ? Integer.toUnsignedString(number) : Integer.toString(number);
      }
      case INT64 -> {
        long number = group.getLong(field, index);
        yield kind instanceof TimestampLogicalTypeAnnotation timestamp
            ? JsonRow.quote(time(number, timestamp))
            : kind instanceof DecimalLogicalTypeAnnotation decimal
                ? BigDecimal.valueOf(number, decimal.getScale()).toPlainString()
                : unsigned(kind) ? Long.toUnsignedString(number) : Long.toString(number);
      }
      case FLOAT ->
          floating(type, Double.parseDouble(Float.toString(group.getFloat(field, index))));
      case DOUBLE -> floating(type, group.getDouble(field, index));
      case BINARY, FIXED_LEN_BYTE_ARRAY -> {
        if (kind instanceof DecimalLogicalTypeAnnotation decimal) {
          byte[] digits = group.getBinary(field, index).getBytes();
          yield new BigDecimal(new BigInteger(digits), decimal.getScale()).toPlainString();
        }
        if (kind instanceof StringLogicalTypeAnnotation
            || kind instanceof EnumLogicalTypeAnnotation
            || kind instanceof JsonLogicalTypeAnnotation) {
          yield JsonRow.quote(group.getString(field, index));
        }
        throw unsupported(type);
      }
      case INT96 -> throw unsupported(type);
    };
  }

  private static boolean unsigned(LogicalTypeAnnotation kind) {
    return kind instanceof IntLogicalTypeAnnotation integer && !integer.isSigned();
  }

  private String floating(Type type, double value) {
    if (!Double.isFinite(value)) {
      throw FileErrors.bad(
          path
              + ": column '"
              + type.getName()
              + "' has the value "
              + value
              + ", which JSON has"
              + " not");
    }
    return Numbers.spell(value);
  }

  private static String time(long number, TimestampLogicalTypeAnnotation timestamp) {
    long perSecond =
        switch (timestamp.getUnit()) {
          case MILLIS -> 1_000L;
          case MICROS -> 1_000_000L;
          case NANOS -> 1_000_000_000L;
        };
    Instant instant =
        Instant.ofEpochSecond(
            Math.floorDiv(number, perSecond),
            Math.floorMod(number, perSecond) * (1_000_000_000L / perSecond));
    String text = instant.toString();
    // A local time has no zone.
    return timestamp.isAdjustedToUTC() ? text : text.substring(0, text.length() - 1);
  }

  private StoreException unsupported(Type type) {
    return FileErrors.incompatible(
        path
            + ": column '"
            + type.getName()
            + "' is "
            + type.asPrimitiveType()
            + ", which metadata cannot hold. Leave it out or make it a text.");
  }
}
