package io.vecferry.archive;

import io.vecferry.archive.ListColumn.Lists;
import io.vecferry.record.DenseVectors;
import io.vecferry.record.VectorColumn;
import java.io.IOException;
import java.util.List;
import org.apache.parquet.column.Encoding;
import org.apache.parquet.column.page.DataPage;
import org.apache.parquet.column.page.DataPageV1;
import org.apache.parquet.column.page.PageReader;
import org.apache.parquet.schema.MessageType;
import org.apache.parquet.schema.PrimitiveType.PrimitiveTypeName;
import org.apache.parquet.schema.Type;

/**
 * Dense vectors: a list of floats, nullable where a record may have none. Pages in which every row
 * has its vector have levels that are known beforehand, and their floats move in one copy.
 */
final class DenseCodec extends VectorCodec {
  private static final int PAGE_BYTES = 1 << 20;

  /** Bytes of a row group whose absent rows are filled up; damaged counts must not take more. */
  private static final long MOST_BYTES = 1L << 30;

  private final ListColumn column;
  private final int valueAt;

  DenseCodec(PartSchema.VectorField field, MessageType schema) {
    super(field);
    this.column =
        new ListColumn(
            schema, List.of(field.column()), PrimitiveTypeName.FLOAT, 1, field.dimension());
    this.valueAt = column.descriptor().getMaxDefinitionLevel();
  }

  static Type type(PartSchema.VectorField field) {
    return listOf(
        field.optional() ? Type.Repetition.OPTIONAL : Type.Repetition.REQUIRED,
        element(PrimitiveTypeName.FLOAT, null),
        field.column());
  }

  @Override
  String misfit(VectorColumn vectors) {
    if (!(vectors instanceof DenseVectors dense) || dense.dimension() != field().dimension()) {
      return "is not dense with dimension " + field().dimension();
    }
    for (int row = 0; row < dense.rows() && !field().optional(); row++) {
      if (dense.isNull(row)) {
        return "has no vector in row " + row + ", the schema says that every record has one";
      }
    }
    return null;
  }

  @Override
  void write(PageOutput output, List<VectorColumn> batches, boolean split) throws IOException {
    List<DenseVectors> vectors = batches.stream().map(DenseVectors.class::cast).toList();
    if (vectors.stream().allMatch(batch -> batch.nulls() == null)) {
      writeWhole(output, vectors, split);
    } else {
      column.write(output, vectors.stream().map(DenseCodec::lists).toList(), split, split);
    }
  }

  private void writeWhole(PageOutput output, List<DenseVectors> batches, boolean split)
      throws IOException {
    long rows = batches.stream().mapToLong(DenseVectors::rows).sum();
    int dimension = field().dimension();
    output.start(column.descriptor(), rows * dimension, split);
    int pageRows = Math.max(1, PAGE_BYTES / (4 * dimension));
    // Batches are usually smaller than a page, and pages hold whole rows.
    float[] page = new float[Math.toIntExact(Math.min(pageRows, rows) * dimension)];
    int filled = 0;
    for (DenseVectors batch : batches) {
      float[] values = batch.values();
      int position = 0;
      while (position < values.length) {
        int length = Math.min(values.length - position, page.length - filled);
        System.arraycopy(values, position, page, filled, length);
        position += length;
        filled += length;
        if (filled == page.length) {
          writePage(output, page, filled, split);
          filled = 0;
        }
      }
    }
    if (filled > 0) {
      writePage(output, page, filled, split);
    }
    output.end();
  }

  private void writePage(PageOutput output, float[] values, int count, boolean split)
      throws IOException {
    int rows = count / field().dimension();
    output.page(
        count,
        FloatPages.encode(values, 0, rows, field().dimension(), valueAt, split),
        split ? Encoding.BYTE_STREAM_SPLIT : Encoding.PLAIN);
  }

  /** The rows of a batch as lists, which are empty where there is no vector. */
  private static Lists lists(DenseVectors batch) {
    Words.Floats all = new Words.Floats(batch.values(), batch.values().length);
    Words present = all;
    if (batch.nulls() != null) {
      present = all.empty(all.size());
    }
    int[] offsets = new int[batch.rows() + 1];
    for (int row = 0; row < batch.rows(); row++) {
      boolean absent = batch.isNull(row);
      offsets[row + 1] = offsets[row] + (absent ? 0 : batch.dimension());
      if (!absent && present != all) {
        present.add(all, row * batch.dimension(), batch.dimension());
      }
    }
    return new Lists(offsets, batch.nulls(), present);
  }

  @Override
  VectorColumn read(RowGroup group, int rows) throws IOException {
    int dimension = field().dimension();
    int total = Math.multiplyExact(rows, dimension);
    PageReader pages = group.pages(column.descriptor());
    long left = pages.getTotalValueCount();
    if (left > total || left < rows || (left < total && 4L * total > MOST_BYTES)) {
      throw new BadColumn(
          "it has %d values for %d rows of dimension %d".formatted(left, rows, dimension));
    }
    float[] values = new float[total];
    int done = 0;
    ListColumn.Reading rest = null;
    while (left > 0) {
      DataPage page = pages.readPage();
      if (rest == null && readWhole(page, values, done * dimension)) {
        done += page.getValueCount() / dimension;
      } else {
        rest = rest == null ? column.reading(rows - done, floats(1 << 10)) : rest;
        if (!rest.add(page)) {
          return vectors(column.readSlowly(group, rows, floats(1 << 10)), values, 0);
        }
      }
      left -= page.getValueCount();
    }
    if (rest != null) {
      return vectors(rest.finish(), values, done);
    }
    if (done != rows) {
      throw new BadColumn("it has %d rows, expected %d".formatted(done, rows));
    }
    return new DenseVectors(field().name(), dimension, values);
  }

  /** Reads a page in which every row has its vector; does nothing when it is another. */
  private boolean readWhole(DataPage page, float[] values, int filled) throws IOException {
    if (!(page instanceof DataPageV1 data) || data.getValueCount() > values.length - filled) {
      return false;
    }
    boolean split = data.getValueEncoding() == Encoding.BYTE_STREAM_SPLIT;
    return (split || data.getValueEncoding() == Encoding.PLAIN)
        && FloatPages.decode(
            data.getBytes().toByteBuffer(),
            data.getValueCount(),
            field().dimension(),
            valueAt,
            split,
            values,
            filled);
  }

  private static Words.Floats floats(int capacity) {
    return new Words.Floats(new float[capacity], 0);
  }

  /** Puts lists, which are the rows from {@code firstRow} on, in their places. */
  private DenseVectors vectors(Lists lists, float[] values, int firstRow) {
    int dimension = field().dimension();
    float[] present = ((Words.Floats) lists.values()).toArray();
    boolean[] nulls = lists.nulls() == null ? null : new boolean[values.length / dimension];
    for (int i = 0; i < lists.rows(); i++) {
      int start = lists.offsets()[i];
      if (lists.offsets()[i + 1] > start) {
        System.arraycopy(present, start, values, (firstRow + i) * dimension, dimension);
      } else if (lists.nulls() != null && lists.nulls()[i]) {
        nulls[firstRow + i] = true;
      } else {
        throw new BadColumn("row %d has an empty vector".formatted(firstRow + i));
      }
    }
    return new DenseVectors(field().name(), dimension, values, nulls);
  }
}
