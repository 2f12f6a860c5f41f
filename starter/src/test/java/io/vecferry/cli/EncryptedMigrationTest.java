package io.vecferry.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.google.protobuf.util.JsonFormat;
import io.temporal.api.common.v1.Payloads;
import io.temporal.client.WorkflowClient;
import io.temporal.client.WorkflowClientOptions;
import io.temporal.common.WorkflowExecutionHistory;
import io.temporal.testing.TestEnvironmentOptions;
import io.temporal.testing.TestWorkflowEnvironment;
import io.temporal.testing.WorkflowReplayer;
import io.temporal.worker.Worker;
import io.vecferry.testing.RunningServer;
import io.vecferry.testing.Server;
import io.vecferry.testing.WithServer;
import io.vecferry.worker.PayloadEncryption;
import io.vecferry.workflow.MigrationStatus;
import io.vecferry.workflow.MigrationWorkflowImpl;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.util.Base64;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Migrations whose history nobody reads without the keys. */
@Timeout(180)
@WithServer(Server.TEMPORAL)
@Tag("slow")
class EncryptedMigrationTest {
  private static final Pattern ADDRESS = Pattern.compile("Codec server on (http://\\S+)");
  private static final String REASON = "approved-in-confidence";

  @TempDir Path folder;
  @TempDir Path safe;

  private String first;
  private String second;

  @BeforeEach
  void makeKeys() throws IOException {
    first = "first=" + key("one");
    second = "second=" + key("two");
  }

  private String key(String name) throws IOException {
    byte[] key = new byte[32];
    new SecureRandom().nextBytes(key);
    return "file:" + Files.writeString(safe.resolve(name), Base64.getEncoder().encodeToString(key));
  }

  private Cli cli(Service service, String keys) {
    return service.cli(folder).with("VECFERRY_PAYLOAD_KEYS", keys);
  }

  private static String history(Service service, String migration) {
    WorkflowClient client = service.rawClient();
    return client
        .fetchHistory("migration-" + migration)
        .getHistory()
        .toByteString()
        .toString(StandardCharsets.ISO_8859_1);
  }

  @Test
  void nobodyReadsAHistoryWithoutTheKey(RunningServer temporal) throws Exception {
    FaissFolder.write(folder.resolve("confidential"), 100, 4);
    Path spec =
        Specs.writeText(
            folder.resolve("spec.yaml"),
            """
            name: hidden
            source: {type: faiss, path: confidential}
            target: {type: faiss, path: target}
            approval: {beforeCutover: true}
            quality: {sampleSize: 10, iterations: 1}
            """);
    try (Service service = Service.at(temporal, folder)) {
      Cli cli = cli(service, first);
      service.startWorker(cli);
      assertThat(cli.run("start", spec.toString()).exitCode()).isZero();
      Cli.await(
          "it waits for an approval",
          () -> cli.run("status", "hidden").out().contains("WAITING_FOR_APPROVAL"));

      Cli.Result blind = service.cli(folder).run("status", "hidden");
      assertThat(blind.exitCode()).as("%s", blind).isEqualTo(1);
      assertThat(blind.err())
          .contains("encrypted with the key 'first', which is not here", "VECFERRY_PAYLOAD_KEYS")
          .doesNotContain("\tat ");
      Cli.Result wrong = cli(service, "first=" + key("three")).run("status", "hidden");
      assertThat(wrong.exitCode()).as("%s", wrong).isEqualTo(1);
      assertThat(wrong.err()).contains("cannot be decrypted with the key 'first'");

      Cli.await(
          "it is listed as one that waits",
          () -> cli.run("list").out().matches("(?s)hidden +WAITING_FOR_APPROVAL .*"));
      Cli.Result blindList = service.cli(folder).run("list");
      assertThat(blindList.exitCode()).as("%s", blindList).isZero();
      assertThat(blindList.out()).matches("(?s)hidden +RUNNING .*");

      Cli.Result approved = cli.run("approve", "hidden", "--reason", REASON);
      assertThat(approved.exitCode()).as("%s", approved).isZero();
      Cli.Result end = cli.run("watch", "hidden");
      assertThat(end.exitCode()).as("%s", end).isZero();
      FaissFolder.assertSame(folder.resolve("confidential"), folder.resolve("target"));

      // One that fails: what it fails with is read by its owner only.
      Path broken = Specs.writeText(folder.resolve("broken.yaml"), brokenSpec());
      Cli.Result failed = cli.run("run", broken.toString());
      assertThat(failed.exitCode()).as("%s", failed).isEqualTo(1);
      assertThat(failed.err()).contains("confidential-and-missing");

      for (String migration : List.of("hidden", "broken")) {
        assertThat(history(service, migration))
            .contains("binary/encrypted", "first")
            .doesNotContain("confiden");
      }
      theUiReadsItThroughACodecServer(service);
    }
  }

  private static String brokenSpec() {
    return """
    name: broken
    source: {type: faiss, path: confidential-and-missing}
    target: {type: faiss, path: other}
    """;
  }

