package io.vecferry.store.milvus;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.milvus.grpc.CollectionSchema;
import io.milvus.grpc.ConsistencyLevel;
import io.milvus.grpc.DataType;
import io.milvus.grpc.ErrorCode;
import io.milvus.grpc.FieldSchema;
import io.milvus.grpc.FunctionSchema;
import io.milvus.grpc.FunctionType;
import io.milvus.grpc.KeyValuePair;
import io.milvus.grpc.Status;
import io.milvus.grpc.ValueField;
import io.vecferry.plan.FailureClass;
import io.vecferry.plan.Finding;
import io.vecferry.plan.RecordProfile;
import io.vecferry.record.ElementType;
import io.vecferry.record.IdKind;
import io.vecferry.record.VectorKind;
import io.vecferry.store.LoadSchema;
import io.vecferry.store.Metric;
import io.vecferry.store.StoreException;
import io.vecferry.store.StoreSettings;
import io.vecferry.store.VectorFieldInfo;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** What is decided without a server. */
class MilvusRulesTest {
  private static final ServerVersion OLD = ServerVersion.parse("v2.3.5-lite");
  private static final ServerVersion NEW = ServerVersion.parse("2.6.4");
  private static final ServerVersion LITE = ServerVersion.parse("milvus_lite-3.2.2");

  private static MilvusOptions options(String json) {
    try {
      ObjectNode values = (ObjectNode) new ObjectMapper().readTree(json);
      values.put("url", "http://localhost:19530");
      if (!values.has("collection")) {
        values.put("collection", "products");
      }
      return MilvusOptions.read(new StoreSettings("target", values));
    } catch (com.fasterxml.jackson.core.JsonProcessingException e) {
      throw new IllegalArgumentException(e);
    }
  }

  private static VectorFieldInfo field(String name, Metric metric, String index, String... params) {
    java.util.TreeMap<String, String> map = new java.util.TreeMap<>();
    for (int i = 0; i < params.length; i += 2) {
      map.put(params[i], params[i + 1]);
    }
    return new VectorFieldInfo(name, 768, metric, 0, index, map);
  }

  private static LoadSchema load(VectorFieldInfo... fields) {
    return new LoadSchema(List.of(fields), Set.of(IdKind.STRING), "test", 200_000);
  }

  private static LoadSchema load(RecordProfile profile, Set<IdKind> kinds) {
    return new LoadSchema(
        List.of(field("", Metric.COSINE, "")), kinds, "test", 1000, profile, Map.of(), List.of());
  }

  private static RecordProfile profile(RecordProfile.Key... keys) {
    return new RecordProfile(100, false, 20, 200, 300, 1, 1, List.of(keys));
  }

  private static RecordProfile.Key key(String name, long rows, String... types) {
    return new RecordProfile.Key(name, rows, List.of(types), 10);
  }

  private static List<String> blocking(Blueprint blueprint) {
    return blueprint.findings().stream()
        .filter(finding -> finding.severity() == Finding.Severity.BLOCKING)
        .map(Finding::toString)
        .toList();
  }

  private static FieldSchema fieldOf(Blueprint blueprint, String name) {
    return blueprint.schema().getFieldsList().stream()
        .filter(one -> one.getName().equals(name))
        .findFirst()
        .orElseThrow();
  }

  private static String parameter(FieldSchema field, String key) {
    return NativeSchema.pairs(field.getTypeParamsList()).get(key);
  }

  @Test
  void versionsAreToldApart() {
    assertThat(OLD.product()).isEqualTo("Milvus 2.3.5");
    assertThat(OLD.lite()).isFalse();
    assertThat(LITE.product()).isEqualTo("Milvus Lite 3.2.2");
    assertThat(LITE.lite()).isTrue();
    assertThat(ServerVersion.parse("v2.5.4-gpu").hasTemplates()).isTrue();
    assertThat(ServerVersion.parse("Zilliz Cloud (Compatible with Milvus 2.5)").minor())
        .isEqualTo(5);
    assertThat(ServerVersion.parse("").product()).isEqualTo("Milvus of unknown version");
    assertThat(ServerVersion.parse("3.0.1").known()).isFalse();
    assertThat(OLD.hasVectors(DataType.BFloat16Vector)).isFalse();
    assertThat(OLD.hasVectors(DataType.Float16Vector)).isFalse();
    assertThat(OLD.upsertFollowsPartitionKey()).isFalse();
    assertThat(ServerVersion.parse("2.3.10").upsertFollowsPartitionKey()).isTrue();
    assertThat(NEW.upsertFollowsPartitionKey()).isTrue();
    assertThat(OLD.hasVectors(DataType.SparseFloatVector)).isFalse();
    assertThat(NEW.hasVectors(DataType.Int8Vector)).isTrue();
    assertThat(LITE.hasVectors(DataType.SparseFloatVector)).isTrue();
    assertThat(LITE.hasVectors(DataType.BinaryVector)).isFalse();
  }

