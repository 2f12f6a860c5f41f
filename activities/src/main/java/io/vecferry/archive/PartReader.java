package io.vecferry.archive;

import io.vecferry.archive.ArtifactStore.ReadableArtifact;
import io.vecferry.plan.FailureClass;
import io.vecferry.record.DenseVectors;
import io.vecferry.record.IdColumn;
import io.vecferry.record.IdKind;
import io.vecferry.record.RecordBatch;
import io.vecferry.record.TextColumn;
import io.vecferry.record.VectorColumn;
import io.vecferry.store.StoreException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.zip.CRC32C;
import org.apache.parquet.ParquetReadOptions;
import org.apache.parquet.column.ColumnDescriptor;
import org.apache.parquet.column.ColumnReader;
import org.apache.parquet.column.Encoding;
import org.apache.parquet.column.impl.ColumnReadStoreImpl;
import org.apache.parquet.column.page.DataPage;
import org.apache.parquet.column.page.DataPageV1;
import org.apache.parquet.column.page.PageReadStore;
import org.apache.parquet.column.page.PageReader;
import org.apache.parquet.conf.PlainParquetConfiguration;
import org.apache.parquet.hadoop.ParquetFileReader;
import org.apache.parquet.io.api.Binary;
import org.apache.parquet.io.api.Converter;
import org.apache.parquet.io.api.GroupConverter;
import org.apache.parquet.io.api.PrimitiveConverter;
import org.apache.parquet.schema.MessageType;
import org.apache.parquet.schema.PrimitiveType.PrimitiveTypeName;
import org.apache.parquet.schema.Type;

/**
 * Reads one part. Holds one row group in memory. Anything that is not as the sidecar and the schema
 * say is a {@link StoreException} of class ARCHIVE_DAMAGED that names the file and what differs.
 * Not thread-safe.
 */
public final class PartReader implements AutoCloseable {

  /** Columns that can be left out; what is left out is empty in the batches. */
  public enum Column {
    IDS,
    VECTORS,
    DOCUMENTS,
    METADATA
  }

  private final ArtifactStore store;
  private final String path;
  private final PartSidecar sidecar;
  private final ReadableArtifact artifact;
  private final ParquetFileReader reader;
  private final PartSchema schema;
  private final MessageType fileSchema;

  private PartReader(
      ArtifactStore store, String path, PartSidecar sidecar, ReadableArtifact artifact)
      throws IOException {
    this.store = store;
    this.path = path;
    this.sidecar = sidecar;
    this.artifact = artifact;
    if (artifact.size() != sidecar.bytes()) {
      throw damaged(
          "it has %d bytes, its sidecar says %d".formatted(artifact.size(), sidecar.bytes()));
    }
    checkFooterLength();
    this.reader =
        ParquetFileReader.open(
            ParquetFiles.inputFile(artifact),
            ParquetReadOptions.builder(new PlainParquetConfiguration())
                .withCodecFactory(new ParquetFiles.Codecs())
                .usePageChecksumVerification(true)
                .build());
    this.fileSchema = reader.getFileMetaData().getSchema();
    this.schema = readSchema();
    if (reader.getRecordCount() != sidecar.rows()) {
      throw damaged(
          "it has %d rows, its sidecar says %d".formatted(reader.getRecordCount(), sidecar.rows()));
    }
  }

  /**
   * Reads the sidecar of a part.
   *
   * @throws StoreException MISSING when the part is not finished
   */
  public static PartSidecar sidecar(ArtifactStore store, String path) {
    String sidecarPath = PartSidecar.pathOf(path);
    PartSidecar sidecar = Documents.read(store, sidecarPath, Documents.MAPPER, PartSidecar.class);
    if (sidecar.formatVersion() != PartSidecar.FORMAT_VERSION) {
      throw new StoreException(
          FailureClass.ARCHIVE_DAMAGED,
          "%s has format version %d, this program reads %d"
              .formatted(
                  store.describe(sidecarPath),
                  sidecar.formatVersion(),
                  PartSidecar.FORMAT_VERSION));
    }
    if (!path.equals(sidecar.part()) && !path.endsWith("/" + sidecar.part())) {
      throw new StoreException(
          FailureClass.ARCHIVE_DAMAGED,
          "%s belongs to another part, %s".formatted(store.describe(sidecarPath), sidecar.part()));
    }
    return sidecar;
  }

  /**
   * Opens a finished part. Checks size, schema and row count, not the checksum.
   *
   * @throws StoreException MISSING when the part is not finished, ARCHIVE_DAMAGED
   */
  public static PartReader open(ArtifactStore store, String path) {
    PartSidecar sidecar = sidecar(store, path);
    ReadableArtifact artifact = store.open(path);
    try {
      return new PartReader(store, path, sidecar, artifact);
    } catch (IOException | RuntimeException | LinkageError e) {
      artifact.close();
      throw e instanceof StoreException known ? known : damaged(store, path, e);
    }
  }

