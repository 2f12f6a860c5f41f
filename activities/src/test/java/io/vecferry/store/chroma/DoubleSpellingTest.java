package io.vecferry.store.chroma;

import static org.assertj.core.api.Assertions.assertThat;

import io.vecferry.record.Numbers;
import java.nio.charset.StandardCharsets;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class DoubleSpellingTest {
  private static byte[] ascii(String text) {
    return text.getBytes(StandardCharsets.US_ASCII);
  }

  private static String find(String text) {
    return DoubleSpelling.find(ascii(text), 0, text.length());
  }

  /** Reads as the server does: all digits, then one power of ten. */
  private static double read(String text) {
    String[] parts = text.split("e", -1);
    String[] number = parts[0].split("\\.", -1);
    String fraction = number.length > 1 ? number[1] : "";
    boolean negative = text.startsWith("-");
    long digits = Math.abs(Long.parseLong(number[0] + fraction));
    int exponent = (parts.length > 1 ? Integer.parseInt(parts[1]) : 0) - fraction.length();
    double value = DoubleSpelling.read(digits, exponent);
    return negative ? -value : value;
  }

  @Test
  void theServerReadsSomeNumbersWrong() {
    // What the server gave back for it.
    assertThat(read("0.12259611066165799")).isEqualTo(0.122596110661658);
    assertThat(read("-2.403980992882257e-307")).isEqualTo(-2.4039809928822573e-307);
    assertThat(read("4.359113586081115e-118")).isEqualTo(4.3591135860811145e-118);
    assertThat(read("0.3333333333333333")).isEqualTo(0.3333333333333333);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"0.5", "1e+22", "123.456", "-0.1", "5e-324", "1.7976931348623157e+308", "0.0"})
  void keepsWhatIsReadRight(String text) {
    assertThat(find(text)).isEqualTo(text);
  }

  @Test
  void findsASpellingThatBothReadRight() {
    assertThat(find("0.12259611066165799")).isNotEqualTo("0.12259611066165799");
    assertThat(find("-0.12259611066165799")).startsWith("-");
    assertSpelled(random -> random.nextDouble() - 0.5);
    assertSpelled(random -> random.nextGaussian() * 100);
    assertSpelled(random -> 1.7e9 + random.nextDouble() * 1e7);
    assertSpelled(
        random -> {
          double value = Double.longBitsToDouble(random.nextLong());
          return Double.isFinite(value) ? value : 0.5;
        });
  }

  private static void assertSpelled(java.util.function.ToDoubleFunction<Random> numbers) {
    Random random = new Random(7);
    int count = 20_000;
    int none = 0;
    for (int i = 0; i < count; i++) {
      double value = numbers.applyAsDouble(random);
      String found = find(Numbers.spell(value));
      if (found == null) {
        none++;
      } else {
        assertThat(read(found)).as("%s as the server reads it", found).isEqualTo(value);
        assertThat(Double.parseDouble(found)).as("%s as it is", found).isEqualTo(value);
      }
    }
    assertThat(none).as("numbers without a spelling, of " + count).isLessThan(count / 100);
  }
}
