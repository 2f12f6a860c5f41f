package io.vecferry.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.vecferry.testing.RunningServer;
import io.vecferry.testing.Server;
import io.vecferry.testing.WithServer;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.UUID;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Whole migrations from and to a Chroma server. */
@WithServer(Server.CHROMA)
@Timeout(300)
class ChromaMigrationTest {
  private static final String COLLECTIONS =
      "/api/v2/tenants/default_tenant/databases/default_database/collections";
  private static final ObjectMapper JSON = new ObjectMapper();

  private final HttpClient http = HttpClient.newHttpClient();
  private final String prefix = "migration-" + UUID.randomUUID();
  private String url;

  @TempDir Path folder;

  @BeforeEach
  void connect(RunningServer server) {
    url = server.url();
  }

  @AfterEach
  void removeCollections() throws Exception {
    for (JsonNode collection : call("GET", COLLECTIONS, "")) {
      String name = collection.path("name").asText();
      if (name.startsWith(prefix)) {
        String path = COLLECTIONS + "/" + collection.path("id").asText();
        JsonNode ids = call("POST", path + "/get", "{\"include\":[]}").path("ids");
        if (!ids.isEmpty()) {
          call("POST", path + "/delete", "{\"ids\":" + ids + "}");
        }
        call("DELETE", COLLECTIONS + "/" + name, "");
      }
    }
  }

  private JsonNode call(String method, String path, String body) throws Exception {
    String answer =
        http.send(
                HttpRequest.newBuilder(URI.create(url + path))
                    .header("Content-Type", "application/json")
                    .method(method, BodyPublishers.ofString(body))
                    .build(),
                BodyHandlers.ofString())
            .body();
    return JSON.readTree(answer);
  }

  private JsonNode collection(String name) throws Exception {
    return call("GET", COLLECTIONS + "/" + name, "");
  }

  /** All records by id, as JSON. */
  private ObjectNode records(String name) throws Exception {
    String path = COLLECTIONS + "/" + collection(name).path("id").asText() + "/get";
    JsonNode all =
        call("POST", path, "{\"include\":[\"embeddings\",\"documents\",\"metadatas\",\"uris\"]}");
    ObjectNode records = JSON.createObjectNode();
    for (int i = 0; i < all.path("ids").size(); i++) {
      ObjectNode record = records.putObject(all.path("ids").get(i).asText());
      for (String column : new String[] {"embeddings", "documents", "metadatas", "uris"}) {
        record.set(column, all.path(column).get(i));
      }
    }
    return records;
  }

  private String spec(String name, String source, String target) throws IOException {
    Path spec =
        Specs.writeText(
            folder.resolve(name + ".yaml"),
            """
            name: %s
            source: %s
            target: %s
            quality: {sampleSize: 50, iterations: 5, minRecall: 0.5}
            """
                .formatted(name, source, target));
    return spec.getFileName().toString();
  }

  private String chroma(String name) {
    return "{type: chroma, url: \"" + url + "\", collection: " + prefix + name + "}";
  }

  private static void assertMigrated(Cli.Result result) {
    assertThat(result.exitCode()).as("%s", result).isZero();
    assertThat(result.out()).startsWith("MIGRATED");
  }

  @Test
  void thereAndBack() throws Exception {
    Path langChain = Cli.home().resolve("examples/fortunes/langchain");
    Cli cli = Cli.in(folder);
    Cli.Result there =
        cli.run("run", spec("there", "{type: faiss, path: " + langChain + "}", chroma("-f")));
    assertMigrated(there);
    assertThat(there.err()).contains("2,975 equal to the bit");
    assertThat(collection(prefix + "-f.vecferry.there").path("error").asText())
        .isEqualTo("NotFoundError");

    assertMigrated(
        cli.run(
            "run",
            spec("once", "{type: faiss, path: " + langChain + "}", "{type: faiss, path: once}")));

    Cli.Result back = cli.run("run", spec("back", chroma("-f"), "{type: faiss, path: returned}"));
    assertMigrated(back);
    assertThat(back.err()).contains("2,975 equal to the bit");
    Map<String, JsonNode> returned = records(folder.resolve("returned"));
    assertThat(returned).hasSize(2_975);
    assertThat(returned.equals(records(folder.resolve("once")))).as("same records").isTrue();
  }

  /** Records of a FAISS folder by id; Chroma keeps the order neither of records nor of keys. */
  private static Map<String, JsonNode> records(Path folder) throws IOException {
    Map<String, JsonNode> records = new HashMap<>();
    for (String line : Files.readAllLines(folder.resolve("meta.jsonl"))) {
      JsonNode record = JSON.readTree(line);
      records.put(record.path("id").asText(), record);
    }
    return records;
  }

