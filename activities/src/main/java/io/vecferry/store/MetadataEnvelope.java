package io.vecferry.store;

import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import io.vecferry.plan.FailureClass;
import io.vecferry.record.IdKind;
import io.vecferry.record.MetadataJson;
import io.vecferry.record.Numbers;
import io.vecferry.record.TextColumn;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Locale;

/**
 * Puts a record's metadata, and what else the store has no place for, into one JSON object, and
 * takes it apart again; see {@link ReservedKeys}. Stateless; each store brings a rule for what it
 * keeps.
 */
public final class MetadataEnvelope {
  private MetadataEnvelope() {}

  /** What a store does with the top-level members of a metadata object. */
  public interface Rule {
    /** Whether the store gives the member back exactly as it is spelled. */
    boolean keeps(String key, Value value);

    /** Whether the store takes the member, perhaps changed, so that it can at least be searched. */
    default boolean takes(String key, Value value) {
      return keeps(key, value);
    }
  }

  /** A rule for stores that give every JSON text back as it was. */
  public static final Rule KEEPS_ALL = (key, value) -> true;

  /** Kind of a JSON value. */
  public enum Type {
    NULL,
    BOOLEAN,
    INTEGER,
    NUMBER,
    TEXT,
    ARRAY,
    OBJECT
  }

  /**
   * What there is to know of a value.
   *
   * @param type its kind
   * @param elements kind of all elements of an array when it is the same; null for an empty or
   *     mixed array and for anything else
   * @param empty whether it is an array or object without members
   * @param depth 0 for a single value, 1 for an array or object of single values
   * @param nulls whether there is a null in it, or it is one
   * @param numbersKept whether all numbers survive being kept as int64 or double, see {@link
   *     Numbers#isKept}
   * @param finite whether all numbers are finite as doubles, if perhaps spelled in another way
   * @param negativeZero whether there is a {@code -0.0} in it
   * @param awkwardKeys whether an object in it has a key that is empty or holds a dot
   */
  public record Value(
      Type type,
      Type elements,
      boolean empty,
      int depth,
      boolean nulls,
      boolean numbersKept,
      boolean finite,
      boolean negativeZero,
      boolean awkwardKeys) {}

  /**
   * What goes along with the metadata.
   *
   * @param id original id, when the store has it under another one; otherwise null
   * @param kind kind of the id, when the collection does not tell it; otherwise null
   * @param noDocument whether the store will show a document where the record has none
   * @param norm length of the original vector; NaN when it need not be kept
   */
  public record Extras(String id, IdKind kind, boolean noDocument, double norm) {
    public static final Extras NONE = new Extras(null, null, false, Double.NaN);
  }

  /**
   * A record taken apart.
   *
   * @param metadata canonical JSON; null when the record has none
   */
  public record Unwrapped(byte[] metadata, Extras extras) {}

  /**
   * The object to store for a row.
   *
   * @param marksAbsence whether a record without metadata gets {@link ReservedKeys#NO_METADATA};
   *     false where the store tells absent from empty by itself
   */
  public static byte[] wrap(
      TextColumn metadata, int row, Extras extras, boolean marksAbsence, Rule rule) {
    ByteArrayOutputStream out = new ByteArrayOutputStream(metadata.length(row) + 64);
    try (JsonGenerator generator = MetadataJson.FACTORY.createGenerator(out)) {
      generator.writeStartObject();
      boolean kept = true;
      if (!metadata.isNull(row)) {
        kept = writeMembers(metadata, row, rule, generator);
      } else if (marksAbsence) {
        generator.writeBooleanField(ReservedKeys.NO_METADATA, true);
      }
      if (!kept) {
        generator.writeStringField(ReservedKeys.METADATA_JSON, metadata.get(row));
      }
      if (extras.id() != null) {
        generator.writeStringField(ReservedKeys.ID, extras.id());
      }
      if (extras.kind() != null) {
        generator.writeStringField(
            ReservedKeys.ID_KIND, extras.kind().name().toLowerCase(Locale.ROOT));
      }
      if (extras.noDocument()) {
        generator.writeBooleanField(ReservedKeys.NO_DOCUMENT, true);
      }
      if (!Double.isNaN(extras.norm())) {
        generator.writeFieldName(ReservedKeys.NORM);
        generator.writeNumber(Numbers.spell(extras.norm()));
      }
      generator.writeEndObject();
    } catch (IOException e) {
      throw new StoreException(
          FailureClass.BAD_RECORD, "the metadata is not a JSON object: " + e.getMessage(), e);
    }
    return out.toByteArray();
  }