  public PartSchema schema() {
    return schema;
  }

  public PartSidecar sidecar() {
    return sidecar;
  }

  /** Compares the bytes of the file with the checksum in the sidecar. */
  public void verifyChecksum() {
    CRC32C checksum = new CRC32C();
    ByteBuffer buffer = ByteBuffer.allocateDirect(1 << 18);
    for (long position = 0; position < artifact.size(); position += buffer.limit()) {
      buffer.clear();
      buffer.limit((int) Math.min(buffer.capacity(), artifact.size() - position));
      artifact.readFully(position, buffer);
      checksum.update(buffer.flip());
    }
    String actual = ParquetFiles.describe(checksum);
    if (!actual.equals(sidecar.checksum())) {
      throw damaged(
          "its checksum is %s, its sidecar says %s".formatted(actual, sidecar.checksum()));
    }
  }

  /** All columns from the first row on. */
  public Batches batches(int batchSize) {
    return batches(0, batchSize, EnumSet.allOf(Column.class));
  }

  /**
   * Some columns from a row on. Ids that are left out are empty texts, vectors that are left out
   * are no columns, texts that are left out are null.
   */
  public Batches batches(long firstRow, int batchSize, Set<Column> columns) {
    if (firstRow < 0 || batchSize < 1) {
      throw new IllegalArgumentException("row " + firstRow + ", batch size " + batchSize);
    }
    return new Batches(firstRow, batchSize, columns);
  }

  @Override
  public void close() {
    try {
      reader.close();
    } catch (IOException e) {
      throw damaged(store, path, e);
    } finally {
      artifact.close();
    }
  }

