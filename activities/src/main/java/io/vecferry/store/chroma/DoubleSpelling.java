package io.vecferry.store.chroma;

import java.math.BigDecimal;
import java.math.RoundingMode;
import java.nio.charset.StandardCharsets;

/**
 * How Chroma's server reads a decimal number, and how to spell a double so that it reads exactly
 * that one.
 *
 * <p>The server gathers the digits in 64 bits and multiplies or divides by a power of ten, which
 * rounds twice. It gets every eighth number of full precision wrong by one bit, as {@code
 * 0.12259611066165799}. Most doubles have another spelling, with more digits or other ones, that
 * both this reader and a correct one read as that double.
 */
final class DoubleSpelling {
  /** Significands up to here, and powers of ten up to this one, are exact as doubles. */
  private static final long LARGEST_EXACT_SIGNIFICAND = 1L << 53;

  private static final int LARGEST_EXACT_POWER = 22;
  private static final int LARGEST_POWER = 308;
  private static final double[] POWERS = powers();

  /** Largest significand tried, with room for the steps. */
  private static final BigDecimal LARGEST = BigDecimal.valueOf(Long.MAX_VALUE - (1 << 13));

  private static final int[] DIGITS_TRIED = {17, 18, 19, 16};
  private static final int[] STEPS_TRIED = {0, 1, -1, 2, -2};

  private DoubleSpelling() {}

  /**
   * A spelling of a number that the server reads right.
   *
   * @param json bytes with the text of a JSON number that has a point or an exponent and at most 18
   *     digits
   * @return the text itself where that is read right; null when no spelling was found
   */
  static String find(byte[] json, int start, int end) {
    String text = new String(json, start, end - start, StandardCharsets.US_ASCII);
    if (isReadRight(json, start, end)) {
      return text;
    }
    double value = Double.parseDouble(text);
    String found = search(Math.abs(value));
    return found == null || value > 0 ? found : "-" + found;
  }

  /** Whether the server reads a number as the double that is nearest to it. */
  static boolean isReadRight(byte[] json, int start, int end) {
    long significand = 0;
    int exponent = 0;
    boolean fraction = false;
    for (int i = start; i < end; i++) {
      byte character = json[i];
      if (character >= '0' && character <= '9') {
        significand = significand * 10 + character - '0';
        exponent -= fraction ? 1 : 0;
      } else if (character == '.') {
        fraction = true;
      } else if (character != '-') {
        // The rest is an exponent.
        int from = json[i + 1] == '+' ? i + 2 : i + 1;
        exponent += Integer.parseInt(new String(json, from, end - from, StandardCharsets.US_ASCII));
        break;
      }
    }
    if (significand <= LARGEST_EXACT_SIGNIFICAND && Math.abs(exponent) <= LARGEST_EXACT_POWER) {
      return true;
    }
    String text = new String(json, start, end - start, StandardCharsets.US_ASCII);
    return read(significand, exponent) == Math.abs(Double.parseDouble(text));
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

  private static String search(double value) {
    BigDecimal exact = new BigDecimal(value);
    int magnitude = exact.precision() - exact.scale() - 1;
    BigDecimal half = new BigDecimal(Math.ulp(value)).divide(BigDecimal.valueOf(2));
    for (int digits : DIGITS_TRIED) {
      int places = digits - 1 - magnitude;
      BigDecimal scaled = exact.movePointRight(places);
      if (scaled.compareTo(LARGEST) > 0) {
        continue;
      }
      BigDecimal lowest = scaled.subtract(half.movePointRight(places));
      BigDecimal highest = scaled.add(half.movePointRight(places));
      long nearest = scaled.setScale(0, RoundingMode.HALF_EVEN).longValueExact();
      // The server rounds the digits to a double first, so neighbouring digits change nothing.
      long step = (long) Math.max(1, Math.ulp((double) nearest));
      for (int steps : STEPS_TRIED) {
        long rounded = (long) (double) (nearest + steps * step);
        BigDecimal candidate = BigDecimal.valueOf(rounded);
        if (candidate.compareTo(lowest) < 0) {
          candidate = lowest.setScale(0, RoundingMode.CEILING);
        } else if (candidate.compareTo(highest) > 0) {
          candidate = highest.setScale(0, RoundingMode.FLOOR);
        }
        String text = candidate.toPlainString() + "e" + -places;
        if (candidate.compareTo(LARGEST) < 0
            && read(candidate.longValueExact(), -places) == value
            && Double.parseDouble(text) == value) {
          return text;
        }
      }
    }
    return null;
  }

  private static double[] powers() {
    double[] powers = new double[LARGEST_POWER + 1];
    for (int i = 0; i < powers.length; i++) {
      powers[i] = Double.parseDouble("1e" + i);
    }
    return powers;
  }
}
