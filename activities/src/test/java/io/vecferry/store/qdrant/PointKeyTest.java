package io.vecferry.store.qdrant;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.UUID;
import org.junit.jupiter.api.Test;

class PointKeyTest {
  private static final List<String> IN_ORDER =
      List.of(
          "0",
          "1",
          "9",
          "10",
          "9223372036854775807",
          "9223372036854775808",
          "18446744073709551615",
          "00000000-0000-0000-0000-000000000000",
          "00000000-0000-0000-ffff-ffffffffffff",
          "00000000-0000-0001-0000-000000000000",
          "7fffffff-ffff-ffff-ffff-ffffffffffff",
          "80000000-0000-0000-0000-000000000000",
          "ffffffff-ffff-ffff-ffff-ffffffffffff");

  @Test
  void isOrderedAsServersOrderPoints() {
    List<PointKey> keys = new ArrayList<>(IN_ORDER.stream().map(PointKey::parse).toList());
    Collections.shuffle(keys, new Random(1));
    Collections.sort(keys);
    assertThat(keys).extracting(PointKey::toString).isEqualTo(IN_ORDER);
  }

  @Test
  void goesThroughMessages() {
    for (String text : IN_ORDER) {
      assertThat(PointKey.of(PointKey.parse(text).toPointId())).hasToString(text);
    }
  }

  @Test
  void hashesAsTheStandardSays() {
    UUID dns = UUID.fromString("6ba7b810-9dad-11d1-80b4-00c04fd430c8");
    assertThat(PointKey.hashOf(dns, "www.example.com"))
        .hasToString("2ed6657d-e927-568b-95e1-2665a8aea6a2");
  }

  @Test
  void refusesWhatIsNoId() {
    for (String text : new String[] {"", "-1", "x", "18446744073709551616", "1e3"}) {
      assertThatThrownBy(() -> PointKey.parse(text)).isInstanceOf(IllegalArgumentException.class);
    }
  }
}
