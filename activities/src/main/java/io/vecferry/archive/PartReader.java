package io.vecferry.archive;

import io.vecferry.archive.ArtifactStore.ReadableArtifact;
import io.vecferry.plan.FailureClass;
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
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.function.Function;
import java.util.function.Predicate;
import org.apache.parquet.ParquetReadOptions;
import org.apache.parquet.column.ColumnDescriptor;
import org.apache.parquet.column.ColumnReader;
import org.apache.parquet.conf.PlainParquetConfiguration;
import org.apache.parquet.hadoop.ParquetFileReader;
import org.apache.parquet.io.api.Binary;
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

  /** Rows that a row group may have; a damaged count must not use up the memory. */
  static final int MOST_GROUP_ROWS = 1 << 24;

  private static final long BATCH_BYTES = 8L << 20;

  /** A footer that the writer makes has some kilobytes. */
  private static final int LARGEST_FOOTER = 64 << 20;

  private final ArtifactStore store;
  private final String path;
  private final PartSidecar sidecar;
  private final ReadableArtifact artifact;
  private final ParquetFileReader reader;
  private final PartSchema schema;
  private final MessageType fileSchema;
  private final List<VectorCodec> codecs = new ArrayList<>();

  private PartReader(
      ArtifactStore store, String path, PartSidecar sidecar, ReadableArtifact artifact)
      throws IOException {
    this.store = store;
    this.path = path;
    this.sidecar = sidecar;
    this.artifact = artifact;
    requireSize(store, path, sidecar, artifact);
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
    if (sidecar.part() == null
        || sidecar.checksum() == null
        || sidecar.schemaFingerprint() == null
        || sidecar.rows() < 0) {
      throw new StoreException(
          FailureClass.ARCHIVE_DAMAGED,
          "%s is damaged: it does not say part, rows, checksum and schemaFingerprint"
              .formatted(store.describe(sidecarPath)));
    }
    if (!tail(path).equals(tail(sidecar.part())) && !path.endsWith("/" + sidecar.part())) {
      throw new StoreException(
          FailureClass.ARCHIVE_DAMAGED,
          "%s belongs to another part, %s".formatted(store.describe(sidecarPath), sidecar.part()));
    }
    return sidecar;
  }

  /** Folder and name: an archive may be moved and get another name. */
  private static String tail(String path) {
    return path.substring(path.lastIndexOf('/', path.lastIndexOf('/') - 1) + 1);
  }

  /**
   * Opens a finished part. Checks size, schema and row count, not the checksum.
   *
   * @throws StoreException MISSING when the part is not finished, ARCHIVE_DAMAGED
   */
  public static PartReader open(ArtifactStore store, String path) {
    return open(store, path, sidecar(store, path));
  }

  /**
   * The same with the sidecar that somebody has read who opens the part more than once.
   *
   * @throws StoreException ARCHIVE_DAMAGED also when the part was written again since, with another
   *     size, number of records or schema
   */
  public static PartReader open(ArtifactStore store, String path, PartSidecar sidecar) {
    return open(store, path, sidecar, store::openChecked);
  }

  /**
   * The same for somebody who reads all of it and then asks for {@link #verifyChecksum()}, which
   * has little left to read. Until then what was read may be anything.
   */
  public static PartReader openUnverified(ArtifactStore store, String path) {
    return open(
        store,
        path,
        sidecar(store, path),
        name -> new ParquetFiles.ChecksumInput(store.open(name)));
  }

  private static PartReader open(
      ArtifactStore store,
      String path,
      PartSidecar sidecar,
      Function<String, ReadableArtifact> opening) {
    ReadableArtifact artifact = opening.apply(path);
    try {
      return new PartReader(store, path, sidecar, artifact);
    } catch (IOException | RuntimeException | LinkageError | OutOfMemoryError e) {
      // A damaged footer may ask for any amount of memory.
      artifact.distrust();
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
    verifyChecksum(store, path, sidecar, artifact);
  }

  /**
   * Compares size and bytes of a part with its sidecar, without looking at what they mean.
   *
   * @throws StoreException MISSING when the part is not finished, ARCHIVE_DAMAGED
   */
  public static void verifyChecksum(ArtifactStore store, String path) {
    PartSidecar sidecar = sidecar(store, path);
    try (ReadableArtifact artifact = store.open(path)) {
      verifyChecksum(store, path, sidecar, artifact);
    }
  }

  private static void verifyChecksum(
      ArtifactStore store, String path, PartSidecar sidecar, ReadableArtifact artifact) {
    requireSize(store, path, sidecar, artifact);
    ParquetFiles.ChecksumInput input =
        artifact instanceof ParquetFiles.ChecksumInput begun
            ? begun
            : new ParquetFiles.ChecksumInput(artifact);
    String actual = input.checksum();
    if (!actual.equals(sidecar.checksum())) {
      throw damaged(
          store,
          path,
          "its checksum is %s, its sidecar says %s".formatted(actual, sidecar.checksum()));
    }
  }

  private static void requireSize(
      ArtifactStore store, String path, PartSidecar sidecar, ReadableArtifact artifact) {
    if (artifact.size() != sidecar.bytes()) {
      throw damaged(
          store,
          path,
          "it has %d bytes, its sidecar says %d".formatted(artifact.size(), sidecar.bytes()));
    }
  }

  /** All columns from the first row on, in batches of moderate size however long the rows are. */
  public Batches batches() {
    return batches(Math.min(1000, rowsIn(BATCH_BYTES)));
  }

  /** About as many rows as take so many bytes, at least one. */
  public int rowsIn(long bytes) {
    return (int) Math.max(1, Math.min(Integer.MAX_VALUE, bytes * sidecar.rows() / artifact.size()));
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
    return new Batches(firstRow, batchSize, columns, field -> true);
  }

  /** One vector field from a row on, and the ids if they are wanted; see the other methods. */
  public Batches vectors(long firstRow, int batchSize, String fieldName, boolean withIds) {
    return vectors(
        firstRow,
        batchSize,
        fieldName,
        withIds ? EnumSet.of(Column.IDS) : EnumSet.noneOf(Column.class));
  }

  /** One vector field from a row on, and these other columns; see the other methods. */
  public Batches vectors(long firstRow, int batchSize, String fieldName, Set<Column> others) {
    Set<Column> columns = EnumSet.of(Column.VECTORS);
    columns.addAll(others);
    return new Batches(firstRow, batchSize, columns, field -> field.name().equals(fieldName));
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
    if (length < 1 || length > Math.min(LARGEST_FOOTER, artifact.size() - 12)) {
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
      try {
        codecs.add(VectorCodec.of(field, fileSchema));
      } catch (BadColumn e) {
        throw damaged(field, e);
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

  private StoreException damaged(PartSchema.VectorField field, BadColumn cause) {
    return damaged("its column '%s': %s".formatted(field.column(), cause.getMessage()));
  }

  private StoreException damaged(String message) {
    return damaged(store, path, message);
  }

  private static StoreException damaged(ArtifactStore store, String path, String message) {
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
    private final List<VectorCodec> fields;
    private int nextGroup;
    private long skip;
    private Group group;
    private int position;

    private Batches(
        long firstRow,
        int batchSize,
        Set<Column> columns,
        Predicate<PartSchema.VectorField> wanted) {
      if (firstRow < 0 || batchSize < 1) {
        throw new IllegalArgumentException("row " + firstRow + ", batch size " + batchSize);
      }
      this.batchSize = batchSize;
      this.columns = EnumSet.noneOf(Column.class);
      this.columns.addAll(columns);
      this.fields =
          codecs.stream()
              .filter(codec -> columns.contains(Column.VECTORS) && wanted.test(codec.field()))
              .toList();
      this.skip = firstRow;
    }

    /** The next records, exactly the batch size except at the end, or null at the end. */
    public RecordBatch next() {
      return next(batchSize);
    }

    /** The next records, exactly so many except at the end, or null at the end. */
    public RecordBatch next(int most) {
      Assembly assembly = new Assembly(most);
      while (assembly.rows < most && advance()) {
        int count = Math.min(most - assembly.rows, group.rows - position);
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
          if (groupRows > MOST_GROUP_ROWS) {
            throw damaged(
                "row group %d has %d rows, at most %d are read"
                    .formatted(nextGroup, groupRows, MOST_GROUP_ROWS));
          }
          group = readGroup(nextGroup, (int) groupRows, columns, fields);
        } catch (IOException | RuntimeException e) {
          artifact.distrust();
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
      private final List<List<VectorColumn>> vectors = new ArrayList<>();
      private final TextColumn.Builder ids;
      private final TextColumn.Builder documents = new TextColumn.Builder(16);
      private final TextColumn.Builder metadata = new TextColumn.Builder(16);
      private final List<IdKind> kinds = new ArrayList<>();
      private int rows;

      Assembly(int most) {
        this.ids = new TextColumn.Builder(Math.min(most, 1 << 14));
      }

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
          if (vectors.size() == field) {
            vectors.add(new ArrayList<>());
          }
          vectors.get(field).add(source.vectors.get(field).slice(start, start + count));
        }
        rows += count;
      }

      RecordBatch build() {
        List<VectorColumn> fields = vectors.stream().map(VectorColumn::concat).toList();
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
      List<VectorColumn> vectors,
      TextColumn documents,
      TextColumn metadata) {}

  private Group readGroup(int number, int rows, Set<Column> columns, List<VectorCodec> fields)
      throws IOException {
    List<Type> wanted = new ArrayList<>();
    boolean withKinds = columns.contains(Column.IDS) && schema.hasMixedIds();
    addType(wanted, columns.contains(Column.IDS), "id");
    addType(wanted, withKinds, "id_kind");
    fields.forEach(codec -> addType(wanted, true, codec.field().column()));
    addType(wanted, columns.contains(Column.DOCUMENTS), "document");
    addType(wanted, columns.contains(Column.METADATA), "metadata");
    if (wanted.isEmpty()) {
      return new Group(rows, null, null, List.of(), null, null);
    }
    RowGroup source = new RowGroup(reader, number, new MessageType(fileSchema.getName(), wanted));
    List<VectorColumn> vectors = new ArrayList<>();
    for (VectorCodec codec : fields) {
      try {
        vectors.add(codec.read(source, rows));
      } catch (BadColumn e) {
        throw damaged(codec.field(), e);
      }
    }
    TextColumn ids = columns.contains(Column.IDS) ? readTexts(source, "id", rows, false) : null;
    IdKind[] kinds = null;
    if (withKinds) {
      TextColumn names = readTexts(source, "id_kind", rows, false);
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
        columns.contains(Column.DOCUMENTS) ? readTexts(source, "document", rows, true) : null,
        columns.contains(Column.METADATA) ? readTexts(source, "metadata", rows, true) : null);
  }

  private void addType(List<Type> types, boolean wanted, String name) {
    if (wanted) {
      types.add(fileSchema.getType(name));
    }
  }

  private TextColumn readTexts(RowGroup source, String name, int rows, boolean nullable) {
    ColumnDescriptor column = column(name);
    ColumnReader values = source.values(column);
    if (values.getTotalValueCount() != rows) {
      throw damaged(
          "column '%s' has %d values, expected %d"
              .formatted(name, values.getTotalValueCount(), rows));
    }
    TextColumn.Builder builder = new TextColumn.Builder(Math.min(rows, 1 << 16));
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
}
