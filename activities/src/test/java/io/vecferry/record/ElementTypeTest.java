package io.vecferry.record;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ElementTypeTest {
  @ParameterizedTest
  @CsvSource({
    "FLOAT32, 0.1, 0.1",
    "FLOAT16, 0.1, 0.099975586",
    "FLOAT16, -0.0, -0.0",
    "FLOAT16, 1e-7, 1.1920929e-7",
    "FLOAT16, 65519, 65504",
    "FLOAT16, -65520, -Infinity",
    "FLOAT16, 2049, 2048",
    "FLOAT16, 2051, 2052",
    "BFLOAT16, 0.1, 0.100097656",
    "BFLOAT16, 257, 256",
    "BFLOAT16, 3.4e38, Infinity",
    "INT8, -129, -128",
    "INT8, 0.13, 0",
    "UINT8, 255.4, 255",
    "UINT8, -3, 0",
    "BIT, 0.6, 1",
    "BIT, 1, 1",
  })
  void theNearestValueThatIsKept(ElementType element, float value, float kept) {
    assertThat(element.nearest(value)).isEqualTo(kept);
  }
}
