package io.vecferry.spec;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.List;
import org.junit.jupiter.api.Test;

class SpecReaderTest {
  private static final String SIDES =
      """
      "name": "products", "source": {"type": "faiss", "path": "a"}, "target": {"type": "faiss", "path": "b"}
      """;

  @Test
  void fillsInEveryDefault() {
    SpecReader.Result read = read("{" + SIDES + "}");

    assertThat(read.problems()).isEmpty();
    MigrationSpec spec = read.spec();
    assertThat(spec.export().batchSize()).isEqualTo(1000);
    assertThat(spec.load().maxRejects()).isZero();
    assertThat(spec.validation().mode()).isEqualTo("full");
    assertThat(spec.validation().tolerance()).isEqualTo(0.001);
    assertThat(spec.quality()).isEqualTo(new MigrationSpec.Quality(1000, 10, 0.99, 0.01, 100));
    assertThat(spec.rollback().automatic()).isFalse();
    assertThat(spec.overlap()).isTrue();
    assertThat(spec.target().ifExists()).isEqualTo(StoreSpec.IfExists.FAIL);
  }

  @Test
  void takesTheSpellingsOfTheGuide() {
    SpecReader.Result read =
        read(
            """
            {"name": "guide",
             "source": {"store_type": "chroma", "collection_name": "vectors"},
             "target": {"store_type": "milvus", "collection_name": "vectors", "dimension": 768,
                        "index_type": "IVF_FLAT", "metric_type": "IP", "params": {"nlist": 1024, "nprobe": 16}},
             "export": {"include_metadata": true, "preserve_ids": true, "format": "parquet", "batch_size": 500}}
            """);

    assertThat(read.problems()).isEmpty();
    StoreSpec target = read.spec().target();
    assertThat(target.type()).isEqualTo("milvus");
    assertThat(target.dimension()).isEqualTo(768);
    assertThat(target.metric()).isEqualTo("ip");
    assertThat(target.indexType()).isEqualTo("IVF_FLAT");
    assertThat(target.indexParams()).containsEntry("nlist", "1024").containsEntry("nprobe", "16");
    assertThat(target.settings().get("collection").textValue()).isEqualTo("vectors");
    assertThat(read.spec().export().batchSize()).isEqualTo(500);
  }

  @Test
  void theIndexOfElasticsearchIsItsCollection() {
    StoreSpec source =
        read("""
                {"name": "n",
                 "source": {"store_type": "elasticsearch", "url": "http://localhost:9200",
                            "index": "vectors", "batch_size": 500, "scroll_size": "5m"},
                 "target": {"type": "faiss", "path": "p", "index": {"type": "HNSW"}}}
                """)
            .spec()
            .source();
    assertThat(source.settings().path("collection").asText()).isEqualTo("vectors");
    assertThat(source.settings().path("scrollSize").asText()).isEqualTo("5m");
    assertThat(source.settings().has("index")).isFalse();
  }

  @Test
  void reportsEveryProblemWithItsFieldValueAndRemedy() {
    SpecReader.Result read =
        read(
            """
            {"name": "a/b", "source": {"type": "faiss", "path": "a", "dimension": 0}, "traget": {},
             "export": {"batchSize": "1000", "partRows": 1.5},
             "import": {"maxRejects": -1, "parallelism": 3, "batchsize": 5},
             "validation": {"mode": "ful", "tolerance": 7}, "schedule": {"startAfter": "tomorrow"}}
            """);

    assertThat(read.problems().stream().map(SpecProblem::toString))
        .anySatisfy(
            text -> assertThat(text).startsWith("name: must be 1 to 100 of").contains("a/b"))
        .anySatisfy(text -> assertThat(text).startsWith("source.dimension: must be a whole number"))
        .anySatisfy(text -> assertThat(text).startsWith("target: is missing"))
        .anySatisfy(
            text ->
                assertThat(text).startsWith("traget: is not a known key. Did you mean 'target'?"))
        .anySatisfy(
            text -> assertThat(text).startsWith("export.batchSize: ").contains("got \"1000\""))
        .anySatisfy(
            text ->
                assertThat(text).startsWith("export.partRows: must be 'auto' or a whole number"))
        .anySatisfy(text -> assertThat(text).startsWith("import.maxRejects: ").contains("got -1"))
        .anySatisfy(
            text ->
                assertThat(text).startsWith("import.parallelism: ").contains("not supported yet"))
        .anySatisfy(
            text ->
                assertThat(text).contains("import.batchsize").contains("Did you mean 'batchSize'?"))
        .anySatisfy(
            text -> assertThat(text).contains("validation.mode").contains("Did you mean 'full'?"))
        .anySatisfy(text -> assertThat(text).startsWith("validation.tolerance: ").contains("got 7"))
        .anySatisfy(
            text -> assertThat(text).startsWith("schedule.startAfter: ").contains("tomorrow"));
    assertThat(read.problems()).hasSize(12);
  }

  @Test
  void survivesTheJourneyThroughTemporal() throws JsonProcessingException {
    MigrationSpec spec = read("{" + SIDES + ", \"import\": {\"batchSize\": 7}}").spec();
    ObjectMapper mapper = io.vecferry.workflow.Payloads.MAPPER;

    String json = mapper.writeValueAsString(spec);

    assertThat(json).contains("\"import\"");
    assertThat(mapper.readValue(json, MigrationSpec.class)).isEqualTo(spec);
  }

  @Test
  void suggestsOnlyWhatIsNear() {
    assertThat(Suggestion.didYouMean("exprot", List.of("export", "import")))
        .isEqualTo(" Did you mean 'export'?");
    assertThat(Suggestion.didYouMean("zzzzzz", List.of("export", "import"))).isEmpty();
  }

  private static SpecReader.Result read(String json) {
    try {
      return SpecReader.read(new ObjectMapper().readTree(json));
    } catch (JsonProcessingException e) {
      throw new IllegalArgumentException(e);
    }
  }
}
