package io.vecferry.store.faiss;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;

/** Writes JSON strings from UTF-8 bytes, without decoding them. */
final class JsonText {
  private static final byte[][] ESCAPES = new byte[128][];

  static {
    for (int i = 0; i < 0x20; i++) {
      ESCAPES[i] = ascii(String.format("\\u%04X", i));
    }
    ESCAPES['\b'] = ascii("\\b");
    ESCAPES['\t'] = ascii("\\t");
    ESCAPES['\n'] = ascii("\\n");
    ESCAPES['\f'] = ascii("\\f");
    ESCAPES['\r'] = ascii("\\r");
    ESCAPES['"'] = ascii("\\\"");
    ESCAPES['\\'] = ascii("\\\\");
  }

  private JsonText() {}

  /**
   * Writes one string with its quotes.
   *
   * @return number of bytes written
   */
  static long write(byte[] utf8, int start, int length, OutputStream target) throws IOException {
    target.write('"');
    long written = length + 2L;
    int from = start;
    int end = start + length;
    for (int i = start; i < end; i++) {
      byte value = utf8[i];
      if (value >= 0 && ESCAPES[value] != null) {
        target.write(utf8, from, i - from);
        target.write(ESCAPES[value]);
        written += ESCAPES[value].length - 1;
        from = i + 1;
      }
    }
    target.write(utf8, from, end - from);
    target.write('"');
    return written;
  }

  private static byte[] ascii(String text) {
    return text.getBytes(StandardCharsets.US_ASCII);
  }
}
