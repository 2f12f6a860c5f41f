package io.vecferry.store.milvus;

import com.google.protobuf.ByteString;
import com.google.protobuf.UnsafeByteOperations;
import io.milvus.grpc.DataType;
import io.milvus.grpc.FieldData;
import io.milvus.grpc.LongArray;
import io.milvus.grpc.ScalarField;
import io.milvus.grpc.StringArray;
import io.vecferry.record.IdColumn;
import io.vecferry.record.IdKind;
import io.vecferry.record.RecordBatch;
import io.vecferry.record.TextColumn;
import io.vecferry.record.VectorColumn;
import io.vecferry.store.MetadataEnvelope;
import io.vecferry.store.Reject;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Makes columns of records. Pure. */
final class RowEncoder {
  private static final int LONGEST_INTEGER = 20;

  private final Layout layout;
  private final ServerVersion version;

  RowEncoder(Layout layout, ServerVersion version) {
    this.layout = layout;
    this.version = version;
  }

  /**
   * Records as Milvus takes them.
   *
   * @param columns one for each field
   * @param rows rows in them
   * @param rejects records that the collection cannot hold
   */
  record Encoded(List<FieldData> columns, int rows, List<Reject> rejects) {}

  /** Encodes a batch; of records with one id, the last one. */
  Encoded encode(RecordBatch batch) {
    List<Reject> rejects = new ArrayList<>();
    MetadataColumns metadata = new MetadataColumns(layout, version);
    VectorColumn[] vectors = new VectorColumn[layout.vectors().size()];
    for (int i = 0; i < vectors.length; i++) {
      vectors[i] = column(batch, layout.vectors().get(i).name());
    }
    Fate[] fates = fates(batch.ids());
    int[] taken = new int[batch.rows()];
    int count = 0;
    for (int row = 0; row < batch.rows(); row++) {
      if (fates[row] == Fate.REPLACED) {
        continue;
      }
      String problem =
          fates[row] == Fate.CLASHING
              ? "another record has an id of the same spelling and another kind; Milvus has keys of"
                  + " one kind"
              : problem(batch, row, vectors);
      if (problem == null) {
        problem = metadata.add(batch.metadata(), row, extras(batch, row));
      }
      if (problem == null) {
        taken[count++] = row;
      } else {
        rejects.add(new Reject(batch.ids().get(row), problem));
      }
    }
    int[] rows = count == batch.rows() ? null : Arrays.copyOf(taken, count);
    List<FieldData> columns = new ArrayList<>();
    if (count > 0) {
      columns.add(ids(batch.ids(), rows, count));
      for (int i = 0; i < vectors.length; i++) {
        columns.add(VectorCodec.encode(layout.vectors().get(i), vectors[i], rows, count));
      }
      if (layout.document() != null) {
        columns.add(documents(batch.documents(), rows, count));
      }
      columns.addAll(metadata.build());
    }
    return new Encoded(columns, count, rejects);
  }

  private static VectorColumn column(RecordBatch batch, String name) {
    for (VectorColumn column : batch.vectors()) {
      if (column.name().equals(name)) {
        return column;
      }
    }
    return null;
  }

  /** What becomes of a row because of the other ids of its batch. */
  private enum Fate {
    SENT,
    /** The same id comes again further down. */
    REPLACED,
    /** An id of another kind with the same spelling came before. */
    CLASHING
  }

  /** Two rows with one key in one request would both be kept. */
  private static Fate[] fates(IdColumn ids) {
    Fate[] fates = new Fate[ids.rows()];
    Map<String, Integer> last = new HashMap<>();
    for (int row = 0; row < ids.rows(); row++) {
      fates[row] = Fate.SENT;
      Integer before = last.putIfAbsent(ids.get(row), row);
      if (before == null) {
        continue;
      }
      if (ids.kind(before) == ids.kind(row)) {
        fates[before] = Fate.REPLACED;
        last.put(ids.get(row), row);
      } else {
        fates[row] = Fate.CLASHING;
      }
    }
    return fates;
  }

