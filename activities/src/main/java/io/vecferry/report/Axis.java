package io.vecferry.report;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * One axis of a plot: its range, its few round marks, and where a value lies on it.
 *
 * @param minimum value at the beginning; above 0 when logarithmic
 * @param maximum value at the end, above the minimum
 * @param logarithmic whether equal ratios are equally far apart
 * @param marks labelled values, at most about six
 */
record Axis(double minimum, double maximum, boolean logarithmic, List<Mark> marks) {
  private static final int MARKS = 5;
  private static final long[] TIME_STEPS = {
    1,
    2,
    5,
    10,
    20,
    50,
    100,
    200,
    500,
    1_000,
    2_000,
    5_000,
    10_000,
    15_000,
    30_000,
    60_000,
    120_000,
    300_000,
    600_000,
    900_000,
    1_800_000,
    3_600_000,
    7_200_000,
    10_800_000,
    21_600_000,
    43_200_000
  };
  private static final long DAY = 86_400_000L;

  /** A labelled value. */
  record Mark(double value, String label) {}

  /** From 0 to {@code largest} or the next round number, as counts. */
  static Axis count(double largest) {
    return linear(largest, roundStep(largest / 4), 1, "");
  }

  /** From 0 to {@code largest} percent or the next round number. */
  static Axis percent(double largest) {
    return linear(largest, roundStep(largest / 4), 1, "\u202f%");
  }

  /** From 0 to {@code largest} bytes or the next round number in binary units. */
  static Axis bytes(double largest) {
    double unit = 1;
    while (largest / unit >= 1024) {
      unit *= 1024;
    }
    double step = roundStep(largest / unit / 4) * unit;
    List<Mark> marks = new ArrayList<>();
    double end = Math.max(step, Math.ceil(largest / step) * step);
    for (int i = 0; i * step <= end * 1.0001; i++) {
      marks.add(new Mark(i * step, i == 0 ? "0" : Format.bytes(i * step)));
    }
    return new Axis(0, end, false, marks);
  }

  /** From 0 to exactly {@code spanMillis}, as time since the start. */
  static Axis time(long spanMillis) {
    long span = Math.max(1, spanMillis);
    long step = 0;
    for (long candidate : TIME_STEPS) {
      if (step == 0 && span / candidate <= MARKS) {
        step = candidate;
      }
    }
    if (step == 0) {
      step = DAY * (long) Math.max(1, roundStep((double) span / DAY / MARKS));
    }
    List<Mark> marks = new ArrayList<>();
    for (long value = 0; value <= span; value += step) {
      marks.add(new Mark(value, value == 0 ? "0" : Format.duration(value)));
    }
    return new Axis(0, span, false, marks);
  }

  /** From 0 to 1 in quarters, as percent. */
  static Axis share() {
    List<Mark> marks = new ArrayList<>();
    for (int quarter = 0; quarter <= 4; quarter++) {
      marks.add(new Mark(quarter / 4.0, quarter * 25 + "\u202f%"));
    }
    return new Axis(0, 1, false, marks);
  }

  /** From {@code smallest}, or the round number below it, to 1, as percent. */
  static Axis shareFrom(double smallest) {
    double step = roundStep(Math.max(1e-4, (1 - smallest) / 4));
    List<Mark> marks = new ArrayList<>();
    int steps = (int) Math.ceil((1 - smallest) / step - 1e-9);
    double low = Math.max(0, 1 - Math.max(1, steps) * step);
    for (int i = steps; i >= 0; i--) {
      double value = Math.max(0, 1 - i * step);
      marks.add(
          new Mark(
              value, Format.trim(String.format(Locale.ROOT, "%.3f", value * 100)) + "\u202f%"));
    }
    return new Axis(low, 1, false, marks);
  }

  /**
   * From {@code smallest} to {@code largest}, both positive, with marks at 1, 10, 100 or at 1, 2,
   * 5, 10.
   */
  static Axis logarithmic(double smallest, double largest) {
    double low = Math.max(smallest, 1e-6);
    double high = Math.max(largest, low * 2);
    int[] steps = high / low > 1000 ? new int[] {1} : new int[] {1, 2, 5};
    List<Mark> marks = new ArrayList<>();
    for (int power = (int) Math.floor(Math.log10(low));
        power <= Math.ceil(Math.log10(high));
        power++) {
      for (int step : steps) {
        double value = step * Math.pow(10, power);
        if (value >= low * 0.999 && value <= high * 1.001) {
          marks.add(new Mark(value, Format.trim(String.format(Locale.ROOT, "%.6f", value))));
        }
      }
    }
    while (marks.size() > MARKS + 1) {
      List<Mark> everySecond = new ArrayList<>();
      for (int i = 0; i < marks.size(); i += 2) {
        everySecond.add(marks.get(i));
      }
      marks = everySecond;
    }
    return new Axis(low, high, true, marks);
  }

  /** Where a value lies, from 0 to 1; values outside the range lie at its ends. */
  double position(double value) {
    double position =
        logarithmic
            ? Math.log(Math.max(value, minimum) / minimum) / Math.log(maximum / minimum)
            : (value - minimum) / (maximum - minimum);
    return Math.min(1, Math.max(0, position));
  }

  private static Axis linear(double largest, double step, double scale, String unit) {
    List<Mark> marks = new ArrayList<>();
    double end = Math.max(step, Math.ceil(largest / step - 1e-9) * step);
    for (int i = 0; i * step <= end * 1.0001; i++) {
      marks.add(new Mark(i * step, shortNumber(i * step / scale) + unit));
    }
    return new Axis(0, end, false, marks);
  }

  private static double roundStep(double step) {
    if (!(step > 0) || !Double.isFinite(step)) {
      return 1;
    }
    double power = Math.pow(10, Math.floor(Math.log10(step)));
    double digit = step / power;
    return (digit <= 1 ? 1 : digit <= 2 ? 2 : digit <= 2.5 ? 2.5 : digit <= 5 ? 5 : 10) * power;
  }

  private static String shortNumber(double value) {
    String[] units = {"", "\u202fk", "\u202fM", "\u202fG", "\u202fT"};
    int unit = 0;
    double scaled = value;
    while (scaled >= 1000 && unit < units.length - 1) {
      scaled /= 1000;
      unit++;
    }
    return Format.trim(String.format(Locale.ROOT, "%.3f", scaled)) + units[unit];
  }
}
