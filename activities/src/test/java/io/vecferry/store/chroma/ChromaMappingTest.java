package io.vecferry.store.chroma;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.core.JsonParser;
import io.vecferry.record.DenseVectors;
import io.vecferry.record.IdColumn;
import io.vecferry.record.IdKind;
import io.vecferry.record.MetadataJson;
import io.vecferry.record.TextColumn;
import io.vecferry.store.JsonBytes;
import io.vecferry.store.Metric;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ChromaMappingTest {
  private static final ChromaMapping TEXT_IDS = loaded(IdKind.STRING);

  private static ChromaMapping loaded(IdKind... kinds) {
    return new ChromaMapping(true, Set.of(kinds), true);
  }

  private static String written(ChromaMapping mapping, String metadata) {
    JsonBytes body = new JsonBytes(16);
    mapping.writeMetadata(TextColumn.of(metadata), 0, IdKind.STRING, "id", false, body);
    return new String(body.bytes(), 0, body.length(), StandardCharsets.UTF_8);
  }

  private static TextColumn read(ChromaMapping mapping, String stored, String uri) {
    TextColumn.Builder target = new TextColumn.Builder(1);
    try (JsonParser parser = MetadataJson.SCANNER.createParser(stored)) {
      parser.nextToken();
      mapping.metadataReader().read(parser, uri, target);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return target.build();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{}",
        "{\"a\":1,\"b\":1.0,\"c\":\"x\",\"d\":true}",
        "{\"max\":9223372036854775807,\"min\":-9223372036854775808}",
        "{\"a\":[1,2],\"b\":[0.5,2.0],\"c\":[true],\"d\":[\"x\",\"\"]}",
        "{\" \":1,\"a.b\":2,\"hnsw:space\":3,\"é\":4,\"\uD83D\uDE80\":5}",
        "{\"chroma:uri\":\"file:///a\",\"n\":1}",
        "{\"n\":\"a\\u0000b\\u001F\\n\\\"\\\\\"}",
      })
  void keepsWhatChromaKeeps(String metadata) {
    assertThat(written(TEXT_IDS, metadata)).isEqualTo(metadata);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          {"a":null,"b":1}                         | {"b":1,
          {"a":[],"b":1}                           | {"b":1,
          {"a":[1,2.5],"b":1}                      | {"b":1,
          {"a":[1,"x"],"b":1}                      | {"b":1,
          {"a":[null],"b":1}                       | {"b":1,
          {"a":[[1]],"b":1}                        | {"b":1,
          {"a":{"c":2},"b":1}                      | {"b":1,
          {"":1,"b":1}                             | {"b":1,
          {"#a":1,"b":1}                           | {"b":1,
          {"$a":1,"b":1}                           | {"b":1,
          {"chroma:document":"x","b":1}            | {"b":1,
          {"chroma:other":"x","b":1}               | {"b":1,
          {"chroma:uri":5,"b":1}                   | {"b":1,
          {"_vecferry_norm":1.0,"b":1}             | {"b":1,
          {"far":1e400,"b":1}                      | {"b":1,
          {"a":[1e400],"b":1}                      | {"b":1,
          {"a":-0.0}                               | {"a":-0.0,
          {"a":[-0.0]}                             | {"a":[-0.0],
          {"a":-0}                                 | {"a":-0,
          {"price":1.10}                           | {"price":1.10,
          {"a":1e5}                                | {"a":1e5,
          {"a":18446744073709551615}               | {"a":18446744073709551615,
          """)
  void keepsTheRestAsText(String metadata, String searchable) {
    String stored = written(TEXT_IDS, metadata);
    assertThat(stored).startsWith(searchable).contains("\"_vecferry_metadata_json\":\"{");
    assertThat(read(TEXT_IDS, stored, null).get(0)).isEqualTo(metadata);
  }

  @Test
  void arraysAreTextWhereTheServerHasNone() {
    ChromaMapping old = new ChromaMapping(true, Set.of(IdKind.STRING), false);
    String stored = written(old, "{\"a\":[1,2],\"b\":1}");
    assertThat(stored).startsWith("{\"b\":1,\"_vecferry_metadata_json\"");
    assertThat(read(old, stored, null).get(0)).isEqualTo("{\"a\":[1,2],\"b\":1}");
  }

  @Test
  void tellsAbsentFromEmpty() {
    assertThat(written(TEXT_IDS, null)).isEqualTo("{\"_vecferry_no_metadata\":true}");
    assertThat(read(TEXT_IDS, "{\"_vecferry_no_metadata\":true}", null).isNull(0)).isTrue();
    assertThat(read(TEXT_IDS, "{}", null).get(0)).isEqualTo("{}");
    assertThat(read(TEXT_IDS, "null", null).get(0)).isEqualTo("{}");
  }

  @Test
  void keepsDoublesAsTextThatTheServerReadsWrong() {
    for (String metadata :
        List.of("{\"a\":0.12259611066165799,\"b\":\"x\"}", "{\"a\":[0.5,-0.12259611066165799]}")) {
      String stored = written(TEXT_IDS, metadata);
      assertThat(stored)
          .startsWith(metadata.substring(0, metadata.length() - 1))
          .contains("_vecferry_metadata_json");
      assertThat(read(TEXT_IDS, stored, null).get(0)).isEqualTo(metadata);
    }
    String fine = "{\"a\":0.5,\"b\":\"\\\"0.12259611066165799\",\"c\":[0.3333333333333333,1e+16]}";
    assertThat(written(TEXT_IDS, fine)).isEqualTo(fine);
  }

  @Test
  void readsMembersInTheOrderOfTheirKeys() {
    assertThat(read(TEXT_IDS, "{\"z\":1,\"a\":\"x\",\"é\":true,\"m\":null}", null).get(0))
        .isEqualTo("{\"a\":\"x\",\"m\":null,\"z\":1,\"é\":true}");
  }

  @Test
  void readsNumbersInOneSpelling() {
    String sent =
        "{\"a\":1e-7,\"b\":[1.5e-7,1e+22],\"c\":0.00001,\"d\":1.0,\"e\":10000000000000000.0}";
    assertThat(read(TEXT_IDS, sent, null).get(0))
        .isEqualTo("{\"a\":1e-07,\"b\":[1.5e-07,1e+22],\"c\":0.00001,\"d\":1.0,\"e\":1e+16}");
  }

  @Test
  void sparseVectorsStayMetadata() {
    String sparse = "{\"s\":{\"#type\":\"sparse_vector\",\"indices\":[1,5],\"values\":[0.5,2.0]}}";
    assertThat(read(TEXT_IDS, sparse, null).get(0)).isEqualTo(sparse);
    assertThat(read(TEXT_IDS, written(TEXT_IDS, sparse), null).get(0)).isEqualTo(sparse);
  }

  @Test
  void uriIsAMember() {
    assertThat(read(TEXT_IDS, "{\"z\":1,\"a\":2}", "file:///\"x\"").get(0))
        .isEqualTo("{\"a\":2,\"chroma:uri\":\"file:///\\\"x\\\"\",\"z\":1}");
    assertThat(read(TEXT_IDS, "null", "u").get(0)).isEqualTo("{\"chroma:uri\":\"u\"}");
  }

  @Test
  void nothingHasAMeaningInCollectionsOfOthers() {
    ChromaMapping foreign = new ChromaMapping(false, Set.of(), true);
    String stored = "{\"_vecferry_id\":\"x\",\"_vecferry_no_metadata\":true}";
    assertThat(read(foreign, stored, null).get(0)).isEqualTo(stored);
    assertThat(foreign.storedId(IdKind.STRING, "_vecferry_int64:1")).isEqualTo("_vecferry_int64:1");
    assertThat(foreign.id("_vecferry_int64:1")).isEqualTo("_vecferry_int64:1");
    assertThat(foreign.kind("7")).isEqualTo(IdKind.STRING);
    assertThat(foreign.storedId(IdKind.INT64, "7")).isNull();
    assertThat(foreign.storedId(IdKind.STRING, "")).isNull();
  }

  @ParameterizedTest
  @CsvSource({
    "STRING, '', _vecferry_string:",
    "STRING, x, x",
    "STRING, 007, 007",
    "STRING, 7, 7",
    "STRING, _vecferry_int64:7, _vecferry_string:_vecferry_int64:7",
    "INT64, 7, _vecferry_int64:7",
    "UUID, 4d1d1a65-5215-4078-b025-e8d1dcc21d3c, _vecferry_uuid:4d1d1a65-5215-4078-b025-e8d1dcc21d3c"
  })
  void idsOfACollectionOfTexts(IdKind kind, String id, String stored) {
    assertRoundTrip(TEXT_IDS, kind, id, stored);
  }

  @ParameterizedTest
  @CsvSource({
    "UINT64, 7, 7",
    "UINT64, 18446744073709551615, 18446744073709551615",
    "UUID, 4d1d1a65-5215-4078-b025-e8d1dcc21d3c, 4d1d1a65-5215-4078-b025-e8d1dcc21d3c",
    "STRING, x, x",
    "STRING, 007, 007",
    "STRING, 7, _vecferry_string:7",
    "STRING, 4D1D1A65-5215-4078-B025-E8D1DCC21D3C, 4D1D1A65-5215-4078-B025-E8D1DCC21D3C",
    "INT64, -7, _vecferry_int64:-7",
    "STRING, -7, -7"
  })
  void idsOfACollectionOfSeveralKinds(IdKind kind, String id, String stored) {
    assertRoundTrip(loaded(IdKind.UINT64, IdKind.UUID), kind, id, stored);
    assertRoundTrip(loaded(IdKind.UINT64, IdKind.UUID, IdKind.STRING), kind, id, stored);
  }

  private static void assertRoundTrip(
      ChromaMapping mapping, IdKind kind, String id, String stored) {
    assertThat(mapping.storedId(kind, id)).isEqualTo(stored);
    assertThat(mapping.kind(stored)).isEqualTo(kind);
    assertThat(mapping.id(stored)).isEqualTo(id);
  }

  @Test
  void escapedIdsAreInTheMetadataToo() {
    JsonBytes body = new JsonBytes(16);
    TEXT_IDS.writeMetadata(TextColumn.of("{\"a\":1}"), 0, IdKind.INT64, "7", true, body);
    String stored = new String(body.bytes(), 0, body.length(), StandardCharsets.UTF_8);
    assertThat(stored)
        .isEqualTo(
            "{\"a\":1,\"_vecferry_id\":\"7\",\"_vecferry_id_kind\":\"int64\",\"_vecferry_no_document\":true}");
    assertThat(read(TEXT_IDS, stored, null).get(0)).isEqualTo("{\"a\":1}");
  }

  @Test
  void idsOfOneKindNeedOneKind() {
    IdColumn numbers = loaded(IdKind.INT64).ids(List.of("1", "-2"));
    assertThat(numbers.kinds()).containsExactly(IdKind.INT64);
    IdColumn mixed = loaded(IdKind.INT64).ids(List.of("1", "x"));
    assertThat(mixed.kinds()).containsExactly(IdKind.INT64, IdKind.STRING);
    assertThat(TEXT_IDS.ids(List.of()).rows()).isZero();
  }

  @Test
  void namesVectorsThatCosineLoses() {
    assertThat(lost(0, 0)).isNull();
    assertThat(lost(3, 4)).isNull();
    assertThat(lost(1e-20f, 0)).isNull();
    assertThat(lost(1.8e19f, 1)).isNull();
    assertThat(lost(1e-38f, 1e-38f)).contains("1.41e-38").contains("zeros");
    assertThat(lost(Float.MIN_VALUE, 0)).contains("zeros");
    assertThat(lost(2e19f, 1)).contains("2.00e+19").contains("cannot give it back");
    assertThat(lost(Float.MAX_VALUE, 0)).contains("cannot give it back");
  }

  private static String lost(float... vector) {
    float[] second = new float[4];
    System.arraycopy(vector, 0, second, 2, 2);
    return ChromaMapping.lostByCosine(new DenseVectors("v", 2, second), 1);
  }

  @Test
  void scoresAreOnTheCommonScale() {
    assertThat(ChromaMapping.score(Metric.L2, 2.5)).isEqualTo(2.5f);
    assertThat(ChromaMapping.score(Metric.COSINE, 0.25)).isEqualTo(0.75f);
    assertThat(ChromaMapping.score(Metric.IP, -3)).isEqualTo(4);
  }
}
