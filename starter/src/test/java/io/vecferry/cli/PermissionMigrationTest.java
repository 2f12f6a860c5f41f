package io.vecferry.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.vecferry.testing.RunningServer;
import io.vecferry.testing.Server;
import io.vecferry.testing.WithServer;
import java.io.InputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.security.cert.CertificateFactory;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * A user who may make and fill loads, but neither move a name nor change an index that somebody
 * else has made. The right is granted by another user in the secret that the spec refers to: this
 * server keeps its own users in files.
 */
@WithServer(Server.ELASTICSEARCH_SECURED)
@Tag("slow")
@Timeout(180)
class PermissionMigrationTest {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final int OLD = 30;
  private static final int NEW = 250;
  private static final int DIMENSION = 8;

  @TempDir Path folder;

  private final String name = "rights_" + Long.toString(System.nanoTime(), 36);
  private String url;
  private HttpClient http;
  private Path user;

  @BeforeEach
  void connect(RunningServer server) throws Exception {
    url = server.url();
    Path certificate = fetchCertificate(URI.create(url));
    KeyStore trusted = KeyStore.getInstance(KeyStore.getDefaultType());
    trusted.load(null);
    try (InputStream in = Files.newInputStream(certificate)) {
      trusted.setCertificateEntry(
          "server", CertificateFactory.getInstance("X.509").generateCertificate(in));
    }
    TrustManagerFactory managers =
        TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
    managers.init(trusted);
    SSLContext context = SSLContext.getInstance("TLS");
    context.init(null, managers.getTrustManagers(), null);
    http = HttpClient.newBuilder().sslContext(context).build();
  }