  @Test
  void fromChromaToChroma() throws Exception {
    JsonNode made =
        call(
            "POST",
            COLLECTIONS,
            "{\"name\":\""
                + prefix
                + "-a\",\"metadata\":{\"owner\":\"me\",\"n\":1,\"f\":1.0},\"configuration\":{"
                + "\"hnsw\":{\"space\":\"ip\",\"max_neighbors\":8,\"ef_search\":200},"
                + "\"embedding_function\":{\"type\":\"known\",\"name\":\"default\",\"config\":{}}}}");
    int rows = 2_500;
    String path = COLLECTIONS + "/" + made.path("id").asText();
    for (int first = 0; first < rows; first += 500) {
      call("POST", path + "/add", someRecords(first, first + 500));
    }
    Cli.Result result = Cli.in(folder).run("run", spec("copy", chroma("-a"), chroma("-b")));
    assertMigrated(result);
    assertThat(result.err()).contains("2,500 equal to the bit");

    ObjectNode copied = records(prefix + "-b");
    assertThat(copied).hasSize(rows);
    assertThat(copied.equals(records(prefix + "-a"))).as("same records").isTrue();
    JsonNode from = collection(prefix + "-a");
    JsonNode to = collection(prefix + "-b");
    assertThat(to.path("configuration_json")).isEqualTo(from.path("configuration_json"));
    ObjectNode metadata = (ObjectNode) to.path("metadata");
    assertThat(metadata.remove("_vecferry_load").asText()).contains("\"migration\":\"copy\"");
    assertThat(metadata).isEqualTo(from.path("metadata"));
    assertThat(Files.readString(folder.resolve("vecferry-archive/copy/manifest.json")))
        .contains("\\\"max_neighbors\\\":8", "\\\"owner\\\":\\\"me\\\"");
  }

  /** Records of all shapes that a Chroma server holds. */
  private static String someRecords(int from, int to) {
    StringBuilder ids = new StringBuilder();
    StringBuilder vectors = new StringBuilder();
    StringBuilder documents = new StringBuilder();
    StringBuilder uris = new StringBuilder();
    StringBuilder metadata = new StringBuilder();
    for (int i = from; i < to; i++) {
      String comma = i == from ? "" : ",";
      ids.append(comma).append("\"id ").append(i).append('"');
      vectors
          .append(comma)
          .append(
              IntStream.range(0, 8)
                  .mapToObj(c -> Float.toString((float) Math.sin(1 + c * 7919.0 * (from + 1))))
                  .collect(Collectors.joining(",", "[", "," + i * 0.001 + "]")));
      documents.append(comma).append(i % 3 == 0 ? "null" : "\"saying " + i + " é\\n\"");
      uris.append(comma).append(i % 4 == 0 ? "\"file:///" + i + "\"" : "null");
      metadata
          .append(comma)
          .append(
              switch (i % 5) {
                case 0 -> "null";
                case 1 -> "{\"n\":" + i + ",\"f\":" + i + ".0,\"list\":[" + i + ",2]}";
                case 2 -> "{\"text\":\"x\",\"flag\":true,\"tags\":[\"a\",\"b\"]}";
                case 3 -> "{\"big\":9223372036854775807,\"small\":2.5e-7}";
                default -> "{}";
              });
    }
    return "{\"ids\":["
        + ids
        + "],\"embeddings\":["
        + vectors
        + "],\"documents\":["
        + documents
        + "],\"uris\":["
        + uris
        + "],\"metadatas\":["
        + metadata
        + "]}";
  }

  @Test
  void planningFindsWhatDoesNotFit() throws Exception {
    JsonNode made = call("POST", COLLECTIONS, "{\"name\":\"" + prefix + "-a\"}");
    String path = COLLECTIONS + "/" + made.path("id").asText();
    call("POST", path + "/add", someRecords(0, 10));
    String spec =
        spec(
            "wrong",
            chroma("-a").replace("}", ", dimension: 768}"),
            chroma("-b").replace("}", ", metric: cosine, index: {type: IVF, params: {M: 1}}}"));
    Cli.Result result = Cli.in(folder).run("plan", spec);
    assertThat(result.exitCode()).as("%s", result).isEqualTo(1);
    assertThat(result.out() + result.err())
        .contains("source.dimension: the spec says 768, the vectors of the source have 9")
        .contains("target.metric: the spec says cosine, the source compares by l2")
        .contains("target.index.type: Chroma has no index of type 'IVF'")
        .contains("target.index.params.M: must be a whole number from 2 to 512, got 1.");

    Cli.Result missing = Cli.in(folder).run("plan", spec("missing", chroma("-A"), chroma("-b c")));
    assertThat(missing.exitCode()).as("%s", missing).isEqualTo(1);
    assertThat(missing.out() + missing.err())
        .contains("Did you mean '" + prefix + "-a'? Check source.collection.");

    Cli.Result illegal = Cli.in(folder).run("plan", spec("illegal", chroma("-a"), chroma("-b c")));
    assertThat(illegal.exitCode()).as("%s", illegal).isEqualTo(1);
    assertThat(illegal.out() + illegal.err())
        .contains("is no name that Chroma allows")
        .contains("'" + prefix + "-b-c'");
  }
}
