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

  static final VarHandle EIGHT_BYTES =
      MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);

  private static final long ZEROS = 0x3030303030303030L;

  private static final long[] SCALES = {1, 10, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000};

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
    byte[] text = json;
    int last = end;
    int start = at;
    int next = start;
    boolean negative = next < last && text[next] == '-';
    if (negative) {
      next++;
    }
    long significand = 0;
    int exponent = 0;
    int first = next;
    while (next < last && isDigit(text[next])) {
      if (significand < MOST_DIGITS) {
        significand = significand * 10 + text[next] - '0';
      } else {
        exponent++;
      }
      next++;
    }
    requireDigit(first, next);
    if (next < last && text[next] == '.') {
      int point = ++next;
      while (significand < ROOM_FOR_EIGHT && next + 8 <= last) {
        long characters = (long) EIGHT_BYTES.get(text, next);
        int digits = leadingDigits(characters);
        // Apart from eight, which a processor foresees and does not wait for their being counted.
        if (digits < 8) {
          significand = significand * SCALES[digits] + number(characters, digits);
          exponent -= digits;
          next += digits;
          break;
        }
        significand = significand * 100_000_000 + number(characters, 8);
        exponent -= 8;
        next += 8;
      }
      while (next < last && isDigit(text[next])) {
        if (significand < MOST_DIGITS) {
          significand = significand * 10 + text[next] - '0';
          exponent--;
        }
        next++;
      }
      requireDigit(point, next);
    }
    if (next < last && (text[next] == 'e' || text[next] == 'E')) {
      next++;
      boolean down = next < last && text[next] == '-';
      if (next < last && (text[next] == '-' || text[next] == '+')) {
        next++;
      }
      int power = 0;
      int firstOfPower = next;
      while (next < last && isDigit(text[next])) {
        power = Math.min(power * 10 + text[next++] - '0', 100_000);
      }
      exponent += down ? -power : power;
      requireDigit(firstOfPower, next);
    }
    at = next;
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
      return Float.parseFloat(new String(text, start, next - start, StandardCharsets.US_ASCII));
    } catch (NumberFormatException e) {
      throw new MalformedException("a number was expected at byte " + start);
    }
  }

  /** How many of eight characters are digits before one is none, the first in the lowest byte. */
  static int leadingDigits(long characters) {
    long others = ((characters + 0x4646464646464646L) | (characters - ZEROS)) & 0x8080808080808080L;
    return Long.numberOfTrailingZeros(others) >>> 3;
  }

  /**
   * The number that the first of eight characters spell, which are digits. Neighbours are put
   * together three times: digits to pairs, pairs to fours, fours to the number.
   */
  static int number(long characters, int digits) {
    // In two steps, because a shift by 64 bits is none.
    int halfOfRest = 4 * (8 - digits);
    long eight = characters - ZEROS << halfOfRest << halfOfRest;
    long pairs = (eight * 10 + (eight >>> 8)) & 0x00FF00FF00FF00FFL;
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

  private void requireDigit(int first, int behind) throws MalformedException {
    if (first == behind) {
      at = behind;
      throw new MalformedException(
          "a number was expected at byte " + at + ", not '" + here() + "'");
    }
  }

  private void skipSpace() {
    while (at < end && json[at] <= ' ' && json[at] >= 0) {
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
