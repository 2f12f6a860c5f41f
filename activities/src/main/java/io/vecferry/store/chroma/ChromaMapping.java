package io.vecferry.store.chroma;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import io.vecferry.record.DenseVectors;
import io.vecferry.record.IdColumn;
import io.vecferry.record.IdKind;
import io.vecferry.record.Numbers;
import io.vecferry.record.TextColumn;
import io.vecferry.store.JsonBytes;
import io.vecferry.store.MetadataEnvelope;
import io.vecferry.store.Metric;
import io.vecferry.store.ReservedKeys;
import io.vecferry.store.TextIds;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Set;

/**
 * What a record is in Chroma, and back. Pure: no I/O. Thread-safe.
 *
 * <p>Ids are texts that are not empty. Metadata is a flat object: no nulls, no nested objects, no
 * empty or mixed arrays, no keys that are empty or start with {@code #} or {@code $}, and not every
 * double, see {@link ServerNumbers}. A record's uri is the member {@value #URI} of its metadata.
 * Chroma does not tell a record without metadata from one whose metadata is empty; both are read as
 * an empty object.
 *
 * @see ReservedKeys
 */
final class ChromaMapping {
  /** Chroma's own name of a uri among the metadata; it makes one of such a member by itself. */
  static final String URI = "chroma:uri";

  /**
   * Keys that Chroma keeps for itself: it hides them, and a document that is no text stops a
   * server's background work for good.
   */
  private static final String INTERNAL = "chroma:";

  private final boolean mapped;
  private final TextIds textIds;
  private final MetadataEnvelope.Rule rule;
  private final MetadataEnvelope.Rule nothingKept;

  /**
   * @param mapped whether the collection was loaded by a migration, so that ids and reserved keys
   *     have a meaning
   * @param idKinds kinds of ids that were loaded
   * @param arrays whether the server takes arrays in metadata
   */
  ChromaMapping(boolean mapped, Set<IdKind> idKinds, boolean arrays) {
    this.mapped = mapped;
    this.textIds = new TextIds(mapped, idKinds);
    this.rule = new Rule(arrays, true);
    this.nothingKept = new Rule(arrays, false);
  }

  /** What Chroma does with a member of an object. */
  private record Rule(boolean arrays, boolean readRight) implements MetadataEnvelope.Rule {
    @Override
    public boolean keeps(String key, MetadataEnvelope.Value value) {
      return takes(key, value) && readRight && value.numbersKept() && !value.negativeZero();
    }

    @Override
    public boolean takes(String key, MetadataEnvelope.Value value) {
      if (key.isEmpty() || key.charAt(0) == '#' || key.charAt(0) == '$') {
        return false;
      }
      if (key.startsWith(INTERNAL)) {
        return key.equals(URI) && value.type() == MetadataEnvelope.Type.TEXT;
      }
      return switch (value.type()) {
        case BOOLEAN, TEXT -> true;
        case INTEGER, NUMBER -> value.finite();
        case ARRAY -> arrays && isSimple(value.elements()) && value.finite();
        case NULL, OBJECT -> false;
      };
    }

    private static boolean isSimple(MetadataEnvelope.Type elements) {
      if (elements == null) {
        return false;
      }
      return switch (elements) {
        case BOOLEAN, TEXT, INTEGER, NUMBER -> true;
        case NULL, ARRAY, OBJECT -> false;
      };
    }
  }

  /**
   * The id under which Chroma has a record.
   *
   * @return null when there can be no such record
   */
  String storedId(IdKind kind, String id) {
    return textIds.stored(kind, id);
  }

  /** The kind of the id that a stored one stands for. */
  IdKind kind(String stored) {
    return textIds.kind(stored);
  }

  /** The id that a stored one stands for. */
  String id(String stored) {
    return textIds.id(stored);
  }

  /** The ids that stored ones stand for. */
  IdColumn ids(List<String> stored) {
    TextColumn.Builder texts = new TextColumn.Builder(stored.size());
    IdKind[] kinds = new IdKind[stored.size()];
    for (int i = 0; i < kinds.length; i++) {
      texts.add(id(stored.get(i)));
      kinds[i] = kind(stored.get(i));
    }
    boolean uniform = kinds.length == 0 || List.of(kinds).stream().distinct().count() == 1;
    return uniform
        ? IdColumn.of(kinds.length == 0 ? IdKind.STRING : kinds[0], texts.build())
        : new IdColumn(texts.build(), kinds);
  }

  /**
   * Adds the metadata to store for a row, as a JSON object.
   *
   * @param kind kind of the row's id
   * @param noDocument whether an empty document has to stand for none
   * @return whether there are arrays in it
   */
  boolean writeMetadata(
      TextColumn metadata, int row, IdKind kind, String id, boolean noDocument, JsonBytes body) {
    boolean plain = textIds.isPlain(kind, id);
    MetadataEnvelope.Extras extras =
        plain && !noDocument
            ? MetadataEnvelope.Extras.NONE
            : new MetadataEnvelope.Extras(
                plain ? null : id, plain ? null : kind, noDocument, Double.NaN);
    byte[] wrapped = MetadataEnvelope.wrap(metadata, row, extras, true, rule);
    if (!ServerNumbers.readRight(wrapped)) {
      wrapped = MetadataEnvelope.wrap(metadata, row, extras, true, nothingKept);
    }
    body.raw(wrapped, 0, wrapped.length);
    return hasArrays(wrapped);
  }

