package io.vecferry.store.chroma;

import java.nio.charset.StandardCharsets;

/**
 * How Chroma's server reads decimal numbers. It gathers the digits in 64 bits and then multiplies
 * or divides by a power of ten, which rounds twice, and it does so again when it reads its own log.
 * So it gets every eighth double of full precision wrong by one bit, as {@code
 * 0.12259611066165799}, and no other spelling helps.
 */
final class ServerNumbers {
  /** Significands up to here, and powers of ten up to this one, are exact as doubles. */
  private static final long LARGEST_EXACT_SIGNIFICAND = 1L << 53;

  private static final int LARGEST_EXACT_POWER = 22;
  private static final int LARGEST_POWER = 308;
  private static final double[] POWERS = powers();

  private ServerNumbers() {}

  /**
   * Whether the server reads all numbers in a JSON text as the doubles that are nearest to them.
   * Integers are not looked at.
   *
   * @param json bytes with JSON whose doubles are spelled as {@link io.vecferry.record.Numbers}
   *     spells them
   */
  static boolean readRight(byte[] json) {
    boolean inString = false;
    for (int i = 0; i < json.length; i++) {
      byte character = json[i];
      if (inString) {
        if (character == '\\') {
          i++;
        } else if (character == '"') {
          inString = false;
        }
      } else if (character == '"') {
        inString = true;
      } else if (character == '-' || isDigit(character)) {
        int end = i + 1;
        boolean integer = true;
        while (end < json.length && isInNumber(json[end])) {
          integer &= isDigit(json[end]);
          end++;
        }
        if (!integer && !readRight(json, i, end)) {
          return false;
        }
        i = end - 1;
      }
    }
    return true;
  }

  private static boolean isDigit(byte character) {
    return character >= '0' && character <= '9';
  }

  private static boolean isInNumber(byte character) {
    return isDigit(character)
        || character == '.'
        || character == 'e'
        || character == 'E'
        || character == '+'
        || character == '-';
  }

  private static boolean readRight(byte[] json, int start, int end) {
    long significand = 0;
    int exponent = 0;
    boolean fraction = false;
    for (int i = start; i < end; i++) {
      byte character = json[i];
      if (isDigit(character)) {
        significand = significand * 10 + character - '0';
        exponent -= fraction ? 1 : 0;
      } else if (character == '.') {
        fraction = true;
      } else if (character != '-') {
        // The rest is an exponent.
        int from = json[i + 1] == '+' ? i + 2 : i + 1;
        exponent += Integer.parseInt(text(json, from, end));
        break;
      }
    }
    return (significand <= LARGEST_EXACT_SIGNIFICAND && Math.abs(exponent) <= LARGEST_EXACT_POWER)
        || read(significand, exponent) == Math.abs(Double.parseDouble(text(json, start, end)));
  }

  private static String text(byte[] json, int start, int end) {
    return new String(json, start, end - start, StandardCharsets.US_ASCII);
  }

  /** What the server makes of digits and an exponent. */
  static double read(long significand, int exponent) {
    double value = significand;
    int left = exponent;
    while (Math.abs(left) > LARGEST_POWER) {
      if (value == 0 || left > 0) {
        return value == 0 ? 0 : Double.POSITIVE_INFINITY;
      }
      value /= POWERS[LARGEST_POWER];
      left += LARGEST_POWER;
    }
    return left >= 0 ? value * POWERS[left] : value / POWERS[-left];
  }

  private static double[] powers() {
    double[] powers = new double[LARGEST_POWER + 1];
    for (int i = 0; i < powers.length; i++) {
      powers[i] = Double.parseDouble("1e" + i);
    }
    return powers;
  }
}
