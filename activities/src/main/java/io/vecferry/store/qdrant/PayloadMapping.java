package io.vecferry.store.qdrant;

import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import io.qdrant.client.grpc.JsonWithInt.ListValue;
import io.qdrant.client.grpc.JsonWithInt.NullValue;
import io.qdrant.client.grpc.JsonWithInt.Struct;
import io.qdrant.client.grpc.JsonWithInt.Value;
import io.vecferry.plan.FailureClass;
import io.vecferry.record.IdKind;
import io.vecferry.record.MetadataJson;
import io.vecferry.record.Numbers;
import io.vecferry.record.TextColumn;
import io.vecferry.store.ReservedKeys;
import io.vecferry.store.StoreException;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.BiConsumer;

/**
 * Puts metadata and document of a record into the payload of a point, and takes them back. The
 * payload keeps every JSON value but numbers beyond int64 and double, some doubles with 16 or 17
 * digits, and another spelling of a number; where there is one, the whole original text goes along.
 * See {@link ReservedKeys}.
 *
 * <p>Members are read in the order of their keys, because a payload has none of its own.
 */
final class PayloadMapping {
  /**
   * Nesting that servers read: each level takes three of the 100 that a message of theirs may have.
   */
  private static final int DEEPEST = 30;

  /** The largest power of ten that is a double. */
  private static final int LARGEST_POWER = 308;

  private final String documentKey;
  private final String metadataKey;
  private final boolean reserved;

  /**
   * What goes along with metadata and document.
   *
   * @param id original id; null where the point has it
   * @param kind kind of the id; null where the collection tells it
   * @param norms lengths of the original vectors; null where they need not be kept
   */
  record Extras(String id, IdKind kind, Value norms) {
    static final Extras NONE = new Extras(null, null, null);
  }

  /**
   * @param documentKey payload key of the document; empty where there are no documents
   * @param metadataKey payload key below which metadata is; empty where it is the payload
   * @param reserved whether reserved keys have their meaning, as they have in what vecferry made
   */
  PayloadMapping(String documentKey, String metadataKey, boolean reserved) {
    this.documentKey = documentKey;
    this.metadataKey = metadataKey;
    this.reserved = reserved;
  }

  // Writing

  /**
   * Puts a row's payload together.
   *
   * @param payload takes the members
   */
  void encode(
      TextColumn metadata,
      TextColumn documents,
      int row,
      Extras extras,
      BiConsumer<String, Value> payload) {
    String document = documents.get(row);
    Encoder encoder = new Encoder(document != null);
    if (!metadata.isNull(row)) {
      try (JsonParser parser =
          MetadataJson.SCANNER.createParser(
              metadata.bytes(), metadata.start(row), metadata.length(row))) {
        if (parser.nextToken() != JsonToken.START_OBJECT) {
          throw new IOException("it starts with " + parser.currentToken());
        }
        if (metadataKey.isEmpty()) {
          encoder.writeMembers(parser, payload);
        } else {
          Struct.Builder members = Struct.newBuilder();
          encoder.writeMembers(parser, members::putFields);
          payload.accept(metadataKey, Value.newBuilder().setStructValue(members).build());
        }
      } catch (IOException e) {
        throw new StoreException(
            FailureClass.BAD_RECORD, "the metadata is not a JSON object: " + e.getMessage(), e);
      }
      if (!encoder.kept || (metadataKey.isEmpty() && encoder.members == 0)) {
        payload.accept(ReservedKeys.METADATA_JSON, text(metadata.get(row)));
      }
    }
    if (document != null) {
      payload.accept(documentKey, text(document));
    } else if (encoder.looksLikeDocument) {
      payload.accept(ReservedKeys.NO_DOCUMENT, Value.newBuilder().setBoolValue(true).build());
    }
    if (extras.id() != null) {
      payload.accept(ReservedKeys.ID, text(extras.id()));
    }
    if (extras.kind() != null) {
      payload.accept(ReservedKeys.ID_KIND, text(extras.kind().name().toLowerCase(Locale.ROOT)));
    }
    if (extras.norms() != null) {
      payload.accept(ReservedKeys.NORM, extras.norms());
    }
  }

  private static Value text(String text) {
    return Value.newBuilder().setStringValue(text).build();
  }

  /** What was seen of one metadata object. */
  private final class Encoder {
    private final boolean hasDocument;
    private boolean kept = true;
    private boolean looksLikeDocument;
    private int members;

    Encoder(boolean hasDocument) {
      this.hasDocument = hasDocument;
    }

