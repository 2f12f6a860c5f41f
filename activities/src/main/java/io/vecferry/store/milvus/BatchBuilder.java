package io.vecferry.store.milvus;

import com.google.protobuf.ByteString;
import io.vecferry.record.DenseVectors;
import io.vecferry.record.IdColumn;
import io.vecferry.record.IdKind;
import io.vecferry.record.RecordBatch;
import io.vecferry.record.SparseVectors;
import io.vecferry.record.TextColumn;
import io.vecferry.record.VectorColumn;
import io.vecferry.record.VectorKind;
import io.vecferry.store.MetadataEnvelope;
import io.vecferry.store.StoreException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Makes records of rows of pages, in any order. Pure. */
final class BatchBuilder {
  private static final int ENTRY_BYTES = Integer.BYTES + Float.BYTES;

  private final Layout layout;
  private final TextColumn.Builder ids;
  private final TextColumn.Builder documents;
  private final TextColumn.Builder metadata;
  private final IdKind[] kinds;
  private final List<float[]> dense = new ArrayList<>();
  private final List<List<ByteString>> sparse = new ArrayList<>();
  private final List<boolean[]> nulls = new ArrayList<>();
  private int rows;

  /**
   * @param mostRows rows that will be added at most
   */
  BatchBuilder(Layout layout, int mostRows) {
    this.layout = layout;
    this.ids = new TextColumn.Builder(mostRows);
    this.documents = new TextColumn.Builder(mostRows);
    this.metadata = new TextColumn.Builder(mostRows);
    this.kinds = new IdKind[mostRows];
    for (Layout.Vector vector : layout.vectors()) {
      boolean isDense = vector.kind() == VectorKind.DENSE;
      dense.add(
          isDense ? new float[Math.multiplyExact(mostRows, vector.dimension())] : new float[0]);
      sparse.add(new ArrayList<>());
      nulls.add(new boolean[mostRows]);
    }
  }

  /** Adds a row of a page. */
  void add(Page page, int row) {
    addIfOfKind(page, row, null);
  }

  /**
   * Adds a row of a page, unless its id is of another kind.
   *
   * @param wanted the kind; null for any
   */
  void addIfOfKind(Page page, int row, IdKind wanted) {
    MetadataEnvelope.Unwrapped unwrapped = unwrap(page, row);
    MetadataEnvelope.Extras extras = unwrapped.extras();
    IdKind kind = extras.kind() != null ? extras.kind() : layout.kindOf(page.id(row));
    if (wanted != null && kind != wanted) {
      return;
    }
    kinds[rows] = kind;
    byte[] id = page.idBytes(row);
    ids.add(id, 0, id.length);
    if (unwrapped.metadata() == null) {
      metadata.addNull();
    } else {
      metadata.add(unwrapped.metadata(), 0, unwrapped.metadata().length);
    }
    byte[] document = page.document(row);
    if (document == null || extras.noDocument()) {
      documents.addNull();
    } else {
      documents.add(document, 0, document.length);
    }
    for (int field = 0; field < layout.vectors().size(); field++) {
      Layout.Vector vector = layout.vectors().get(field);
      boolean absent = !page.hasVector(field, row);
      nulls.get(field)[rows] = absent;
      if (vector.kind() == VectorKind.SPARSE) {
        sparse.get(field).add(absent ? ByteString.EMPTY : page.sparse(field, row));
      } else if (!absent) {
        page.readDense(field, row, dense.get(field), rows * vector.dimension());
      }
    }
    rows++;
  }

  private static MetadataEnvelope.Unwrapped unwrap(Page page, int row) {
    byte[] members = page.members(row);
    if (members == null) {
      return new MetadataEnvelope.Unwrapped(null, MetadataEnvelope.Extras.NONE);
    }
    try {
      return MetadataEnvelope.unwrap(members, 0, members.length);
    } catch (StoreException e) {
      throw page.badRow(row, e.getMessage());
    }
  }

  int rows() {
    return rows;
  }

  RecordBatch build() {
    List<VectorColumn> columns = new ArrayList<>();
    for (int field = 0; field < layout.vectors().size(); field++) {
      columns.add(column(field));
    }
    return new RecordBatch(
        new IdColumn(ids.build(), uniformKinds()), columns, documents.build(), metadata.build());
  }

  private IdKind[] uniformKinds() {
    if (rows == 0) {
      return new IdKind[] {layout.kindOf("")};
    }
    for (int row = 1; row < rows; row++) {
      if (kinds[row] != kinds[0]) {
        return Arrays.copyOf(kinds, rows);
      }
    }
    return new IdKind[] {kinds[0]};
  }

  private VectorColumn column(int field) {
    Layout.Vector vector = layout.vectors().get(field);
    boolean[] absent = Arrays.copyOf(nulls.get(field), rows);
    boolean any = false;
    for (boolean one : absent) {
      any |= one;
    }
    if (vector.kind() == VectorKind.SPARSE) {
      return sparse(vector.name(), sparse.get(field), any ? absent : null);
    }
    float[] values = dense.get(field);
    int size = rows * vector.dimension();
    return new DenseVectors(
        vector.name(),
        vector.dimension(),
        values.length == size ? values : Arrays.copyOf(values, size),
        any ? absent : null);
  }

  private static SparseVectors sparse(String name, List<ByteString> rows, boolean[] absent) {
    int[] offsets = new int[rows.size() + 1];
    for (int i = 0; i < rows.size(); i++) {
      offsets[i + 1] = offsets[i] + rows.get(i).size() / ENTRY_BYTES;
    }
    int[] indices = new int[offsets[rows.size()]];
    float[] values = new float[indices.length];
    int next = 0;
    for (ByteString row : rows) {
      ByteBuffer buffer = row.asReadOnlyByteBuffer().order(ByteOrder.LITTLE_ENDIAN);
      while (buffer.remaining() >= ENTRY_BYTES) {
        indices[next] = buffer.getInt();
        values[next++] = buffer.getFloat();
      }
    }
    return new SparseVectors(name, offsets, indices, values, absent);
  }
}
