package io.vecferry.archive;

import com.fasterxml.jackson.core.JsonProcessingException;
import io.vecferry.archive.ArtifactStore.WritableArtifact;
import io.vecferry.plan.FailureClass;
import io.vecferry.record.ElementType;
import io.vecferry.record.IdKind;
import io.vecferry.record.RecordBatch;
import io.vecferry.record.TextColumn;
import io.vecferry.record.VectorColumn;
import io.vecferry.record.VectorKind;
import io.vecferry.store.StoreException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.parquet.column.ColumnDescriptor;
import org.apache.parquet.column.Encoding;
import org.apache.parquet.hadoop.ParquetFileWriter;
import org.apache.parquet.schema.LogicalTypeAnnotation;
import org.apache.parquet.schema.MessageType;
import org.apache.parquet.schema.PrimitiveType;
import org.apache.parquet.schema.PrimitiveType.PrimitiveTypeName;
import org.apache.parquet.schema.Type;
import org.apache.parquet.schema.Types;

/**
 * Writes one part: a Parquet file and then its sidecar. Nothing is visible before {@link #finish};
 * {@link #close} without it discards everything. Holds at most one row group in memory. Not
 * thread-safe.
 */
public final class PartWriter implements AutoCloseable {

  /** How vectors are laid out inside the file; readers need not know. */
  public enum Layout {
    /** Floats one after the other, not compressed: fastest. */
    PLAIN,
    /** Bytes of equal weight together, zstd level 1: smaller. */
    SPLIT
  }

  private static final int ROW_GROUP_BYTES = 12 << 20;

  /** Rows in a row group; reached only by records of a few bytes. */
  private static final int ROW_GROUP_ROWS = PartReader.MOST_GROUP_ROWS / 4;

  private static final int PAGE_BYTES = 1 << 20;
  private static final int COMPRESSION_LEVEL = 1;

  private final ArtifactStore store;
  private final String path;
  private final PartSchema schema;
  private final Layout layout;
  private final WritableArtifact artifact;
  private final ParquetFiles.ChecksumOutput output;
  private final MessageType parquetSchema;
  private final List<VectorCodec> codecs;
  private final ParquetFileWriter writer;
  private final PageOutput pages;
  private final List<RecordBatch> pending = new ArrayList<>();
  private long pendingBytes;
  private long pendingRows;
  private long rows;

  /** Starts a part in the default layout. */
  public PartWriter(ArtifactStore store, String path, PartSchema schema) {
    this(store, path, schema, Layout.PLAIN);
  }

  /** Starts a part. */
  public PartWriter(ArtifactStore store, String path, PartSchema schema, Layout layout) {
    this.store = store;
    this.path = path;
    this.schema = schema;
    this.layout = layout;
    this.parquetSchema = parquetSchema(schema);
    this.codecs =
        schema.vectors().stream().map(field -> VectorCodec.of(field, parquetSchema)).toList();
    this.artifact = store.create(path);
    this.output = new ParquetFiles.ChecksumOutput(artifact);
    try {
      this.writer =
          new ParquetFileWriter(
              ParquetFiles.outputFile(output, path),
              parquetSchema,
              ParquetFileWriter.Mode.CREATE,
              ROW_GROUP_BYTES,
              0,
              64,
              64,
              true);
      this.pages = new PageOutput(writer);
      writer.start();
    } catch (IOException e) {
      artifact.close();
      throw failure(e);
    }
  }

  /**
   * Adds records. The batch is kept until its row group is full and must not be changed.
   *
   * @throws StoreException BAD_RECORD when the batch does not fit the schema
   */
  public void append(RecordBatch batch) {
    check(batch);
    if (batch.rows() == 0) {
      return;
    }
    int most =
        (int)
            Math.max(
                1,
                Math.min(
                    ROW_GROUP_ROWS, ROW_GROUP_BYTES * (long) batch.rows() / (batch.bytes() + 1)));
    if (batch.rows() > most) {
      for (int start = 0; start < batch.rows(); start += most) {
        int[] slice = new int[Math.min(most, batch.rows() - start)];
        for (int i = 0; i < slice.length; i++) {
          slice[i] = start + i;
        }
        add(batch.select(slice));
      }
    } else {
      add(batch);
    }
  }

