package io.vecferry.store.faiss;

import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import io.vecferry.record.MetadataJson;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Members of an object as canonical JSON texts, which keep numbers as they are spelled. Order is
 * that of the source.
 */
final class JsonRow {
  private JsonRow() {}

  /** Reads the object that the parser stands on. */
  static Map<String, String> read(JsonParser parser) throws IOException {
    Map<String, String> values = new LinkedHashMap<>();
    while (parser.nextToken() == JsonToken.FIELD_NAME) {
      String name = parser.currentName();
      parser.nextToken();
      ByteArrayOutputStream out = new ByteArrayOutputStream(64);
      try (JsonGenerator generator = MetadataJson.FACTORY.createGenerator(out)) {
        MetadataJson.copyValue(parser, generator);
      }
      values.put(name, out.toString(StandardCharsets.UTF_8));
    }
    return values;
  }

  /** Reads an object from its text; no members for another value. */
  static Map<String, String> parse(String json) throws IOException {
    try (JsonParser parser = MetadataJson.FACTORY.createParser(json)) {
      return parser.nextToken() == JsonToken.START_OBJECT ? read(parser) : Map.of();
    }
  }

  /** A text as JSON. */
  static String quote(String text) throws IOException {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    ByteArrayOutputStream out = new ByteArrayOutputStream(bytes.length + 2);
    JsonText.write(bytes, 0, bytes.length, out);
    return out.toString(StandardCharsets.UTF_8);
  }

  /** The text that a JSON string stands for; null for another value. */
  static String text(String json) throws IOException {
    if (json == null || !json.startsWith("\"")) {
      return null;
    }
    try (JsonParser parser = MetadataJson.FACTORY.createParser(json)) {
      parser.nextToken();
      return parser.getText();
    }
  }

  static boolean isInteger(String json) {
    return json.matches("-?\\d+");
  }

  static void write(Map<String, String> values, ByteArrayOutputStream out) throws IOException {
    out.write('{');
    boolean first = true;
    for (Map.Entry<String, String> value : values.entrySet()) {
      if (!first) {
        out.write(',');
      }
      first = false;
      out.write(quote(value.getKey()).getBytes(StandardCharsets.UTF_8));
      out.write(':');
      out.write(value.getValue().getBytes(StandardCharsets.UTF_8));
    }
    out.write('}');
  }
}
