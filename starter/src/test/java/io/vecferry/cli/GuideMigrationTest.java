package io.vecferry.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.vecferry.testing.RunningServer;
import io.vecferry.testing.Server;
import io.vecferry.testing.WithServer;
import io.vecferry.workflow.Outcome;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Two of the three paths of the migration guide, with its settings as they are spelled there; the
 * third, Chroma to Milvus, is in {@link MilvusMigrationTest}.
 */
@Timeout(200)
class GuideMigrationTest {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final int ROWS = 300;
  private static final int DIMENSION = 8;

  private final String suffix = Long.toString(System.nanoTime(), 36);

  @TempDir Path folder;

  /** {@code import_from_faiss}: the vectors of an index, and a list with the metadata of each. */
  @Test
  void fromFaissToQdrant(@WithServer(Server.QDRANT) RunningServer qdrant) throws Exception {
    float[] vectors = FaissFolder.vectors(ROWS, DIMENSION);
    Files.write(folder.resolve("index.faiss"), FaissFolder.index(vectors, DIMENSION));
    StringBuilder list = new StringBuilder("[");
    for (int row = 0; row < ROWS; row++) {
      list.append(row == 0 ? "" : ",\n").append(metadata(row));
    }
    Files.writeString(folder.resolve("metadata.json"), list.append("]").toString());
    String byCommand = "guide_cli_" + suffix;
    String byClient = "guide_api_" + suffix;
    try {
      Files.writeString(folder.resolve("spec.json"), faissToQdrant("guide", qdrant, byCommand));
      Cli.Result result = Cli.in(folder).run("run", "spec.json");
      assertThat(result.exitCode()).as("%s", result).isZero();
      assertHolds(qdrant, byCommand, vectors);

      try (Service service = Service.start(folder)) {
        service.startWorker();
        service.client().start(JSON.readTree(faissToQdrant("guide-api", qdrant, byClient)));
        assertThat(service.client().awaitResult("guide-api").outcome()).isEqualTo(Outcome.MIGRATED);
      }
      assertHolds(qdrant, byClient, vectors);
    } finally {
      Python.run("stores.py", "drop", "qdrant", qdrant.url(), byCommand);
      Python.run("stores.py", "drop", "qdrant", qdrant.url(), byClient);
    }
  }

  private String faissToQdrant(String name, RunningServer qdrant, String collection) {
    return """
        {
          "name": "%s",
          "source": {"store_type": "faiss", "path": "%s", "options": {"metadata": "metadata.json"}},
          "target": {"store_type": "qdrant", "url": "%s", "collection_name": "%s", "vector_size": 8}
        }
        """
        .formatted(name, folder.resolve("index.faiss"), qdrant.url(), collection);
  }

  private static String metadata(int row) {
    return "{\"category\":\"%s\",\"rank\":%d,\"score\":%d.0,\"tags\":[\"é\",\"t%d\"]}"
        .formatted("abc".charAt(row % 3), row, row, row);
  }

  private void assertHolds(RunningServer qdrant, String collection, float[] vectors)
      throws Exception {
    Path found = folder.resolve(collection + ".found");
    Python.run("stores.py", "read", "qdrant", qdrant.url(), collection, found.toString());
    List<String> lines = Files.readAllLines(found);
    assertThat(lines).hasSize(ROWS);
    for (String line : lines) {
      JsonNode record = JSON.readTree(line);
      int row = record.path(0).asInt();
      ByteBuffer bytes = ByteBuffer.allocate(4 * DIMENSION).order(ByteOrder.LITTLE_ENDIAN);
      bytes.asFloatBuffer().put(vectors, row * DIMENSION, DIMENSION);
      assertThat(record.path(1).asText()).isEqualTo(HexFormat.of().formatHex(bytes.array()));
      assertThat(record.path(3)).isEqualTo(JSON.readTree(metadata(row)));
    }
  }

  /** {@code es_export} and {@code milvus_import}, of an index with five shards. */
  @Test
  void fromElasticsearchToMilvus(
      @WithServer(Server.ELASTICSEARCH_8) RunningServer elasticsearch,
      @WithServer(Server.MILVUS) RunningServer milvus)
      throws Exception {
    String index = "vectors-" + suffix;
    String collection = "vectors_" + suffix;
    float[] vectors = FaissFolder.vectors(ROWS, DIMENSION);
    String url = elasticsearch.url() + "/" + index;
    send(
        "PUT",
        url,
        """
        {"settings": {"number_of_shards": 5, "number_of_replicas": 0},
         "mappings": {"properties": {"category": {"type": "keyword"},
           "vector": {"type": "dense_vector", "dims": 8, "similarity": "l2_norm"}}}}
        """);
    try {
      StringBuilder lines = new StringBuilder();
      for (int row = 0; row < ROWS; row++) {
        lines.append("{\"index\":{\"_id\":\"doc-%d\"}}\n".formatted(row));
        StringBuilder vector = new StringBuilder();
        for (int i = 0; i < DIMENSION; i++) {
          vector.append(i == 0 ? "" : ",").append(vectors[row * DIMENSION + i]);
        }
        lines
            .append(metadata(row).replaceFirst("\\{", "{\"vector\":[" + vector + "],"))
            .append('\n');
      }
      send("POST", url + "/_bulk?refresh=true", lines.toString());
      Files.writeString(
          folder.resolve("spec.json"),
          """
          {
            "name": "guide",
            "source": {"store_type": "elasticsearch", "url": "%s",
              "index": "%s",
              "batch_size": 1000,
              "scroll_size": "5m"},
            "target": {"store_type": "milvus", "url": "%s",
              "collection": "%s",
              "partition_key": "category",
              "batch_size": 1000},
            "quality": {"sample_size": 20, "iterations": 1}
          }
          """
              .formatted(elasticsearch.url(), index, milvus.url(), collection));

      Cli.Result result = Cli.in(folder).run("run", "spec.json");

      assertThat(result.exitCode()).as("%s", result).isZero();
      assertThat(result.err()).contains("300 equal to the bit");
      JsonNode described =
          JSON.readTree(Python.run("milvus_collection.py", "describe", milvus.url(), collection));
      assertThat(described.at("/fields/category/is_partition_key").asText()).isEqualTo("True");
      List<String> rows =
          Python.run("milvus_collection.py", "rows", milvus.url(), collection).lines().toList();
      assertThat(rows).hasSize(ROWS);
      for (String text : rows) {
        JsonNode row = JSON.readTree(text);
        int number = row.path("rank").asInt();
        JsonNode wanted = JSON.readTree(metadata(number));
        for (String key : List.of("category", "rank", "score", "tags")) {
          assertThat(row.path(key)).as("%s of %s", key, text).isEqualTo(wanted.path(key));
        }
      }
    } finally {
      send("DELETE", url, "");
      Python.run("milvus_collection.py", "drop", milvus.url(), collection);
    }
  }

  private static void send(String method, String url, String body) throws Exception {
    HttpResponse<String> response =
        HttpClient.newHttpClient()
            .send(
                HttpRequest.newBuilder(URI.create(url))
                    .header("Content-Type", "application/json")
                    .method(method, BodyPublishers.ofString(body))
                    .build(),
                BodyHandlers.ofString());
    assertThat(response.statusCode()).as(response.body()).isBetween(200, 299);
    assertThat(response.body()).doesNotContain("\"errors\":true");
  }
}