  @Test
  void filtersSurviveWhateverAKeyHolds() {
    Filter texts = new Filter("id", true, false);
    assertThat(texts.range(null, null)).isEmpty();
    assertThat(texts.range("", null)).isEqualTo("id > \"\"");
    assertThat(texts.range("a\"b", "c\\d")).isEqualTo("id > \"a\\\"b\" and id <= \"c\\\\d\"");
    assertThat(texts.in(List.of("a\n\r\t", "\0\u007f", "é'{x}")))
        .isEqualTo("id in [\"a\\n\\r\\t\",\"\\u0000\\u007f\",\"é'{x}\"]");
    assertThat(new Filter("id", true, true).in(List.of("\0\n"))).isEqualTo("id in [\"\0\\n\"]");
    Filter numbers = new Filter("id", false, false);
    assertThat(numbers.range("-5", "7")).isEqualTo("id > -5 and id <= 7");
    assertThat(numbers.range("-9223372036854775808", null)).isEqualTo("id >= -9223372036854775807");
    assertThat(numbers.range(null, "-9223372036854775808")).isEqualTo("id < -9223372036854775807");
    assertThat(numbers.in(List.of("1", "-9223372036854775808", "2")))
        .isEqualTo("id in [1,2] or id < -9223372036854775807");
    assertThat(numbers.in(List.of("-9223372036854775808"))).isEqualTo("id < -9223372036854775807");
  }

  @Test
  void loadsHaveLegalNamesOfTheirOwn() {
    String load = Names.load("products", "my migration-1");
    assertThat(load).matches("products_loading_my_migration_1_[0-9a-f]{8}");
    assertThat(Names.load("products", "my migration_1")).isNotEqualTo(load);
    String longest = Names.load("c".repeat(255), "m".repeat(100));
    assertThat(longest).hasSizeLessThanOrEqualTo(255).matches("[A-Za-z_][A-Za-z0-9_]*");
    assertThat(Names.load("c".repeat(254) + "d", "m".repeat(100))).isNotEqualTo(longest);
    assertThat(Names.isLegal("_a1")).isTrue();
    assertThat(Names.isLegal("1a")).isFalse();
    assertThat(Names.isLegal("a-b")).isFalse();
    assertThat(Names.isLegal("")).isFalse();
    assertThat(Names.isLegal("é")).isFalse();
    assertThat(Names.legal("1 a-b")).isEqualTo("_1_a_b");
  }

  @Test
  void optionsAreCheckedWhereTheySayMoreThanTheirType() {
    assertThat(options("{}").port()).isEqualTo(19530);
    assertThat(
            MilvusOptions.read(
                    StoreSettings.of("source", "url", "https://x.example", "collection", "c"))
                .port())
        .isEqualTo(443);
    refused(
        "{\"options\":{\"fields\":{\"price\":\"DECIMAL\"}}}",
        "target.options.fields.price must be one of BOOL,");
    refused("{\"options\":{\"fields\":{\"t\":\"VARCHAR(70000)\"}}}", "target.options.fields.t");
    refused(
        "{\"options\":{\"requestsInFlight\":0}}",
        "target.options.requestsInFlight must be from 1 to 32, got 0.");
    refused(
        "{\"options\":{\"requestsInFlight\":-1}}",
        "target.options.requestsInFlight must be from 1 to 32, got -1.");
    refused(
        "{\"auth\":{\"token\":\"env:PATH\",\"username\":\"env:PATH\",\"password\":\"env:PATH\"}}",
        "target.auth has a token and a user with password. Give one of them.");
    refused(
        "{\"auth\":{\"username\":\"env:PATH\"}}",
        "target.auth has a username or a password but not both. Give both.");
    assertThat(options("{\"auth\":{\"token\":\"env:PATH\"}}").token())
        .isEqualTo(System.getenv("PATH"));
    assertThatThrownBy(
            () ->
                MilvusOptions.read(
                    StoreSettings.of("source", "url", "http://x:1/db", "collection", "c")))
        .hasMessage("source.url has a path, /db. Name a database with source.database.");
  }

