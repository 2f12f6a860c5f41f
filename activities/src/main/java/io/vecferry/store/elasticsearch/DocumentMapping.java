package io.vecferry.store.elasticsearch;

import io.vecferry.record.DenseVectors;
import io.vecferry.record.ElementType;
import io.vecferry.record.IdKind;
import io.vecferry.record.RecordBatch;
import io.vecferry.record.VectorColumn;
import io.vecferry.store.JsonBytes;
import io.vecferry.store.MetadataEnvelope;
import io.vecferry.store.ReservedKeys;
import java.util.Set;

/**
 * What a record is as a document: its vectors, its text and the members of its metadata next to
 * each other. A server keeps a document as it was written; it refuses some keys, and values that do
 * not fit the type of a field. Records that have such ones also, or only, have their whole metadata
 * as a text, see {@link ReservedKeys#METADATA_JSON}. The routing of a record is no part of the
 * document, but is given back with it. Pure. Thread-safe.
 */
final class DocumentMapping {
  /** Fields that a server has in every index and that no document may have. */
  private static final Set<String> SERVER_FIELDS =
      Set.of(
          "_id",
          "_index",
          "_type",
          Routing.KEY,
          "_source",
          "_seq_no",
          "_primary_term",
          "_version",
          "_ignored",
          "_ignored_source",
          "_tier",
          "_size",
          "_feature",
          "_field_names",
          "_nested_path",
          "_doc_count",
          "_tsid",
          "_ts_routing_hash",
          "_recovery_source",
          "_recovery_source_size",
          "_inference_fields",
          "_data_stream_timestamp",
          "_slice",
          "_index_mode");

  private static final MetadataEnvelope.Rule NOTHING = (key, value) -> false;

  private final Layout layout;
  private final IdMapping ids;
  private final boolean routing;
  private final MetadataEnvelope.Rule rule =
      (key, value) -> isTaken(key) && !isElsewhere(key, value.type());

  /** For records that are stored with their routing, and give it back so. */
  private final MetadataEnvelope.Rule routedRule =
      new MetadataEnvelope.Rule() {
        @Override
        public boolean keeps(String key, MetadataEnvelope.Value value) {
          return key.equals(Routing.KEY) || takes(key, value);
        }

        @Override
        public boolean takes(String key, MetadataEnvelope.Value value) {
          return rule.takes(key, value);
        }
      };

  /**
   * @param routing whether records are stored with the routing that their metadata has
   */
  DocumentMapping(Layout layout, boolean routing) {
    this.layout = layout;
    this.ids = layout.ids();
    this.routing = routing;
  }

  /** Whether a document or a vector stands where a member of the metadata would. */
  private boolean isElsewhere(String key, MetadataEnvelope.Type type) {
    return key.equals(layout.documentField())
        || layout.columns().stream()
            .map(column -> column.field().path())
            .anyMatch(
                path ->
                    path.equals(key)
                        || (path.startsWith(key + ".") && type != MetadataEnvelope.Type.OBJECT));
  }

  /** Whether a server takes a field of this name wherever it may be. */
  static boolean isTaken(String key) {
    if (key.isBlank() || SERVER_FIELDS.contains(key)) {
      return false;
    }
    // A dot separates an object from its member, and neither may be without a name.
    String[] segments = key.split("\\.");
    if (segments.length == 0) {
      return false;
    }
    for (String segment : segments) {
      if (segment.isBlank()) {
        return false;
      }
    }
    return true;
  }

  String storedId(RecordBatch batch, int row) {
    return ids.stored(batch.ids().kind(row), batch.ids().get(row));
  }

  /**
   * Adds the two lines that write a record.
   *
   * @param whole whether the metadata goes as a text only, because the server refused it
   */
  void write(RecordBatch batch, int row, boolean whole, JsonBytes lines) {
    String stored = storedId(batch, row);
    lines.raw("{\"index\":{\"_id\":").string(stored);
    String shard = routing ? Routing.of(batch.metadata(), row) : null;
    if (shard != null) {
      lines.raw(",\"routing\":").string(shard);
    }
    lines.raw("}}\n{");
    int members = 0;
    for (VectorColumn column : batch.vectors()) {
      if (!column.isNull(row)) {
        VectorField field = layout.column(column.name()).field();
        lines.separate(members++).string(field.path()).raw(":");
        writeVector((DenseVectors) column, row, field.element(), lines);
      }
    }
    if (!batch.documents().isNull(row)) {
      lines.separate(members++).string(layout.documentField()).raw(":");
      lines.string(
          batch.documents().bytes(), batch.documents().start(row), batch.documents().length(row));
    }
    boolean hashed = IdMapping.isHashed(stored);
    IdKind kind = batch.ids().kind(row);
    byte[] object =
        MetadataEnvelope.wrap(
            batch.metadata(),
            row,
            hashed
                ? new MetadataEnvelope.Extras(batch.ids().get(row), kind, false, Double.NaN)
                : MetadataEnvelope.Extras.NONE,
            true,
            whole ? NOTHING : shard == null ? rule : routedRule);
    if (object.length > 2) {
      lines.separate(members).raw(object, 1, object.length - 2);
    }
    lines.raw("}\n");
  }

  private static void writeVector(
      DenseVectors vectors, int row, ElementType element, JsonBytes lines) {
    int from = row * vectors.dimension();
    switch (element) {
      case BIT ->
          lines
              .raw("\"")
              .raw(VectorText.hexadecimal(vectors.values(), from, vectors.dimension()))
              .raw("\"");
      case INT8 -> {
        lines.raw("[");
        for (int i = 0; i < vectors.dimension(); i++) {
          lines.separate(i).raw(Integer.toString((int) vectors.values()[from + i]));
        }
        lines.raw("]");
      }
      default -> lines.numbers(vectors.values(), from, vectors.dimension());
    }
  }

  /**
   * Why a field cannot keep the vectors of a row.
   *
   * @return null when it can
   */
  String problem(RecordBatch batch, int row) {
    for (VectorColumn column : batch.vectors()) {
      ElementType element = layout.column(column.name()).field().element();
      if (column.isNull(row) || (element != ElementType.INT8 && element != ElementType.BIT)) {
        continue;
      }
      DenseVectors vectors = (DenseVectors) column;
      int lowest = element == ElementType.BIT ? 0 : Byte.MIN_VALUE;
      int highest = element == ElementType.BIT ? 1 : Byte.MAX_VALUE;
      for (int i = 0; i < vectors.dimension(); i++) {
        float value = vectors.values()[row * vectors.dimension() + i];
        if (value != Math.rint(value) || value < lowest || value > highest) {
          return "vector '%s' is %s at component %d; its field holds whole numbers from %d to %d"
              .formatted(column.name(), value, i, lowest, highest);
        }
      }
    }
    return null;
  }
}
