package io.vecferry.store.elasticsearch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.vecferry.plan.FailureClass;
import io.vecferry.plan.Finding;
import io.vecferry.plan.RecordProfile;
import io.vecferry.record.ElementType;
import io.vecferry.record.IdKind;
import io.vecferry.record.VectorKind;
import io.vecferry.store.LoadSchema;
import io.vecferry.store.LoadStamp;
import io.vecferry.store.Metric;
import io.vecferry.store.StoreException;
import io.vecferry.store.StoreSettings;
import io.vecferry.store.VectorFieldInfo;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Rules that need no server. */
class ElasticsearchRulesTest {
  private static final LoadStamp STAMP = new LoadStamp("products", "load-1");

  private static ServerVersion version(String text) {
    return ServerVersion.parse(text).orElseThrow();
  }

  private static Settings settings(String... more) {
    String[] all =
        Stream.concat(
                Stream.of("url", "http://localhost:9200", "collection", "products"),
                Stream.of(more))
            .toArray(String[]::new);
    return Settings.of(StoreSettings.of("target", all));
  }

  private static LoadSchema schema(
      ElementType element, int dimension, Metric metric, String type, Map<String, String> params) {
    return new LoadSchema(
        List.of(
            new VectorFieldInfo(
                "", VectorKind.DENSE, element, dimension, metric, 0, type, params, false)),
        Set.of(IdKind.STRING),
        "test",
        1);
  }