  private static void refused(String json, String message) {
    assertThatThrownBy(() -> options(json))
        .isInstanceOfSatisfying(
            StoreException.class,
            e -> assertThat(e.failureClass()).isEqualTo(FailureClass.INCOMPATIBLE))
        .hasMessageStartingWith(message);
  }

  @Test
  void theFragmentsOfTheGuideBecomeIndexes() {
    Blueprint ivf = Blueprint.of(options("{}"), OLD, load(field("", Metric.IP, "IVF_FLAT")));
    assertThat(blocking(ivf)).isEmpty();
    assertThat(ivf.indexes().get("vector"))
        .containsEntry("index_type", "IVF_FLAT")
        .containsEntry("metric_type", "IP")
        .containsEntry("params", "{\"nlist\":\"1789\"}");
    Blueprint sq8 =
        Blueprint.of(
            options("{}"),
            OLD,
            load(field("", Metric.L2, "ivf_sq8", "nlist", "1024", "nprobe", "16")));
    assertThat(blocking(sq8)).isEmpty();
    assertThat(sq8.indexes().get("vector"))
        .containsEntry("index_type", "IVF_SQ8")
        .containsEntry("params", "{\"nlist\":\"1024\"}");
    assertThat(
            IndexRules.search(
                "IVF_SQ8", Map.of("nlist", "1024"), Map.of("nlist", "1024", "nprobe", "16"), 10, 0))
        .containsExactly(Map.entry("nprobe", "16"));
    assertThat(IndexRules.search("IVF_SQ8", Map.of("nlist", "1024"), Map.of(), 10, 0))
        .containsExactly(Map.entry("nprobe", "64"));
    assertThat(IndexRules.search("HNSW", Map.of(), Map.of("ef", "5"), 10, 0))
        .containsExactly(Map.entry("ef", "10"));
    assertThat(IndexRules.search("AUTOINDEX", Map.of(), Map.of("ef", "5"), 10, 0)).isEmpty();
  }

  @Test
  void everyIndexHasItsParameters() {
    for (String type :
        List.of("FLAT", "IVF_FLAT", "IVF_SQ8", "IVF_PQ", "HNSW", "AUTOINDEX", "SCANN", "DISKANN")) {
      assertThat(blocking(Blueprint.of(options("{}"), OLD, load(field("", Metric.L2, type)))))
          .as(type)
          .isEmpty();
    }
    Blueprint pq = Blueprint.of(options("{}"), OLD, load(field("", Metric.L2, "IVF_PQ")));
    assertThat(pq.indexes().get("vector").get("params"))
        .isEqualTo("{\"m\":\"192\",\"nlist\":\"1789\"}");
    Blueprint hnsw =
        Blueprint.of(
            options("{}"), OLD, load(field("", Metric.L2, "HNSW", "m", "32", "nlist", "9")));
    assertThat(blocking(hnsw))
        .containsExactly(
            "target.index.params.nlist: is no parameter of HNSW in Milvus. Known: M,"
                + " efConstruction, ef.");
    assertThat(hnsw.indexes().get("vector").get("params"))
        .isEqualTo("{\"M\":\"32\",\"efConstruction\":\"200\"}");
  }