  private static boolean writeMembers(
      TextColumn metadata, int row, Rule rule, JsonGenerator generator) throws IOException {
    boolean kept = true;
    byte[] bytes = metadata.bytes();
    int start = metadata.start(row);
    int length = metadata.length(row);
    try (JsonParser values = MetadataJson.SCANNER.createParser(bytes, start, length);
        JsonParser copies = MetadataJson.SCANNER.createParser(bytes, start, length)) {
      if (values.nextToken() != JsonToken.START_OBJECT) {
        throw new IOException("it starts with " + values.currentToken());
      }
      copies.nextToken();
      while (values.nextToken() == JsonToken.FIELD_NAME) {
        String key = values.currentName();
        values.nextToken();
        Value value = look(values);
        copies.nextToken();
        copies.nextToken();
        boolean reserved = key.startsWith(ReservedKeys.PREFIX);
        kept &= !reserved && rule.keeps(key, value);
        if (!reserved && rule.takes(key, value)) {
          generator.writeFieldName(key);
          MetadataJson.copyValue(copies, generator);
        } else {
          copies.skipChildren();
        }
      }
    }
    return kept;
  }

  /** Takes an object apart that was read from a store. */
  public static Unwrapped unwrap(byte[] json, int start, int length) {
    ByteArrayOutputStream out = new ByteArrayOutputStream(length);
    String original = null;
    String id = null;
    IdKind kind = null;
    boolean noDocument = false;
    boolean noMetadata = false;
    double norm = Double.NaN;
    try (JsonParser parser = MetadataJson.FACTORY.createParser(json, start, length);
        JsonGenerator generator = MetadataJson.FACTORY.createGenerator(out)) {
      if (parser.nextToken() != JsonToken.START_OBJECT) {
        throw new IOException("it starts with " + parser.currentToken());
      }
      generator.writeStartObject();
      while (parser.nextToken() == JsonToken.FIELD_NAME) {
        String key = parser.currentName();
        JsonToken token = parser.nextToken();
        if (key.startsWith(ReservedKeys.PREFIX) && token.isScalarValue()) {
          switch (key) {
            case ReservedKeys.METADATA_JSON -> original = parser.getText();
            case ReservedKeys.ID -> id = parser.getText();
            case ReservedKeys.ID_KIND ->
                kind = IdKind.valueOf(parser.getText().toUpperCase(Locale.ROOT));
            case ReservedKeys.NO_DOCUMENT -> noDocument = true;
            case ReservedKeys.NO_METADATA -> noMetadata = true;
            case ReservedKeys.NORM -> norm = parser.getDoubleValue();
            default -> {
              generator.writeFieldName(key);
              MetadataJson.copyValue(parser, generator);
            }
          }
        } else {
          generator.writeFieldName(key);
          MetadataJson.copyValue(parser, generator);
        }
      }
      generator.writeEndObject();
    } catch (IOException | IllegalArgumentException e) {
      throw new StoreException(
          FailureClass.BAD_RECORD, "the metadata is not a JSON object: " + e.getMessage(), e);
    }
    byte[] metadata =
        noMetadata
            ? null
            : original != null ? original.getBytes(StandardCharsets.UTF_8) : out.toByteArray();
    return new Unwrapped(metadata, new Extras(id, kind, noDocument, norm));
  }

  /** Looks at the value that the parser stands on, and moves to its end. */
  private static Value look(JsonParser parser) throws IOException {
    JsonToken first = parser.currentToken();
    Type elements = null;
    boolean mixed = false;
    boolean empty = true;
    int depth = 0;
    int deepest = 0;
    boolean nulls = false;
    boolean numbersKept = true;
    boolean finite = true;
    boolean negativeZero = false;
    boolean awkwardKeys = false;
    for (JsonToken token = first; ; token = parser.nextToken()) {
      if (token == null) {
        throw new IOException("the text ends inside a value");
      }
      if (token == JsonToken.FIELD_NAME) {
        String key = parser.currentName();
        awkwardKeys |= key.isEmpty() || key.indexOf('.') >= 0;
        empty = false;
        continue;
      }
      if (depth == 1 && !token.isStructEnd()) {
        empty = false;
        Type type = typeOf(token);
        mixed |= elements != null && elements != type;
        elements = type;
      }
      if (token.isStructStart()) {
        depth++;
        deepest = Math.max(deepest, depth);
      } else if (token.isStructEnd()) {
        depth--;
      } else if (token.isNumeric()) {
        String text = parser.getText();
        boolean kept = Numbers.isKept(text);
        numbersKept &= kept;
        finite &= kept || Double.isFinite(Double.parseDouble(text));
        negativeZero |= text.startsWith("-0") && Double.parseDouble(text) == 0;
      } else {
        nulls |= token == JsonToken.VALUE_NULL;
      }
      if (depth == 0) {
        break;
      }
    }
    Type type = typeOf(first);
    return new Value(
        type,
        type == Type.ARRAY && !mixed ? elements : null,
        empty && first.isStructStart(),
        deepest,
        nulls,
        numbersKept,
        finite,
        negativeZero,
        awkwardKeys);
  }

  private static Type typeOf(JsonToken token) {
    return switch (token) {
      case START_OBJECT -> Type.OBJECT;
      case START_ARRAY -> Type.ARRAY;
      case VALUE_STRING -> Type.TEXT;
      case VALUE_NUMBER_INT -> Type.INTEGER;
      case VALUE_NUMBER_FLOAT -> Type.NUMBER;
      case VALUE_TRUE, VALUE_FALSE -> Type.BOOLEAN;
      default -> Type.NULL;
    };
  }
}
