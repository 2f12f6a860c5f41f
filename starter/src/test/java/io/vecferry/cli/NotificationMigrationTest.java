package io.vecferry.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.vecferry.testing.HookServer;
import io.vecferry.testing.MailServer;
import io.vecferry.workflow.MigrationWorkflow;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** People are told how a migration goes, by receivers that listen here. */
@Timeout(180)
class NotificationMigrationTest {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final String SECRET = "geheim-4711";

  @TempDir Path folder;
  private HookServer hook;
  private MailServer mail;

  @BeforeEach
  void start() throws IOException {
    hook = HookServer.start();
    hook.answering(request -> request.path().startsWith("/gone") ? 404 : 200);
    mail = MailServer.withLogin("vecferry", SECRET);
    FaissFolder.write(folder.resolve("source"), 200, 4);
  }

  @AfterEach
  void stop() {
    hook.close();
    mail.close();
  }

  @Test
  void migratedAndTold() throws IOException {
    spec("told", "");
    Cli.Result result = cli(Cli.in(folder)).run("run", "spec.yaml");

    assertThat(result.exitCode()).as("%s", result).isZero();
    assertThat(titles("/hook"))
        .containsExactly("told: started", "told: cut over", "told: MIGRATED");
    JsonNode verdict = JSON.readTree(posted("/hook").get(2));
    assertThat(verdict.path("outcome").asText()).isEqualTo("MIGRATED");
    assertThat(Path.of(verdict.path("report").asText())).isNotEmptyFile();
    assertThat(posted("/slack/" + SECRET))
        .hasSize(3)
        .last()
        .asString()
        .contains("*told: MIGRATED*");
    assertThat(mail.received()).hasSize(3);
    assertThat(mail.received().get(2).text())
        .contains("Subject: [vecferry] told: MIGRATED", "@vecferry>", "Report: ");
    assertThat(result.err())
        .contains("! not delivered: notify[3] of start, 1: notify[3] answered 404.")
        .contains("! not delivered: notify[3] of verdict, ");
    String report = Files.readString(folder.resolve("vecferry-archive/told/reports/report.json"));
    assertThat(report).contains("not delivered: notify[3] of start, 1: notify[3] answered 404.");
    assertNoSecret(result.out() + result.err());
  }

  @Test
  void attentionIsTold() throws IOException {
    spec("stuck", "approval: {beforeImport: true}");
    try (Cli.Running run = cli(Cli.in(folder)).start("run", "spec.yaml")) {
      run.await("approval is asked for", () -> titles("/hook").contains("stuck: needs approval"));
      Path part = folder.resolve("vecferry-archive/stuck/source/p000-000000.parquet");
      byte[] bytes = Files.readAllBytes(part);
      bytes[bytes.length / 3] ^= 1;
      Files.write(part, bytes);
      Cli.Result approved = Cli.in(folder).run("approve", "stuck", "--reason", "looks right");
      assertThat(approved.exitCode()).as("%s", approved).isZero();
      Cli.Result result = run.await();

      assertThat(result.exitCode()).as("%s", result).isEqualTo(3);
      assertThat(titles("/hook"))
          .containsExactly("stuck: started", "stuck: needs approval", "stuck: needs attention");
      assertThat(JSON.readTree(posted("/hook").get(2)).path("text").asText())
          .contains("retry or rollback: IMPORT p000-000000 [ARCHIVE_DAMAGED]")
          .contains("- retry: does the failed step again");
      assertThat(mail.received()).hasSize(3);
      assertNoSecret(result.out() + result.err());
    }
  }

  @Test
  void secretsAreNotInTheHistory() throws IOException {
    spec("kept", "");
    try (Service service = Service.start(folder)) {
      Cli.Running worker = service.startWorker(cli(service.cli(folder)));
      Cli.Result result = service.cli(folder).run("run", "spec.yaml");
      assertThat(result.exitCode()).as("%s", result).isZero();
      assertThat(titles("/hook")).hasSize(3);
      assertThat(posted("/slack/" + SECRET)).hasSize(3);
      assertThat(mail.received()).hasSize(3);
      String history =
          service.rawClient().fetchHistory(MigrationWorkflow.workflowId("kept")).toJson(false);

      assertThat(history).contains("SendNotification");
      Cli.Result status = service.cli(folder).run("status", "kept");
      assertThat(status.out()).contains("Not delivered: notify[3] of start, 1: ");
      assertNoSecret(history + worker.out() + worker.err() + status.out());
    }
  }

  @Test
  void missingSecretIsAWarningOfThePlan() {
    spec("warned", "");
    Cli.Result plan = Cli.in(folder).run("plan", "spec.yaml");

    assertThat(plan.exitCode()).as("%s", plan).isZero();
    assertThat(plan.out())
        .contains(
            "notify[1].url: the environment variable SLACK_HOOK is not set on this worker.",
            "notify[2].auth.username: the environment variable SMTP_USER is not set");
    assertThat(hook.received()).isEmpty();
  }

  private void spec(String name, String more) {
    Specs.write(
        folder,
        name,
        """
        notify:
          - {type: webhook, url: "%s"}
          - {type: slack, url: "env:SLACK_HOOK", on: [start, attention, cutover, verdict]}
          - type: email
            host: 127.0.0.1
            port: %d
            tls: none
            auth: {username: "env:SMTP_USER", password: "env:SMTP_PASSWORD"}
            from: vecferry@example.com
            to: [ops@example.com]
          - {type: webhook, url: "env:GONE_HOOK"}
        %s
        """
            .formatted(hook.url("/hook"), mail.port(), more));
  }

  private Cli cli(Cli cli) {
    return cli.with("SLACK_HOOK", hook.url("/slack/" + SECRET))
        .with("GONE_HOOK", hook.url("/gone?token=" + SECRET))
        .with("SMTP_USER", "vecferry")
        .with("SMTP_PASSWORD", SECRET);
  }

  private List<String> posted(String path) {
    return hook.received().stream()
        .filter(request -> request.path().equals(path))
        .map(HookServer.Received::body)
        .toList();
  }

  private List<String> titles(String path) {
    return posted(path).stream()
        .map(
            body -> {
              try {
                return JSON.readTree(body).path("title").asText();
              } catch (IOException e) {
                throw new UncheckedIOException(e);
              }
            })
        .toList();
  }

  /** Neither in what was printed nor in any file, archive and report among them. */
  private void assertNoSecret(String printed) throws IOException {
    assertThat(printed).doesNotContain(SECRET);
    try (Stream<Path> files = Files.walk(folder)) {
      assertThat(files.filter(Files::isRegularFile))
          .isNotEmpty()
          .allSatisfy(
              file ->
                  assertThat(new String(Files.readAllBytes(file), StandardCharsets.ISO_8859_1))
                      .as(file.toString())
                      .doesNotContain(SECRET));
    }
  }
}
