package io.vecferry.store.faiss;

import com.fasterxml.jackson.core.io.NumberOutput;
import java.math.BigDecimal;

/** Spells numbers as Python does. */
final class PythonNumbers {
  private PythonNumbers() {}

  /**
   * What Python's {@code repr} says of a finite double: the shortest decimal that reads back to it,
   * {@code 1.0}, {@code 1e+16}, {@code 1e-05}. It is a JSON number.
   */
  static String repr(double value) {
    if (value == 0) {
      return 1 / value < 0 ? "-0.0" : "0.0";
    }
    BigDecimal shortest =
        new BigDecimal(NumberOutput.toString(Math.abs(value), true)).stripTrailingZeros();
    if (shortest.precision() == 2) {
      // Java always spells two digits and then takes the nearest; Python takes one if that is
      // enough
      BigDecimal one = shortest.round(new java.math.MathContext(1));
      if (one.doubleValue() == Math.abs(value)) {
        shortest = one.stripTrailingZeros();
      }
    }
    String digits = shortest.unscaledValue().toString();
    int point = digits.length() - shortest.scale();
    StringBuilder text = new StringBuilder(32);
    if (value < 0) {
      text.append('-');
    }
    if (point > 16 || point < -3) {
      text.append(digits.charAt(0));
      if (digits.length() > 1) {
        text.append('.').append(digits, 1, digits.length());
      }
      int exponent = point - 1;
      text.append(exponent < 0 ? "e-" : "e+");
      if (Math.abs(exponent) < 10) {
        text.append('0');
      }
      return text.append(Math.abs(exponent)).toString();
    }
    if (point <= 0) {
      return text.append("0.").append("0".repeat(-point)).append(digits).toString();
    }
    if (point >= digits.length()) {
      return text.append(digits)
          .append("0".repeat(point - digits.length()))
          .append(".0")
          .toString();
    }
    return text.append(digits, 0, point)
        .append('.')
        .append(digits, point, digits.length())
        .toString();
  }
}
