package io.vecferry.store.chroma;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ServerNumbersTest {
  private static boolean readRight(String json) {
    return ServerNumbers.readRight(json.getBytes(StandardCharsets.UTF_8));
  }

  /** What a server gave back. */
  @Test
  void readsAsTheServerDoes() {
    assertThat(ServerNumbers.read(12259611066165799L, -17)).isEqualTo(0.122596110661658);
    assertThat(ServerNumbers.read(2403980992882257L, -322)).isEqualTo(2.4039809928822573e-307);
    assertThat(ServerNumbers.read(23947504372216926L, -20)).isEqualTo(0.00023947504372216928);
    assertThat(ServerNumbers.read(14953563688744175L, 251)).isEqualTo(1.4953563688744177e+267);
    assertThat(ServerNumbers.read(3333333333333333L, -16)).isEqualTo(0.3333333333333333);
    assertThat(ServerNumbers.read(0, -400)).isZero();
    assertThat(ServerNumbers.read(1, 400)).isInfinite();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "0.5",
        "[1,-2,1e+22]",
        "{\"a\":123.456,\"b\":-0.1}",
        "1.7976931348623157e+308",
        "5e-324",
        "0.0",
        "\"0.12259611066165799\"",
        "{\"\\\"0.12259611066165799\":1}",
        "12259611066165799"
      })
  void right(String json) {
    assertThat(readRight(json)).isTrue();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "0.12259611066165799",
        "-0.12259611066165799",
        "{\"a\":[0.5,0.12259611066165799]}",
        "1.4953563688744175e+267",
        "-2.403980992882257e-307"
      })
  void wrong(String json) {
    assertThat(readRight(json)).isFalse();
  }
}
