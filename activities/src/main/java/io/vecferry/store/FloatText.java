package io.vecferry.store;

import java.nio.charset.StandardCharsets;

/**
 * Spells floats as JSON numbers, without making an object of each. A number has the fewest digits,
 * of at least six that are looked at, that every reader turns into the same float: more where fewer
 * would be in the middle of two floats. Its form is that of {@link Float#toString(float)}.
 */
final class FloatText {
  /** Most bytes of a number. */
  static final int LONGEST = 16;

  private static final int FEWEST_DIGITS = 6;
  private static final int MOST_DIGITS = 9;

  /** Digits and powers of ten beyond are rare, and left to the library. */
  private static final float SMALLEST = 1e-30f;

  private static final float LARGEST = 1e30f;
  private static final double LOG_OF_TWO = 0.30102999566398120;

  private FloatText() {}

  /**
   * Puts the text of a float into an array that has room for {@value #LONGEST} bytes.
   *
   * @return where it ends
   */
  static int put(float value, byte[] target, int start) {
    double size = Math.abs((double) value);
    if (size == 0) {
      int at = start;
      if (Float.floatToRawIntBits(value) != 0) {
        target[at++] = '-';
      }
      return point(0, 2, 1, target, at);
    }
    if (!(size >= SMALLEST && size <= LARGEST)) {
      byte[] text = Float.toString(value).getBytes(StandardCharsets.US_ASCII);
      System.arraycopy(text, 0, target, start, text.length);
      return start + text.length;
    }
    int exponent = (int) Math.floor(Math.getExponent(size) * LOG_OF_TWO);
    if (size >= power(exponent + 1)) {
      exponent++;
    }
    int digits = FEWEST_DIGITS;
    long significand = significand(size, digits - 1 - exponent);
    while (digits < MOST_DIGITS && !isRead(significand, exponent + 1 - digits, (float) size)) {
      digits++;
      significand = significand(size, digits - 1 - exponent);
    }
    int at = start;
    if (value < 0) {
      target[at++] = '-';
    }
    return spell(significand, exponent + 1 - digits, target, at);
  }

  private static double power(int exponent) {
    return exponent < 0 ? 1 / FloatScanner.POWERS[-exponent] : FloatScanner.POWERS[exponent];
  }

  /** The number in units of a power of ten, rounded. */
  private static long significand(double size, int power) {
    return Math.round(
        power < 0 ? size / FloatScanner.POWERS[-power] : size * FloatScanner.POWERS[power]);
  }

  private static boolean isRead(long significand, int exponent, float wanted) {
    double value =
        exponent < 0
            ? significand / FloatScanner.POWERS[-exponent]
            : significand * FloatScanner.POWERS[exponent];
    return FloatScanner.isCertain(value) && (float) value == wanted;
  }

  private static int spell(long number, int power, byte[] target, int start) {
    long significand = number;
    int exponent = power;
    while (significand % 10 == 0) {
      significand /= 10;
      exponent++;
    }
    int digits = 1;
    for (long rest = significand / 10; rest > 0; rest /= 10) {
      digits++;
    }
    int first = digits - 1 + exponent;
    if (first < -3 || first >= 7) {
      int at = point(significand, digits, 1, target, start);
      target[at++] = 'E';
      if (first < 0) {
        target[at++] = '-';
      }
      int size = Math.abs(first);
      if (size >= 10) {
        target[at++] = (byte) ('0' + size / 10);
      }
      target[at++] = (byte) ('0' + size % 10);
      return at;
    }
    if (first < 0) {
      int at = start;
      target[at++] = '0';
      target[at++] = '.';
      for (int zero = first + 1; zero < 0; zero++) {
        target[at++] = '0';
      }
      return digits(significand, digits, target, at);
    }
    for (int missing = digits; missing < first + 1; missing++) {
      significand *= 10;
    }
    return point(significand, Math.max(digits, first + 1), first + 1, target, start);
  }

  /** Digits with a point behind the first ones, and a zero where nothing would follow it. */
  private static int point(long significand, int digits, int before, byte[] target, int start) {
    if (digits == before) {
      int at = digits(significand, digits, target, start);
      target[at++] = '.';
      target[at++] = '0';
      return at;
    }
    int end = digits(significand, digits, target, start + 1);
    System.arraycopy(target, start + 1, target, start, before);
    target[start + before] = '.';
    return end;
  }

  private static int digits(long significand, int digits, byte[] target, int start) {
    long rest = significand;
    for (int at = start + digits - 1; at >= start; at--) {
      target[at] = (byte) ('0' + rest % 10);
      rest /= 10;
    }
    return start + digits;
  }
}
