package io.vecferry.store;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;

/**
 * Reads JSON arrays of numbers into floats. Most of an answer is vectors, and a general JSON parser
 * needs several times as long for each number. Every number becomes the float that is nearest to
 * its decimal text. Not thread-safe.
 */
public final class FloatScanner {
  /** More digits than these do not change the double that they become by half of its last bit. */
  private static final long MOST_DIGITS = 100_000_000_000_000_000L;

  /** Below this, eight more digits are not too many. */
  private static final long ROOM_FOR_EIGHT = MOST_DIGITS / 100_000_000;

  private static final VarHandle EIGHT_BYTES =
      MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);

  private static final int LARGEST_POWER = 60;
  static final double[] POWERS = new double[LARGEST_POWER + 1];

  static {
    for (int power = 0; power <= LARGEST_POWER; power++) {
      POWERS[power] = Double.parseDouble("1e" + power);
    }
  }

  /** The bits of a double that a float has no room for, and their value half way between floats. */
  private static final long LOST_BITS = (1L << 29) - 1;

  private static final long HALF_WAY = 1L << 28;

  /**
   * By how many of its last bits a double made of digits and a power may differ from the number:
   * both are rounded, their quotient too, and digits are left away.
   */
  private static final long DOUBT = 4;

  private final byte[] json;
  private final int end;
  private int at;

  /**
   * @param at where to start
   * @param end length of the text in {@code json}
   */
  public FloatScanner(byte[] json, int at, int end) {
    this.json = json;
    this.at = at;
    this.end = end;
  }

  /** Text that is no array of numbers where one was expected. */
  public static final class MalformedException extends Exception {
    private static final long serialVersionUID = 1;

    MalformedException(String message) {
      super(message);
    }
  }

  /** Where the scanner stands. */
  public int position() {
    return at;
  }

  /** Moves over this character, which must come next. */
  public void expect(char character) throws MalformedException {
    if (!take(character)) {
      throw new MalformedException(
          "'" + character + "' was expected at byte " + at + ", not '" + here() + "'");
    }
  }

  /** Moves over this character if it comes next. */
  public boolean take(char character) {
    skipSpace();
    if (at < end && json[at] == character) {
      at++;
      return true;
    }
    return false;
  }

  /** Moves over {@code null} if it comes next. */
  public boolean takeNull() {
    skipSpace();
    if (at + 4 <= end
        && json[at] == 'n'
        && json[at + 1] == 'u'
        && json[at + 2] == 'l'
        && json[at + 3] == 'l') {
      at += 4;
      return true;
    }
    return false;
  }

  /**
   * Reads one array of numbers.
   *
   * @return how many there are, at most as many as there is room for, plus one if there are more; a
   *     {@code null} among them, which is how the server spells what is not finite, becomes NaN
   */
  public int vector(float[] target, int from, int room) throws MalformedException {
    expect('[');
    int count = 0;
    if (take(']')) {
      return 0;
    }
    do {
      float value = takeNull() ? Float.NaN : number();
      if (count < room) {
        target[from + count] = value;
      }
      count = Math.min(count + 1, room + 1);
    } while (take(','));
    expect(']');
    return count;
  }

  private float number() throws MalformedException {
    skipSpace();
    int start = at;
    boolean negative = at < end && json[at] == '-';
    if (negative) {
      at++;
    }
    long significand = 0;
    int exponent = 0;
    int first = at;
    while (at < end && isDigit(json[at])) {
      if (significand < MOST_DIGITS) {
        significand = significand * 10 + json[at] - '0';
      } else {
        exponent++;
      }
      at++;
    }
    requireDigit(first);
    if (at < end && json[at] == '.') {
      int point = ++at;
      while (significand < ROOM_FOR_EIGHT && at + 8 <= end) {
        int eight = eightDigits((long) EIGHT_BYTES.get(json, at));
        if (eight < 0) {
          break;
        }
        significand = significand * 100_000_000 + eight;
        exponent -= 8;
        at += 8;
      }
      while (at < end && isDigit(json[at])) {
        if (significand < MOST_DIGITS) {
          significand = significand * 10 + json[at] - '0';
          exponent--;
        }
        at++;
      }
      requireDigit(point);
    }
    if (at < end && (json[at] == 'e' || json[at] == 'E')) {
      at++;
      boolean down = at < end && json[at] == '-';
      if (at < end && (json[at] == '-' || json[at] == '+')) {
        at++;
      }
      int power = 0;
      int firstOfPower = at;
      while (at < end && isDigit(json[at])) {
        power = Math.min(power * 10 + json[at++] - '0', 100_000);
      }
      exponent += down ? -power : power;
      requireDigit(firstOfPower);
    }
    if (significand == 0) {
      return negative ? -0f : 0f;
    }
    if (exponent >= -LARGEST_POWER && exponent <= LARGEST_POWER) {
      double value =
          exponent < 0 ? significand / POWERS[-exponent] : significand * POWERS[exponent];
      if (isCertain(value)) {
        return (float) (negative ? -value : value);
      }
    }
    try {
      return Float.parseFloat(new String(json, start, at - start, StandardCharsets.US_ASCII));
    } catch (NumberFormatException e) {
      throw new MalformedException("a number was expected at byte " + start);
    }
  }

  /**
   * The number that eight characters spell, the first of them in the lowest byte; -1 when one of
   * them is no digit. Neighbours are put together three times: digits to pairs, pairs to fours,
   * fours to the number.
   */
  static int eightDigits(long characters) {
    long digits = characters - 0x3030303030303030L;
    if ((((characters + 0x4646464646464646L) | digits) & 0x8080808080808080L) != 0) {
      return -1;
    }
    long pairs = (digits * 10 + (digits >>> 8)) & 0x00FF00FF00FF00FFL;
    long fours = (pairs * 100 + (pairs >>> 16)) & 0x0000FFFF0000FFFFL;
    return (int) ((fours * 10_000 + (fours >>> 32)) & 0xFFFFFFFFL);
  }

  /**
   * Whether the float that is nearest to a positive number is the one nearest to this double, which
   * was made of its digits and a power.
   */
  static boolean isCertain(double value) {
    boolean normal = value >= Float.MIN_NORMAL && value <= Float.MAX_VALUE;
    long lost = Double.doubleToRawLongBits(value) & LOST_BITS;
    return normal && Math.abs(lost - HALF_WAY) > DOUBT;
  }

  /** Makes sure that the scanner has moved since it stood here. */
  private void requireDigit(int before) throws MalformedException {
    if (at == before) {
      throw new MalformedException(
          "a number was expected at byte " + at + ", not '" + here() + "'");
    }
  }

  private void skipSpace() {
    while (at < end && json[at] <= ' ') {
      at++;
    }
  }

  private static boolean isDigit(byte character) {
    return character >= '0' && character <= '9';
  }

  private String here() {
    return at < end ? String.valueOf((char) json[at]) : "end";
  }
}