  /** Number of records appended so far. */
  public long rows() {
    return rows;
  }

  /**
   * Publishes the Parquet file and then its sidecar.
   *
   * @param createdAt when, as text; may be null
   */
  public PartSidecar finish(
      String startCursor,
      String endCursor,
      boolean last,
      String sourceFingerprint,
      String createdAt) {
    try {
      writeRowGroup();
      writer.end(footer());
      writer.close();
    } catch (IOException e) {
      throw failure(e);
    }
    artifact.publish();
    PartSidecar sidecar =
        new PartSidecar(
            PartSidecar.FORMAT_VERSION,
            path,
            rows,
            output.getPos(),
            output.checksum(),
            startCursor,
            endCursor,
            last,
            schema.fingerprint(),
            sourceFingerprint,
            createdAt);
    sidecar.write(store);
    return sidecar;
  }

  @Override
  public void close() {
    artifact.close();
  }

  private void add(RecordBatch batch) {
    pending.add(batch);
    pendingBytes += batch.bytes();
    rows += batch.rows();
    pendingRows += batch.rows();
    if (pendingBytes >= ROW_GROUP_BYTES || pendingRows >= ROW_GROUP_ROWS) {
      try {
        writeRowGroup();
      } catch (IOException e) {
        throw failure(e);
      }
    }
  }

  private void check(RecordBatch batch) {
    List<String> expected = schema.vectors().stream().map(PartSchema.VectorField::name).toList();
    List<String> actual = batch.vectors().stream().map(VectorColumn::name).toList();
    if (!actual.equals(expected)) {
      throw bad("vector fields " + actual + " do not fit the schema, which has " + expected);
    }
    for (int field = 0; field < codecs.size(); field++) {
      String misfit = codecs.get(field).misfit(batch.vectors().get(field));
      if (misfit != null) {
        throw bad("vector field '" + expected.get(field) + "' " + misfit);
      }
    }
    for (int row = 0; row < batch.rows(); row++) {
      if (batch.ids().texts().isNull(row)) {
        throw bad("the id of row " + (rows + row) + " is null");
      }
    }
    for (IdKind kind : batch.ids().kinds()) {
      if (!schema.idKinds().contains(kind)) {
        throw bad("an id of kind " + kind + " in a part of " + schema.idKinds());
      }
    }
  }

  private void writeRowGroup() throws IOException {
    if (pending.isEmpty()) {
      return;
    }
    writer.startBlock(pendingRows);
    writeTexts("id", pending.stream().map(batch -> batch.ids().texts()).toList());
    if (schema.hasMixedIds()) {
      writeTexts("id_kind", pending.stream().map(PartWriter::kinds).toList());
    }
    for (int i = 0; i < codecs.size(); i++) {
      int field = i;
      List<VectorColumn> batches =
          pending.stream().map(batch -> batch.vectors().get(field)).toList();
      codecs.get(field).write(pages, batches, layout == Layout.SPLIT);
    }
    writeTexts("document", pending.stream().map(RecordBatch::documents).toList());
    writeTexts("metadata", pending.stream().map(RecordBatch::metadata).toList());
    writer.endBlock();
    pending.clear();
    pendingBytes = 0;
    pendingRows = 0;
  }

  private static TextColumn kinds(RecordBatch batch) {
    TextColumn.Builder builder = new TextColumn.Builder(batch.rows());
    for (int row = 0; row < batch.rows(); row++) {
      builder.add(batch.ids().kind(row).name());
    }
    return builder.build();
  }

  private void writeTexts(String name, List<TextColumn> texts) throws IOException {
    ColumnDescriptor column = parquetSchema.getColumnDescription(new String[] {name});
    pages.start(column, texts.stream().mapToLong(TextColumn::rows).sum(), true);
    boolean optional = column.getMaxDefinitionLevel() > 0;
    TextPage page = new TextPage();
    for (TextColumn text : texts) {
      for (int row = 0; row < text.rows(); row++) {
        page.add(text, row);
        if (page.size >= PAGE_BYTES) {
          pages.page(page.rows, page.build(optional), Encoding.PLAIN);
          page = new TextPage();
        }
      }
    }
    if (page.rows > 0) {
      pages.page(page.rows, page.build(optional), Encoding.PLAIN);
    }
    pages.end();
  }

