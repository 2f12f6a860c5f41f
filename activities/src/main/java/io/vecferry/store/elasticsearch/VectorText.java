package io.vecferry.store.elasticsearch;

import io.vecferry.record.ElementType;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Base64;
import java.util.HexFormat;

/**
 * Vectors that are spelled as a text. A document keeps the spelling that its writer chose: bytes
 * and bits as hexadecimal digits, and what is bytes in base 64. Floats have the byte of their sign
 * first there. Pure.
 */
final class VectorText {
  private static final HexFormat HEX = HexFormat.of();

  private VectorText() {}

  /**
   * Reads a vector.
   *
   * @param target gets the components
   * @return whether the text is such a vector of this many components
   */
  static boolean read(String text, ElementType element, int dimension, float[] target, int from) {
    byte[] bytes = bytes(text, bytes(element, dimension), element);
    if (bytes == null) {
      return false;
    }
    ByteBuffer buffer = ByteBuffer.wrap(bytes).order(ByteOrder.BIG_ENDIAN);
    for (int i = 0; i < dimension; i++) {
      target[from + i] =
          switch (element) {
            case INT8 -> bytes[i];
            case BIT -> (bytes[i >> 3] >> (7 - (i & 7))) & 1;
            default ->
                bytes.length == 2 * dimension
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

  /** The bytes that a text means; null when they are not as many as are wanted. */
  private static byte[] bytes(String text, int wanted, ElementType element) {
    boolean hexadecimal = element == ElementType.INT8 || element == ElementType.BIT;
    if (hexadecimal && text.length() == 2 * wanted && text.matches("[0-9a-fA-F]*")) {
      return HEX.parseHex(text);
    }
    try {
      byte[] bytes = Base64.getDecoder().decode(text);
      boolean half = element == ElementType.BFLOAT16 && 2 * bytes.length == wanted;
      return bytes.length == wanted || half ? bytes : null;
    } catch (IllegalArgumentException e) {
      return null;
    }
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
