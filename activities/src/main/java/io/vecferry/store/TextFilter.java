package io.vecferry.store;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import io.vecferry.record.MetadataJson;
import io.vecferry.record.TextColumn;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.regex.Pattern;

/**
 * The records whose metadata has a text under a key at its top level.
 *
 * @param key letters, digits and _, no digit first, so that it can be named in every store
 */
public record TextFilter(String key, String text) {
  private static final Pattern PLAIN = Pattern.compile("[A-Za-z][A-Za-z0-9_]{0,63}");

  public TextFilter {
    if (!isPlain(key)) {
      throw new IllegalArgumentException("'" + key + "' cannot be filtered by");
    }
  }

  /** Whether a key can be filtered by at all. */
  public static boolean isPlain(String key) {
    return PLAIN.matcher(key).matches();
  }

  /**
   * Which records are left out.
   *
   * @param metadata canonical metadata of the records
   * @param absent records that are left out anyway; null for none
   */
  public boolean[] leavesOut(TextColumn metadata, boolean[] absent) {
    boolean[] out = new boolean[metadata.rows()];
    for (int row = 0; row < out.length; row++) {
      out[row] = (absent != null && absent[row]) || metadata.isNull(row) || !passes(metadata, row);
    }
    return out;
  }

  private boolean passes(TextColumn metadata, int row) {
    try (JsonParser parser =
        MetadataJson.SCANNER.createParser(
            metadata.bytes(), metadata.start(row), metadata.length(row))) {
      parser.nextToken();
      while (parser.nextToken() == JsonToken.FIELD_NAME) {
        boolean named = parser.currentName().equals(key);
        JsonToken value = parser.nextToken();
        if (named) {
          return value == JsonToken.VALUE_STRING && parser.getText().equals(text);
        }
        parser.skipChildren();
      }
      return false;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Override
  public String toString() {
    return key + " = \"" + text + "\"";
  }
}