  private Map<String, String> footer() {
    Map<String, String> values = new LinkedHashMap<>();
    values.put("vecferry.format_version", Integer.toString(PartSidecar.FORMAT_VERSION));
    values.put("vecferry.schema_fingerprint", schema.fingerprint());
    try {
      values.put("vecferry.schema", Documents.MAPPER.writeValueAsString(schema));
    } catch (JsonProcessingException e) {
      throw new StoreException(FailureClass.BUG, "the schema is not JSON: " + e.getMessage(), e);
    }
    values.put(
        "vecferry.id_kind",
        schema.hasMixedIds() ? "mixed" : schema.idKinds().iterator().next().name());
    for (PartSchema.VectorField field : schema.vectors()) {
      if (field.kind() != VectorKind.SPARSE) {
        values.put("vecferry.dimension." + field.column(), Integer.toString(field.dimension()));
      }
      values.put("vecferry.metric." + field.column(), field.metric().spelling());
      if (field.kind() != VectorKind.DENSE) {
        values.put("vecferry.kind." + field.column(), field.kind().name());
      }
      if (field.element() != ElementType.FLOAT32) {
        values.put("vecferry.element." + field.column(), field.element().name());
      }
    }
    return values;
  }

  static MessageType parquetSchema(PartSchema schema) {
    List<Type> columns = new ArrayList<>();
    columns.add(text(Types.required(PrimitiveTypeName.BINARY), "id"));
    if (schema.hasMixedIds()) {
      columns.add(text(Types.required(PrimitiveTypeName.BINARY), "id_kind"));
    }
    for (PartSchema.VectorField field : schema.vectors()) {
      columns.add(VectorCodec.type(field));
    }
    columns.add(text(Types.optional(PrimitiveTypeName.BINARY), "document"));
    columns.add(text(Types.optional(PrimitiveTypeName.BINARY), "metadata"));
    return new MessageType("vecferry", columns);
  }

  private static Type text(Types.PrimitiveBuilder<PrimitiveType> type, String name) {
    return type.as(LogicalTypeAnnotation.stringType()).named(name);
  }

  private StoreException bad(String message) {
    return new StoreException(FailureClass.BAD_RECORD, store.describe(path) + ": " + message);
  }

  private StoreException failure(IOException cause) {
    return new StoreException(
        FailureClass.TRANSIENT,
        "cannot write %s: %s".formatted(store.describe(path), cause),
        cause);
  }

  /** A page of nullable texts in the making. */
  private static final class TextPage {
    private byte[] values = new byte[1 << 12];
    private byte[] present = new byte[128];
    private int size;
    private int rows;

    void add(TextColumn text, int row) {
      if (rows / 8 == present.length) {
        present = Arrays.copyOf(present, present.length * 2);
      }
      if (!text.isNull(row)) {
        int length = text.length(row);
        int end = Math.addExact(size, length + 4);
        if (end > values.length) {
          values =
              Arrays.copyOf(
                  values,
                  (int) Math.min(Integer.MAX_VALUE - 16, Math.max(end, values.length * 2L)));
        }
        ByteBuffer.wrap(values).order(ByteOrder.LITTLE_ENDIAN).putInt(size, length);
        System.arraycopy(text.bytes(), text.start(row), values, size + 4, length);
        size = end;
        present[rows / 8] |= (byte) (1 << (rows % 8));
      }
      rows++;
    }

    byte[] build(boolean optional) {
      if (!optional) {
        return Arrays.copyOf(values, size);
      }
      int groups = (rows + 7) / 8;
      byte[] header = new byte[5];
      int headerSize = FloatPages.putVariable(header, groups << 1 | 1);
      ByteBuffer page =
          ByteBuffer.allocate(4 + headerSize + groups + size).order(ByteOrder.LITTLE_ENDIAN);
      page.putInt(headerSize + groups).put(header, 0, headerSize).put(present, 0, groups);
      return page.put(values, 0, size).array();
    }
  }

  static PartSchema schemaOf(String json) throws IOException {
    return Documents.MAPPER.readValue(json.getBytes(StandardCharsets.UTF_8), PartSchema.class);
  }
}
