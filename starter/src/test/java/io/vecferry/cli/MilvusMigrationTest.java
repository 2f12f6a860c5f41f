package io.vecferry.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.vecferry.testing.RunningServer;
import io.vecferry.testing.Server;
import io.vecferry.testing.WithServer;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Whole migrations from and to Milvus, by the command line. */
@Tag("slow")
@Timeout(200)
class MilvusMigrationTest {
  private static final String PROGRAM = "milvus_collection.py";
  private static final String CHROMA_COLLECTIONS =
      "/api/v2/tenants/default_tenant/databases/default_database/collections";
  private static final int ROWS = 300;
  private static final int DIMENSION = 768;
  private static final ObjectMapper JSON = new ObjectMapper();

  @WithServer(Server.MILVUS)
  static RunningServer milvus;

  private final HttpClient http = HttpClient.newHttpClient();
  private final String suffix = Long.toString(System.nanoTime(), 36);
  private final List<String> made = new ArrayList<>();

  @TempDir Path folder;

  @AfterEach
  void dropCollections() throws Exception {
    for (String collection : made) {
      Python.run(PROGRAM, "drop", milvus.url(), collection);
    }
  }

  private String collection(String what) {
    String name = what + "_" + suffix;
    made.add(name);
    return name;
  }

  private static void assertMigrated(Cli.Result result) {
    assertThat(result.exitCode()).as("%s", result).isZero();
    assertThat(result.out()).startsWith("MIGRATED");
  }

  /** All that defines a collection stays as it is, and so does each of its rows. */
  @Test
  void fromMilvusToMilvus() throws Exception {
    String source = collection("source");
    String target = collection("copy_of_it");
    Python.run(PROGRAM, "make", milvus.url(), source);
    Specs.writeText(
        folder.resolve("spec.yaml"),
        """
        name: copy
        source: {type: milvus, url: "%1$s", collection: %2$s}
        target: {type: milvus, url: "%1$s", collection: %3$s}
        quality: {sampleSize: 20, iterations: 1, minRecall: 0.5}
        """
            .formatted(milvus.url(), source, target));

    Cli.Result result = Cli.in(folder).run("run", "spec.yaml");

    assertMigrated(result);
    assertThat(result.err()).contains("120 equal to the bit");
    assertThat(Python.run(PROGRAM, "describe", milvus.url(), target))
        .contains("IVF_FLAT", "\"tenant\"", "864000")
        .isEqualTo(Python.run(PROGRAM, "describe", milvus.url(), source));
    String rows = Python.run(PROGRAM, "rows", milvus.url(), source);
    assertThat(rows.lines()).hasSize(120);
    assertThat(Python.run(PROGRAM, "rows", milvus.url(), target)).isEqualTo(rows);
  }

  /** The guide's first path with its own settings, as they are spelled there. */
  @Test
  void fromChromaAsTheGuideDoesIt(@WithServer(Server.CHROMA) RunningServer chroma)
      throws Exception {
    String source = "guide-" + suffix;
    String target = collection("vectors");
    fillChroma(chroma.url(), source);
    try {
      Specs.writeText(
          folder.resolve("spec.json"),
          """
          {
            "name": "guide",
            "source": {"store_type": "chroma", "url": "%s", "collection_name": "%s"},
            "export": {
              "include_metadata": true,
              "preserve_ids": true,
              "format": "parquet"
            },
            "target": {
              "store_type": "milvus",
              "url": "%s",
              "collection_name": "%s",
              "dimension": 768,
              "index_type": "IVF_FLAT",
              "metric_type": "IP",
              "partition_key": "category",
              "batch_size": 100
            },
            "import": {"validate": true},
            "validation": {"check_vectors": true, "check_metadata": true, "strict": true, "tolerance": 0.001},
            "quality": {"sample_size": 20, "iterations": 1, "min_recall": 0.5}
          }
          """
              .formatted(chroma.url(), source, milvus.url(), target));
      Cli.Result valid = Cli.in(folder).run("validate", "spec.json");
      assertThat(valid.exitCode()).as("%s", valid).isZero();

      Cli.Result result = Cli.in(folder).run("run", "spec.json");

      assertMigrated(result);
      JsonNode described = JSON.readTree(Python.run(PROGRAM, "describe", milvus.url(), target));
      JsonNode index = described.path("indexes").path("vector");
      assertThat(index.path("index_type").asText()).isEqualTo("IVF_FLAT");
      assertThat(index.path("metric_type").asText()).isEqualTo("IP");
      JsonNode fields = described.path("fields");
      assertThat(fields.at("/vector/params/dim").asText()).isEqualTo("768");
      assertThat(fields.at("/category/is_partition_key").asText()).isEqualTo("True");
      List<String> rows = Python.run(PROGRAM, "rows", milvus.url(), target).lines().toList();
      assertThat(rows).hasSize(ROWS);
      for (String row : rows) {
        JsonNode found = JSON.readTree(row);
        int n = found.path("n").asInt();
        assertThat(found.path("id").asText()).isEqualTo("id " + n);
        assertThat(found.path("document").asText()).isEqualTo("saying " + n);
        assertThat(found.path("category").asText()).isEqualTo("c" + n % 4);
        assertThat(found.path("vector").get(n).floatValue()).isEqualTo(1);
      }
    } finally {
      call("DELETE", chroma.url() + CHROMA_COLLECTIONS + "/" + source, "");
    }
  }

