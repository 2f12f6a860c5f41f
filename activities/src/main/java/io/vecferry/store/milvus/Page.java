package io.vecferry.store.milvus;

import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.google.protobuf.ByteString;
import io.milvus.grpc.DataType;
import io.milvus.grpc.FieldData;
import io.milvus.grpc.QueryResults;
import io.milvus.grpc.ScalarField;
import io.milvus.grpc.VectorField;
import io.vecferry.plan.FailureClass;
import io.vecferry.record.MetadataJson;
import io.vecferry.record.Numbers;
import io.vecferry.store.StoreException;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * An answer to a query: columns in any order, of which each row is a record. Values of nullable
 * fields come with a value for each row or for those only that are not null. Pure.
 */
final class Page {
  private final Layout layout;
  private final int rows;
  private final Column ids;
  private final List<Column> vectors = new ArrayList<>();
  private final Column document;
  private final List<Column> scalars = new ArrayList<>();
  private final Column dynamic;
  private final Set<String> declared;

  /**
   * A column.
   *
   * @param positions where the value of each row stands; -1 for null; null when every row has one
   */
  private record Column(FieldData data, int[] positions) {
    int position(int row) {
      return positions == null ? row : positions[row];
    }
  }

  /**
   * @param results as {@link QueryAnswer} reads them
   * @throws StoreException when the answer lacks a field that was asked for
   */
  Page(QueryResults results, Layout layout) {
    this.layout = layout;
    this.declared = layout.declared();
    Map<String, FieldData> fields = new HashMap<>();
    for (FieldData field : results.getFieldsDataList()) {
      fields.put(field.getFieldName(), field);
    }
    FieldData idField = fields.get(layout.idField());
    this.rows =
        idField == null
            ? 0
            : layout.textIds()
                ? idField.getScalars().getStringData().getDataCount()
                : idField.getScalars().getLongData().getDataCount();
    this.ids = new Column(idField, null);
    if (rows == 0) {
      this.document = null;
      this.dynamic = null;
      return;
    }
    for (Layout.Vector vector : layout.vectors()) {
      FieldData data = require(fields, vector.field());
      vectors.add(new Column(data, positions(data, valuesOf(vector, data))));
    }
    this.document =
        layout.document() == null ? null : scalar(require(fields, layout.document().field()));
    for (Layout.Scalar scalar : layout.scalars()) {
      scalars.add(scalar(require(fields, scalar.field())));
    }
    this.dynamic = layout.dynamic() ? scalar(require(fields, Layout.DYNAMIC)) : null;
  }

  private static FieldData require(Map<String, FieldData> fields, String name) {
    FieldData field = fields.get(name);
    if (field == null) {
      throw new StoreException(
          FailureClass.INCOMPATIBLE,
          "Milvus was asked for the field '" + name + "' and left it out of its answer.");
    }
    return field;
  }

  private Column scalar(FieldData data) {
    return new Column(data, positions(data, valuesOf(data.getScalars())));
  }

  private int[] positions(FieldData data, int values) {
    int valid = data.getValidDataCount();
    if (valid == 0) {
      if (values != rows) {
        throw new StoreException(
            FailureClass.INCOMPATIBLE,
            "Milvus answered with %d rows and %d values of '%s'."
                .formatted(rows, values, data.getFieldName()));
      }
      return null;
    }
    int[] positions = new int[rows];
    int next = 0;
    for (int row = 0; row < rows; row++) {
      boolean isValid = data.getValidData(row);
      // A value for each row, or for the valid ones only.
      positions[row] = !isValid ? -1 : values == rows ? row : next++;
    }
    return positions;
  }

  private static int valuesOf(Layout.Vector vector, FieldData data) {
    VectorField field = data.getVectors();
    int width = vector.dimension();
    return switch (vector.type()) {
      case SparseFloatVector -> field.getSparseFloatVector().getContentsCount();
      default -> bytes(field, vector.type()).size() / VectorCodec.width(vector.type(), width);
    };
  }

  private static ByteString bytes(VectorField field, DataType type) {
    return switch (type) {
      case FloatVector -> VectorCodec.bytes(field.getFloatVector());
      case Float16Vector -> field.getFloat16Vector();
      case BFloat16Vector -> field.getBfloat16Vector();
      case Int8Vector -> field.getInt8Vector();
      default -> field.getBinaryVector();
    };
  }

  private static int valuesOf(ScalarField field) {
    return switch (field.getDataCase()) {
      case BOOL_DATA -> field.getBoolData().getDataCount();
      case INT_DATA -> field.getIntData().getDataCount();
      case LONG_DATA -> field.getLongData().getDataCount();
      case FLOAT_DATA -> field.getFloatData().getDataCount();
      case DOUBLE_DATA -> field.getDoubleData().getDataCount();
      case STRING_DATA -> field.getStringData().getDataCount();
      case JSON_DATA -> field.getJsonData().getDataCount();
      case ARRAY_DATA -> field.getArrayData().getDataCount();
      case TIMESTAMPTZ_DATA -> field.getTimestamptzData().getDataCount();
      case GEOMETRY_WKT_DATA -> field.getGeometryWktData().getDataCount();
      default -> 0;
    };
  }

  int rows() {
    return rows;
  }

  /** The id of a row as text. */
  String id(int row) {
    return layout.textIds()
        ? ids.data().getScalars().getStringData().getData(row)
        : Long.toString(ids.data().getScalars().getLongData().getData(row));
  }

  /** The id of a row in UTF-8. */
  byte[] idBytes(int row) {
    return layout.textIds()
        ? ids.data().getScalars().getStringData().getDataBytes(row).toByteArray()
        : id(row).getBytes(StandardCharsets.US_ASCII);
  }