  /** What the server shows to everybody who asks. */
  private Path fetchCertificate(URI address) throws Exception {
    Path file = folder.resolve("ca.pem");
    int exit =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "keytool").toString(),
                "-printcert",
                "-rfc",
                "-sslserver",
                address.getHost() + ":" + address.getPort())
            .redirectError(ProcessBuilder.Redirect.DISCARD)
            .redirectOutput(file.toFile())
            .start()
            .waitFor();
    assertThat(exit).as("exit code of keytool").isZero();
    return file;
  }

  @AfterEach
  void removeIndices() throws Exception {
    for (String index : indices()) {
      call("DELETE", "/" + index, "");
    }
  }

  private HttpResponse<String> call(String method, String path, String body) throws Exception {
    return http.send(
        HttpRequest.newBuilder(URI.create(url + path))
            .header(
                "Authorization",
                "Basic "
                    + Base64.getEncoder()
                        .encodeToString("elastic:Elastic".getBytes(StandardCharsets.UTF_8)))
            .header(
                "Content-Type",
                path.contains("_bulk") ? "application/x-ndjson" : "application/json")
            .method(method, BodyPublishers.ofString(body))
            .build(),
        BodyHandlers.ofString());
  }

  private JsonNode ask(String method, String path, String body) throws Exception {
    HttpResponse<String> answer = call(method, path, body);
    assertThat(answer.statusCode()).as(answer.body()).isLessThan(300);
    return JSON.readTree(answer.body());
  }

  private List<String> indices() throws Exception {
    List<String> names = new java.util.ArrayList<>();
    ask("GET", "/" + name + "*", "").fieldNames().forEachRemaining(names::add);
    return names;
  }

  /** An index with some records, made by somebody else. */
  private void makeOld() throws Exception {
    ask(
        "PUT",
        "/" + name,
        """
        {"settings": {"number_of_shards": 1, "number_of_replicas": 0},
         "mappings": {"properties": {"v": {"type": "dense_vector", "dims": 8, "similarity": "l2_norm"}}}}
        """);
    StringBuilder lines = new StringBuilder();
    for (int i = 0; i < OLD; i++) {
      lines
          .append("{\"index\":{\"_id\":\"old-%d\"}}\n".formatted(i))
          .append("{\"v\":[%d,1,1,1,1,1,1,1],\"text\":\"old %d\"}\n".formatted(i, i));
    }
    assertThat(ask("POST", "/" + name + "/_bulk?refresh=true", lines.toString()).path("errors"))
        .as("errors")
        .isEqualTo(JSON.getNodeFactory().booleanNode(false));
  }

  /** Everything that the server has of this test: indices without what is new in each, records. */
  private Map<String, String> state() throws Exception {
    Map<String, String> state = new TreeMap<>();
    JsonNode all = ask("GET", "/" + name + "*", "");
    for (String index : indices()) {
      ObjectNode description = all.path(index).deepCopy();
      ((ObjectNode) description.at("/settings/index"))
          .remove(
              List.of(
                  "uuid", "creation_date", "provided_name", "version", "routing_partition_size"));
      JsonNode hits =
          ask("POST", "/" + index + "/_search", "{\"size\":1000,\"sort\":[\"_doc\"]}")
              .at("/hits/hits");
      Map<String, String> records = new TreeMap<>();
      hits.forEach(hit -> records.put(hit.path("_id").asText(), hit.path("_source").toString()));
      state.put(index, description + " " + records);
    }
    return state;
  }

  private long count() throws Exception {
    return ask("GET", "/" + name + "/_count", "").path("count").asLong();
  }

  private Cli.Running startAs(String loader) throws Exception {
    FaissFolder.write(folder.resolve("source"), NEW, DIMENSION);
    user = folder.resolve("user");
    Files.writeString(user, loader);
    Files.writeString(folder.resolve("password"), "Elastic");
    Specs.writeText(
        folder.resolve("spec.yaml"),
        """
        name: rights
        source: {type: faiss, path: source}
        target:
          type: elasticsearch
          url: "%s"
          collection: %s
          ifExists: replace
          auth: {username: "file:%s", password: "file:%s"}
          options: {caFile: "%s"}
        quality: {sampleSize: 20, iterations: 1}
        """
            .formatted(url, name, user, folder.resolve("password"), folder.resolve("ca.pem")));
    return Cli.in(folder).start("run", "--wait", "spec.yaml");
  }

  private void awaitAttention(Cli.Running run) {
    run.await(
        "a person is asked",
        () -> Cli.in(folder).run("status", "rights").out().contains("NEEDS_ATTENTION"));
    Cli.Result failures = Cli.in(folder).run("failures", "rights");
    assertThat(failures.out())
        .as("%s", failures)
        .contains("CUTOVER", "[PERMISSION]", "is unauthorized for user [loader]");
  }

  private Cli.Result verb(String verb) {
    Cli.Result result = Cli.in(folder).run(verb, "rights", "--reason", "rights were granted");
    assertThat(result.exitCode()).as("%s", result).isZero();
    return result;
  }

  @Test
  void whoMayNotMoveTheNameAsksAndGoesOnWithTheRight() throws Exception {
    makeOld();
    Map<String, String> before = state();
    try (Cli.Running run = startAs("loader")) {
      awaitAttention(run);
      assertThat(state()).containsAllEntriesOf(before);
      assertThat(count()).isEqualTo(OLD);

      Files.writeString(user, "elastic");
      verb("retry");
      Cli.Result end = run.await();

      assertThat(end.exitCode()).as("%s", end).isZero();
      assertThat(end.out()).startsWith("MIGRATED: Migrated: every record is on the target");
    }
    assertThat(count()).isEqualTo(NEW);
    // The way back is open as ever.
    Cli.Result back = Cli.in(folder).run("rollback", "rights", "--reason", "wrong one");
    assertThat(back.exitCode()).as("%s", back).isEqualTo(2);
    assertThat(state()).isEqualTo(before);
  }

  @Test
  void whoMayNotMoveTheNameMayGoBack() throws Exception {
    makeOld();
    Map<String, String> before = state();
    try (Cli.Running run = startAs("loader")) {
      awaitAttention(run);
      verb("rollback");
      Cli.Result end = run.await();
      assertThat(end.exitCode()).as("%s", end).isEqualTo(2);
      assertThat(end.out()).startsWith("ROLLED_BACK: ");
    }
    assertThat(state()).isEqualTo(before);
  }
}