    void writeMembers(JsonParser parser, BiConsumer<String, Value> out) throws IOException {
      boolean flat = metadataKey.isEmpty();
      while (parser.nextToken() == JsonToken.FIELD_NAME) {
        String key = parser.currentName();
        JsonToken token = parser.nextToken();
        boolean document = flat && key.equals(documentKey);
        if ((flat && key.startsWith(ReservedKeys.PREFIX)) || (document && hasDocument)) {
          kept = false;
          parser.skipChildren();
          continue;
        }
        Value value = value(parser, 1);
        if (value != null && isWellFormed(key)) {
          looksLikeDocument |= document && token == JsonToken.VALUE_STRING;
          out.accept(key, value);
          members++;
        }
      }
    }

    /** The value that the parser stands on; null, and nothing of it, when it cannot be stored. */
    private Value value(JsonParser parser, int depth) throws IOException {
      Value.Builder out = Value.newBuilder();
      switch (parser.currentToken()) {
        case VALUE_NULL -> out.setNullValue(NullValue.NULL_VALUE);
        case VALUE_TRUE -> out.setBoolValue(true);
        case VALUE_FALSE -> out.setBoolValue(false);
        case VALUE_STRING -> {
          String text = parser.getText();
          if (!isWellFormed(text)) {
            return null;
          }
          out.setStringValue(text);
        }
        case VALUE_NUMBER_INT -> {
          String text = parser.getText();
          boolean integer = Numbers.isKept(text) || text.equals("-0");
          kept &= integer && !text.equals("-0");
          if (integer) {
            out.setIntegerValue(Long.parseLong(text));
          } else {
            return number(out, Double.parseDouble(text));
          }
        }
        case VALUE_NUMBER_FLOAT -> {
          String text = parser.getText();
          double number = Double.parseDouble(text);
          kept &=
              Double.isFinite(number) && Numbers.spell(number).equals(text) && isReadBack(number);
          return number(out, number);
        }
        case START_ARRAY, START_OBJECT -> {
          if (depth >= DEEPEST) {
            kept = false;
            parser.skipChildren();
            return null;
          }
          if (parser.currentToken() == JsonToken.START_ARRAY) {
            ListValue.Builder list = ListValue.newBuilder();
            while (parser.nextToken() != JsonToken.END_ARRAY) {
              Value element = value(parser, depth + 1);
              if (element != null) {
                list.addValues(element);
              }
            }
            out.setListValue(list);
          } else {
            Struct.Builder struct = Struct.newBuilder();
            while (parser.nextToken() == JsonToken.FIELD_NAME) {
              String key = parser.currentName();
              parser.nextToken();
              Value member = value(parser, depth + 1);
              if (member != null && isWellFormed(key)) {
                struct.putFields(key, member);
              }
            }
            out.setStructValue(struct);
          }
        }
        default -> throw new IOException("unexpected JSON token " + parser.currentToken());
      }
      return out.build();
    }

    private Value number(Value.Builder out, double number) {
      return Double.isFinite(number) ? out.setDoubleValue(number).build() : null;
    }

    /**
     * Whether a server gives back every bit of a finite double. It keeps payloads as JSON, and
     * reads a number as its digits, rounded to a double, times or by a power of ten, rounded again:
     * of some doubles with 16 or 17 digits the last bit changes.
     */
    private static boolean isReadBack(double number) {
      String[] parts = Numbers.spell(Math.abs(number)).split("e");
      int point = parts[0].indexOf('.');
      String fraction = point < 0 ? "" : parts[0].substring(point + 1);
      String whole = point < 0 ? parts[0] : parts[0].substring(0, point);
      double read = Long.parseLong(whole + fraction);
      int exponent = (parts.length > 1 ? Integer.parseInt(parts[1]) : 0) - fraction.length();
      if (exponent < -LARGEST_POWER) {
        read /= power(LARGEST_POWER);
        exponent += LARGEST_POWER;
      }
      return (exponent < 0 ? read / power(-exponent) : read * power(exponent)) == Math.abs(number);
    }

    private static double power(int exponent) {
      return Double.parseDouble("1e" + exponent);
    }

    /** Half of a surrogate pair is no character, and no message can hold it. */
    private boolean isWellFormed(String text) {
      for (int i = 0; i < text.length(); i++) {
        if (Character.isSurrogate(text.charAt(i))) {
          if (!Character.isSurrogatePair(
              text.charAt(i), i + 1 < text.length() ? text.charAt(i + 1) : 0)) {
            kept = false;
            return false;
          }
          i++;
        }
      }
      return true;
    }
  }

  // Reading

  /** The original id, or null where the point has it. */
  String id(Map<String, Value> payload) {
    return reservedText(payload, ReservedKeys.ID);
  }

