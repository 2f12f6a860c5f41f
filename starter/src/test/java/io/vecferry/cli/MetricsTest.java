package io.vecferry.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.vecferry.testing.RunningServer;
import io.vecferry.testing.Server;
import io.vecferry.testing.WithServer;
import io.vecferry.workflow.MigrationStatus;
import io.vecferry.workflow.SearchAttributes;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What a worker says about itself over HTTP. */
@Timeout(180)
class MetricsTest {
  private static final int ROWS = 200;
  private static final Pattern ADDRESS = Pattern.compile("Metrics and health on (http://\\S+)");

  private static final Pattern NAME = Pattern.compile("vecferry_[a-z_]+");

  private final HttpClient http = HttpClient.newHttpClient();

  @TempDir Path folder;

  @Test
  void stepsRecordsAndFailuresAreCounted(
      @WithServer(Server.TEMPORAL) RunningServer temporal,
      @WithServer(Server.CHROMA) RunningServer chroma)
      throws Exception {
    try (Service service = Service.at(temporal, folder)) {
      String url = startWorker(service);
      assertThat(get(url, "/healthz").body()).isEqualTo("ok\n");
      assertThat(get(url, "/readyz").statusCode()).isEqualTo(200);
      assertThat(healthCheckOfTheImage(URI.create(url).getPort())).isZero();
      assertThat(healthCheckOfTheImage(1)).isNotZero();

      FaissFolder.write(folder.resolve("source"), ROWS, 8);
      Path spec =
          Specs.writeText(
              folder.resolve("spec.yaml"),
              """
              name: measured
              source: {type: faiss, path: source}
              target: {type: chroma, url: "%s", collection: measured-%s}
              quality: {sampleSize: 20, iterations: 1}
              export: {partRows: 50}
              """
                  .formatted(chroma.url(), UUID.randomUUID()));
      Cli.Result migrated = service.cli(folder).run("run", spec.toString());
      assertThat(migrated.exitCode()).as("%s", migrated).isZero();

      String metrics = get(url, "/metrics").body();
      for (String step :
          new String[] {
            "export_part", "validate_exported_part", "import_part", "validate_imported_part"
          }) {
        assertThat(
                value(
                    metrics,
                    "vecferry_records_total{how=\"worked_on\"," + stepAndStore(step) + "}"))
            .as(step)
            .isEqualTo(ROWS);
        assertThat(value(metrics, "vecferry_steps_running{step=\"" + step + "\"}")).isZero();
        assertThat(
                value(
                    metrics,
                    "vecferry_step_seconds_count{result=\"done\"," + stepAndStore(step) + "}"))
            .isEqualTo(4);
      }
      assertThat(
              value(metrics, "vecferry_archive_bytes_total{" + stepAndStore("export_part") + "}"))
          .isGreaterThan(ROWS * 8 * 4);
      assertThat(value(metrics, "vecferry_rejects_total{" + stepAndStore("import_part") + "}"))
          .isZero();
      assertThat(value(metrics, "vecferry_archive_disk_free_bytes")).isPositive();
      assertThat(value(metrics, "vecferry_resident_memory_bytes")).isPositive();
      assertThat(value(metrics, "vecferry_batches_total{" + stepAndStore("export_part") + "}"))
          .as("a batch for each part")
          .isEqualTo(4);
      assertThat(value(metrics, "vecferry_step_retries_total{" + stepAndStore("export_part") + "}"))
          .isZero();
      assertThat(value(metrics, "vecferry_phase_seconds_count{phase=\"IMPORT\"}")).isEqualTo(1);
      assertThat(value(metrics, "vecferry_phase_seconds_count{phase=\"ROLLBACK\"}")).isZero();
      assertThat(value(metrics, "vecferry_migration_seconds_count{outcome=\"MIGRATED\"}"))
          .isEqualTo(1);
      assertThat(value(metrics, "vecferry_migrations_running")).isZero();
      assertThat(metrics).contains("temporal_").doesNotContain("measured");
    }
  }

  @Test
  void whatFailsAndWaitsIsCounted(@WithServer(Server.TEMPORAL) RunningServer temporal)
      throws Exception {
    try (Service service = Service.at(temporal, folder)) {
      registerSearchAttributes(temporal, service);
      String url = startWorker(service);
      FaissFolder.write(folder.resolve("source"), ROWS, 8);
      Specs.write(folder, "broken", "export: {partRows: 50}\napproval: {beforeImport: true}");
      assertThat(service.cli(folder).run("start", "spec.yaml").exitCode()).isZero();
      service.await("broken", MigrationStatus.State.WAITING_FOR_APPROVAL);
      damageAPart();
      assertThat(service.cli(folder).run("approve", "broken", "--reason", "go on").exitCode())
          .isZero();
      service.await("broken", MigrationStatus.State.NEEDS_ATTENTION);

      Cli.await(
          "the migration has said when it will end",
          () -> {
            String now = metrics(url);
            return value(now, "vecferry_migrations_late") == 0
                && value(now, "vecferry_expected_end_timestamp_seconds") > 1.6e9;
          });
      String metrics = get(url, "/metrics").body();
      assertThat(metrics)
          .containsPattern(
              "vecferry_step_failures_total\\{class=\"ARCHIVE_DAMAGED\",step=\"import_part\",store=\"faiss\"} 1");
      assertThat(value(metrics, "vecferry_migrations_running")).isEqualTo(1);
      Matcher documented = NAME.matcher(Files.readString(Cli.home().resolve("docs/monitoring.md")));
      while (documented.find()) {
        assertThat(metrics).contains(documented.group());
      }
      alertsAndDashboardAskForWhatIsThere(url);
      whatTheRunbookLooksAtIsThere(TemporalCli.of(temporal).inNamespace(service.namespace()));
      if (Prometheus.program("prometheus").isPresent()) {
        prometheusAnswersAlertsAndDashboard(url);
      }
      service.client().cancel("broken", "the test is over");
    }
  }

