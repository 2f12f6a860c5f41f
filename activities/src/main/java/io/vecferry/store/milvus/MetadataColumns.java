package io.vecferry.store.milvus;

import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.google.protobuf.ByteString;
import com.google.protobuf.UnsafeByteOperations;
import io.milvus.grpc.DataType;
import io.milvus.grpc.FieldData;
import io.milvus.grpc.JSONArray;
import io.milvus.grpc.ScalarField;
import io.vecferry.record.MetadataJson;
import io.vecferry.record.Numbers;
import io.vecferry.record.TextColumn;
import io.vecferry.store.MetadataEnvelope;
import io.vecferry.store.ReservedKeys;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Builds the columns that hold the metadata: declared fields, and the dynamic field for everything
 * else. Most rows need no change and their text is taken as it is.
 */
final class MetadataColumns {
  private final Layout layout;
  private final ServerVersion version;
  private final Set<String> declared;
  private final Map<String, ScalarColumn> scalars = new LinkedHashMap<>();
  private final JSONArray.Builder dynamic = JSONArray.newBuilder();

  // What is known of the row that is looked at.
  private boolean finite;
  private boolean verbatim;
  private boolean reserved;
  private String misfit;

  MetadataColumns(Layout layout, ServerVersion version) {
    this.layout = layout;
    this.version = version;
    this.declared = layout.declared();
    for (Layout.Scalar scalar : layout.scalars()) {
      scalars.put(scalar.field(), new ScalarColumn(scalar, version.takesAnyJson()));
    }
  }

  /**
   * Adds a row.
   *
   * @return why the collection cannot hold it, or null when it was added
   */
  String add(TextColumn metadata, int row, MetadataEnvelope.Extras extras) {
    String problem = look(metadata, row);
    if (problem != null) {
      return problem;
    }
    ByteString members = null;
    if (layout.dynamic()) {
      members = members(metadata, row, extras);
      if (!version.lite() && members.size() > Layout.LONGEST_JSON) {
        members = onlyOriginal(metadata, row, extras);
      }
      if (!version.lite() && members.size() > Layout.LONGEST_JSON) {
        return "its metadata takes %d bytes in the dynamic field, which holds %d"
            .formatted(members.size(), Layout.LONGEST_JSON);
      }
    } else {
      problem = misfitOfRow(metadata.isNull(row), extras);
      if (problem != null) {
        return problem;
      }
    }
    scalars.values().forEach(ScalarColumn::commit);
    if (members != null) {
      dynamic.addData(members);
    }
    return null;
  }

  /** Reads a row once: takes the values of declared fields and finds out about the others. */
  private String look(TextColumn metadata, int row) {
    finite = true;
    verbatim = true;
    reserved = false;
    misfit = null;
    scalars.values().forEach(ScalarColumn::reset);
    if (metadata.isNull(row)) {
      return null;
    }
    try (JsonParser parser =
        MetadataJson.SCANNER.createParser(
            metadata.bytes(), metadata.start(row), metadata.length(row))) {
      if (parser.nextToken() != JsonToken.START_OBJECT) {
        return "its metadata is not a JSON object";
      }
      while (parser.nextToken() == JsonToken.FIELD_NAME) {
        String key = parser.currentName();
        parser.nextToken();
        ScalarColumn scalar = scalars.get(key);
        if (scalar != null) {
          scalar.take(parser);
          verbatim = false;
          if (!scalar.isExact() && misfit == null) {
            misfit = "'" + key + "' is not of the type of its field, " + scalar.field().type();
          }
          continue;
        }
        if (misfit == null) {
          misfit = "there is no field '" + key + "', and the collection has no dynamic field";
        }
        boolean isReserved = key.startsWith(ReservedKeys.PREFIX);
        reserved |= isReserved;
        verbatim &= !isReserved && !declared.contains(key);
        lookAtNumbers(parser);
      }
      return null;
    } catch (IOException e) {
      return "its metadata is not JSON: " + e.getMessage();
    }
  }

  /** Moves over a value. */
  private void lookAtNumbers(JsonParser parser) throws IOException {
    int depth = 0;
    JsonToken token = parser.currentToken();
    while (true) {
      if (token.isStructStart()) {
        depth++;
      } else if (token.isStructEnd()) {
        depth--;
      } else if (token == JsonToken.VALUE_NUMBER_FLOAT) {
        String text = parser.getText();
        finite &= Double.isFinite(Double.parseDouble(text));
        verbatim &= version.keepsJsonText() || Numbers.isKept(text);
      } else if (token == JsonToken.VALUE_NUMBER_INT) {
        // Go reads integers as doubles when it looks whether a text is JSON.
        finite &= parser.getTextLength() < 300;
        verbatim &= version.keepsJsonText() || Numbers.isKept(parser.getText());
      }
      if (depth == 0) {
        break;
      }
      token = parser.nextToken();
      if (token == null) {
        throw new IOException("the text ends inside a value");
      }
    }
    verbatim &= finite;
  }

