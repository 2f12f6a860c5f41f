package io.vecferry.store.elasticsearch;

import com.fasterxml.jackson.core.JsonParser;
import io.vecferry.record.MetadataJson;
import io.vecferry.store.FloatScanner;
import java.io.IOException;
import java.nio.charset.StandardCharsets;

/**
 * Walks over JSON text without taking it apart: most of an answer is vectors, which another reads,
 * and metadata, which is passed on. Does not find everything that is wrong with a text. Not
 * thread-safe.
 */
final class JsonWalker {
  private final byte[] json;
  private final int end;
  private int at;

  JsonWalker(byte[] json, int at, int end) {
    this.json = json;
    this.at = at;
    this.end = end;
  }

  int position() {
    return at;
  }

  /** The character that comes next; 0 at the end. */
  char peek() {
    while (at < end && json[at] <= ' ' && json[at] >= 0) {
      at++;
    }
    return at < end ? (char) json[at] : 0;
  }

  /** Moves over this character if it comes next. */
  boolean take(char character) {
    if (peek() == character) {
      at++;
      return true;
    }
    return false;
  }

  void expect(char character) throws IOException {
    if (!take(character)) {
      throw new IOException(
          "'" + character + "' was expected at byte " + at + ", not '" + peek() + "'");
    }
  }

  /**
   * Moves to the value of the next member.
   *
   * @param first whether it is the first member of its object
   * @return its key; null, behind the end of the object, when there is none
   */
  String nextKey(boolean first) throws IOException {
    if (take('}')) {
      return null;
    }
    if (!first) {
      expect(',');
    }
    String key = string();
    expect(':');
    return key;
  }

  /** Reads a text. */
  String string() throws IOException {
    if (peek() != '"') {
      throw new IOException("a text was expected at byte " + at + ", not '" + peek() + "'");
    }
    int from = at;
    boolean escaped = skipString();
    if (!escaped) {
      return new String(json, from + 1, at - from - 2, StandardCharsets.UTF_8);
    }
    try (JsonParser parser = MetadataJson.SCANNER.createParser(json, from, at - from)) {
      parser.nextToken();
      return parser.getText();
    }
  }

  /**
   * Moves over a text.
   *
   * @return whether it is spelled as it is, so that it stands between the quotes
   */
  boolean skipPlainString() throws IOException {
    return peek() == '"' && !skipString();
  }

  /** Reads a whole number. */
  long number() throws IOException {
    peek();
    int from = at;
    skipValue();
    try {
      return Long.parseLong(new String(json, from, at - from, StandardCharsets.US_ASCII));
    } catch (NumberFormatException e) {
      throw new IOException("a whole number was expected at byte " + from, e);
    }
  }

  /** Whether a string that was moved over has escapes in it. */
  private boolean skipString() throws IOException {
    boolean escaped = false;
    at++;
    while (at < end && json[at] != '"') {
      if (json[at] == '\\') {
        escaped = true;
        at++;
      }
      at++;
    }
    if (at >= end) {
      throw new IOException("the text ends inside a string");
    }
    at++;
    return escaped;
  }

  /** Moves over a value. */
  void skipValue() throws IOException {
    int depth = 0;
    do {
      switch (peek()) {
        case '{', '[' -> {
          depth++;
          at++;
        }
        case '}', ']' -> {
          depth--;
          at++;
        }
        case '"' -> skipString();
        case ',', ':' -> at++;
        case 0 -> throw new IOException("the text ends inside a value");
        default -> {
          while (at < end && isPlain(json[at])) {
            at++;
          }
        }
      }
    } while (depth > 0);
  }

  private static boolean isPlain(byte character) {
    return switch (character) {
      case ',', ':', '}', ']', '{', '[', '"', ' ', '\n', '\r', '\t' -> false;
      default -> true;
    };
  }

  /**
   * Reads an array of numbers.
   *
   * @return see {@link FloatScanner#vector}
   */
  int vector(float[] target, int from, int room) throws IOException {
    FloatScanner scanner = new FloatScanner(json, at, end);
    try {
      int count = scanner.vector(target, from, room);
      at = scanner.position();
      return count;
    } catch (FloatScanner.MalformedException e) {
      throw new IOException(e.getMessage(), e);
    }
  }
}