  private static boolean hasArrays(byte[] json) {
    boolean inString = false;
    for (int i = 0; i < json.length; i++) {
      if (inString && json[i] == '\\') {
        i++;
      } else if (json[i] == '"') {
        inString = !inString;
      } else if (json[i] == '[' && !inString) {
        return true;
      }
    }
    return false;
  }

  /** Reads the metadata of records. */
  MetadataReader metadataReader() {
    return new MetadataReader(mapped);
  }

  /** A member of an object whose value is at this place. */
  private record Member(String key, int start, int end) {}

  /** Takes the metadata of stored records apart. Not thread-safe. */
  static final class MetadataReader {
    private final boolean mapped;
    private final JsonBytes values = new JsonBytes(1024);
    private final JsonBytes object = new JsonBytes(1024);
    private final List<Member> members = new ArrayList<>();

    private MetadataReader(boolean mapped) {
      this.mapped = mapped;
    }

    /**
     * Reads the metadata of one record. The server gives members in any order; they are put in the
     * order of their keys, so that the same record always reads the same.
     *
     * @param parser stands on the metadata as the server gave it, an object or null; then on its
     *     end
     * @param uri the record's uri, or null
     * @param target gets the metadata, canonical JSON, or null when the record has none
     * @return whether an empty document stands for none
     */
    boolean read(JsonParser parser, String uri, TextColumn.Builder target) throws IOException {
      values.cut(0);
      members.clear();
      boolean reserved = false;
      if (parser.currentToken() == JsonToken.START_OBJECT) {
        while (parser.nextToken() == JsonToken.FIELD_NAME) {
          String key = parser.currentName();
          reserved |= key.startsWith(ReservedKeys.PREFIX);
          parser.nextToken();
          int from = values.length();
          copyValue(parser);
          members.add(new Member(key, from, values.length()));
        }
      } else if (parser.currentToken() != JsonToken.VALUE_NULL) {
        throw new IOException("metadata starts with " + parser.currentToken());
      }
      if (uri != null) {
        int from = values.length();
        values.string(uri);
        members.add(new Member(URI, from, values.length()));
      }
      members.sort(Comparator.comparing(Member::key));
      object.cut(0);
      object.raw("{");
      for (int i = 0; i < members.size(); i++) {
        Member member = members.get(i);
        object
            .separate(i)
            .string(member.key())
            .raw(":")
            .raw(values.bytes(), member.start(), member.end() - member.start());
      }
      object.raw("}");
      if (!mapped || !reserved) {
        target.add(object.bytes(), 0, object.length());
        return false;
      }
      MetadataEnvelope.Unwrapped unwrapped =
          MetadataEnvelope.unwrap(object.bytes(), 0, object.length());
      if (unwrapped.metadata() == null) {
        target.addNull();
      } else {
        target.add(unwrapped.metadata(), 0, unwrapped.metadata().length);
      }
      return unwrapped.extras().noDocument();
    }

    /** Copies a value; doubles get the one spelling of {@link Numbers}. */
    private void copyValue(JsonParser parser) throws IOException {
      switch (parser.currentToken()) {
        case START_OBJECT -> {
          values.raw("{");
          for (int i = 0; parser.nextToken() == JsonToken.FIELD_NAME; i++) {
            values.separate(i).string(parser.currentName()).raw(":");
            parser.nextToken();
            copyValue(parser);
          }
          values.raw("}");
        }
        case START_ARRAY -> {
          values.raw("[");
          for (int i = 0; parser.nextToken() != JsonToken.END_ARRAY; i++) {
            values.separate(i);
            copyValue(parser);
          }
          values.raw("]");
        }
        case VALUE_STRING -> values.string(parser.getText());
        case VALUE_NUMBER_INT -> values.raw(parser.getText());
        case VALUE_NUMBER_FLOAT -> {
          String text = parser.getText();
          values.raw(Numbers.isKept(text) ? text : Numbers.spell(Double.parseDouble(text)));
        }
        case VALUE_TRUE -> values.raw("true");
        case VALUE_FALSE -> values.raw("false");
        case VALUE_NULL -> values.raw("null");
        default -> throw new IOException("unexpected JSON token " + parser.currentToken());
      }
    }
  }

  /**
   * Why Chroma cannot give a vector back, if it compares by angle: it keeps vectors of unit length
   * and their lengths as floats.
   *
   * @return null when it can
   */
  static String lostByCosine(DenseVectors vectors, int row) {
    double sum = 0;
    boolean zero = true;
    boolean counted = false;
    int start = row * vectors.dimension();
    for (int i = start; i < start + vectors.dimension(); i++) {
      float value = vectors.values()[i];
      sum += (double) value * value;
      zero &= value == 0;
      counted |= value * value != 0;
    }
    String problem = null;
    if (sum >= LARGEST_SQUARE) {
      problem = "too long: a server that compares by angle cannot give it back";
    } else if (!zero && !counted) {
      problem = "so short that a server that compares by angle gives zeros back";
    }
    return problem == null
        ? null
        : String.format(
            Locale.ROOT,
            "vector '%s' has the length %.3g, which is %s. Metric l2 keeps it.",
            vectors.name(),
            Math.sqrt(sum),
            problem);
  }

  /** Squares add up as floats in some order, so the limit itself is out of reach. */
  private static final double LARGEST_SQUARE = Float.MAX_VALUE * (1 - 1e-5);

  /** A distance as Chroma gives it, on the scale of {@link Metric}. */
  static float score(Metric metric, double distance) {
    return (float) (metric.largerIsNearer() ? 1 - distance : distance);
  }
}
