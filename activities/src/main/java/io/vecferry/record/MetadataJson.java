package io.vecferry.record;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonFactoryBuilder;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.core.json.JsonWriteFeature;
import java.io.IOException;

/**
 * Canonical metadata JSON: UTF-8, no white space, keys in the order of the source, numbers spelled
 * as the source spells them (so that {@code 1} and {@code 1.0} stay apart and no integer passes
 * through a double), no duplicate keys.
 */
public final class MetadataJson {
  /** Deepest nesting and longest number that is taken as metadata. */
  private static final StreamReadConstraints CONSTRAINTS =
      StreamReadConstraints.builder()
          .maxNestingDepth(500)
          .maxNumberLength(10_000)
          .maxStringLength(Integer.MAX_VALUE)
          .build();

  /** Reads and writes canonical JSON; duplicate keys are an error. */
  public static final JsonFactory FACTORY =
      builder().enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION).build();

  /**
   * For looking at some values of a text whose metadata is read elsewhere: does not look for
   * duplicate keys, which costs.
   */
  public static final JsonFactory SCANNER = builder().build();

  private MetadataJson() {}

  private static JsonFactoryBuilder builder() {
    return new JsonFactoryBuilder()
        .streamReadConstraints(CONSTRAINTS)
        // Otherwise an emoji is spelled as two escapes by one generator and as itself by another.
        .enable(JsonWriteFeature.COMBINE_UNICODE_SURROGATES_IN_UTF8)
        .disable(StreamReadFeature.AUTO_CLOSE_SOURCE);
  }

  /**
   * Copies the value that the parser stands on, and all in it, in canonical form.
   *
   * @throws IOException when the text is not JSON
   */
  public static void copyValue(JsonParser parser, JsonGenerator generator) throws IOException {
    int depth = 0;
    JsonToken token = parser.currentToken();
    while (true) {
      switch (token) {
        case START_OBJECT -> {
          generator.writeStartObject();
          depth++;
        }
        case START_ARRAY -> {
          generator.writeStartArray();
          depth++;
        }
        case END_OBJECT -> {
          generator.writeEndObject();
          depth--;
        }
        case END_ARRAY -> {
          generator.writeEndArray();
          depth--;
        }
        case FIELD_NAME -> generator.writeFieldName(parser.currentName());
        case VALUE_STRING ->
            generator.writeString(
                parser.getTextCharacters(), parser.getTextOffset(), parser.getTextLength());
        case VALUE_NUMBER_INT, VALUE_NUMBER_FLOAT -> generator.writeNumber(parser.getText());
        case VALUE_TRUE -> generator.writeBoolean(true);
        case VALUE_FALSE -> generator.writeBoolean(false);
        case VALUE_NULL -> generator.writeNull();
        default -> throw new IOException("unexpected JSON token " + token);
      }
      if (depth == 0) {
        return;
      }
      token = parser.nextToken();
      if (token == null) {
        throw new IOException("the JSON text ends inside a value");
      }
    }
  }
}