  private static List<String> blocking(String version, LoadSchema schema) {
    return new LoadPlan(settings(), version(version), schema)
        .assess().stream()
            .filter(finding -> finding.severity() == Finding.Severity.BLOCKING)
            .map(Finding::toString)
            .toList();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "{\"type\":\"keyword\"}                                              | true",
        "{\"type\":\"keyword\",\"index\":false}                              | true",
        "{\"type\":\"keyword\",\"doc_values\":false}                         | true",
        "{\"type\":\"keyword\",\"index\":false,\"doc_values\":\"false\"}     | false",
        "{\"type\":\"keyword\",\"normalizer\":\"lowercase\"}                 | false",
        "{\"type\":\"keyword\",\"null_value\":\"none\"}                      | false",
        "{\"type\":\"text\"}                                                 | false",
      })
  void onlyFieldsThatFindTheTextsOfDocumentsAreFilteredBy(String field, boolean finds)
      throws IOException {
    assertThat(Search.findsTexts(new ObjectMapper().readTree(field))).isEqualTo(finds);
  }

  @Test
  void vectorsInMetadataAreSaidWhereTheyWouldChangeOrNeedMore() {
    LoadSchema plain = schema(ElementType.FLOAT32, 4, Metric.L2, "", Map.of());
    LoadSchema followed =
        new LoadSchema(
            plain.vectors(),
            plain.idKinds(),
            "Elasticsearch 9.2.0",
            1,
            RecordProfile.EMPTY,
            Map.of(
                LoadPlan.MAPPING,
                "{\"properties\":{\"words\":{\"type\":\"sparse_vector\"},\"tokens\":{\"type\":"
                    + "\"rank_vectors\"},\"text\":{\"type\":\"semantic_text\"}}}"),
            plain.vectors());
    assertThat(new LoadPlan(settings(), version("9.2.0"), followed).assess())
        .noneMatch(finding -> finding.severity() == Finding.Severity.BLOCKING)
        .anySatisfy(
            finding ->
                assertThat(finding.toString())
                    .contains("tokens, text", "target.options.autoFields"));
    assertThat(
            new LoadPlan(settings("options.exactVectors", "false"), version("9.2.0"), followed)
                .assess())
        .anySatisfy(
            finding -> {
              assertThat(finding.severity()).isEqualTo(Finding.Severity.BLOCKING);
              assertThat(finding.toString()).contains("words, tokens, text", "exactVectors");
            });
    String[] without = {"options.exactVectors", "false", "options.autoFields", "false"};
    assertThat(new LoadPlan(settings(without), version("9.2.0"), followed).assess())
        .noneMatch(finding -> finding.severity() == Finding.Severity.BLOCKING)
        .noneMatch(finding -> finding.toString().contains("tokens"));
  }

  @ParameterizedTest
  @CsvSource({
    "8.19.0, FLOAT32, 5000, L2, '', at most 4096",
    "8.10.0, FLOAT32, 4000, L2, '', at most 2048",
    "8.19.0, BIT, 20, HAMMING, '', multiples of 8",
    "8.19.0, FLOAT32, 20, L1, '', cannot compare by l1",
    "8.5.0, FLOAT32, 20, IP, '', from 8.11",
    "8.19.0, FLOAT32, 20, L2, IVF_FLAT, It has no IVF",
    "8.19.0, FLOAT32, 20, L2, hnws, Did you mean 'HNSW'",
    "8.19.0, FLOAT32, 20, L2, bbq_hnsw, 64 components or more",
    "8.19.0, FLOAT32, 128, L2, bbq_disk, from Elasticsearch 9.2",
    "8.19.0, INT8, 128, L2, int8_hnsw, bytes or bits"
  })
  void whatCannotBeHeldIsSaid(
      String version, ElementType element, int dimension, Metric metric, String type, String part) {
    assertThat(blocking(version, schema(element, dimension, metric, type, Map.of())))
        .singleElement()
        .asString()
        .contains(part);
  }

  @ParameterizedTest
  @ValueSource(strings = {"HNSW", "hnsw_sq", "int4_hnsw", "bbq_flat", "BBQ_DISK", "FLAT", ""})
  void indexTypes(String type) {
    assertThat(
            blocking(
                "9.2.0", schema(ElementType.FLOAT32, 128, Metric.COSINE, type, Map.of("m", "32"))))
        .isEmpty();
  }

  @Test
  void parametersAreChecked() {
    assertThat(
            blocking(
                "8.19.0",
                schema(
                    ElementType.FLOAT32, 3, Metric.L2, "HNSW", Map.of("M", "1", "nlist", "1024"))))
        .hasSize(2)
        .anySatisfy(text -> assertThat(text).contains("from 2 to 512, got 1"))
        .anySatisfy(text -> assertThat(text).contains("nlist", "no parameter"));
  }

  @Test
  void aGraphOfTheSourceIsFollowed() {
    VectorFieldInfo source =
        new VectorFieldInfo(
            "v", 3, Metric.L2, 0, "HNSW32", Map.of("M", "1000", "efConstruction", "77"));
    LoadSchema schema =
        new LoadSchema(
            List.of(new VectorFieldInfo("v", 3, Metric.L2, 0, "", Map.of())),
            Set.of(IdKind.INT64),
            "test",
            1,
            RecordProfile.EMPTY,
            Map.of(),
            List.of(source));
    ObjectNode body = new LoadPlan(settings(), version("9.2.0"), schema).create("load", STAMP);
    JsonNode vector = body.at("/mappings/properties/v");
    assertThat(vector.at("/index_options/type").asText()).isEqualTo("hnsw");
    assertThat(vector.at("/index_options/m").asInt()).isEqualTo(512);
    assertThat(vector.at("/index_options/ef_construction").asInt()).isEqualTo(77);
    assertThat(body.at("/settings/index/mapping.exclude_source_vectors").asBoolean(true)).isFalse();
    assertThat(body.at("/settings/index/refresh_interval").asText()).isEqualTo("-1");
    assertThat(body.at("/mappings/dynamic").asBoolean(true)).isFalse();
    assertThat(
            new LoadPlan(settings(), version("8.19.0"), schema)
                .create("load", STAMP)
                .path("settings")
                .toString())
        .doesNotContain("exclude_source_vectors");
  }

  @ParameterizedTest
  @CsvSource({
    "plain, true", "a.b, true", "$set, true", "_own, true", "'', false", "' ', false",
    ".a, false", "a..b, false", "., false", "a. .b, false", "_id, false", "_source, false"
  })
  void keysOfDocuments(String key, boolean taken) {
    assertThat(DocumentMapping.isTaken(key)).isEqualTo(taken);
  }

  @Test
  void idsAreWrittenSoThatTheyComeBack() {
    IdMapping mixed = new IdMapping(true, Set.of(IdKind.INT64, IdKind.STRING));
    assertThat(mixed.stored(IdKind.INT64, "7")).isEqualTo("7");
    assertThat(mixed.stored(IdKind.STRING, "7")).isEqualTo("_vecferry_string:7");
    assertThat(mixed.id("_vecferry_string:7")).isEqualTo("7");
    assertThat(mixed.kind("_vecferry_string:7")).isEqualTo(IdKind.STRING);
    assertThat(mixed.kind("7")).isEqualTo(IdKind.INT64);
    assertThat(mixed.kind("007")).isEqualTo(IdKind.STRING);
    assertThat(mixed.stored(IdKind.STRING, "")).isEqualTo("_vecferry_string:");
    assertThat(mixed.stored(IdKind.STRING, "é".repeat(256))).isEqualTo("é".repeat(256));
    String hashed = mixed.stored(IdKind.STRING, "é".repeat(257));
    assertThat(IdMapping.isHashed(hashed)).isTrue();
    assertThat(hashed.length()).isLessThan(IdMapping.LONGEST);
    IdMapping foreign = new IdMapping(false, Set.of());
    assertThat(foreign.id("_vecferry_string:7")).isEqualTo("_vecferry_string:7");
    assertThat(foreign.stored(IdKind.INT64, "7")).isNull();
    assertThat(foreign.stored(IdKind.STRING, "x".repeat(513))).isNull();
  }

  @ParameterizedTest
  @CsvSource({
    "l2_norm, FLOAT32, 0.2, 4",
    "cosine, FLOAT32, 0.75, 0.5",
    "dot_product, FLOAT32, 0.75, 0.5",
    "dot_product, INT8, 0.5009765625, 128",
    "max_inner_product, FLOAT32, 3.5, 2.5",
    "max_inner_product, FLOAT32, 0.25, -3",
    "l2_norm, BIT, 0.75, 1"
  })
  void scores(String similarity, ElementType element, double score, double expected) {
    VectorField field = new VectorField("v", element, 4, similarity, "", Map.of());
    assertThat(field.score(score)).isCloseTo((float) expected, within(1e-4f));
  }

  /** Reads a text that stands inside of another one. */
  private static boolean isVector(
      String text, ElementType element, int dimension, float[] target, int from) {
    byte[] json = ('"' + text + '"').getBytes(StandardCharsets.UTF_8);
    return new VectorText().read(json, 1, json.length - 1, element, dimension, target, from);
  }

  @Test
  void vectorsAsText() {
    float[] target = new float[4];
    byte[] floats = ByteBuffer.allocate(12).putFloat(1).putFloat(-0.0f).putFloat(1e-42f).array();
    String base64 = Base64.getEncoder().encodeToString(floats);
    assertThat(isVector(base64, ElementType.FLOAT32, 3, target, 1)).isTrue();
    assertThat(target).containsExactly(0, 1, -0.0f, 1e-42f);
    assertThat(isVector("01fe", ElementType.INT8, 2, target, 0)).isTrue();
    assertThat(target[1]).isEqualTo(-2);
    assertThat(isVector("Af4=", ElementType.INT8, 2, target, 0)).isTrue();
    assertThat(target[1]).isEqualTo(-2);
    assertThat(isVector("P4C/gA==", ElementType.BFLOAT16, 2, target, 0)).isTrue();
    assertThat(target).startsWith(1, -1);
    assertThat(isVector("no", ElementType.FLOAT32, 3, target, 0)).isFalse();
    assertThat(isVector("z!", ElementType.INT8, 1, target, 0)).isFalse();
    assertThat(VectorText.hexadecimal(new float[] {9, 1, 0, 0, 0, 0, 0, 0, 1}, 1, 8))
        .isEqualTo("81");
  }

  @Test
  void positionsAreInTheOrderOfReading() {
    Position position = Position.parse("products-000001/3/17/5");
    assertThat(position.spelled()).isEqualTo("products-000001/3/17/5");
    assertThat(Position.parse("a/0/9").spelled()).isEqualTo("a/0/9");
    assertThat(Position.of("a", 0, 9)).isLessThan(Position.of("a", 1, 0));
    assertThat(Position.of("a", 9, 9)).isLessThan(Position.of("b", 0, 0));
    assertThatThrownBy(() -> Position.parse("17")).isInstanceOf(StoreException.class);
  }

  @Test
  void names() {
    assertThat(IndexNames.isLegal("products-1.é")).isTrue();
    for (String name : List.of("", "A", "a b", "_a", "-a", ".a", "a/b", "a*", "é".repeat(128))) {
      assertThat(IndexNames.isLegal(name)).as(name).isFalse();
    }
    String load = IndexNames.ofLoad("é".repeat(120), "A Migration/With " + "x".repeat(90));
    assertThat(IndexNames.isLegal(IndexNames.writeAlias(load))).as(load).isTrue();
    assertThat(IndexNames.ofLoad("a", "b c")).isNotEqualTo(IndexNames.ofLoad("a", "b-c"));
  }

  @ParameterizedTest
  @CsvSource({
    "400, mapper_parsing_exception, x, BAD_RECORD",
    "404, index_not_found_exception, x, MISSING",
    "400, resource_already_exists_exception, x, TARGET_CHANGED",
    "401, security_exception, x, PERMISSION",
    "413, '', x, TOO_LARGE",
    "429, circuit_breaking_exception, x, RATE_LIMITED",
    "503, cluster_block_exception, state not recovered, TRANSIENT",
    "403, cluster_block_exception, index read-only / allow delete (api), RESOURCE_EXHAUSTED",
    "403, cluster_block_exception, index write (api), PERMISSION",
    "502, '', bad gateway, TRANSIENT"
  })
  void failures(int status, String types, String reason, FailureClass expected) {
    assertThat(Failures.of(status, types, reason, FailureClass.BAD_RECORD)).isEqualTo(expected);
  }
}