  @Test
  void wrongIndexesAreRefusedBeforeAnythingIsWritten() {
    assertThat(problem(field("", Metric.L2, "IVF_FLATT")))
        .startsWith(
            "target.index.type: Milvus 2.3.5 has no index IVF_FLATT for FloatVector. Did you mean"
                + " 'IVF_FLAT'? Use one of AUTOINDEX, FLAT,");
    assertThat(problem(field("", Metric.L2, "HNSW_SQ"))).contains("Milvus 2.3.5 has no index");
    assertThat(problem(field("", Metric.L2, "IVF_FLAT", "nlist", "0")))
        .isEqualTo(
            "target.index.params.nlist: must be a whole number from 1 to 65536, got 0. Correct it or"
                + " leave it out.");
    assertThat(problem(field("", Metric.L2, "IVF_FLAT", "nlist", "many")))
        .isEqualTo(
            "target.index.params.nlist: must be a whole number from 1 to 65536, got many. Correct it"
                + " or leave it out.");
    assertThat(problem(field("", Metric.L2, "IVF_PQ", "m", "7")))
        .isEqualTo("target.index.params.m: must divide the dimension, 768, got 7.");
    assertThat(problem(field("", Metric.L1, "")))
        .isEqualTo(
            "target.metric: the vectors compare by l1, Milvus compares FloatVector by l2, ip,"
                + " cosine. Migrate to a store that has it.");
    assertThat(
            problem(
                new VectorFieldInfo(
                    "bits",
                    VectorKind.DENSE,
                    ElementType.BIT,
                    12,
                    Metric.HAMMING,
                    0,
                    "",
                    Map.of())))
        .isEqualTo(
            "target: vector field 'bits' have 12 components, Milvus 2.3.5 takes 8 to 262144, in"
                + " multiples of 8.");
    assertThat(
            problem(
                new VectorFieldInfo(
                    "s", VectorKind.SPARSE, ElementType.FLOAT32, 0, Metric.IP, 0, "", Map.of())))
        .isEqualTo(
            "target: vector field 's' are sparse; Milvus 2.3.5 has no sparse vectors. Milvus has"
                + " them from 2.4 on.");
    assertThat(
            problem(
                new VectorFieldInfo(
                    "m", VectorKind.MULTI, ElementType.FLOAT32, 4, Metric.IP, 0, "", Map.of())))
        .contains("several per record");
    assertThat(
            blocking(
                Blueprint.of(
                    options("{}"),
                    OLD,
                    load(field("a", Metric.L2, ""), field("b", Metric.L2, "")))))
        .containsExactly(
            "target: the records have 2 vector fields, Milvus 2.3.5 takes 1 in a collection. Milvus"
                + " takes several from 2.4 on, as set on the server.");
    assertThat(
            blocking(
                Blueprint.of(
                    options("{\"collection\":\"a-b\"}"), OLD, load(field("", Metric.L2, "")))))
        .containsExactly(
            "target.collection: 'a-b' is no name for a Milvus collection: a letter or _, then"
                + " letters, digits and _, at most 255. Use a_b.");
  }

  private static String problem(VectorFieldInfo field) {
    List<String> problems = blocking(Blueprint.of(options("{}"), OLD, load(field)));
    assertThat(problems).hasSize(1);
    return problems.get(0);
  }

  @Test
  void indexesFollowTheSource() {
    assertThat(nearest("hnsw", "max_neighbors", "24", "ef_construction", "128"))
        .isEqualTo("HNSW {M=24, efConstruction=128}");
    assertThat(nearest("IVF1024,Flat")).isEqualTo("IVF_FLAT {nlist=1024}");
    assertThat(nearest("IVF_SQ8", "nlist", "64")).isEqualTo("IVF_FLAT {nlist=64}");
    assertThat(nearest("Flat")).isEqualTo("FLAT {}");
    assertThat(nearest("IDMap2,Flat")).isEqualTo("FLAT {}");
    assertThat(nearest("int8_hnsw", "m", "4096")).isEqualTo("HNSW {M=2048, efConstruction=200}");
    assertThat(nearest("")).isEqualTo("HNSW {M=16, efConstruction=200}");
    Blueprint followed =
        Blueprint.of(
            options("{}"),
            OLD,
            new LoadSchema(
                List.of(field("", Metric.COSINE, "")),
                Set.of(IdKind.STRING),
                "Chroma",
                1000,
                RecordProfile.EMPTY,
                Map.of(),
                List.of(field("", Metric.COSINE, "hnsw", "max_neighbors", "8"))));
    assertThat(followed.indexes().get("vector").get("params"))
        .isEqualTo("{\"M\":\"8\",\"efConstruction\":\"200\"}");
  }

  private static String nearest(String type, String... params) {
    IndexRules.Choice choice =
        IndexRules.nearest(
            field("", Metric.L2, type, params), Metric.L2, DataType.FloatVector, 200_000, OLD);
    return choice.type() + " " + new java.util.TreeMap<>(choice.build());
  }

