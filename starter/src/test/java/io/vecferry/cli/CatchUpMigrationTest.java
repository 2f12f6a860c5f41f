package io.vecferry.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
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
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.UUID;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A source that others write to while it migrates, and one that nobody writes to. */
@WithServer(Server.CHROMA)
@Timeout(240)
class CatchUpMigrationTest {
  private static final Pattern SPEED =
      Pattern.compile("IMPORT .*chroma took ([0-9,]+) records/s with [0-9]+ records? in a request");

  private static final String COLLECTIONS =
      "/api/v2/tenants/default_tenant/databases/default_database/collections";
  private static final int ROWS = 500;
  private static final ObjectMapper JSON = new ObjectMapper();

  private final HttpClient http = HttpClient.newHttpClient();
  private final String source = "moving-" + UUID.randomUUID();
  private final String target = source + "-target";
  private String url;
  private String sourceId;

  @TempDir Path folder;

  @BeforeEach
  void makeSource(RunningServer server) throws Exception {
    url = server.url();
    sourceId = call("POST", COLLECTIONS, "{\"name\":\"" + source + "\"}").path("id").asText();
    write("add", IntStream.range(0, ROWS).mapToObj(i -> "id-" + i).toList(), "first");
  }

  @AfterEach
  void removeCollections() throws Exception {
    for (JsonNode collection : call("GET", COLLECTIONS + "?limit=1000", "")) {
      String name = collection.path("name").asText();
      if (name.startsWith(source)) {
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

  /** Writes records as a client does that knows nothing of vecferry. */
  private void write(String verb, List<String> ids, String label) throws Exception {
    ObjectNode body = JSON.createObjectNode();
    for (String id : ids) {
      ArrayNode vector = body.withArray("/embeddings").addArray();
      for (int i = 0; i < 8; i++) {
        vector.add((id + label).hashCode() % (97 + i) / 64.0);
      }
      body.withArray("/ids").add(id);
      body.withArray("/documents").add("document of " + id + ", " + label);
      body.withArray("/metadatas").addObject().put("label", label).put("length", id.length());
    }
    call("POST", COLLECTIONS + "/" + sourceId + "/" + verb, body.toString());
  }

  /** All records of a collection by id, as this client sees them. */
  private Map<String, String> records(String name) throws Exception {
    String id = call("GET", COLLECTIONS + "/" + name, "").path("id").asText();
    JsonNode all =
        call(
            "POST",
            COLLECTIONS + "/" + id + "/get",
            "{\"include\":[\"embeddings\",\"documents\",\"metadatas\"]}");
    Map<String, String> records = new TreeMap<>();
    for (int i = 0; i < all.path("ids").size(); i++) {
      TreeMap<String, String> metadata = new TreeMap<>();
      all.path("metadatas")
          .get(i)
          .fields()
          .forEachRemaining(member -> metadata.put(member.getKey(), member.getValue().toString()));
      records.put(
          all.path("ids").get(i).asText(),
          all.path("embeddings").get(i) + " " + all.path("documents").get(i) + " " + metadata);
    }
    return records;
  }

  private void writeSpec() {
    Specs.writeText(
        folder.resolve("spec.yaml"),
        """
        name: moving
        source: {type: chroma, url: "%1$s", collection: %2$s}
        target: {type: chroma, url: "%1$s", collection: %3$s}
        export: {partRows: 100, batchSize: 50}
        quality: {sampleSize: 20, iterations: 1, minRecall: 0.5}
        approval: {beforeCutover: true}
        cutover: {catchUp: true}
        """
            .formatted(url, source, target));
  }

  private Cli.Running start() {
    writeSpec();
    Cli.Running run = Cli.in(folder).start("run", "spec.yaml");
    run.await(
        "it waits for approval",
        () -> Cli.in(folder).run("status", "moving").out().contains("WAITING_FOR_APPROVAL"));
    return run;
  }

  private static void approve(Cli cli) {
    Cli.Result approved = cli.run("approve", "moving", "--reason", "now");
    assertThat(approved.exitCode()).as("%s", approved).isZero();
  }

  private Cli.Result approved(Cli.Running run) {
    approve(Cli.in(folder));
    Cli.Result ended = run.await();
    assertThat(ended.exitCode()).as("%s", ended).isZero();
    Cli.Result verified = Cli.in(folder).run("archive", "verify", "vecferry-archive/moving");
    assertThat(verified.exitCode()).as("%s", verified).isZero();
    return ended;
  }

  private JsonNode phase(String name) throws IOException {
    JsonNode report =
        JSON.readTree(folder.resolve("vecferry-archive/moving/reports/report.json").toFile());
    for (JsonNode phase : report.path("phases")) {
      if (phase.path("name").asText().equals(name)) {
        return phase;
      }
    }
    return JSON.missingNode();
  }

  @Test
  void whatIsWrittenWhileItWaitsIsOnTheTarget() throws Exception {
    try (Cli.Running run = start()) {
      String[] speed = new String[1];
      run.await(
          "it says what requests were like",
          () -> {
            Matcher said = SPEED.matcher(Cli.in(folder).run("status", "moving").out());
            speed[0] = said.find() ? said.group(1).replace(",", "") : null;
            return speed[0] != null;
          });
      Map<String, String> before = records(source);
      write("add", IntStream.range(0, 120).mapToObj(i -> "new-" + i).toList(), "added");
      write("upsert", List.of("id-3", "id-77"), "changed");
      call(
          "POST",
          COLLECTIONS + "/" + sourceId + "/update",
          "{\"ids\":[\"id-8\"],\"metadatas\":[{\"label\":\"of metadata only\"}]}");
      call(
          "POST",
          COLLECTIONS + "/" + sourceId + "/delete",
          "{\"ids\":[\"id-0\",\"id-1\",\"id-499\"]}");
      write("add", List.of("id-0"), "came again");
      Map<String, String> now = records(source);
      assertThat(now).hasSize(ROWS + 120 - 2).isNotEqualTo(before);

      Cli.Result ended = approved(run);

      assertThat(ended.err())
          .contains(
              "pass 1: of 618 records 120 new, 4 changed; 2 deleted; pass 2: no difference in 618"
                  + " records, by id and content");
      assertThat(records(target)).isEqualTo(now);
      assertThat(records(source)).isEqualTo(now);
      assertThat(phase("IMPORT").path("requests").path("rowsPerSecond").asText())
          .isEqualTo(speed[0]);
    }
    assertThat(phase("CUTOVER").path("note").asText())
        .contains("pass 2: no difference in 618 records");
    assertThat(phase("EXPORT").path("requests").path("rows").asInt()).isEqualTo(50);
    assertThat(folder.resolve("vecferry-archive/moving/reports/report.html"))
        .content()
        .contains("pass 1: of 618 records 120 new, 4 changed; 2 deleted");
  }

  /** What others do while it waits: many new records, some changed and some deleted. */
  private void writeMeanwhile(String label) throws Exception {
    for (int hundred = 0; hundred < 15; hundred++) {
      int first = 100 * hundred;
      List<String> ids =
          IntStream.range(first, first + 100).mapToObj(i -> label + "-" + i).toList();
      write("add", ids, "added");
    }
    write("upsert", IntStream.range(10, 60).mapToObj(i -> "id-" + i).toList(), label);
    String ids = label.equals("first") ? "\"id-0\",\"id-1\"" : "\"id-2\",\"first-7\",\"id-11\"";
    call("POST", COLLECTIONS + "/" + sourceId + "/delete", "{\"ids\":[" + ids + "]}");
  }

  private boolean isThere(String name) {
    try {
      return call("GET", COLLECTIONS + "/" + name, "").has("id");
    } catch (Exception e) {
      throw new IllegalStateException(e);
    }
  }

  @Test
  void aRunThatIsKilledInAPassGoesOn() throws Exception {
    Path reached = folder.resolve("vecferry-archive/moving/catch-up/001/kept.json");
    try (Cli.Running run = start()) {
      writeMeanwhile("first");
      approve(Cli.in(folder));
      run.await("the first pass is in the archive", () -> Files.exists(reached));
    }
    assertThat(isThere(target)).isFalse();
    writeMeanwhile("second");
    Map<String, String> now = records(source);
    try (Cli.Running run = start()) {
      approved(run);
    }
    assertThat(records(target)).isEqualTo(now);
    assertThat(records(source)).isEqualTo(now);
  }

  @Test
  void aSourceThatRestsIsProvedToHaveRested() throws Exception {
    try (Cli.Running run = start()) {
      Map<String, String> before = records(source);
      approved(run);
      assertThat(records(target)).isEqualTo(before);
    }
    assertThat(phase("CUTOVER").path("note").asText())
        .isEqualTo(
            "pass 1: no difference in 500 records, by id and content; " + target + " is in place");
  }
}
