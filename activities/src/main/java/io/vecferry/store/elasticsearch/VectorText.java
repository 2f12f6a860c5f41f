package io.vecferry.store.elasticsearch;

import io.vecferry.record.ElementType;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Base64;
import java.util.HexFormat;

/**
 * Vectors that are spelled as a text. A document keeps the spelling that its writer chose: bytes
 * and bits as hexadecimal digits, and what is bytes in base 64. Floats have the byte of their sign
 * first there. Not thread-safe.
 */
final class VectorText {
  private static final HexFormat HEX = HexFormat.of();

  private byte[] text = new byte[0];
  private byte[] bytes = new byte[0];

  /**
   * Reads a vector.
   *
   * @param json has the text, without its quotes, from {@code start} to before {@code end}
   * @param target gets the components
   * @return whether the text is such a vector of this many components
   */
  boolean read(
      byte[] json,
      int start,
      int end,
      ElementType element,
      int dimension,
      float[] target,
      int from) {
    int count = decode(json, start, end, bytes(element, dimension), element);
    if (count < 0) {
      return false;
    }
    ByteBuffer buffer = ByteBuffer.wrap(bytes).order(ByteOrder.BIG_ENDIAN);
    for (int i = 0; i < dimension; i++) {
      target[from + i] =
          switch (element) {
            case INT8 -> bytes[i];
            case BIT -> (bytes[i >> 3] >> (7 - (i & 7))) & 1;
            default ->
                count == 2 * dimension
                    ? Float.intBitsToFloat(buffer.getShort(2 * i) << 16)
                    : buffer.getFloat(4 * i);
          };
    }
    return true;
  }

  private static int bytes(ElementType element, int dimension) {
    return switch (element) {
      case INT8 -> dimension;
      case BIT -> (dimension + 7) / 8;
      default -> 4 * dimension;
    };
  }

  /**
   * Puts the bytes that a text means into {@link #bytes}.
   *
   * @return how many; -1 when they are not as many as are wanted
   */
  private int decode(byte[] json, int start, int end, int wanted, ElementType element) {
    int length = end - start;
    if (bytes.length != wanted) {
      bytes = new byte[wanted];
    }
    boolean hexadecimal = element == ElementType.INT8 || element == ElementType.BIT;
    if (hexadecimal && length == 2 * wanted && decodeHexadecimal(json, start)) {
      return wanted;
    }
    if (length > (wanted + 2) / 3 * 4) {
      return -1;
    }
    if (text.length != length) {
      text = new byte[length];
    }
    System.arraycopy(json, start, text, 0, length);
    try {
      int count = Base64.getDecoder().decode(text, bytes);
      boolean half = element == ElementType.BFLOAT16 && 2 * count == wanted;
      return count == wanted || half ? count : -1;
    } catch (IllegalArgumentException e) {
      return -1;
    }
  }

  private boolean decodeHexadecimal(byte[] json, int start) {
    for (int i = 0; i < bytes.length; i++) {
      int high = Character.digit(json[start + 2 * i], 16);
      int low = Character.digit(json[start + 2 * i + 1], 16);
      if (high < 0 || low < 0) {
        return false;
      }
      bytes[i] = (byte) (high << 4 | low);
    }
    return true;
  }

  /** Bits, eight in a byte, as hexadecimal digits. */
  static String hexadecimal(float[] bits, int from, int dimension) {
    byte[] bytes = new byte[(dimension + 7) / 8];
    for (int i = 0; i < dimension; i++) {
      if (bits[from + i] != 0) {
        bytes[i >> 3] |= (byte) (0x80 >> (i & 7));
      }
    }
    return HEX.formatHex(bytes);
  }
}
