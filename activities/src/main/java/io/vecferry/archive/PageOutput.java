package io.vecferry.archive;

import com.github.luben.zstd.Zstd;
import java.io.IOException;
import org.apache.parquet.bytes.BytesInput;
import org.apache.parquet.column.ColumnDescriptor;
import org.apache.parquet.column.Encoding;
import org.apache.parquet.column.statistics.Statistics;
import org.apache.parquet.hadoop.ParquetFileWriter;
import org.apache.parquet.hadoop.metadata.CompressionCodecName;

/** Puts pages into the columns of a row group, one column after the other. */
final class PageOutput {
  private static final int COMPRESSION_LEVEL = 1;

  private final ParquetFileWriter writer;
  private ColumnDescriptor column;
  private boolean compress;

  PageOutput(ParquetFileWriter writer) {
    this.writer = writer;
  }

  /**
   * Starts a column.
   *
   * @param entries values that it will have, where a null and an empty list count as one
   */
  void start(ColumnDescriptor next, long entries, boolean compressed) throws IOException {
    column = next;
    compress = compressed;
    writer.startColumn(
        column,
        entries,
        compressed ? CompressionCodecName.ZSTD : CompressionCodecName.UNCOMPRESSED);
  }

  /** Adds a page: levels and values, not compressed. */
  // The variant with a row count also writes a column index, in which a page without statistics
  // would count as a page of nulls and be skipped by readers that filter.
  @SuppressWarnings("deprecation")
  void page(int entries, byte[] page, Encoding encoding) throws IOException {
    byte[] stored = compress ? Zstd.compress(page, COMPRESSION_LEVEL) : page;
    Statistics<?> none = Statistics.getBuilderForReading(column.getPrimitiveType()).build();
    writer.writeDataPage(
        entries, page.length, BytesInput.from(stored), none, Encoding.RLE, Encoding.RLE, encoding);
  }

  void end() throws IOException {
    writer.endColumn();
  }
}
