package io.vecferry.store.milvus;

import java.nio.charset.StandardCharsets;
import java.util.List;

/**
 * Filter expressions over a key field. Keys of type INT64 are given as decimal text.
 *
 * @param field name of the key field
 * @param text whether keys are texts
 * @param lite whether the expression is for Milvus Lite, whose parser knows fewer escapes
 */
record Filter(String field, boolean text, boolean lite) {
  private static final String SMALLEST = Long.toString(Long.MIN_VALUE);

  /** The largest key: Milvus counts such a row but returns it from no query. */
  static final String LARGEST = Long.toString(Long.MAX_VALUE);

  /**
   * Rows behind one key, up to and including another.
   *
   * @param after null for all from the first one
   * @param last null for all to the last one
   * @return an empty text for all rows
   */
  String range(String after, String last) {
    String lower = after == null ? "" : field + " > " + literal(after);
    if (after != null && !text && after.equals(SMALLEST)) {
      // The parser takes the digits without their sign and finds them too large.
      lower = field + " >= " + (Long.MIN_VALUE + 1);
    }
    String upper = last == null ? "" : field + " <= " + literal(last);
    if (last != null && !text && last.equals(SMALLEST)) {
      upper = field + " < " + (Long.MIN_VALUE + 1);
    }
    return lower.isEmpty() || upper.isEmpty() ? lower + upper : lower + " and " + upper;
  }

  /** Whether a key can stand in a list of keys. */
  private boolean isListed(String key) {
    return text || !key.equals(SMALLEST);
  }

  /** Rows with one of these keys; at least one. */
  String in(List<String> keys) {
    StringBuilder list = new StringBuilder();
    boolean smallest = false;
    for (String key : keys) {
      if (!isListed(key)) {
        smallest = true;
      } else {
        list.append(list.isEmpty() ? "" : ",").append(literal(key));
      }
    }
    String one = field + " < " + (Long.MIN_VALUE + 1);
    if (list.isEmpty()) {
      return one;
    }
    return field + " in [" + list + "]" + (smallest ? " or " + one : "");
  }

  private String literal(String key) {
    return text ? quoted(key) : key;
  }

  /** A text as a literal. */
  String quoted(String key) {
    StringBuilder quoted = new StringBuilder(key.length() + 2).append('"');
    for (int i = 0; i < key.length(); i++) {
      char character = key.charAt(i);
      switch (character) {
        case '"', '\\' -> quoted.append('\\').append(character);
        case '\n' -> quoted.append("\\n");
        case '\r' -> quoted.append("\\r");
        case '\t' -> quoted.append("\\t");
        default -> {
          if (!lite && (character < ' ' || character == 0x7f)) {
            quoted.append(String.format("\\u%04x", (int) character));
          } else {
            quoted.append(character);
          }
        }
      }
    }
    return quoted.append('"').toString();
  }

  /** Bytes that a key takes in an expression, about. */
  static int size(String key) {
    return key.getBytes(StandardCharsets.UTF_8).length + 3;
  }
}
