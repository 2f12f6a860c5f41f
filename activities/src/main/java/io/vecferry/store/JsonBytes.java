package io.vecferry.store;

import java.net.http.HttpRequest.BodyPublisher;
import java.net.http.HttpRequest.BodyPublishers;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;

/**
 * A JSON text that is put together from bytes, without making objects of what is only passed on.
 * Strings are spelled as {@link io.vecferry.record.MetadataJson} spells them. Not thread-safe.
 */
public final class JsonBytes {
  private static final byte[] HEX = "0123456789ABCDEF".getBytes(StandardCharsets.US_ASCII);

  private static final String SHORT_FORMS = "\b\t\n\f\r";
  private static final String SHORT_LETTERS = "btnfr";

  private byte[] bytes;
  private int length;
  private byte[] vector = new byte[0];
  private byte[] encoded = new byte[0];

  public JsonBytes(int expectedBytes) {
    this.bytes = new byte[Math.max(256, expectedBytes)];
  }

  public int length() {
    return length;
  }

  /** The bytes so far; see {@link #length()}. */
  public byte[] bytes() {
    return bytes;
  }

  public BodyPublisher publisher() {
    return BodyPublishers.ofByteArray(bytes, 0, length);
  }

  /** Forgets everything behind this length. */
  public void cut(int shorter) {
    length = shorter;
  }

  /** Adds ASCII text as it is. */
  public JsonBytes raw(String text) {
    int added = text.length();
    ensure(added);
    for (int i = 0; i < added; i++) {
      bytes[length + i] = (byte) text.charAt(i);
    }
    length += added;
    return this;
  }

  /** Adds bytes as they are. */
  public JsonBytes raw(byte[] source, int start, int count) {
    ensure(count);
    System.arraycopy(source, start, bytes, length, count);
    length += count;
    return this;
  }

  /** Adds JSON as it is. */
  public JsonBytes json(String json) {
    byte[] encoded = json.getBytes(StandardCharsets.UTF_8);
    return raw(encoded, 0, encoded.length);
  }

  /** Adds a comma except in front of the first element. */
  public JsonBytes separate(int element) {
    return element == 0 ? this : raw(",");
  }

  /** Adds a text as a JSON string. */
  public JsonBytes string(String text) {
    byte[] encoded = text.getBytes(StandardCharsets.UTF_8);
    return string(encoded, 0, encoded.length);
  }

  /** Adds an array of texts. */
  public JsonBytes strings(List<String> texts) {
    raw("[");
    for (int i = 0; i < texts.size(); i++) {
      separate(i).string(texts.get(i));
    }
    return raw("]");
  }

  /** Adds UTF-8 text as a JSON string. */
  public JsonBytes string(byte[] source, int start, int count) {
    ensure(count + 2);
    bytes[length++] = '"';
    int from = start;
    int end = start + count;
    for (int i = start; i < end; i++) {
      byte character = source[i];
      if ((character >= 0 && character < ' ') || character == '"' || character == '\\') {
        raw(source, from, i - from);
        escape(character);
        from = i + 1;
      }
    }
    raw(source, from, end - from);
    return raw("\"");
  }

  private void escape(byte character) {
    ensure(6);
    bytes[length++] = '\\';
    int shortForm = SHORT_FORMS.indexOf(character);
    if (character >= ' ' || shortForm >= 0) {
      bytes[length++] = character >= ' ' ? character : (byte) SHORT_LETTERS.charAt(shortForm);
      return;
    }
    bytes[length++] = 'u';
    bytes[length++] = '0';
    bytes[length++] = '0';
    bytes[length++] = HEX[character >> 4];
    bytes[length++] = HEX[character & 15];
  }

  /** Adds a vector as a string: its floats, little-endian, in base 64. */
  public JsonBytes base64(float[] values, int start, int dimension) {
    if (vector.length != 4 * dimension) {
      vector = new byte[4 * dimension];
      encoded = new byte[(vector.length + 2) / 3 * 4];
    }
    ByteBuffer.wrap(vector)
        .order(ByteOrder.LITTLE_ENDIAN)
        .asFloatBuffer()
        .put(values, start, dimension);
    int count = Base64.getEncoder().encode(vector, encoded);
    return raw("\"").raw(encoded, 0, count).raw("\"");
  }

  /** Adds a vector as an array of numbers. */
  public JsonBytes numbers(float[] values, int start, int dimension) {
    raw("[");
    for (int i = 0; i < dimension; i++) {
      ensure(1 + FloatText.LONGEST);
      if (i > 0) {
        bytes[length++] = ',';
      }
      length = FloatText.put(values[start + i], bytes, length);
    }
    return raw("]");
  }

  private void ensure(int added) {
    int needed = Math.addExact(length, added);
    if (needed > bytes.length) {
      bytes =
          Arrays.copyOf(
              bytes, (int) Math.min(Integer.MAX_VALUE - 16L, Math.max(needed, bytes.length * 2L)));
    }
  }
}