  /** The kind of the original id, or null where the collection tells it. */
  IdKind kind(Map<String, Value> payload) {
    String text = reservedText(payload, ReservedKeys.ID_KIND);
    if (text == null) {
      return null;
    }
    for (IdKind kind : IdKind.values()) {
      if (kind.name().equalsIgnoreCase(text)) {
        return kind;
      }
    }
    return null;
  }

  /** The lengths of the original vectors, or null. */
  Value norms(Map<String, Value> payload) {
    return reserved ? payload.get(ReservedKeys.NORM) : null;
  }

  /** The document, or null. */
  String document(Map<String, Value> payload) {
    Value value = documentKey.isEmpty() ? null : payload.get(documentKey);
    return value != null && value.hasStringValue() && !hasNoDocument(payload)
        ? value.getStringValue()
        : null;
  }

  private boolean hasNoDocument(Map<String, Value> payload) {
    return reserved && payload.containsKey(ReservedKeys.NO_DOCUMENT);
  }

  private String reservedText(Map<String, Value> payload, String key) {
    Value value = reserved ? payload.get(key) : null;
    return value != null && value.hasStringValue() ? value.getStringValue() : null;
  }

  /** Takes metadata out of payloads, row by row. */
  final class Decoder implements AutoCloseable {
    private final Buffer buffer = new Buffer();
    private final JsonGenerator generator;
    private final TextColumn.Builder metadata;

    Decoder(int rows) {
      metadata = new TextColumn.Builder(rows);
      try {
        generator = MetadataJson.FACTORY.createGenerator(buffer);
        generator.setRootValueSeparator(null);
      } catch (IOException e) {
        throw new IllegalStateException(e);
      }
    }

    void add(Map<String, Value> payload) {
      String original = reservedText(payload, ReservedKeys.METADATA_JSON);
      if (original != null) {
        metadata.add(original);
        return;
      }
      boolean hasDocument = document(payload) != null;
      Map<String, Value> members = new TreeMap<>();
      payload.forEach(
          (key, value) -> {
            if (!(hasDocument && key.equals(documentKey)) && !isReserved(key)) {
              members.put(key, value);
            }
          });
      Value below = metadataKey.isEmpty() ? null : members.get(metadataKey);
      if (below != null && below.hasStructValue() && members.size() == 1) {
        addObject(below.getStructValue().getFieldsMap());
      } else if (members.isEmpty()) {
        metadata.addNull();
      } else {
        addObject(members);
      }
    }

    TextColumn build() {
      return metadata.build();
    }

    @Override
    public void close() {
      try {
        generator.close();
      } catch (IOException e) {
        throw new IllegalStateException(e);
      }
    }

    private void addObject(Map<String, Value> members) {
      buffer.reset();
      try {
        writeObject(members);
        generator.flush();
      } catch (IOException e) {
        throw new IllegalStateException(e);
      }
      metadata.add(buffer.bytes(), 0, buffer.size());
    }

    private void writeObject(Map<String, Value> members) throws IOException {
      generator.writeStartObject();
      Map<String, Value> sorted = members instanceof TreeMap ? members : new TreeMap<>(members);
      for (Map.Entry<String, Value> member : sorted.entrySet()) {
        generator.writeFieldName(member.getKey());
        writeValue(member.getValue());
      }
      generator.writeEndObject();
    }

    private void writeValue(Value value) throws IOException {
      switch (value.getKindCase()) {
        case NULL_VALUE, KIND_NOT_SET -> generator.writeNull();
        case BOOL_VALUE -> generator.writeBoolean(value.getBoolValue());
        case INTEGER_VALUE -> generator.writeNumber(value.getIntegerValue());
        case DOUBLE_VALUE -> generator.writeNumber(Numbers.spell(value.getDoubleValue()));
        case STRING_VALUE -> generator.writeString(value.getStringValue());
        case STRUCT_VALUE -> writeObject(value.getStructValue().getFieldsMap());
        case LIST_VALUE -> {
          generator.writeStartArray();
          for (Value element : value.getListValue().getValuesList()) {
            writeValue(element);
          }
          generator.writeEndArray();
        }
      }
    }

    private boolean isReserved(String key) {
      return reserved
          && switch (key) {
            case ReservedKeys.ID,
                ReservedKeys.ID_KIND,
                ReservedKeys.NORM,
                ReservedKeys.NO_DOCUMENT,
                ReservedKeys.METADATA_JSON ->
                true;
            default -> false;
          };
    }
  }

  /** Hands its bytes out without a copy. */
  private static final class Buffer extends ByteArrayOutputStream {
    byte[] bytes() {
      return buf;
    }
  }

  /** Length of a text in a message. */
  static int bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8).length;
  }
}