  @Test
  void fieldsAreNamedSoThatMetadataKeepsItsKeys() {
    Blueprint plain = Blueprint.of(options("{}"), OLD, load(field("", Metric.L2, "")));
    assertThat(plain.schema().getFieldsList())
        .extracting(FieldSchema::getName)
        .containsExactly("id", "vector", "document");
    assertThat(plain.vectorNames()).containsExactly(Map.entry("vector", ""));
    assertThat(parameter(fieldOf(plain, "id"), "max_length")).isEqualTo("1024");
    assertThat(fieldOf(plain, "document").getNullable()).isFalse();
    Blueprint taken =
        Blueprint.of(
            options("{}"),
            NEW,
            load(
                profile(
                    key("id", 100, "integer"),
                    key("document", 1, "text"),
                    key("vector", 1, "text")),
                Set.of(IdKind.INT64)));
    assertThat(taken.schema().getFieldsList())
        .extracting(FieldSchema::getName)
        .containsExactly("pk", "embedding", "text");
    assertThat(fieldOf(taken, "pk").getDataType()).isEqualTo(DataType.Int64);
    assertThat(fieldOf(taken, "text").getNullable()).isTrue();
    Blueprint asked =
        Blueprint.of(
            options("{\"options\":{\"idField\":\"id\"}}"),
            NEW,
            load(profile(key("id", 100, "integer")), Set.of(IdKind.INT64)));
    assertThat(asked.findings())
        .extracting(Finding::toString)
        .containsExactly(
            "target: metadata keys id have the names of fields; such metadata is kept as one text"
                + " beside the others, and these keys cannot be searched. Name the fields otherwise"
                + " with options.idField, options.vectorField and options.documentField.");
    Blueprint odd =
        Blueprint.of(
            options("{}"),
            NEW,
            load(field("image-512", Metric.L2, ""), field("image.512", Metric.L2, "")));
    assertThat(odd.vectorNames())
        .containsExactly(
            Map.entry("image_512", "image-512"), Map.entry("image_512_2", "image.512"));
  }

  @Test
  void documentsNeedAFieldOnlyWhereThereMayBeOne() {
    RecordProfile none = new RecordProfile(10, true, 5, -1, 10, 1, 1, List.of());
    assertThat(Blueprint.of(options("{}"), OLD, load(none, Set.of(IdKind.STRING))).document())
        .isNull();
    RecordProfile unknown = new RecordProfile(10, false, 5, -1, 10, 1, 1, List.of());
    assertThat(Blueprint.of(options("{}"), OLD, load(unknown, Set.of(IdKind.STRING))).document())
        .isEqualTo("document");
    assertThat(
            blocking(
                Blueprint.of(
                    options("{\"options\":{\"documentField\":\"none\"}}"),
                    OLD,
                    load(profile(), Set.of(IdKind.STRING)))))
        .containsExactly(
            "target.options.documentField: is none, and records have documents. Name a field, or"
                + " leave the key out.");
    RecordProfile huge = new RecordProfile(10, false, 70_000, 70_001, 70_002, 1, 1, List.of());
    assertThat(Blueprint.of(options("{}"), OLD, load(huge, Set.of(IdKind.STRING))).findings())
        .extracting(finding -> finding.severity() + " " + finding.message())
        .containsExactly(
            "WARNING ids have up to 70000 bytes, a text of Milvus holds 65535; such records are"
                + " refused one by one.",
            "WARNING documents have up to 70001 bytes, a text of Milvus holds 65535; such records"
                + " are refused one by one.",
            "WARNING metadata has up to 70002 bytes, the dynamic field of Milvus holds 65536 per"
                + " record; records that do not fit are refused one by one.");
  }

  @Test
  void metadataKeysGetFieldsOfTheirOwnWhenAsked() {
    RecordProfile profile =
        profile(
            key("category", 100, "text"),
            key("year", 100, "integer"),
            key("rating", 100, "number"),
            key("rare", 3, "text"),
            key("mixed", 100, "text", "integer"),
            key("a.b", 100, "text"));
    Blueprint auto =
        Blueprint.of(
            options("{\"options\":{\"autoFields\":true}}"),
            OLD,
            load(profile, Set.of(IdKind.STRING)));
    assertThat(auto.schema().getFieldsList())
        .extracting(FieldSchema::getName)
        .containsExactly("id", "vector", "document", "category", "year", "rating");
    Blueprint asked =
        Blueprint.of(
            options(
                "{\"partitionKey\":\"category\",\"options\":{\"fields\":{\"category\":"
                    + "\"varchar(64)\",\"year\":\"INT32\",\"x\":\"JSON\"}}}"),
            NEW,
            load(profile, Set.of(IdKind.STRING)));
    assertThat(blocking(asked)).isEmpty();
    assertThat(fieldOf(asked, "category").getIsPartitionKey()).isTrue();
    assertThat(fieldOf(asked, "category").getNullable()).isFalse();
    assertThat(parameter(fieldOf(asked, "category"), "max_length")).isEqualTo("64");
    assertThat(fieldOf(asked, "year").getNullable()).isTrue();
    assertThat(fieldOf(asked, "x").getDataType()).isEqualTo(DataType.JSON);
    Blueprint bad =
        Blueprint.of(
            options("{\"options\":{\"fields\":{\"a.b\":\"VARCHAR\",\"id\":\"INT64\"}}}"),
            OLD,
            load(field("", Metric.L2, "")));
    assertThat(blocking(bad))
        .containsExactly(
            "target.options.fields.a.b: 'a.b' is no name for a field of Milvus: a letter or _, then"
                + " letters, digits and _. Use a_b.",
            "target.options.fields.id: two fields would have the name 'id'. Give one another.");
  }