  /** One unit vector for each record, so that cosine and inner product agree. */
  private void fillChroma(String url, String name) throws Exception {
    JsonNode collection =
        call(
            "POST",
            url + CHROMA_COLLECTIONS,
            "{\"name\":\"" + name + "\",\"configuration\":{\"hnsw\":{\"space\":\"cosine\"}}}");
    String path = url + CHROMA_COLLECTIONS + "/" + collection.path("id").asText() + "/add";
    call(
        "POST",
        path,
        "{\"ids\":"
            + list(n -> "\"id " + n + "\"")
            + ",\"embeddings\":"
            + list(
                n ->
                    IntStream.range(0, DIMENSION)
                        .mapToObj(c -> c == n ? "1" : "0")
                        .collect(Collectors.joining(",", "[", "]")))
            + ",\"documents\":"
            + list(n -> "\"saying " + n + "\"")
            + ",\"metadatas\":"
            + list(n -> "{\"n\":" + n + ",\"category\":\"c" + n % 4 + "\"}")
            + "}");
  }

  private static String list(java.util.function.IntFunction<String> element) {
    return IntStream.range(0, ROWS).mapToObj(element).collect(Collectors.joining(",", "[", "]"));
  }

  private JsonNode call(String method, String url, String body) throws Exception {
    var response =
        http.send(
            HttpRequest.newBuilder(URI.create(url))
                .header("Content-Type", "application/json")
                .method(method, BodyPublishers.ofString(body))
                .build(),
            BodyHandlers.ofString());
    assertThat(response.statusCode()).as("%s", response.body()).isLessThan(300);
    return JSON.readTree(response.body());
  }

  @Test
  void planningFindsWhatDoesNotFit() throws Exception {
    String source = collection("lengths");
    String target = collection("target");
    Python.run(PROGRAM, "lengths", milvus.url(), source);
    String there = "{type: milvus, url: \"" + milvus.url() + "\", collection: ";
    String spec = "name: wrong\nsource: " + there + source + "%s}\ntarget: " + there + "%s}\n";

    refused(
        spec.formatted(
            ", dimension: 768",
            target + ", metric: cosine," + " index: {type: IVF_FLATT, params: {nlist: 0}}"),
        "source.dimension: the spec says 768, the vectors of the source in field vector have 4",
        "target.metric: the spec says cosine, the source compares by ip. Another metric would"
            + " change the order of answers, because not all vectors have unit length: lengths go"
            + " from 2.000 to 40.00.",
        "target.index.type: Milvus 2.3.5 has no index IVF_FLATT",
        "Did you mean 'IVF_FLAT'?");
    refused(
        spec.formatted("", target + ", index: {type: IVF_FLAT, params: {nlist: 0}}"),
        "target.index.params.nlist: must be a whole number from 1 to 65536, got 0.");
    refused(
        spec.formatted("", "a-b"),
        "target.collection: 'a-b' is no name for a Milvus collection",
        "Use a_b.");
    refused(
        spec.formatted("", source),
        source + " exists and was not made by this migration; ifExists is fail.");
    refused(
        spec.replace(source, source.substring(1)).formatted("", target),
        "there is no collection " + source.substring(1),
        "Did you mean '" + source + "'?");
    Specs.writeText(
        folder.resolve("spec.yaml"), spec.formatted("", target + ", partitionKey: categry"));
    Cli.Result plan = Cli.in(folder).run("plan", "spec.yaml");
    assertThat(plan.exitCode()).as("%s", plan).isZero();
    assertThat(plan.out() + plan.err())
        .as("%s", plan)
        .contains(
            "target.partitionKey: none of the 20 records that were looked at has the key"
                + " 'categry'; all come to the partition of the empty text. Did you mean"
                + " 'category'?");
    assertThat(Python.run(PROGRAM, "rows", milvus.url(), source).lines()).hasSize(20);
  }

  private void refused(String spec, String... said) {
    Specs.writeText(folder.resolve("spec.yaml"), spec);
    Cli.Result result = Cli.in(folder).run("run", "spec.yaml");
    assertThat(result.exitCode()).as("%s", result).isEqualTo(1);
    assertThat(result.out() + result.err()).as("%s", result).contains(said);
    assertThat(folder.resolve("vecferry-archive/wrong")).doesNotExist();
  }
}