  private ByteString members(TextColumn metadata, int row, MetadataEnvelope.Extras extras) {
    List<ScalarColumn> missing = new ArrayList<>();
    for (ScalarColumn scalar : scalars.values()) {
      if (scalar.isAbsent() && !scalar.isExact()) {
        missing.add(scalar);
      }
    }
    boolean plain =
        verbatim
            && missing.isEmpty()
            && !metadata.isNull(row)
            && extras.equals(MetadataEnvelope.Extras.NONE);
    if (plain) {
      return UnsafeByteOperations.unsafeWrap(
          metadata.bytes(), metadata.start(row), metadata.length(row));
    }
    KeepingRule rule = new KeepingRule();
    byte[] wrapped = MetadataEnvelope.wrap(metadata, row, extras, true, rule);
    if (!missing.isEmpty() && !metadata.isNull(row) && !rule.lost && !reserved) {
      // Nothing of it is lost, but the fields without a value would look as if they had one.
      wrapped = withOriginal(wrapped, metadata.get(row));
    }
    return UnsafeByteOperations.unsafeWrap(wrapped);
  }

  /** What the dynamic field gives back as it was. */
  private final class KeepingRule implements MetadataEnvelope.Rule {
    private boolean lost;

    @Override
    public boolean keeps(String key, MetadataEnvelope.Value value) {
      ScalarColumn scalar = scalars.get(key);
      boolean kept;
      if (scalar != null) {
        kept = scalar.isExact();
      } else {
        kept =
            !declared.contains(key) && (value.numbersKept() || (version.keepsJsonText() && finite));
      }
      lost |= !kept;
      return kept;
    }

    @Override
    public boolean takes(String key, MetadataEnvelope.Value value) {
      return !scalars.containsKey(key)
          && !declared.contains(key)
          && (value.numbersKept() || finite);
    }
  }

  /** The original text alone, where there is no space to keep its members searchable. */
  private static ByteString onlyOriginal(
      TextColumn metadata, int row, MetadataEnvelope.Extras extras) {
    MetadataEnvelope.Rule none = (key, value) -> false;
    return UnsafeByteOperations.unsafeWrap(
        MetadataEnvelope.wrap(metadata, row, extras, true, none));
  }

  private static byte[] withOriginal(byte[] object, String original) {
    ByteArrayOutputStream out = new ByteArrayOutputStream(object.length + original.length() + 64);
    try (JsonParser parser = MetadataJson.SCANNER.createParser(object);
        JsonGenerator generator = MetadataJson.FACTORY.createGenerator(out)) {
      parser.nextToken();
      generator.writeStartObject();
      while (parser.nextToken() == JsonToken.FIELD_NAME) {
        generator.writeFieldName(parser.currentName());
        parser.nextToken();
        MetadataJson.copyValue(parser, generator);
      }
      generator.writeStringField(ReservedKeys.METADATA_JSON, original);
      generator.writeEndObject();
    } catch (IOException e) {
      throw new IllegalStateException("it was JSON before", e);
    }
    return out.toByteArray();
  }

  /** Why a row does not fit a collection that has declared fields only. */
  private String misfitOfRow(boolean noMetadata, MetadataEnvelope.Extras extras) {
    if (misfit != null) {
      return misfit;
    }
    if (!extras.equals(MetadataEnvelope.Extras.NONE)) {
      return extras.noDocument()
          ? "it has no document, and the collection has no dynamic field to say so"
          : "its id is a " + extras.kind() + ", and the collection has no dynamic field to say so";
    }
    if (noMetadata && !scalars.isEmpty()) {
      return "it has no metadata, and the collection has no dynamic field to say so";
    }
    for (ScalarColumn scalar : scalars.values()) {
      if (!scalar.isExact()) {
        return "'" + scalar.field().field() + "' is missing, and its field cannot be null";
      }
    }
    return null;
  }

  /** The columns of all rows that were added. */
  List<FieldData> build() {
    List<FieldData> columns = new ArrayList<>();
    scalars.values().forEach(scalar -> columns.add(scalar.build()));
    if (layout.dynamic()) {
      columns.add(
          FieldData.newBuilder()
              .setFieldName(Layout.DYNAMIC)
              .setType(DataType.JSON)
              .setIsDynamic(true)
              .setScalars(ScalarField.newBuilder().setJsonData(dynamic))
              .build());
    }
    return columns;
  }
}