  @Test
  void partitionKeysAreFieldsThatEveryRecordShouldHave() {
    Blueprint some =
        Blueprint.of(
            options("{\"partitionKey\":\"category\"}"),
            OLD,
            load(profile(key("category", 60, "text")), Set.of(IdKind.STRING)));
    assertThat(some.findings())
        .extracting(Finding::message)
        .containsExactly(
            "only 60 of the 100 records that were looked at have the key 'category'; the others come"
                + " to the partition of the empty text.");
    Blueprint number =
        Blueprint.of(
            options("{\"partition_key\":\"x\",\"partitionKey\":\"year\"}"),
            OLD,
            load(profile(key("year", 100, "integer")), Set.of(IdKind.STRING)));
    assertThat(fieldOf(number, "year").getDataType()).isEqualTo(DataType.Int64);
    Blueprint wrong =
        Blueprint.of(
            options("{\"partitionKey\":\"price\",\"options\":{\"fields\":{\"price\":\"DOUBLE\"}}}"),
            OLD,
            load(profile(key("price", 100, "number")), Set.of(IdKind.STRING)));
    assertThat(blocking(wrong))
        .containsExactly(
            "target.partitionKey: 'price' cannot be one: a partition key is a VARCHAR or INT64 field"
                + " of its own. Choose another metadata key.");
    assertThat(
            blocking(
                Blueprint.of(
                    options("{\"partitionKey\":\"id\",\"options\":{\"idField\":\"id\"}}"),
                    OLD,
                    load(profile(), Set.of(IdKind.STRING)))))
        .hasSize(1);
  }

  @Test
  void vectorsThatTheServerLacksAreWidened() {
    VectorFieldInfo brain =
        new VectorFieldInfo(
            "v", VectorKind.DENSE, ElementType.BFLOAT16, 4, Metric.L2, 0, "", Map.of(), false);
    Blueprint old = Blueprint.of(options("{}"), OLD, load(brain));
    assertThat(fieldOf(old, "v").getDataType()).isEqualTo(DataType.FloatVector);
    assertThat(old.findings())
        .extracting(Finding::message)
        .containsExactly(
            "vector field 'v' are kept as BFLOAT16 in the source; Milvus 2.3.5 gets the same numbers"
                + " as 32-bit floats.");
    assertThat(fieldOf(Blueprint.of(options("{}"), NEW, load(brain)), "v").getDataType())
        .isEqualTo(DataType.BFloat16Vector);
  }

