package io.vecferry.store.chroma;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.vecferry.store.StoreException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class CollectionNamesTest {
  @ParameterizedTest
  @ValueSource(strings = {"abc", "a.b-c_d", "A_1", "1.2.3", "1.2.3.4567"})
  void allows(String name) {
    assertThat(CollectionNames.isAllowed(name)).isTrue();
  }

  @ParameterizedTest
  @CsvSource({
    "ab, collection-ab",
    "'', collection-1",
    "a b, a-b",
    "a..b, a.b",
    "1.2.3.4, collection-1.2.3.4",
    "_abc_, abc",
    "größe, gr-e",
    "a/b/c, a-b-c"
  })
  void refusesWithAName(String name, String better) {
    assertThatThrownBy(() -> CollectionNames.require(name))
        .isInstanceOf(StoreException.class)
        .hasMessageContaining("'" + name + "'")
        .hasMessageContaining("3 to 512 characters")
        .hasMessageEndingWith("'" + better + "'.");
    assertThat(CollectionNames.isAllowed(better)).isTrue();
  }

  @Test
  void refusesLongNames() {
    assertThat(CollectionNames.isAllowed("x".repeat(512))).isTrue();
    assertThatThrownBy(() -> CollectionNames.require("x".repeat(513)))
        .hasMessageContaining("'" + "x".repeat(512) + "'");
  }

  @Test
  void loadNamesAreAllowedAndTellMigrationsApart() {
    assertThat(CollectionNames.ofLoad("products", "m1")).isEqualTo("products.vecferry.m1");
    for (String migration : new String[] {"ends-", "a..b", "x".repeat(100)}) {
      for (String collection : new String[] {"abc", "x".repeat(512)}) {
        String name = CollectionNames.ofLoad(collection, migration);
        assertThat(name).contains(".vecferry.").isNotEqualTo(collection);
        assertThat(CollectionNames.isAllowed(name)).as(name).isTrue();
      }
    }
    assertThat(CollectionNames.ofLoad("abc", "a..b"))
        .isNotEqualTo(CollectionNames.ofLoad("abc", "a..c"));
  }
}
