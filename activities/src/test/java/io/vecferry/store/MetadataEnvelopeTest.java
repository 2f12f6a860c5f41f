package io.vecferry.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.vecferry.record.IdKind;
import io.vecferry.record.Numbers;
import io.vecferry.record.TextColumn;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class MetadataEnvelopeTest {
  /** Keeps single values only, and numbers only as int64 or double. */
  private static final MetadataEnvelope.Rule FLAT =
      (key, value) -> value.depth() == 0 && !value.nulls() && value.numbersKept();

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{}",
        "{\"a\":1,\"b\":1.0,\"c\":\"x\",\"d\":true}",
        "{\"a\":{\"b\":[1,2,{\"c\":null}]},\"e\":[]}",
        "{\"n\":1e400,\"m\":-0,\"o\":18446744073709551615,\"p\":1.10}",
        "{\"_vecferry_id_kind\":\"int64\",\"_vecferry_metadata_json\":\"{}\",\"x\":1}",
        "{\"_vecferry_other\":{\"a\":1}}",
        "{\"\":1,\"a.b\":2,\"é\uD83D\uDE00\":\"\\u0000\\n\\\"\"}"
      })
  void givesBackWhatItGot(String metadata) {
    for (MetadataEnvelope.Rule rule :
        new MetadataEnvelope.Rule[] {MetadataEnvelope.KEEPS_ALL, FLAT}) {
      byte[] wrapped =
          MetadataEnvelope.wrap(
              TextColumn.of(metadata), 0, MetadataEnvelope.Extras.NONE, true, rule);
      assertThat(text(unwrap(wrapped).metadata())).isEqualTo(metadata);
    }
  }

  @Test
  void keepsTheOriginalTextOnlyWhereItIsNeeded() {
    assertThat(wrap("{\"a\":1,\"b\":0.1}")).isEqualTo("{\"a\":1,\"b\":0.1}");
    assertThat(wrap("{\"a\":1,\"b\":[2]}"))
        .isEqualTo("{\"a\":1,\"_vecferry_metadata_json\":\"{\\\"a\\\":1,\\\"b\\\":[2]}\"}");
    assertThat(wrap("{\"a\":1E5}")).contains("_vecferry_metadata_json");
  }

  @Test
  void keepsWhatGoesAlong() {
    MetadataEnvelope.Extras extras = new MetadataEnvelope.Extras("007", IdKind.STRING, true, 1.25);
    byte[] wrapped = MetadataEnvelope.wrap(TextColumn.of((String) null), 0, extras, true, FLAT);
    MetadataEnvelope.Unwrapped unwrapped = unwrap(wrapped);
    assertThat(unwrapped.metadata()).isNull();
    assertThat(unwrapped.extras()).isEqualTo(extras);
  }

  @Test
  void tellsNumbersThatAreOnlySpelledOddlyFromThoseThatNoDoubleHolds() {
    MetadataEnvelope.Rule takesFinite =
        new MetadataEnvelope.Rule() {
          @Override
          public boolean keeps(String key, MetadataEnvelope.Value value) {
            return value.numbersKept();
          }

          @Override
          public boolean takes(String key, MetadataEnvelope.Value value) {
            return value.finite();
          }
        };
    byte[] wrapped =
        MetadataEnvelope.wrap(
            TextColumn.of("{\"price\":1.10,\"far\":1e400,\"all\":[1e5,-1e400]}"),
            0,
            MetadataEnvelope.Extras.NONE,
            true,
            takesFinite);
    assertThat(new String(wrapped, StandardCharsets.UTF_8))
        .startsWith("{\"price\":1.10,\"_vecferry_metadata_json\":");
  }

  @Test
  void refusesWhatIsNoObject() {
    assertThatThrownBy(() -> wrap("[1]")).isInstanceOf(StoreException.class);
    assertThatThrownBy(() -> unwrap("1".getBytes(StandardCharsets.UTF_8)))
        .isInstanceOf(StoreException.class);
  }

  @Test
  void spellsNumbersAsOthersDo() {
    assertThat(Numbers.spell(1)).isEqualTo("1.0");
    assertThat(Numbers.spell(-0.0)).isEqualTo("-0.0");
    assertThat(Numbers.spell(0.1)).isEqualTo("0.1");
    assertThat(Numbers.spell(1e5)).isEqualTo("100000.0");
    assertThat(Numbers.spell(123456789.125)).isEqualTo("123456789.125");
    assertThat(Numbers.spell(1e16)).isEqualTo("1e+16");
    assertThat(Numbers.spell(-2.5e-7)).isEqualTo("-2.5e-07");
    assertThat(Numbers.spell(5e-324)).isEqualTo("5e-324");
    assertThat(Numbers.spell(0.0001)).isEqualTo("0.0001");
    assertThat(Numbers.spell(2e23)).isEqualTo("2e+23");
    assertThat(Numbers.isKept("9223372036854775807")).isTrue();
    assertThat(Numbers.isKept("9223372036854775808")).isFalse();
    assertThat(Numbers.isKept("0.3333333333333333")).isTrue();
    assertThat(Numbers.isKept("0.33333333333333333")).isFalse();
    assertThat(Numbers.isKept("1e400")).isFalse();
    assertThat(Numbers.isKept("-0")).isFalse();
    assertThat(Numbers.isKept("1.10")).isFalse();
  }

  private static String wrap(String metadata) {
    return text(
        MetadataEnvelope.wrap(
            TextColumn.of(metadata), 0, MetadataEnvelope.Extras.NONE, true, FLAT));
  }

  private static MetadataEnvelope.Unwrapped unwrap(byte[] json) {
    return MetadataEnvelope.unwrap(json, 0, json.length);
  }

  private static String text(byte[] bytes) {
    return new String(bytes, StandardCharsets.UTF_8);
  }
}