  private static NativeSchema everything() {
    CollectionSchema schema =
        CollectionSchema.newBuilder()
            .setDescription("all of it")
            .setEnableDynamicField(false)
            .addFields(
                FieldSchema.newBuilder()
                    .setName("key")
                    .setDataType(DataType.VarChar)
                    .setIsPrimaryKey(true)
                    .setAutoID(true)
                    .addTypeParams(pair("max_length", "99")))
            .addFields(
                FieldSchema.newBuilder()
                    .setName("dense")
                    .setDataType(DataType.FloatVector)
                    .addTypeParams(pair("dim", "768")))
            .addFields(
                FieldSchema.newBuilder()
                    .setName("text")
                    .setDataType(DataType.VarChar)
                    .addTypeParams(pair("max_length", "500"))
                    .addTypeParams(pair("enable_analyzer", "true")))
            .addFields(
                FieldSchema.newBuilder()
                    .setName("sparse")
                    .setDataType(DataType.SparseFloatVector)
                    .setIsFunctionOutput(true))
            .addFields(
                FieldSchema.newBuilder()
                    .setName("tags")
                    .setDataType(DataType.Array)
                    .setElementType(DataType.VarChar)
                    .addTypeParams(pair("max_length", "10"))
                    .addTypeParams(pair("max_capacity", "5"))
                    .setNullable(true))
            .addFields(
                FieldSchema.newBuilder()
                    .setName("tenant")
                    .setDataType(DataType.Int64)
                    .setIsPartitionKey(true)
                    .setDescription("who"))
            .addFields(
                FieldSchema.newBuilder()
                    .setName("score")
                    .setDataType(DataType.Float)
                    .setDefaultValue(ValueField.newBuilder().setFloatData(0.1f)))
            .addFields(FieldSchema.newBuilder().setName("at").setDataType(DataType.Timestamptz))
            .addFunctions(
                FunctionSchema.newBuilder()
                    .setName("bm25")
                    .setType(FunctionType.BM25)
                    .addInputFieldNames("text")
                    .addOutputFieldNames("sparse")
                    .addParams(pair("k1", "1.2")))
            .build();
    return new NativeSchema(
        schema,
        2,
        32,
        ConsistencyLevel.Session,
        Map.of("mmap.enabled", "true"),
        Map.of(
            "dense",
            Map.of("index_type", "HNSW", "metric_type", "COSINE", "params", "{\"M\":48}"),
            "sparse",
            Map.of("index_type", "SPARSE_INVERTED_INDEX", "metric_type", "BM25"),
            "tenant",
            Map.of("index_type", "INVERTED")),
        Map.of("dense", ""),
        "text");
  }

  private static KeyValuePair pair(String key, String value) {
    return KeyValuePair.newBuilder().setKey(key).setValue(value).build();
  }

  @Test
  void aCollectionIsDescribedCompletely() {
    NativeSchema schema = everything();
    assertThat(NativeSchema.parse(schema.toJson())).contains(schema);
    assertThat(NativeSchema.parse("nonsense")).isEmpty();
    assertThat(NativeSchema.parse(null)).isEmpty();
  }

  private static Blueprint alike(String options, ServerVersion version) {
    return Blueprint.of(
        options(options),
        version,
        new LoadSchema(
            List.of(field("", Metric.COSINE, "")),
            Set.of(IdKind.STRING),
            "Milvus",
            1000,
            profile(key("tenant", 100, "integer")),
            Map.of(MilvusStore.SCHEMA, everything().toJson()),
            List.of(field("", Metric.COSINE, "HNSW"))));
  }

  @Test
  void aCollectionOfMilvusIsMadeAlike() {
    Blueprint same = alike("{}", NEW);
    assertThat(blocking(same)).isEmpty();
    assertThat(same.schema().getFieldsList())
        .extracting(FieldSchema::getName)
        .containsExactly("key", "dense", "text", "tags", "tenant", "score", "sparse");
    assertThat(fieldOf(same, "key").getAutoID()).isFalse();
    assertThat(parameter(fieldOf(same, "key"), "max_length")).isEqualTo("99");
    assertThat(parameter(fieldOf(same, "text"), "enable_analyzer")).isEqualTo("true");
    assertThat(fieldOf(same, "tags").getNullable()).isTrue();
    assertThat(fieldOf(same, "score").getDefaultValue().getFloatData()).isEqualTo(0.1f);
    assertThat(fieldOf(same, "tenant").getIsPartitionKey()).isTrue();
    assertThat(same.schema().getFunctionsList())
        .isEqualTo(everything().schema().getFunctionsList());
    // The timestamps have no field that vecferry can write, so they need the dynamic one.
    assertThat(same.schema().getEnableDynamicField()).isTrue();
    assertThat(same.shards()).isEqualTo(2);
    assertThat(same.partitions()).isEqualTo(32);
    assertThat(same.consistency()).isEqualTo(ConsistencyLevel.Session);
    assertThat(same.description()).isEqualTo("all of it");
    assertThat(same.document()).isEqualTo("text");
    assertThat(same.vectorNames()).containsExactly(Map.entry("dense", ""));
    assertThat(same.indexes())
        .containsOnlyKeys("dense", "sparse", "tenant")
        .containsEntry(
            "dense", Map.of("index_type", "HNSW", "metric_type", "COSINE", "params", "{\"M\":48}"));
    Blueprint old = alike("{}", OLD);
    assertThat(blocking(old)).isEmpty();
    assertThat(fieldOf(old, "tags").getNullable()).isFalse();
    assertThat(fieldOf(old, "score").hasDefaultValue()).isFalse();
    assertThat(old.schema().getFunctionsCount()).isZero();
    assertThat(old.indexes()).containsOnlyKeys("dense", "tenant");
    Blueprint changed =
        alike("{\"partitionKey\":\"text2\",\"options\":{\"fields\":{\"score\":\"DOUBLE\"}}}", NEW);
    assertThat(fieldOf(changed, "tenant").getIsPartitionKey()).isFalse();
    assertThat(fieldOf(changed, "text2").getIsPartitionKey()).isTrue();
    assertThat(fieldOf(changed, "score").getDataType()).isEqualTo(DataType.Double);
  }