  private void theUiReadsItThroughACodecServer(Service service) throws Exception {
    Payloads input =
        service
            .rawClient()
            .fetchHistory("migration-hidden")
            .getHistory()
            .getEvents(0)
            .getWorkflowExecutionStartedEventAttributes()
            .getInput();
    String request = JsonFormat.printer().print(input);
    try (Cli.Running server =
        cli(service, first)
            .start("codec-server", "--listen", "127.0.0.1:0", "--origin", "http://ui.test:8233")) {
      server.await("it listens", () -> ADDRESS.matcher(server.err()).find());
      Matcher address = ADDRESS.matcher(server.err());
      assertThat(address.find()).isTrue();
      String url = address.group(1);

      HttpResponse<String> decoded = post(url + "/decode", "http://ui.test:8233", request);
      assertThat(decoded.statusCode()).as(decoded.body()).isEqualTo(200);
      assertThat(decoded.headers().firstValue("Access-Control-Allow-Origin"))
          .contains("http://ui.test:8233");
      assertThat(text(decoded.body())).contains("confidential");

      HttpResponse<String> encoded = post(url + "/encode", "http://ui.test:8233", decoded.body());
      assertThat(text(encoded.body())).doesNotContain("confidential");
      HttpResponse<String> again = post(url + "/decode", "http://ui.test:8233", encoded.body());
      assertThat(again.body()).isEqualTo(decoded.body());

      HttpResponse<String> asked = send(url + "/decode", "http://ui.test:8233", "OPTIONS", "");
      assertThat(asked.statusCode()).isEqualTo(204);
      assertThat(asked.headers().firstValue("Access-Control-Allow-Headers").orElse(""))
          .contains("content-type", "x-namespace");

      HttpResponse<String> foreign = post(url + "/decode", "http://attacker.test", request);
      assertThat(foreign.statusCode()).isEqualTo(403);
      assertThat(foreign.headers().firstValue("Access-Control-Allow-Origin")).isEmpty();
      assertThat(post(url + "/decode", "http://ui.test:8233", "no JSON").statusCode())
          .isEqualTo(400);
    }
  }

  private static HttpResponse<String> post(String url, String origin, String body)
      throws Exception {
    return send(url, origin, "POST", body);
  }

  private static HttpResponse<String> send(String url, String origin, String method, String body)
      throws Exception {
    return HttpClient.newHttpClient()
        .send(
            HttpRequest.newBuilder(URI.create(url))
                .header("Origin", origin)
                .header("X-Namespace", "default")
                .header("Content-Type", "application/json")
                .method(method, BodyPublishers.ofString(body))
                .build(),
            BodyHandlers.ofString());
  }

  /** The data of the first payload, as text. */
  private static String text(String payloads) throws IOException {
    JsonNode data = new ObjectMapper().readTree(payloads).at("/payloads/0/data");
    return new String(Base64.getDecoder().decode(data.asText()), StandardCharsets.UTF_8);
  }

  /** A migration that began without encryption goes on with a key, and then with another one. */
  @Test
  void keysAreReplacedWhileAMigrationRuns(RunningServer temporal) throws Exception {
    FaissFolder.write(folder.resolve("source"), 100, 4);
    Path spec =
        Specs.write(folder, "rotated", "approval: {beforeImport: true, beforeCutover: true}");
    String both = second + "," + first;
    try (Service service = Service.at(temporal, folder)) {
      Cli plain = service.cli(folder);
      Cli.Running worker = service.startWorker(plain);
      assertThat(plain.run("start", spec.toString()).exitCode()).isZero();
      service.await("rotated", MigrationStatus.State.WAITING_FOR_APPROVAL);

      worker = replace(service, worker, first);
      Cli.Result approved = cli(service, first).run("approve", "rotated", "--reason", "go on");
      assertThat(approved.exitCode()).as("%s", approved).isZero();
      Cli.await(
          "it waits before the cutover",
          () -> cli(service, first).run("status", "rotated").out().contains("approve the cutover"));

      replace(service, worker, both);
      approved = cli(service, both).run("approve", "rotated", "--reason", "go on");
      assertThat(approved.exitCode()).as("%s", approved).isZero();
      Cli.Result end = cli(service, both).run("watch", "rotated");
      assertThat(end.exitCode()).as("%s", end).isZero();

      assertThat(history(service, "rotated")).contains("json/plain", "first", "second");
      WorkflowExecutionHistory recorded = service.rawClient().fetchHistory("migration-rotated");
      assertThatCode(() -> replay(recorded, both)).doesNotThrowAnyException();
      assertThatThrownBy(() -> replay(recorded, second))
          .hasStackTraceContaining("encrypted with the key 'first', which is none of those here");
    }
  }

  private Cli.Running replace(Service service, Cli.Running worker, String keys) {
    worker.terminate();
    worker.await();
    return service.startWorker(cli(service, keys));
  }

  private static void replay(WorkflowExecutionHistory history, String keys) throws Exception {
    try (TestWorkflowEnvironment environment =
        TestWorkflowEnvironment.newInstance(
            TestEnvironmentOptions.newBuilder()
                .setWorkflowClientOptions(
                    WorkflowClientOptions.newBuilder()
                        .setDataConverter(PayloadEncryption.of(keys).converter())
                        .build())
                .build())) {
      Worker worker = environment.newWorker("replay");
      worker.registerWorkflowImplementationTypes(MigrationWorkflowImpl.class);
      WorkflowReplayer.replayWorkflowExecution(history, worker);
    }
  }
}
