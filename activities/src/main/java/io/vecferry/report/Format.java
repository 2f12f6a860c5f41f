package io.vecferry.report;

import java.math.BigDecimal;
import java.math.MathContext;
import java.math.RoundingMode;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.Locale;

/**
 * Numbers, sizes and times for people. The same on every machine: no locale and no time zone of its
 * own.
 */
final class Format {
  /** Stands for a number that is not known. */
  static final String UNKNOWN = "\u2013";

  private static final char THIN_SPACE = '\u202f';
  private static final String[] BYTE_UNITS = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  private static final DateTimeFormatter TIME =
      DateTimeFormatter.ofPattern("yyyy-MM-dd HH:mm:ss", Locale.ROOT).withZone(ZoneOffset.UTC);

  private Format() {}

  /** 1234567 as {@code 1 234 567} with thin spaces; a negative count is not known. */
  static String count(long value) {
    return value < 0 ? UNKNOWN : group(Long.toString(value));
  }

  /** A count with its noun, such as {@code 1 part} or {@code 12 parts}. */
  static String count(long value, String noun) {
    return count(value) + " " + noun + (value == 1 ? "" : "s");
  }

  /** Three significant digits, thin grouping; scientific where that is shorter. */
  static String number(Double value) {
    if (value == null || !Double.isFinite(value)) {
      return UNKNOWN;
    }
    double size = Math.abs(value);
    if (size == 0) {
      return "0";
    }
    if (size < 1e-4 || size >= 1e15) {
      String[] parts = String.format(Locale.ROOT, "%.2e", value).split("e");
      return parts[0] + " \u00d7 10" + superscript(Integer.parseInt(parts[1]));
    }
    if (size < 1) {
      return new BigDecimal(value).round(new MathContext(3)).stripTrailingZeros().toPlainString();
    }
    int decimals = size >= 100 ? 0 : size >= 10 ? 1 : 2;
    return group(plain(value, decimals, RoundingMode.HALF_UP));
  }

  /** A share of a whole that never rounds up to {@code 1}: 0.99996 is {@code 0.9999}. */
  static String recall(Double value) {
    if (value == null || !Double.isFinite(value)) {
      return UNKNOWN;
    }
    return new BigDecimal(value)
        .round(new MathContext(15))
        .setScale(4, RoundingMode.FLOOR)
        .toPlainString();
  }

  /**
   * Part of a whole in percent; only all of it is {@code 100 %}, and only nothing is {@code 0 %}.
   */
  static String percent(long part, long whole) {
    if (part < 0 || whole <= 0) {
      return UNKNOWN;
    }
    if (part == whole || part == 0) {
      return (part == 0 ? "0" : "100") + THIN_SPACE + "%";
    }
    double percent = 100.0 * part / whole;
    if (percent > 99.99) {
      return ">\u200a99.99".replace("\u200a", String.valueOf(THIN_SPACE)) + THIN_SPACE + "%";
    }
    if (percent < 0.01) {
      return "<" + THIN_SPACE + "0.01" + THIN_SPACE + "%";
    }
    int decimals = percent > 99 || percent < 1 ? 2 : 1;
    return plain(percent, decimals, RoundingMode.FLOOR) + THIN_SPACE + "%";
  }

  /** Bytes in binary units; a negative number is not known. */
  static String bytes(double bytes) {
    if (bytes < 0 || !Double.isFinite(bytes)) {
      return UNKNOWN;
    }
    int unit = 0;
    double value = bytes;
    while (value >= 1024 && unit < BYTE_UNITS.length - 1) {
      value /= 1024;
      unit++;
    }
    int decimals = unit == 0 || value >= 100 ? 0 : value >= 10 ? 1 : 2;
    return trim(plain(value, decimals, RoundingMode.HALF_UP)) + THIN_SPACE + BYTE_UNITS[unit];
  }

  /** A time span by its two largest units, such as {@code 2 h 05 min}. */
  static String duration(long millis) {
    if (millis < 0) {
      return UNKNOWN;
    }
    if (millis < 1000) {
      return millis + "" + THIN_SPACE + "ms";
    }
    if (millis < 60_000) {
      return trim(plain(millis / 1000.0, millis < 10_000 ? 1 : 0, RoundingMode.FLOOR))
          + THIN_SPACE
          + "s";
    }
    long seconds = millis / 1000;
    if (seconds < 3600) {
      return units(seconds / 60, "min", seconds % 60, "s");
    }
    if (seconds < 86_400) {
      return units(seconds / 3600, "h", seconds / 60 % 60, "min");
    }
    return units(seconds / 86_400, "d", seconds / 3600 % 24, "h");
  }

  /** Latency in milliseconds. */
  static String latency(Double millis) {
    return millis == null || !Double.isFinite(millis)
        ? UNKNOWN
        : trim(plain(millis, millis >= 100 ? 0 : millis >= 10 ? 1 : 2, RoundingMode.HALF_UP))
            + THIN_SPACE
            + "ms";
  }

  /** A moment in UTC, to the second; 0 did not happen. */
  static String time(long millis) {
    return millis <= 0 ? UNKNOWN : TIME.format(Instant.ofEpochMilli(millis));
  }

  /** {@code VALIDATE_IMPORT} as {@code Validate import}. */
  static String words(String name) {
    if (name == null || name.isEmpty()) {
      return UNKNOWN;
    }
    if (!name.equals(name.toUpperCase(Locale.ROOT))) {
      return name;
    }
    String lower = name.toLowerCase(Locale.ROOT).replace('_', ' ');
    return lower.substring(0, 1).toUpperCase(Locale.ROOT) + lower.substring(1);
  }

  /** Drops zeros after the decimal point. */
  static String trim(String number) {
    return number.contains(".") ? number.replaceAll("0+$", "").replaceAll("\\.$", "") : number;
  }

  private static String units(long large, String largeUnit, long small, String smallUnit) {
    String text = group(Long.toString(large)) + THIN_SPACE + largeUnit;
    return small == 0 ? text : text + " " + small + THIN_SPACE + smallUnit;
  }

  private static String plain(double value, int decimals, RoundingMode rounding) {
    return BigDecimal.valueOf(value).setScale(decimals, rounding).toPlainString();
  }

  private static String group(String number) {
    int end = number.indexOf('.');
    StringBuilder text = new StringBuilder(number);
    for (int i = (end < 0 ? number.length() : end) - 3;
        i > (number.startsWith("-") ? 1 : 0);
        i -= 3) {
      text.insert(i, THIN_SPACE);
    }
    return text.toString();
  }

  private static String superscript(int exponent) {
    StringBuilder text = new StringBuilder();
    for (char character : Integer.toString(exponent).toCharArray()) {
      text.append(
          character == '-'
              ? '\u207b'
              : "\u2070\u00b9\u00b2\u00b3\u2074\u2075\u2076\u2077\u2078\u2079"
                  .charAt(character - '0'));
    }
    return text.toString();
  }
}
