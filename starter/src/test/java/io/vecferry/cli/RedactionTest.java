package io.vecferry.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import io.temporal.client.WorkflowClient;
import io.temporal.client.WorkflowFailedException;
import io.vecferry.client.MigrationClient;
import io.vecferry.testing.RunningServer;
import io.vecferry.testing.Server;
import io.vecferry.testing.WithServer;
import io.vecferry.workflow.MigrationStatus;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.UUID;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Secrets that are like nothing else are planted wherever one may be given, and looked for wherever
 * the product leaves something: while a migration runs, after a login was refused, after the right
 * one was given, and where every login is refused.
 */
@Tag("slow")
@Timeout(240)
class RedactionTest {
  private static final Pattern ADDRESS = Pattern.compile("Metrics and health on (http://[\\d.:]+)");
  private static final int ROWS = 120;

  @TempDir Path folder;
  @TempDir Path safe;

  /** Secrets by what they are for. */
  private final Map<String, String> planted = new TreeMap<>();

  /** Where a secret showed, which is nowhere. */
  private final List<String> shown = new ArrayList<>();

  private String plant(String what) {
    return planted.computeIfAbsent(
        what, name -> name + "-" + UUID.randomUUID().toString().replace("-", ""));
  }

  private String file(String what) throws IOException {
    return "file:" + Files.writeString(safe.resolve(what), plant(what) + "\n");
  }

  private static String basic(String user, String password) {
    return "Basic " + base64(user + ":" + password);
  }

  private static String base64(String text) {
    return Base64.getEncoder().encodeToString(text.getBytes(StandardCharsets.UTF_8));
  }

  /** Every form in which a secret may show. */
  private Map<String, String> forms() {
    Map<String, String> forms = new LinkedHashMap<>();
    planted.forEach(
        (what, secret) -> {
          forms.put(what, secret);
          forms.put(what + " in base 64", base64(secret).replace("=", ""));
          forms.put(what + " with its user", base64("ada:" + secret).replace("=", ""));
        });
    return forms;
  }

  private void look(String place, byte[] bytes) {
    String text = new String(bytes, StandardCharsets.ISO_8859_1);
    forms()
        .forEach(
            (what, form) -> {
              int at = text.indexOf(form);
              if (at >= 0) {
                shown.add(what + " in " + place + ": " + text.substring(Math.max(0, at - 80), at));
              }
            });
  }

  private void look(String place, String text) {
    look(place, text.getBytes(StandardCharsets.UTF_8));
  }

  private void look(Cli.Result result) {
    look("output of " + result.command(), result.toString());
  }

  private void lookAtFiles(Path start) throws IOException {
    try (Stream<Path> files = Files.walk(start)) {
      for (Path file : files.filter(Files::isRegularFile).toList()) {
        look(file.getFileName().toString(), file.toString());
        look(file.toString(), Files.readAllBytes(file));
      }
    }
  }

  /** What everybody on the machine sees of every process, and its owner of the worker. */
  private void lookAtProcesses(long worker) throws IOException {
    try (Stream<Path> processes = Files.list(Path.of("/proc"))) {
      for (Path process : processes.filter(p -> p.toString().matches("/proc/\\d+")).toList()) {
        lookIfThere(process.resolve("cmdline"));
      }
    }
    Path own = Path.of("/proc/" + worker);
    for (String name : new String[] {"comm", "status", "maps", "mountinfo", "limits"}) {
      lookIfThere(own.resolve(name));
    }
    try (Stream<Path> threads = Files.list(own.resolve("task"))) {
      for (Path thread : threads.toList()) {
        lookIfThere(thread.resolve("comm"));
      }
    }
  }

  private void lookIfThere(Path file) {
    try {
      look(file.toString(), Files.readAllBytes(file));
    } catch (IOException e) {
      // The process has ended since.
    }
  }

  /** Everything that the service keeps: inputs, results, failures, heartbeats, what lists show. */
  private String lookAtTheService(Service service, List<String> expected) {
    WorkflowClient client = service.rawClient();
    Cli.await(
        "the service lists all workflows",
        () -> ids(client).containsAll(expected.stream().map("migration-"::concat).toList()));
    StringBuilder everything = new StringBuilder();
    for (String id : ids(client)) {
      var history = client.fetchHistory(id);
      byte[] bytes = history.getHistory().toByteArray();
      everything.append(new String(bytes, StandardCharsets.UTF_8));
      look("history of " + id, bytes);
      look("history of " + id + " as JSON", history.toJson(true));
      look(
          "description of " + id,
          client.newUntypedWorkflowStub(id).describe().getRawDescription().toByteArray());
    }
    return everything.toString();
  }