  // A damaged length would make the library allocate up to 2 GB before it notices.
  private void checkFooterLength() {
    if (artifact.size() < 12) {
      throw damaged("it is shorter than any Parquet file");
    }
    ByteBuffer tail = ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN);
    artifact.readFully(artifact.size() - 8, tail);
    int length = tail.getInt(0);
    if (length < 1 || length > artifact.size() - 12) {
      throw damaged("its footer length is " + length);
    }
  }

  private PartSchema readSchema() throws IOException {
    String json = reader.getFileMetaData().getKeyValueMetaData().get("vecferry.schema");
    if (json == null) {
      throw damaged("its footer has no key vecferry.schema");
    }
    PartSchema found = PartWriter.schemaOf(json);
    if (!found.fingerprint().equals(sidecar.schemaFingerprint())) {
      throw damaged(
          "its schema fingerprint is %s, its sidecar says %s"
              .formatted(found.fingerprint(), sidecar.schemaFingerprint()));
    }
    requireText("id");
    requireText("document");
    requireText("metadata");
    if (found.hasMixedIds()) {
      requireText("id_kind");
    }
    for (PartSchema.VectorField field : found.vectors()) {
      ColumnDescriptor column = column(field.column());
      if (column.getPrimitiveType().getPrimitiveTypeName() != PrimitiveTypeName.FLOAT
          || column.getMaxRepetitionLevel() != 1) {
        throw damaged("its column '" + field.column() + "' is not a list of floats");
      }
    }
    return found;
  }

  private void requireText(String name) {
    ColumnDescriptor column = column(name);
    if (column.getPrimitiveType().getPrimitiveTypeName() != PrimitiveTypeName.BINARY
        || column.getMaxRepetitionLevel() != 0) {
      throw damaged("its column '" + name + "' is not a text");
    }
  }

  private ColumnDescriptor column(String name) {
    return fileSchema.getColumns().stream()
        .filter(column -> column.getPath()[0].equals(name))
        .findFirst()
        .orElseThrow(() -> damaged("it has no column '" + name + "'"));
  }

  private StoreException damaged(String message) {
    return new StoreException(
        FailureClass.ARCHIVE_DAMAGED, "%s is damaged: %s".formatted(store.describe(path), message));
  }

  private static StoreException damaged(ArtifactStore store, String path, Throwable cause) {
    return new StoreException(
        FailureClass.ARCHIVE_DAMAGED,
        "%s is damaged: %s".formatted(store.describe(path), cause),
        cause);
  }

  /** The batches of a part, one after the other. */
  public final class Batches {
    private final int batchSize;
    private final Set<Column> columns;
    private int nextGroup;
    private long skip;
    private Group group;
    private int position;

    private Batches(long firstRow, int batchSize, Set<Column> columns) {
      this.batchSize = batchSize;
      this.columns = EnumSet.noneOf(Column.class);
      this.columns.addAll(columns);
      this.skip = firstRow;
    }

    /** The next records, exactly the batch size except at the end, or null at the end. */
    public RecordBatch next() {
      Assembly assembly = new Assembly();
      while (assembly.rows < batchSize && advance()) {
        int count = Math.min(batchSize - assembly.rows, group.rows - position);
        assembly.add(group, position, count);
        position += count;
      }
      return assembly.rows == 0 ? null : assembly.build();
    }

    private boolean advance() {
      while (group == null || position == group.rows) {
        group = null;
        if (nextGroup == reader.getRowGroups().size()) {
          return false;
        }
        long groupRows = reader.getRowGroups().get(nextGroup).getRowCount();
        if (skip >= groupRows) {
          skip -= groupRows;
          nextGroup++;
          continue;
        }
        try {
          group = readGroup(nextGroup, Math.toIntExact(groupRows), columns);
        } catch (IOException | RuntimeException e) {
          throw e instanceof StoreException known ? known : damaged(store, path, e);
        }
        nextGroup++;
        position = (int) skip;
        skip = 0;
      }
      return true;
    }

    /** A batch in the making, from one or more row groups. */
    private final class Assembly {
      private final List<float[]> vectors = new ArrayList<>();
      private final TextColumn.Builder ids = new TextColumn.Builder(Math.min(batchSize, 1 << 14));
      private final TextColumn.Builder documents = new TextColumn.Builder(16);
      private final TextColumn.Builder metadata = new TextColumn.Builder(16);
      private final List<IdKind> kinds = new ArrayList<>();
      private int rows;

      void add(Group source, int start, int count) {
        for (int row = start; row < start + count; row++) {
          if (source.ids == null) {
            ids.add("");
          } else {
            ids.add(source.ids, row);
          }
          if (source.kinds != null) {
            kinds.add(source.kinds[row]);
          }
          addText(documents, source.documents, row);
          addText(metadata, source.metadata, row);
        }
        for (int field = 0; field < source.vectors.size(); field++) {
          int dimension = schema.vectors().get(field).dimension();
          float[] old = vectors.size() > field ? vectors.get(field) : new float[0];
          float[] joined = Arrays.copyOf(old, old.length + count * dimension);
          System.arraycopy(
              source.vectors.get(field), start * dimension, joined, old.length, count * dimension);
          if (vectors.size() > field) {
            vectors.set(field, joined);
          } else {
            vectors.add(joined);
          }
        }
        rows += count;
      }

      RecordBatch build() {
        List<VectorColumn> fields = new ArrayList<>();
        for (int field = 0; field < vectors.size(); field++) {
          PartSchema.VectorField info = schema.vectors().get(field);
          fields.add(new DenseVectors(info.name(), info.dimension(), vectors.get(field)));
        }
        IdKind[] rowKinds =
            kinds.isEmpty()
                ? new IdKind[] {schema.idKinds().iterator().next()}
                : kinds.toArray(IdKind[]::new);
        return new RecordBatch(
            new IdColumn(ids.build(), rowKinds), fields, documents.build(), metadata.build());
      }

      private static void addText(TextColumn.Builder builder, TextColumn source, int row) {
        if (source == null) {
          builder.addNull();
        } else {
          builder.add(source, row);
        }
      }
    }
  }

  private record Group(
      int rows,
      TextColumn ids,
      IdKind[] kinds,
      List<float[]> vectors,
      TextColumn documents,
      TextColumn metadata) {}

  private Group readGroup(int number, int rows, Set<Column> columns) throws IOException {
    List<Type> wanted = new ArrayList<>();
    boolean withKinds = columns.contains(Column.IDS) && schema.hasMixedIds();
    addType(wanted, columns.contains(Column.IDS), "id");
    addType(wanted, withKinds, "id_kind");
    for (PartSchema.VectorField field : schema.vectors()) {
      addType(wanted, columns.contains(Column.VECTORS), field.column());
    }
    addType(wanted, columns.contains(Column.DOCUMENTS), "document");
    addType(wanted, columns.contains(Column.METADATA), "metadata");
    if (wanted.isEmpty()) {
      return new Group(rows, null, null, List.of(), null, null);
    }
    MessageType requested = new MessageType(fileSchema.getName(), wanted);
    reader.setRequestedSchema(requested);
    PageReadStore pages = reader.readRowGroup(number);
    List<float[]> vectors = new ArrayList<>();
    if (columns.contains(Column.VECTORS)) {
      for (PartSchema.VectorField field : schema.vectors()) {
        float[] values = readPages(pages, field, rows);
        vectors.add(
            values != null
                ? values
                : readValues(reader.readRowGroup(number), requested, field, rows));
      }
    }
    ColumnReadStoreImpl texts = columnStore(pages, requested);
    TextColumn ids = columns.contains(Column.IDS) ? readTexts(texts, "id", rows, false) : null;
    IdKind[] kinds = null;
    if (withKinds) {
      TextColumn names = readTexts(texts, "id_kind", rows, false);
      kinds = new IdKind[rows];
      for (int row = 0; row < rows; row++) {
        kinds[row] = IdKind.valueOf(names.get(row));
      }
    }
    return new Group(
        rows,
        ids,
        kinds,
        vectors,
        columns.contains(Column.DOCUMENTS) ? readTexts(texts, "document", rows, true) : null,
        columns.contains(Column.METADATA) ? readTexts(texts, "metadata", rows, true) : null);
  }

  private void addType(List<Type> types, boolean wanted, String name) {
    if (wanted) {
      types.add(fileSchema.getType(name));
    }
  }

  /** The values of a vector column, or null when its pages are not of the shape that we write. */
  private float[] readPages(PageReadStore pages, PartSchema.VectorField field, int rows) {
    ColumnDescriptor column = column(field.column());
    if (column.getMaxDefinitionLevel() != 1) {
      return null;
    }
    PageReader pageReader = pages.getPageReader(column);
    int total = Math.multiplyExact(rows, field.dimension());
    if (pageReader.getTotalValueCount() != total) {
      return null;
    }
    float[] values = new float[total];
    int filled = 0;
    while (filled < total) {
      DataPage page = pageReader.readPage();
      if (!(page instanceof DataPageV1 data)) {
        return null;
      }
      boolean split = data.getValueEncoding() == Encoding.BYTE_STREAM_SPLIT;
      if ((!split && data.getValueEncoding() != Encoding.PLAIN)
          || data.getValueCount() > total - filled) {
        return null;
      }
      byte[] bytes;
      try {
        bytes = data.getBytes().toByteArray();
      } catch (IOException e) {
        throw damaged(store, path, e);
      }
      if (!FloatPages.decode(
          bytes, data.getValueCount(), field.dimension(), split, values, filled)) {
        return null;
      }
      filled += data.getValueCount();
    }
    return values;
  }

  /** The values of a vector column by the library, for files that others wrote again. */
  private float[] readValues(
      PageReadStore pages, MessageType requested, PartSchema.VectorField field, int rows) {
    ColumnDescriptor column = column(field.column());
    ColumnReader values = columnStore(pages, requested).getColumnReader(column);
    int total = Math.multiplyExact(rows, field.dimension());
    if (values.getTotalValueCount() != total) {
      throw damaged(
          "column '%s' has %d values, expected %d rows x %d"
              .formatted(field.column(), values.getTotalValueCount(), rows, field.dimension()));
    }
    float[] result = new float[total];
    for (int i = 0; i < total; i++) {
      boolean startsRow = values.getCurrentRepetitionLevel() == 0;
      if (values.getCurrentDefinitionLevel() != column.getMaxDefinitionLevel()
          || startsRow != (i % field.dimension() == 0)) {
        throw damaged(
            "column '%s' has a null or a vector that is not of dimension %d at row %d"
                .formatted(field.column(), field.dimension(), i / field.dimension()));
      }
      result[i] = values.getFloat();
      values.consume();
    }
    return result;
  }

  private TextColumn readTexts(
      ColumnReadStoreImpl columns, String name, int rows, boolean nullable) {
    ColumnDescriptor column = column(name);
    ColumnReader values = columns.getColumnReader(column);
    if (values.getTotalValueCount() != rows) {
      throw damaged(
          "column '%s' has %d values, expected %d"
              .formatted(name, values.getTotalValueCount(), rows));
    }
    TextColumn.Builder builder = new TextColumn.Builder(rows);
    for (int row = 0; row < rows; row++) {
      if (values.getCurrentDefinitionLevel() == column.getMaxDefinitionLevel()) {
        Binary value = values.getBinary();
        ByteBuffer bytes = value.toByteBuffer();
        if (bytes.hasArray()) {
          builder.add(bytes.array(), bytes.arrayOffset() + bytes.position(), bytes.remaining());
        } else {
          builder.add(value.getBytes(), 0, value.length());
        }
      } else if (nullable) {
        builder.addNull();
      } else {
        throw damaged("column '" + name + "' has a null");
      }
      values.consume();
    }
    return builder.build();
  }

  private ColumnReadStoreImpl columnStore(PageReadStore pages, MessageType requested) {
    return new ColumnReadStoreImpl(
        pages, new NoGroup(), requested, reader.getFileMetaData().getCreatedBy());
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
