package io.vecferry.report;

import java.util.ArrayDeque;
import java.util.Deque;

/**
 * Writes balanced, escaped markup that is valid as HTML and well-formed as XML. Text and attribute
 * values are data and may be hostile; tag and attribute names are literals of the calling code.
 * Knows nothing of what a report contains.
 */
final class Html {
  private final StringBuilder out = new StringBuilder(1 << 16);
  private final Deque<String> openTags = new ArrayDeque<>();
  private int identifiers;

  /**
   * Opens an element.
   *
   * @param attributes names and values in turn; an attribute with a null value is left out
   */
  Html open(String tag, String... attributes) {
    start(tag, attributes);
    out.append('>');
    openTags.push(tag);
    return this;
  }

  /** Writes an element without content, such as {@code meta} or {@code rect}. */
  Html empty(String tag, String... attributes) {
    start(tag, attributes);
    out.append("/>");
    return this;
  }

  /** Writes an element that holds text only. */
  Html element(String tag, String text, String... attributes) {
    return open(tag, attributes).text(text).close();
  }

  /** Closes the element opened last. */
  Html close() {
    out.append("</").append(openTags.pop()).append('>');
    return this;
  }

  /** Writes text, escaped; null writes nothing. */
  Html text(String text) {
    if (text != null) {
      escape(text, out);
    }
    return this;
  }

  /** Starts a new line of markup, so that the file can be read in an editor. */
  Html line() {
    out.append('\n');
    return this;
  }

  /** Writes markup of our own making as it is; never call it with a value. */
  Html literal(String markup) {
    out.append(markup);
    return this;
  }

  /** An identifier that is unique in this document. */
  String identifier() {
    return "i" + ++identifiers;
  }

  /**
   * The document.
   *
   * @throws IllegalStateException if an element is still open
   */
  @Override
  public String toString() {
    if (!openTags.isEmpty()) {
      throw new IllegalStateException("Elements still open: " + openTags);
    }
    return out.toString();
  }

  private void start(String tag, String... attributes) {
    out.append('<').append(tag);
    for (int i = 0; i < attributes.length; i += 2) {
      if (attributes[i + 1] != null) {
        out.append(' ').append(attributes[i]).append("=\"");
        escape(attributes[i + 1], out);
        out.append('"');
      }
    }
  }

  /**
   * Escapes markup, and spells out what a reader could not see or XML cannot hold: control
   * characters, lone surrogates and characters that change the direction of the text around them.
   */
  static void escape(String text, StringBuilder out) {
    int position = 0;
    while (position < text.length()) {
      int codePoint = text.codePointAt(position);
      position += Character.charCount(codePoint);
      switch (codePoint) {
        case '&' -> out.append("&amp;");
        case '<' -> out.append("&lt;");
        case '>' -> out.append("&gt;");
        case '"' -> out.append("&quot;");
        case '\'' -> out.append("&#39;");
        case '\n', '\t' -> out.append((char) codePoint);
        default -> {
          if (isInvisible(codePoint)) {
            out.append(String.format("\\u%04x", codePoint));
          } else {
            out.appendCodePoint(codePoint);
          }
        }
      }
    }
  }

  private static boolean isInvisible(int codePoint) {
    int type = Character.getType(codePoint);
    return type == Character.CONTROL
        || type == Character.FORMAT
        || type == Character.SURROGATE
        || type == Character.LINE_SEPARATOR
        || type == Character.PARAGRAPH_SEPARATOR
        || (codePoint & 0xFFFE) == 0xFFFE;
  }
}