  private String problem(RecordBatch batch, int row, VectorColumn[] vectors) {
    IdColumn ids = batch.ids();
    if (layout.textIds()) {
      int bytes = ids.texts().length(row);
      if (bytes > layout.longestId()) {
        return "its id has %d bytes, the field '%s' holds %d"
            .formatted(bytes, layout.idField(), layout.longestId());
      }
    } else if (ids.kind(row) != IdKind.INT64 || !isInt64(ids.get(row))) {
      return "its id is no int64, and the key of the collection is; options.idType: VARCHAR takes"
          + " every id";
    } else if (ids.get(row).equals(Filter.LARGEST)) {
      return "Milvus stores a row with this id but returns it from no query; options.idType:"
          + " VARCHAR takes every id";
    }
    for (int i = 0; i < vectors.length; i++) {
      String problem = VectorCodec.problem(layout.vectors().get(i), vectors[i], row);
      if (problem != null) {
        return problem;
      }
    }
    int document = batch.documents().length(row);
    if (layout.document() == null) {
      return batch.documents().isNull(row)
          ? null
          : "it has a document, and the collection has no field for one";
    }
    return document > layout.document().longest()
        ? "its document has %d bytes, the field '%s' holds %d"
            .formatted(document, layout.document().field(), layout.document().longest())
        : null;
  }

  /** Whether a text is the one spelling of an int64. */
  static boolean isInt64(String text) {
    if (text.isEmpty() || text.length() > LONGEST_INTEGER) {
      return false;
    }
    try {
      return Long.toString(Long.parseLong(text)).equals(text);
    } catch (NumberFormatException e) {
      return false;
    }
  }

  private MetadataEnvelope.Extras extras(RecordBatch batch, int row) {
    IdKind kind = batch.ids().kind(row);
    boolean kindIsKnown = !layout.textIds() || layout.kindOf(batch.ids().get(row)) == kind;
    boolean noDocument =
        layout.document() != null && !layout.document().nullable() && batch.documents().isNull(row);
    return kindIsKnown && !noDocument
        ? MetadataEnvelope.Extras.NONE
        : new MetadataEnvelope.Extras(null, kindIsKnown ? null : kind, noDocument, Double.NaN);
  }

  private FieldData ids(IdColumn ids, int[] rows, int count) {
    FieldData.Builder data = FieldData.newBuilder().setFieldName(layout.idField());
    if (layout.textIds()) {
      return data.setType(DataType.VarChar)
          .setScalars(ScalarField.newBuilder().setStringData(texts(ids.texts(), rows, count)))
          .build();
    }
    LongArray.Builder longs = LongArray.newBuilder();
    for (int i = 0; i < count; i++) {
      longs.addData(Long.parseLong(ids.get(rows == null ? i : rows[i])));
    }
    return data.setType(DataType.Int64)
        .setScalars(ScalarField.newBuilder().setLongData(longs))
        .build();
  }

  private FieldData documents(TextColumn documents, int[] rows, int count) {
    FieldData.Builder data =
        FieldData.newBuilder().setFieldName(layout.document().field()).setType(DataType.VarChar);
    if (!layout.document().nullable()) {
      return data.setScalars(ScalarField.newBuilder().setStringData(texts(documents, rows, count)))
          .build();
    }
    StringArray.Builder texts = StringArray.newBuilder();
    for (int i = 0; i < count; i++) {
      int row = rows == null ? i : rows[i];
      data.addValidData(!documents.isNull(row));
      if (!documents.isNull(row)) {
        texts.addDataBytes(text(documents, row));
      }
    }
    return data.setScalars(ScalarField.newBuilder().setStringData(texts)).build();
  }

  private static StringArray texts(TextColumn column, int[] rows, int count) {
    StringArray.Builder texts = StringArray.newBuilder();
    for (int i = 0; i < count; i++) {
      texts.addDataBytes(text(column, rows == null ? i : rows[i]));
    }
    return texts.build();
  }

  private static ByteString text(TextColumn column, int row) {
    return UnsafeByteOperations.unsafeWrap(column.bytes(), column.start(row), column.length(row));
  }
}
