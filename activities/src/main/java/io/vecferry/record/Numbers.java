package io.vecferry.record;

import com.fasterxml.jackson.core.io.NumberOutput;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.math.MathContext;
import java.math.RoundingMode;

/** The one spelling of a number that is stored as a number and not as text. */
public final class Numbers {
  private static final double SMALLEST_PLAIN = 1e-5;
  private static final double LARGEST_PLAIN = 1e16;

  private Numbers() {}

  /**
   * The shortest decimal text of a finite double, with a point or an exponent so that it is not
   * taken for an integer: {@code 1.0}, {@code 0.1}, {@code 1e+16}, {@code 2.5e-07}, {@code -0.0}.
   * It is what Python and most other languages print.
   */
  public static String spell(double value) {
    double size = Math.abs(value);
    String shortest = NumberOutput.toString(value, true);
    if (size == 0 || (size >= 1e-3 && size < 1e7)) {
      return shortest;
    }
    BigDecimal decimal = new BigDecimal(shortest);
    if (size >= SMALLEST_PLAIN && size < LARGEST_PLAIN) {
      String plain = decimal.stripTrailingZeros().toPlainString();
      return plain.indexOf('.') < 0 ? plain + ".0" : plain;
    }
    BigDecimal stripped = decimal.stripTrailingZeros();
    // Java prints two digits at least, as in 4.9E-324.
    BigDecimal oneDigit = stripped.round(new MathContext(1, RoundingMode.HALF_UP));
    if (stripped.precision() == 2 && oneDigit.doubleValue() == value) {
      stripped = oneDigit.stripTrailingZeros();
    }
    String digits = stripped.unscaledValue().abs().toString();
    int exponent = digits.length() - 1 - stripped.scale();
    return (value < 0 ? "-" : "")
        + digits.charAt(0)
        + (digits.length() > 1 ? "." + digits.substring(1) : "")
        + (exponent < 0 ? "e-" : "e+")
        + (Math.abs(exponent) < 10 ? "0" : "")
        + Math.abs(exponent);
  }

  /** Whether a JSON number comes back as this text after it was kept as an int64 or a double. */
  public static boolean isKept(String text) {
    boolean integer = true;
    for (int i = 0; i < text.length(); i++) {
      char character = text.charAt(i);
      integer &= character == '-' || (character >= '0' && character <= '9');
    }
    if (integer) {
      return !text.equals("-0") && (text.length() < 19 || new BigInteger(text).bitLength() <= 63);
    }
    double value = Double.parseDouble(text);
    return Double.isFinite(value) && spell(value).equals(text);
  }
}
