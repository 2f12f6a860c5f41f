package io.vecferry.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.math.BigDecimal;
import java.math.MathContext;
import java.math.RoundingMode;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class FloatScannerTest {
  private static FloatScanner scanner(String json) {
    byte[] bytes = json.getBytes(StandardCharsets.UTF_8);
    return new FloatScanner(bytes, 0, bytes.length);
  }

  private static int bits(String text) throws FloatScanner.MalformedException {
    float[] one = new float[1];
    assertThat(scanner("[" + text + "]").vector(one, 0, 1)).isEqualTo(1);
    return Float.floatToRawIntBits(one[0]);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "0",
        "-0",
        "-0.0",
        "1",
        "-1.5",
        "0.1",
        "1e-45",
        "-1.4e-45",
        "7e-46",
        "3.4028235e+38",
        "1.1754944e-38",
        "1.1754942e-38",
        "1e39",
        "16777217",
        "16777217.0000000001",
        "1E5",
        "0.000000000000000000000000000000000000000000001",
        "123456789012345678901234567890",
        "9007199254740993",
        "33554431.9999999999999999",
        "1e-400",
        "0.30000001192092896"
      })
  void readsEachNumberAsTheNearestFloat(String text) throws Exception {
    assertThat(bits(text)).isEqualTo(Float.floatToRawIntBits(Float.parseFloat(text)));
  }

  @Test
  void readsWhatServersPrint() throws Exception {
    Random random = new Random(11);
    for (int i = 0; i < 40_000; i++) {
      float value = Float.intBitsToFloat(random.nextInt());
      if (Float.isFinite(value)) {
        String text = Float.toString(value);
        assertThat(bits(text)).as(text).isEqualTo(Float.floatToRawIntBits(value));
        String plain = new BigDecimal(text).toPlainString();
        assertThat(bits(plain)).as(plain).isEqualTo(Float.floatToRawIntBits(value));
        String asDouble = Double.toString(value);
        assertThat(bits(asDouble)).as(asDouble).isEqualTo(Float.floatToRawIntBits(value));
      }
    }
  }

  @Test
  void readsUpToEightDigitsAtOnce() {
    Random random = new Random(17);
    for (int i = 0; i < 10_000; i++) {
      int number = random.nextInt(100_000_000);
      long characters = FloatText.eightCharacters(number);
      byte[] text = "%08d".formatted(number).getBytes(StandardCharsets.US_ASCII);
      assertThat(ByteBuffer.wrap(text).order(ByteOrder.LITTLE_ENDIAN).getLong())
          .isEqualTo(characters);
      int scale = 1;
      for (int digits = 8; digits >= 0; digits--, scale *= 10) {
        assertThat(FloatScanner.number(characters, digits)).isEqualTo(number / scale);
      }
    }
  }

  @Test
  void whatIsBehindTheDigitsDoesNotCount() {
    for (int digits = 0; digits < 8; digits++) {
      for (int character = 0; character < 256; character++) {
        for (long behind : new long[] {0, 0x3030303030303030L, 0x3939393939393939L, -1}) {
          long mask = -1L << 8 * digits;
          long characters =
              FloatText.eightCharacters(87654321) & ~mask
                  | behind & mask & ~(0xFFL << 8 * digits)
                  | (long) character << 8 * digits;
          if (character < '0' || character > '9') {
            assertThat(FloatScanner.leadingDigits(characters))
                .as("character %d in place %d", character, digits)
                .isEqualTo(digits);
          } else {
            assertThat(FloatScanner.leadingDigits(characters)).isGreaterThan(digits);
          }
        }
      }
    }
  }

  @Test
  void readsAnyDigits() throws Exception {
    Random random = new Random(13);
    for (int i = 0; i < 40_000; i++) {
      StringBuilder text = new StringBuilder(random.nextBoolean() ? "-" : "");
      for (int digits = 1 + random.nextInt(24); digits > 0; digits--) {
        text.append(random.nextInt(10));
      }
      text.append('.');
      for (int digits = 1 + random.nextInt(24); digits > 0; digits--) {
        text.append(random.nextInt(4) == 0 ? 0 : random.nextInt(10));
      }
      text.append(random.nextBoolean() ? "" : "e" + (random.nextInt(90) - 60));
      assertThat(bits(text.toString()))
          .as(text.toString())
          .isEqualTo(Float.floatToRawIntBits(Float.parseFloat(text.toString())));
    }
  }

  /** Where rounding to a double first would be rounding twice. */
  @Test
  void roundsOnce() throws Exception {
    Random random = new Random(12);
    for (int i = 0; i < 5_000; i++) {
      float low = Math.abs(random.nextFloat()) + 0.01f;
      BigDecimal middle =
          new BigDecimal(low).add(new BigDecimal(Math.nextUp(low))).divide(BigDecimal.valueOf(2));
      for (String digits : new String[] {"0", "1e-20", "-1e-20", "1e-15", "-1e-15"}) {
        String text = middle.add(new BigDecimal(digits)).toPlainString();
        assertThat(bits(text)).as(text).isEqualTo(Float.floatToRawIntBits(Float.parseFloat(text)));
      }
    }
  }

  @Test
  void readsRowsAndSpace() throws Exception {
    float[] values = new float[6];
    FloatScanner scanner = scanner("[ [1, 2.5 ,-3] , [null,0,1e2]],\"x\"");
    scanner.expect('[');
    assertThat(scanner.vector(values, 0, 3)).isEqualTo(3);
    assertThat(scanner.take(',')).isTrue();
    assertThat(scanner.vector(values, 3, 3)).isEqualTo(3);
    scanner.expect(']');
    assertThat(scanner.take(',')).isTrue();
    assertThat(values).containsExactly(1, 2.5f, -3, Float.NaN, 0, 100);
  }

  @Test
  void countsWhatHasNoRoom() throws Exception {
    float[] values = new float[2];
    assertThat(scanner("[1]").vector(values, 0, 2)).isEqualTo(1);
    assertThat(scanner("[]").vector(values, 0, 2)).isZero();
    String many = Arrays.stream(new int[900]).mapToObj(i -> "7").collect(Collectors.joining(","));
    assertThat(scanner("[" + many + "]").vector(values, 0, 2)).isEqualTo(3);
    assertThat(values).containsExactly(7, 7);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "", "[", "[1", "[1,]", "[,1]", "[1 2]", "[\"1\"]", "[-]", "[1e]", "[1.]", "[1é]", "{}"
      })
  void refusesWhatIsNoArrayOfNumbers(String json) {
    assertThatThrownBy(() -> scanner(json).vector(new float[4], 0, 4))
        .isInstanceOf(FloatScanner.MalformedException.class)
        .hasMessageContaining("byte");
  }

  @Test
  void floatsAreSpelledSoThatTheyAreReadAgain() throws Exception {
    Random random = new Random(12);
    float[] values = {0, -0.0f, 1, -1, 0.1f, 1e-3f, 9.999999e-4f, 1e7f, 9999999, 1e30f, 1e-30f};
    for (int i = 0; i < 300_000; i++) {
      float value =
          i < values.length
              ? values[i]
              : i % 3 == 0
                  ? (float) random.nextGaussian()
                  : i % 3 == 1
                      ? random.nextInt(2_000_000) / 1e4f
                      : Float.intBitsToFloat(random.nextInt());
      if (Float.isFinite(value)) {
        byte[] bytes = new byte[FloatText.LONGEST + 1];
        String text = new String(bytes, 0, FloatText.put(value, bytes, 0), StandardCharsets.UTF_8);
        assertThat(Float.floatToRawIntBits(Float.parseFloat(text)))
            .as(text)
            .isEqualTo(Float.floatToRawIntBits(value));
        assertThat(bits(text)).as(text).isEqualTo(Float.floatToRawIntBits(value));
        assertThat(text.replaceAll("E.*|[-.]", "").replaceAll("^0+|0+$", ""))
            .as(text)
            .hasSizeLessThanOrEqualTo(9);
        // Where fewer digits would be in the middle of two floats, the library writes them.
        if (Math.abs(value) < 1e6) {
          assertThat(text.length()).as(text).isLessThanOrEqualTo(Float.toString(value).length());
        }
      }
    }
  }

  /** One digit less would be another number, or one that is as near to another. */
  @Test
  void floatsHaveTheFewestDigits() {
    Random random = new Random(14);
    for (int i = 0; i < 100_000; i++) {
      float value =
          i < 200
              ? Math.scalb(1f, i - 99)
              : Math.scalb(1 + random.nextFloat(), random.nextInt(190) - 95);
      byte[] bytes = new byte[FloatText.LONGEST];
      String text = new String(bytes, 0, FloatText.put(value, bytes, 0), StandardCharsets.UTF_8);
      assertThat(Float.parseFloat(text)).as(text).isEqualTo(value);
      int digits = new BigDecimal(text).stripTrailingZeros().precision();
      if (digits > 6) {
        BigDecimal exact = new BigDecimal(value);
        for (RoundingMode mode : List.of(RoundingMode.DOWN, RoundingMode.UP)) {
          BigDecimal shorter = exact.round(new MathContext(digits - 1, mode));
          BigDecimal distance = shorter.subtract(exact).abs().multiply(new BigDecimal("1.00001"));
          BigDecimal half =
              new BigDecimal(value - Math.nextDown(value)).divide(BigDecimal.valueOf(2));
          assertThat(distance).as(text).isGreaterThan(half);
        }
      }
    }
  }

  @ParameterizedTest
  @ValueSource(floats = {0, -0.0f, 1, -1, 0.1f, 12.5f, 1e-3f, 1e7f, 123456.7f, -2.5e-8f, 3e20f, 9})
  void floatsAreSpelledAsTheLibraryDoes(float value) {
    byte[] bytes = new byte[FloatText.LONGEST];
    assertThat(new String(bytes, 0, FloatText.put(value, bytes, 0), StandardCharsets.UTF_8))
        .isEqualTo(Float.toString(value));
  }
}
