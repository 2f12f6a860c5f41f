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

  /** Scaling rounds; what is nearer to the middle of two floats than this may be behind it. */
  private static final double SURELY = 1 - 1e-6;

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
      return point(0, 1, 1, target, at);
    }
    if (!(size >= SMALLEST && size <= LARGEST)) {
      byte[] text = Float.toString(value).getBytes(StandardCharsets.US_ASCII);
      System.arraycopy(text, 0, target, start, text.length);
      return start + text.length;
    }
    int exponent = (int) Math.floor(Math.getExponent(size) * LOG_OF_TWO);
    double scaled = scaled(size, MOST_DIGITS - 1 - exponent);
    if (scaled >= FloatScanner.POWERS[MOST_DIGITS]) {
      exponent++;
      scaled = scaled(size, MOST_DIGITS - 1 - exponent);
    }
    double room = SURELY * scaled(halfway(value), MOST_DIGITS - 1 - exponent);
    int at = start;
    if (value < 0) {
      target[at++] = '-';
    }
    for (int digits = FEWEST_DIGITS; digits < MOST_DIGITS; digits++) {
      double unit = FloatScanner.POWERS[MOST_DIGITS - digits];
      double rounded = Math.rint(scaled / unit) * unit;
      if (Math.abs(scaled - rounded) < room) {
        return spell((long) rounded, digits, exponent, target, at);
      }
    }
    return spell(Math.round(scaled), MOST_DIGITS, exponent, target, at);
  }

  private static double scaled(double size, int power) {
    return power < 0 ? size / FloatScanner.POWERS[-power] : size * FloatScanner.POWERS[power];
  }

  /** Half the distance to the nearest other float. */
  private static double halfway(float value) {
    int exponent = Math.getExponent(value) - (isPowerOfTwo(value) ? 25 : 24);
    return Double.longBitsToDouble((long) (exponent + Double.MAX_EXPONENT) << 52);
  }

  private static boolean isPowerOfTwo(float value) {
    return (Float.floatToRawIntBits(value) & 0x7FFFFF) == 0;
  }

  /**
   * Spells a number.
   *
   * @param nine its first nine digits, or 10^9
   * @param kept how many of them count; those behind are zeros
   * @param power of ten of the first one
   */
  private static int spell(long nine, int kept, int power, byte[] target, int start) {
    int first = power;
    long number = nine;
    int digits = kept;
    if (digits == FEWEST_DIGITS) {
      if (number == (long) FloatScanner.POWERS[MOST_DIGITS]) {
        number /= 10;
        first++;
      }
      for (long rest = number / 1000; digits > 1 && rest % 10 == 0; rest /= 10) {
        digits--;
      }
    }
    if (first < -3 || first >= 7) {
      int at = point(number, digits, 1, target, start);
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
      nineDigits(number, target, at);
      return at + digits;
    }
    return point(number, Math.max(digits, first + 1), first + 1, target, start);
  }

  /** Digits with a point behind the first ones, and a zero where nothing would follow it. */
  private static int point(long nine, int digits, int before, byte[] target, int start) {
    nineDigits(nine, target, start + 1);
    System.arraycopy(target, start + 1, target, start, before);
    target[start + before] = '.';
    int end = start + 1 + digits;
    if (digits == before) {
      target[end++] = '0';
    }
    return end;
  }

  private static void nineDigits(long nine, byte[] target, int start) {
    int first = (int) (nine / 100_000_000);
    target[start] = (byte) ('0' + first);
    FloatScanner.EIGHT_BYTES.set(
        target, start + 1, eightCharacters((int) (nine - first * 100_000_000L)));
  }

  /** Eight digits, the first in the lowest byte; the opposite of {@link FloatScanner#number}. */
  static long eightCharacters(int number) {
    long fours = number / 10_000 | (long) (number % 10_000) << 32;
    long hundreds = fours * 10_486 >>> 20 & 0x0000007F_0000007FL;
    long pairs = hundreds | fours - 100 * hundreds << 16;
    long tens = pairs * 103 >>> 10 & 0x000F_000F_000F_000FL;
    return (tens | pairs - 10 * tens << 8) + 0x3030303030303030L;
  }
}