  boolean hasVector(int field, int row) {
    return vectors.get(field).position(row) >= 0;
  }

  /** Copies a dense vector to a place in an array. */
  void readDense(int field, int row, float[] target, int start) {
    Layout.Vector vector = layout.vectors().get(field);
    int position = vectors.get(field).position(row);
    VectorField data = vectors.get(field).data().getVectors();
    VectorCodec.read(
        vector.type(), bytes(data, vector.type()), position, vector.dimension(), target, start);
  }

  /** Entries of a sparse vector, 8 bytes each: index and value. */
  ByteString sparse(int field, int row) {
    Column column = vectors.get(field);
    return column.data().getVectors().getSparseFloatVector().getContents(column.position(row));
  }

  /** The document in UTF-8, or null. */
  byte[] document(int row) {
    if (document == null || document.position(row) < 0) {
      return null;
    }
    return document
        .data()
        .getScalars()
        .getStringData()
        .getDataBytes(document.position(row))
        .toByteArray();
  }

  /**
   * The members of declared fields and of the dynamic field as one JSON object; null when the
   * collection has neither.
   */
  byte[] members(int row) {
    if (scalars.isEmpty()) {
      return dynamic == null ? null : dynamicMembers(row);
    }
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    try (JsonGenerator generator = MetadataJson.FACTORY.createGenerator(out)) {
      generator.writeStartObject();
      for (int i = 0; i < scalars.size(); i++) {
        int position = scalars.get(i).position(row);
        if (position >= 0) {
          Layout.Scalar scalar = layout.scalars().get(i);
          generator.writeFieldName(scalar.field());
          write(scalars.get(i).data().getScalars(), position, scalar, row, generator);
        }
      }
      if (dynamic != null) {
        copyDynamic(dynamicMembers(row), generator);
      }
      generator.writeEndObject();
    } catch (IOException e) {
      throw badRow(row, "its metadata is not JSON: " + e.getMessage());
    }
    return out.toByteArray();
  }

  private byte[] dynamicMembers(int row) {
    int position = dynamic.position(row);
    byte[] json =
        position < 0
            ? new byte[0]
            : dynamic.data().getScalars().getJsonData().getData(position).toByteArray();
    // Rows from before the dynamic field was there have nothing in it.
    return json.length == 0 ? new byte[] {'{', '}'} : json;
  }

  /** Copies the members; one that has the name of a field, which old servers let in, is renamed. */
  private void copyDynamic(byte[] json, JsonGenerator generator) throws IOException {
    Set<String> written = new HashSet<>();
    try (JsonParser parser = MetadataJson.FACTORY.createParser(json)) {
      if (parser.nextToken() != JsonToken.START_OBJECT) {
        throw new IOException("it starts with " + parser.currentToken());
      }
      while (parser.nextToken() == JsonToken.FIELD_NAME) {
        String key = parser.currentName();
        while (declared.contains(key) || !written.add(key)) {
          key = Layout.DYNAMIC + "." + key;
        }
        generator.writeFieldName(key);
        parser.nextToken();
        MetadataJson.copyValue(parser, generator);
      }
    }
  }

  private void write(
      ScalarField field, int position, Layout.Scalar scalar, int row, JsonGenerator generator)
      throws IOException {
    switch (field.getDataCase()) {
      case BOOL_DATA -> generator.writeBoolean(field.getBoolData().getData(position));
      case INT_DATA -> generator.writeNumber(field.getIntData().getData(position));
      case LONG_DATA -> generator.writeNumber(field.getLongData().getData(position));
      case FLOAT_DATA -> {
        float value = field.getFloatData().getData(position);
        requireFinite(value, scalar, row);
        generator.writeNumber(ScalarColumn.spell(value));
      }
      case DOUBLE_DATA -> {
        double value = field.getDoubleData().getData(position);
        requireFinite(value, scalar, row);
        generator.writeNumber(Numbers.spell(value));
      }
      case STRING_DATA -> generator.writeString(field.getStringData().getData(position));
      case JSON_DATA -> {
        byte[] json = field.getJsonData().getData(position).toByteArray();
        try (JsonParser parser = MetadataJson.FACTORY.createParser(json)) {
          if (parser.nextToken() == null) {
            throw new IOException("empty JSON");
          }
          MetadataJson.copyValue(parser, generator);
        }
      }
      case ARRAY_DATA -> {
        ScalarField array = field.getArrayData().getData(position);
        int elements = valuesOf(array);
        generator.writeStartArray();
        for (int i = 0; i < elements; i++) {
          write(array, i, scalar, row, generator);
        }
        generator.writeEndArray();
      }
      case TIMESTAMPTZ_DATA ->
          generator.writeString(
              Instant.EPOCH
                  .plus(field.getTimestamptzData().getData(position), ChronoUnit.MICROS)
                  .toString());
      case GEOMETRY_WKT_DATA -> generator.writeString(field.getGeometryWktData().getData(position));
      default ->
          throw new StoreException(
              FailureClass.INCOMPATIBLE,
              "the field '"
                  + scalar.field()
                  + "' has the type "
                  + scalar.type()
                  + ", which vecferry cannot read.");
    }
  }

  private void requireFinite(double value, Layout.Scalar scalar, int row) {
    if (!Double.isFinite(value)) {
      throw badRow(row, "'" + scalar.field() + "' is " + value + ", which JSON cannot express");
    }
  }

  StoreException badRow(int row, String problem) {
    return new StoreException(
        FailureClass.BAD_RECORD,
        "the row with " + layout.idField() + " \"" + id(row) + "\": " + problem + ".");
  }
}
