package io.vecferry.store.qdrant;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.qdrant.client.grpc.JsonWithInt.Struct;
import io.qdrant.client.grpc.JsonWithInt.Value;
import io.vecferry.plan.FailureClass;
import io.vecferry.record.IdKind;
import io.vecferry.record.TextColumn;
import io.vecferry.store.ReservedKeys;
import io.vecferry.store.StoreException;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class PayloadMappingTest {
  private static final PayloadMapping FLAT = new PayloadMapping("document", "", true);
  private static final PayloadMapping NESTED = new PayloadMapping("page_content", "metadata", true);

  /** Keys are in order here, because that is how they come back. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "{\"a\":1,\"b\":1.0,\"c\":\"x\",\"d\":true,\"e\":null,\"f\":[],\"g\":{}}",
        "{\"max\":9223372036854775807,\"min\":-9223372036854775808}",
        "{\"a\":[1,[2.5,{\"b\":null}],\"x\"],\"z\":-0.0}",
        "{\"\":1,\"a.b\":2,\"a[0]\":3,\"n\":\"a\\u0000b\",\"é\uD83D\uDE00\":\"\uD83D\uDE00\"}",
        "{\"huge\":1.7976931348623157e+308,\"third\":0.3333333333333333,\"tiny\":5e-324}",
      })
  void keepsOrdinaryMetadataAsItIs(String metadata) {
    for (PayloadMapping mapping : new PayloadMapping[] {FLAT, NESTED}) {
      Struct payload = encode(mapping, metadata, "text");
      assertThat(payload.getFieldsMap()).doesNotContainKey(ReservedKeys.METADATA_JSON);
      assertThat(metadata(mapping, payload)).isEqualTo(metadata);
      assertThat(mapping.document(payload.getFieldsMap())).isEqualTo("text");
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{\"unsigned\":18446744073709551615,\"huge\":123456789012345678901234567890}",
        "{\"exponent\":1e5,\"capital\":1E+05,\"digits\":1.10,\"zero\":-0}",
        "{\"far\":1e400,\"in\":[1e400,1]}",
        "{\"_vecferry_id\":\"mine\",\"_vecferry_other\":1}",
        "{}",
        "{\"half\":\"\\ud800\"}",
        // 12493435593063897 is no double, and what is next to it ends as ...895.
        "{\"lastBit\":-1.2493435593063897}",
        "{\"in\":[{\"lastBit\":1.5777777777770001}]}",
      })
  void keepsTheTextOfWhatThePayloadWouldChange(String metadata) {
    Struct payload = encode(FLAT, metadata, null);
    assertThat(payload.getFieldsMap().get(ReservedKeys.METADATA_JSON).getStringValue())
        .isEqualTo(metadata);
    assertThat(metadata(FLAT, payload)).isEqualTo(metadata);
    assertThat(FLAT.id(payload.getFieldsMap())).isNull();
  }

  @Test
  void whatIsChangedCanStillBeFiltered() {
    Map<String, Value> payload =
        encode(FLAT, "{\"a\":18446744073709551615,\"b\":1.10,\"c\":1e400,\"d\":-0}", null)
            .getFieldsMap();
    assertThat(payload.get("a").getDoubleValue()).isEqualTo(18446744073709551615.0);
    assertThat(payload.get("b").getDoubleValue()).isEqualTo(1.1);
    assertThat(payload).doesNotContainKey("c");
    assertThat(payload.get("d").getIntegerValue()).isZero();
  }

  @Test
  void tellsNoMetadataFromEmptyMetadata() {
    assertThat(encode(FLAT, null, "text").getFieldsMap()).containsOnlyKeys("document");
    assertThat(metadata(FLAT, encode(FLAT, null, "text"))).isNull();
    assertThat(metadata(FLAT, encode(FLAT, null, null))).isNull();
    assertThat(metadata(FLAT, encode(FLAT, "{}", "text"))).isEqualTo("{}");
    assertThat(encode(NESTED, "{}", null).getFieldsMap()).containsOnlyKeys("metadata");
    assertThat(metadata(NESTED, encode(NESTED, "{}", null))).isEqualTo("{}");
    assertThat(metadata(NESTED, encode(NESTED, null, null))).isNull();
  }

  @Test
  void tellsNoDocumentFromEmptyDocument() {
    assertThat(FLAT.document(encode(FLAT, null, "").getFieldsMap())).isEmpty();
    assertThat(FLAT.document(encode(FLAT, null, null).getFieldsMap())).isNull();
  }

  @Test
  void keepsDocumentAndMetadataOfTheSameNameApart() {
    Struct both = encode(FLAT, "{\"document\":\"meta\",\"x\":1}", "text");
    assertThat(FLAT.document(both.getFieldsMap())).isEqualTo("text");
    assertThat(metadata(FLAT, both)).isEqualTo("{\"document\":\"meta\",\"x\":1}");

    Struct onlyMetadata = encode(FLAT, "{\"document\":\"meta\",\"x\":1}", null);
    assertThat(onlyMetadata.getFieldsMap().get("document").getStringValue()).isEqualTo("meta");
    assertThat(onlyMetadata.getFieldsMap()).doesNotContainKey(ReservedKeys.METADATA_JSON);
    assertThat(FLAT.document(onlyMetadata.getFieldsMap())).isNull();
    assertThat(metadata(FLAT, onlyMetadata)).isEqualTo("{\"document\":\"meta\",\"x\":1}");

    Struct number = encode(FLAT, "{\"document\":5}", null);
    assertThat(number.getFieldsMap()).containsOnlyKeys("document");
    assertThat(metadata(FLAT, number)).isEqualTo("{\"document\":5}");
  }

  @Test
  void goesNoDeeperThanServersRead() {
    String deep = "{\"a\":" + "[".repeat(29) + "]".repeat(29) + "}";
    assertThat(encode(FLAT, deep, null).getFieldsMap()).containsOnlyKeys("a");
    String tooDeep = "{\"a\":" + "{\"b\":".repeat(40) + "1" + "}".repeat(40) + ",\"c\":1}";
    Struct payload = encode(FLAT, tooDeep, null);
    assertThat(payload.getFieldsMap()).containsKey("c");
    assertThat(metadata(FLAT, payload)).isEqualTo(tooDeep);
  }

  @Test
  void keepsWhatGoesAlong() {
    PayloadMapping.Extras extras =
        new PayloadMapping.Extras("007", IdKind.INT64, QdrantTests.number(2.5));
    Struct.Builder out = Struct.newBuilder();
    FLAT.encode(
        TextColumn.of("{\"a\":1}"), TextColumn.of((String) null), 0, extras, out::putFields);
    Map<String, Value> payload = out.getFieldsMap();
    assertThat(FLAT.id(payload)).isEqualTo("007");
    assertThat(FLAT.kind(payload)).isEqualTo(IdKind.INT64);
    assertThat(FLAT.norms(payload).getDoubleValue()).isEqualTo(2.5);
    assertThat(metadata(FLAT, out.build())).isEqualTo("{\"a\":1}");
  }

  @Test
  void reservedKeysMeanNothingInWhatOthersMade() {
    PayloadMapping foreign = new PayloadMapping("", "", false);
    Struct payload =
        Struct.newBuilder()
            .putFields(ReservedKeys.ID, QdrantTests.text("x"))
            .putFields(ReservedKeys.METADATA_JSON, QdrantTests.text("{}"))
            .putFields("document", QdrantTests.text("text"))
            .build();
    assertThat(foreign.id(payload.getFieldsMap())).isNull();
    assertThat(foreign.document(payload.getFieldsMap())).isNull();
    assertThat(metadata(foreign, payload))
        .isEqualTo(
            "{\"_vecferry_id\":\"x\",\"_vecferry_metadata_json\":\"{}\",\"document\":\"text\"}");
  }

  @Test
  void losesNothingThatStandsBesideTheMetadata() {
    Struct payload =
        encode(NESTED, "{\"a\":1}", "text").toBuilder()
            .putFields("added", QdrantTests.text("later"))
            .build();
    assertThat(metadata(NESTED, payload)).isEqualTo("{\"added\":\"later\",\"metadata\":{\"a\":1}}");
  }

  @Test
  void refusesWhatIsNoObject() {
    for (String metadata : new String[] {"[1]", "", "{\"a\":"}) {
      assertThatThrownBy(() -> encode(FLAT, metadata, null))
          .isInstanceOfSatisfying(
              StoreException.class,
              e -> assertThat(e.failureClass()).isEqualTo(FailureClass.BAD_RECORD));
    }
  }

  private static Struct encode(PayloadMapping mapping, String metadata, String document) {
    Struct.Builder payload = Struct.newBuilder();
    mapping.encode(
        TextColumn.of(metadata),
        TextColumn.of(document),
        0,
        PayloadMapping.Extras.NONE,
        payload::putFields);
    return payload.build();
  }

  private static String metadata(PayloadMapping mapping, Struct payload) {
    try (PayloadMapping.Decoder decoder = mapping.new Decoder(1)) {
      decoder.add(payload.getFieldsMap());
      return decoder.build().get(0);
    }
  }
}