  private static List<String> ids(WorkflowClient client) {
    return client
        .listExecutions("")
        .map(execution -> execution.getExecution().getWorkflowId())
        .distinct()
        .toList();
  }

  private static JsonNode yaml(String text) throws IOException {
    return new YAMLMapper().readTree(text);
  }

  @Test
  void noSecretIsShown(
      @WithServer(Server.TEMPORAL) RunningServer temporal,
      @WithServer(Server.CHROMA) RunningServer chroma,
      @WithServer(Server.ELASTICSEARCH_8) RunningServer elasticsearch)
      throws Exception {
    String name = "kept_" + Long.toString(System.nanoTime(), 36);
    try (Service service = Service.at(temporal, folder);
        Guard ofChroma =
            Guard.before(chroma.url())
                .welcome(plant("token"))
                .welcome("Bearer " + plant("bearer"));
        Guard ofElasticsearch = Guard.before(elasticsearch.url());
        Guard ofGrpc = Guard.refusingGrpc()) {
      Cli cli =
          service
              .cli(folder)
              .with("TEMPORAL_GRPC_META_AUTHORIZATION", "Bearer " + plant("temporalheader"))
              .with("CHROMA_TOKEN", plant("token"))
              .with("ES_USER", "ada")
              .with("ES_BEARER", plant("esbearer"))
              .with("MILVUS_TOKEN", plant("milvustoken"))
              .with("VECFERRY_LOG", "debug")
              .with("VECFERRY_LOG_FORMAT", "json")
              .with("VECFERRY_TEMPORAL_LOG", "debug");
      Cli.Running worker = service.startWorker(cli, "--http", "127.0.0.1:0");
      worker.await("it serves", () -> ADDRESS.matcher(worker.err()).find());
      lookAtProcesses(worker.pid());

      // With the right secrets.
      FaissFolder.write(folder.resolve("source"), ROWS, 8);
      Path filled =
          spec(
              "filled",
              "{type: faiss, path: source}",
              "{type: chroma, url: \"%s\", collection: %s, auth: {token: env:CHROMA_TOKEN}}"
                  .formatted(ofChroma.url(), name));
      Cli.Result done = cli.run("run", filled.toString());
      assertThat(done.exitCode()).as("%s", done).isZero();
      look(done);

      // With one that is right, then wrong, then right again.
      String password = basic("ada", plant("password"));
      ofElasticsearch.welcome(password);
      Path moved =
          spec(
              "moved",
              "{type: chroma, url: \"%s\", collection: %s, auth: {bearer: \"%s\"}}"
                  .formatted(ofChroma.url(), name, file("bearer")),
              "{type: elasticsearch, url: \"%s\", collection: %s, auth: {username: env:ES_USER, password: \"%s\"}}"
                  .formatted(ofElasticsearch.url(), name, file("password")));
      look(cli.run("start", moved.toString()));
      service.await("moved", MigrationStatus.State.WAITING_FOR_APPROVAL);
      lookAtProcesses(worker.pid());
      ofElasticsearch.lockOut();
      look(cli.run("approve", "moved", "--reason", "go on"));
      service.await("moved", MigrationStatus.State.NEEDS_ATTENTION);
      Cli.Result failures = cli.run("failures", "moved");
      assertThat(failures.out()).contains("[PERMISSION]", "nobody is let in with", "(a secret)");
      look(failures);
      look(cli.run("failures", "moved", "--json"));
      look(cli.run("status", "moved"));
      lookAtTheService(service, List.of("filled", "moved"));
      String renewed = basic("ada", plant("renewedpassword"));
      Files.writeString(safe.resolve("password"), plant("renewedpassword") + "\n");
      ofElasticsearch.welcome(renewed);
      look(cli.run("retry", "moved", "--reason", "let in again"));
      assertThat(service.client().awaitResult("moved").verdict()).startsWith("Migrated");
      for (String form : new String[] {"--json", "--markdown"}) {
        look(cli.run("report", "moved", form));
      }

      // Where nobody is let in.
      Map<String, String> refused = new LinkedHashMap<>();
      refused.put(
          "es-key",
          "{type: elasticsearch, url: \"%s\", collection: c, auth: {apiKey: \"%s\"}}"
              .formatted(ofElasticsearch.url(), file("apikey")));
      refused.put(
          "es-bearer",
          "{type: elasticsearch, url: \"%s\", collection: c, auth: {bearer: env:ES_BEARER}}"
              .formatted(ofElasticsearch.url()));
      refused.put(
          "chroma-token",
          "{type: chroma, url: \"%s\", collection: c, auth: {token: \"%s\"}}"
              .formatted(ofChroma.url(), file("oldtoken")));
      refused.put(
          "qdrant-key",
          "{type: qdrant, url: \"%s\", collection: c, auth: {apiKey: \"%s\"}}"
              .formatted(ofGrpc.url(), file("qdrantkey")));
      refused.put(
          "milvus-token",
          "{type: milvus, url: \"%s\", collection: c, auth: {token: env:MILVUS_TOKEN}}"
              .formatted(ofGrpc.url()));
      refused.put(
          "milvus-user",
          "{type: milvus, url: \"%s\", collection: c, auth: {username: env:ES_USER, password: \"%s\"}}"
              .formatted(ofGrpc.url(), file("milvuspassword")));
      MigrationClient client = service.client();
      for (Map.Entry<String, String> store : refused.entrySet()) {
        client.start(
            yaml(
                text(
                    store.getKey(),
                    store.getValue(),
                    "{type: faiss, path: /nowhere/" + store.getKey() + "}")));
      }
      for (String migration : refused.keySet()) {
        assertThatThrownBy(() -> client.awaitResult(migration))
            .isInstanceOf(WorkflowFailedException.class)
            .hasStackTraceContaining("nobody is let in with")
            .satisfies(e -> look("end of " + migration, stackTrace(e)));
      }
      Cli.Result planned =
          cli.run(
              "plan",
              spec("planned", refused.get("qdrant-key"), "{type: faiss, path: t}").toString());
      assertThat(planned.out() + planned.err()).contains("nobody is let in with");
      look(planned);

      // A service that does not speak TLS, which an API key asks for.
      Cli.Result noTls = cli.with("TEMPORAL_API_KEY", plant("temporalkey")).run("worker");
      assertThat(noTls.exitCode()).as("%s", noTls).isEqualTo(1);
      look(noTls);

      // What was left behind.
      List<String> all = new ArrayList<>(List.of("filled", "moved"));
      all.addAll(refused.keySet());
      String histories = lookAtTheService(service, all);
      assertThat(histories).contains("env:CHROMA_TOKEN", "file:" + safe.resolve("apikey"));
      lookAtProcesses(worker.pid());
      Matcher address = ADDRESS.matcher(worker.err());
      assertThat(address.find()).isTrue();
      String metrics = get(address.group(1) + "/metrics");
      assertThat(metrics).contains("class=\"PERMISSION\"");
      look("metrics", metrics);
      worker.terminate();
      look(worker.await());
      assertThat(worker.err()).contains("\"level\":\"DEBUG\"");
      List<JsonNode> log = new ArrayList<>();
      for (String line : worker.err().lines().toList()) {
        log.add(new ObjectMapper().readTree(line));
      }
      assertThat(log)
          .filteredOn(line -> line.path("message").asText().startsWith("PERMISSION: "))
          .isNotEmpty()
          .allSatisfy(line -> assertThat(line.has("phase")).isTrue())
          .anySatisfy(line -> assertThat(line.path("migration").asText()).isEqualTo("moved"));
      assertThat(log)
          .filteredOn(line -> line.path("message").asText().startsWith("ImportPart done"))
          .isNotEmpty()
          .allSatisfy(line -> assertThat(line.path("part").asText()).startsWith("p000-"));
      lookAtFiles(folder);
      assertThat(folder.resolve("archives/moved/spec.json"))
          .content()
          .contains("file:" + safe.resolve("password"));
      look("log of the Temporal service", Files.readString(temporal.log()));
      assertThat(shown).as("secrets that are shown").isEmpty();

      // They have been used, or nothing was tested.
      assertThat(ofChroma.seen())
          .contains(plant("token"), plant("oldtoken"), "Bearer " + plant("bearer"));
      assertThat(ofElasticsearch.seen())
          .contains(password, renewed, "ApiKey " + plant("apikey"), "Bearer " + plant("esbearer"));
      assertThat(ofGrpc.seen())
          .contains(
              plant("qdrantkey"),
              base64(plant("milvustoken")),
              base64("ada:" + plant("milvuspassword")));
    }
  }

  private Path spec(String name, String source, String target) {
    return Specs.writeText(folder.resolve(name + ".yaml"), text(name, source, target));
  }

  private static String text(String name, String source, String target) {
    return """
    name: %s
    source: %s
    target: %s
    approval: {beforeCutover: %s}
    quality: {sampleSize: 10, iterations: 1, minRecall: 0.5}
    """
        .formatted(name, source, target, name.equals("moved"));
  }

  private static String stackTrace(Throwable e) {
    return Stream.iterate(e, link -> link != null, Throwable::getCause)
        .map(link -> link + "\n" + List.of(link.getStackTrace()))
        .collect(Collectors.joining("\n"));
  }

  private static String get(String url) throws Exception {
    return HttpClient.newHttpClient()
        .send(HttpRequest.newBuilder(URI.create(url)).build(), BodyHandlers.ofString())
        .body();
  }
}
