package io.vecferry.archive;

import java.io.IOException;
import org.apache.parquet.column.ColumnDescriptor;
import org.apache.parquet.column.ColumnReader;
import org.apache.parquet.column.impl.ColumnReadStoreImpl;
import org.apache.parquet.column.page.PageReadStore;
import org.apache.parquet.column.page.PageReader;
import org.apache.parquet.hadoop.ParquetFileReader;
import org.apache.parquet.io.api.Converter;
import org.apache.parquet.io.api.GroupConverter;
import org.apache.parquet.io.api.PrimitiveConverter;
import org.apache.parquet.schema.MessageType;

/** Some columns of a row group, as pages or value by value. */
final class RowGroup {
  private final ParquetFileReader reader;
  private final int number;
  private final MessageType columns;
  private final PageReadStore pages;
  private final ColumnReadStoreImpl values;

  RowGroup(ParquetFileReader reader, int number, MessageType columns) throws IOException {
    this.reader = reader;
    this.number = number;
    this.columns = columns;
    reader.setRequestedSchema(columns);
    this.pages = reader.readRowGroup(number);
    this.values = columnStore(pages);
  }

  /** The pages of a column, which can be read once. */
  PageReader pages(ColumnDescriptor column) {
    return pages.getPageReader(column);
  }

  /** The values of a column whose pages were not looked at. */
  ColumnReader values(ColumnDescriptor column) {
    return values.getColumnReader(column);
  }

  /** The values of a column whose pages were looked at: reads the row group again. */
  ColumnReader valuesAgain(ColumnDescriptor column) throws IOException {
    return columnStore(reader.readRowGroup(number)).getColumnReader(column);
  }

  private ColumnReadStoreImpl columnStore(PageReadStore store) {
    return new ColumnReadStoreImpl(
        store, new NoGroup(), columns, reader.getFileMetaData().getCreatedBy());
  }

  /** The library asks for converters even when values are taken from the column reader. */
  private static final class NoGroup extends GroupConverter {
    private final NoGroupValue value = new NoGroupValue();

    @Override
    public Converter getConverter(int field) {
      return value;
    }

    @Override
    public void start() {}

    @Override
    public void end() {}
  }

  private static final class NoGroupValue extends Converter {
    private final PrimitiveConverter primitive = new PrimitiveConverter() {};

    @Override
    public boolean isPrimitive() {
      return true;
    }

    @Override
    public PrimitiveConverter asPrimitiveConverter() {
      return primitive;
    }

    @Override
    public GroupConverter asGroupConverter() {
      return new NoGroup();
    }
  }
}