  private static FailureClass classOf(MilvusErrors.Call call, int code, String reason) {
    return MilvusErrors.of(
            call, "doing", Status.newBuilder().setCode(code).setReason(reason).build())
        .failureClass();
  }

  @Test
  void codesOfTheServerHaveAClass() {
    MilvusErrors.Call write = MilvusErrors.Call.WRITE;
    MilvusErrors.Call read = MilvusErrors.Call.READ;
    assertThat(classOf(write, 8, "rate limit exceeded")).isEqualTo(FailureClass.RATE_LIMITED);
    assertThat(
            MilvusErrors.of(
                    write,
                    "doing",
                    Status.newBuilder().setErrorCode(ErrorCode.RateLimit).setReason("x").build())
                .failureClass())
        .isEqualTo(FailureClass.RATE_LIMITED);
    assertThat(classOf(write, 9, "memory quota exceeded"))
        .isEqualTo(FailureClass.RESOURCE_EXHAUSTED);
    assertThat(classOf(write, 9, "time tick long delay")).isEqualTo(FailureClass.TRANSIENT);
    assertThat(classOf(write, 1100, "the length (11) of 0th string exceeds max length (10)"))
        .isEqualTo(FailureClass.BAD_RECORD);
    assertThat(classOf(write, 65535, "value 'NaN' is not a number or infinity"))
        .isEqualTo(FailureClass.BAD_RECORD);
    assertThat(classOf(write, 1001, "IO failed: json: cannot unmarshal"))
        .isEqualTo(FailureClass.BAD_RECORD);
    assertThat(classOf(write, 1001, "IO failed: disk")).isEqualTo(FailureClass.TRANSIENT);
    assertThat(classOf(write, 65535, "segment allocation failed"))
        .isEqualTo(FailureClass.TRANSIENT);
    assertThat(classOf(read, 101, "collection not loaded")).isEqualTo(FailureClass.TRANSIENT);
    assertThat(classOf(read, 100, "collection not found")).isEqualTo(FailureClass.MISSING);
    assertThat(classOf(read, 65535, "query results exceed the maxOutputSize"))
        .isEqualTo(FailureClass.TOO_LARGE);
    assertThat(classOf(read, 65535, "invalid max query result window, (offset+limit) should be"))
        .isEqualTo(FailureClass.TOO_LARGE);
    assertThat(classOf(read, 503, "channel not available")).isEqualTo(FailureClass.TRANSIENT);
    assertThat(classOf(read, 1401, "permission deny")).isEqualTo(FailureClass.PERMISSION);
    assertThat(classOf(read, 2200, "inconsistent requery result"))
        .isEqualTo(FailureClass.TRANSIENT);
    assertThat(
            classOf(
                MilvusErrors.Call.ADMINISTER,
                65535,
                "CreateIndex failed: at most one distinct index is allowed per field"))
        .isEqualTo(FailureClass.INCOMPATIBLE);
    assertThat(
            MilvusErrors.of(
                read,
                "reading x",
                Status.newBuilder().setCode(101).setReason("not loaded").build()))
        .hasMessage("reading x: not loaded. Load the collection, or set options.load: true.");
  }

  @Test
  void notesKeepWhatMilvusHasNoPlaceFor() {
    CollectionNote note =
        new CollectionNote(
            new io.vecferry.store.LoadNote(
                new io.vecferry.store.LoadStamp("m \"1\"", "l"),
                Set.of(IdKind.UUID),
                Map.of("vector", "")),
            "text",
            "of people",
            Map.of("vector", Map.of("index_type", "FLAT")));
    assertThat(CollectionNote.parse(note.toJson())).contains(note);
    assertThat(CollectionNote.parse("a description")).isEmpty();
    assertThat(CollectionNote.parse("")).isEmpty();
    List<String> texts = new ArrayList<>();
    texts.add(note.toJson());
    assertThat(texts.get(0)).startsWith("{\"vecferry\":1,");
  }
}