  private static int healthCheckOfTheImage(int port) throws Exception {
    List<String> command =
        Dockerfile.read().words("HEALTHCHECK").stream()
            .map(word -> word.replace("9464", Integer.toString(port)))
            .toList();
    return new ProcessBuilder(command)
        .redirectErrorStream(true)
        .redirectOutput(ProcessBuilder.Redirect.DISCARD)
        .start()
        .waitFor();
  }

  /** Commands of the runbook that change nothing. */
  private static void whatTheRunbookLooksAtIsThere(TemporalCli temporal) throws IOException {
    List<String> commands =
        Files.readAllLines(Cli.home().resolve("docs/runbook.md")).stream()
            .filter(line -> line.startsWith("temporal "))
            .map(line -> line.substring("temporal ".length()).replace("products", "broken"))
            .toList();
    assertThat(commands).isNotEmpty();
    for (String command : commands) {
      String[] words = DocsTest.words(command).toArray(String[]::new);
      String shown = command.contains("task-queue") ? "@" : "migration-broken";
      Cli.await(command, () -> temporal.run(words).out().contains(shown));
    }
  }

  private void alertsAndDashboardAskForWhatIsThere(String url) throws Exception {
    List<Expression> expressions = new ArrayList<>(Expression.ofAlerts());
    expressions.addAll(Expression.ofDashboard());
    assertThat(expressions).hasSizeGreaterThan(20);
    // The SDK reports what it has counted every ten seconds.
    Cli.await(
        "the metrics of Temporal's SDK",
        () ->
            expressions.stream()
                .filter(expression -> expression.text().contains("temporal_"))
                .allMatch(expression -> expression.missing(metrics(url)).isEmpty()));
    String metrics = metrics(url);
    for (Expression expression : expressions) {
      assertThat(expression.missing(metrics)).as("%s", expression).isEmpty();
    }
    assertThat(
            new Expression("typo", "sum by (stepp) (rate(vecferry_records{how=\"done\"}[1m]))", "")
                .missing(metrics))
        .containsExactlyInAnyOrder("vecferry_records", "stepp");
    assertThat(
            new Expression("typo", "vecferry_records_total{how=\"done\"}", "{{stepp}}")
                .missing(metrics))
        .containsExactlyInAnyOrder("vecferry_records_total{how=\"done\"}", "stepp");
  }

  private void prometheusAnswersAlertsAndDashboard(String url) throws Exception {
    try (Prometheus prometheus =
        Prometheus.start(
            Files.createDirectories(folder.resolve("prometheus")), url.replace("http://", ""))) {
      Cli.await("it has scraped the worker", prometheus::knowsRates);
      for (Expression expression : Expression.ofDashboard()) {
        assertThat(prometheus.series(expression.text())).as("%s", expression).isNotEmpty();
      }
      Cli.await(
          "only the alert about attention holds",
          () -> prometheus.alertsThatHold().equals(Set.of("VecferryNeedsAttention")));
    }
  }

  private static void registerSearchAttributes(RunningServer temporal, Service service) {
    TemporalCli cli = TemporalCli.of(temporal).inNamespace(service.namespace());
    Path script = Cli.home().resolve("deploy/register-search-attributes");
    Cli.await("the script works", () -> cli.script(script).exitCode() == 0);
    Cli.await(
        "all are registered",
        () ->
            cli.done("operator", "search-attribute", "list")
                .contains(SearchAttributes.OUTCOME.getName()));
  }

  /** Starts a worker; gives where it serves. */
  private static String startWorker(Service service) {
    Cli.Running worker = service.startWorker("--http", "127.0.0.1:0");
    worker.await("it serves", () -> ADDRESS.matcher(worker.out() + worker.err()).find());
    Matcher address = ADDRESS.matcher(worker.out() + worker.err());
    assertThat(address.find()).isTrue();
    return address.group(1);
  }

  private void damageAPart() throws IOException {
    try (Stream<Path> files = Files.walk(folder.resolve("archives/broken"))) {
      Path part =
          files.filter(file -> file.toString().endsWith(".parquet")).findFirst().orElseThrow();
      byte[] bytes = Files.readAllBytes(part);
      bytes[bytes.length / 2] ^= 1;
      Files.write(part, bytes);
    }
  }

  private String metrics(String url) {
    try {
      return get(url, "/metrics").body();
    } catch (Exception e) {
      throw new AssertionError(e);
    }
  }

  private HttpResponse<String> get(String url, String path) throws Exception {
    return http.send(
        HttpRequest.newBuilder(URI.create(url + path)).build(), BodyHandlers.ofString());
  }

  /** Labels of a step on a part of a migration from FAISS to Chroma. */
  private static String stepAndStore(String step) {
    String store =
        switch (step) {
          case "export_part" -> "faiss";
          case "validate_exported_part" -> "none";
          default -> "chroma";
        };
    return "step=\"" + step + "\",store=\"" + store + "\"";
  }

  private static double value(String metrics, String series) {
    return metrics
        .lines()
        .filter(line -> line.startsWith(series + " "))
        .mapToDouble(line -> Double.parseDouble(line.substring(series.length() + 1)))
        .findFirst()
        .orElseThrow(() -> new AssertionError("no " + series + " in\n" + metrics));
  }
}
