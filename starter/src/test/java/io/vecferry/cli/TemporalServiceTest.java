package io.vecferry.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.temporal.client.WorkflowServiceException;
import io.temporal.serviceclient.WorkflowServiceStubs;
import io.temporal.serviceclient.WorkflowServiceStubsOptions;
import io.vecferry.client.MigrationClient;
import io.vecferry.testing.RunningServer;
import io.vecferry.testing.Server;
import io.vecferry.testing.WithServer;
import io.vecferry.workflow.MigrationStatus;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Migrations on a real Temporal service, started and steered by what people have: the form of its
 * UI, its own command line, schedules, and ours.
 */
@Tag("slow")
@Timeout(180)
class TemporalServiceTest {
  private static final int PARTS = 8;

  @WithServer(value = Server.TEMPORAL, instance = "operator")
  private static RunningServer server;

  private static TemporalCli temporal;
  private static WorkflowServiceStubs stubs;
  private static MigrationClient client;
  private static Path archives;

  @TempDir Path folder;

  @BeforeAll
  static void worker(@TempDir Path shared) {
    temporal = TemporalCli.of(server);
    archives = shared.resolve("archives");
    stubs =
        WorkflowServiceStubs.newServiceStubs(
            WorkflowServiceStubsOptions.newBuilder().setTarget(server.url()).build());
    client = MigrationClient.connect(stubs, "default");
    startWorker(shared, "default");
  }

  @AfterAll
  static void disconnect() {
    stubs.shutdownNow();
  }

  private static Cli.Running startWorker(Path folder, String namespace) {
    Cli.Running worker = cli(folder).with("TEMPORAL_NAMESPACE", namespace).start("worker");
    worker.await("the worker polls", () -> (worker.out() + worker.err()).contains("Worker for "));
    return worker;
  }

  @Test
  void rawJsonAndVerbsOfTemporalsCommandLine() {
    start("raw", "\"approval\": {\"beforeCutover\": true}");
    await("raw", MigrationStatus.State.WAITING_FOR_APPROVAL);

    refused("tune", "{\"who\": \"ada\", \"reason\": \"x\", \"rate\": -1}", "rate must be 0 to");
    refused("tune", "{\"who\": \"ada\", \"reason\": \"x\", \"rate\": \"fast\"}", "fast");
    refused("pause", "{\"who\": \"ada\"}", "pause needs a reason");
    refused("pause", "{\"reason\": {}}", "reason");
    refused("pause", "[]", "VerbRequest");
    refused("pause", null, "pause needs a reason");
    refused(
        "retry",
        "{\"reason\": \"x\"}",
        "nothing waits for a decision, the migration is WAITING_FOR_APPROVAL. Possible now: approve");
    assertThat(
            update(
                "tune", "{\"who\": \"ada\", \"reason\": \"night\", \"rate\": 5000, \"colour\": 1}"))
        .contains("rate 5000 records/s");
    assertThat(update("pause", "{\"who\": \"ada\", \"reason\": \"hold\"}")).contains("Paused: ");
    refused("pause", "{\"who\": \"ada\", \"reason\": \"hold\"}", "paused already; use resume");
    assertThat(update("resume", "{\"who\": \"ada\", \"reason\": \"go\"}")).contains("Resumed.");
    String status = done("status", "raw").out();
    assertThat(status)
        .contains(
            "raw: WAITING_FOR_APPROVAL",
            "rate 5000 records/s",
            " pause (drain) by ada: hold",
            "vecferry approve raw --reason TEXT: goes on",
            "vecferry rollback raw --reason TEXT: stops all work");
    update("approve", "{\"who\": \"bob\", \"reason\": \"reviewed\"}");

    assertThat(cli(folder).run("watch", "raw").exitCode()).isEqualTo(0);
    FaissFolder.assertSame(folder.resolve("source"), folder.resolve("target"));
    awaitCount(
        "WorkflowId='migration-raw' AND MigrationOutcome='MIGRATED' AND MigrationProgress=100"
            + " AND MigrationNeedsAttention=false AND MigrationPhase='FINALIZE' AND MigrationTarget='"
            + folder.resolve("target")
            + "'",
        1);
    assertThat(done("report", "raw", "--markdown").out()).contains("| bob | approve | reviewed |");
  }

  @Test
  void attentionIsShownEverywhere() throws IOException {
    start("damaged", "\"approval\": {\"beforeImport\": true}");
    await("damaged", MigrationStatus.State.WAITING_FOR_APPROVAL);
    awaitListed("damaged", "WAITING_FOR_APPROVAL");
    done("pause", "damaged", "--reason", "lunch");
    Path part = archives.resolve("damaged/source/p000-000000.parquet");
    byte[] good = Files.readAllBytes(part);
    byte[] bad = good.clone();
    bad[bad.length / 3] ^= 1;
    Files.write(part, bad);
    done("approve", "damaged", "--reason", "go");
    awaitListed("damaged", "PAUSED");
    done("resume", "damaged", "--reason", "back");
    await("damaged", MigrationStatus.State.NEEDS_ATTENTION);

    awaitCount("MigrationNeedsAttention=true AND MigrationPhase='IMPORT'", 1);
    temporal.done(
        "workflow",
        "start",
        "--type",
        "MigrationWorkflow",
        "--task-queue",
        "migration",
        "-w",
        "own-id",
        "--input",
        "{}");
    awaitCount("WorkflowId='own-id'", 1);
    assertThat(done("list").out()).contains("damaged ").doesNotContain("own-id", "d-id");
    assertThat(
            done("list", "--state", "needs-attention", "--phase", "import", "--since", "1d").out())
        .matches("(?s)damaged +NEEDS_ATTENTION +IMPORT .* -> .*target.*")
        .hasLineCount(1);
    assertThat(done("list", "--state", "needs-attention", "--store", "milvus", "--json").out())
        .isEqualToIgnoringWhitespace("[]");
    assertThat(done("failures", "damaged").out())
        .contains(
            "IMPORT p000-000000 [ARCHIVE_DAMAGED] ",
            "  where: target faiss " + folder.resolve("target"),
            "  tried: 1 attempt since ",
            "vecferry retry damaged --reason TEXT: does the failed step again");
    assertThat(done("failures", "damaged", "--json").out())
        .contains("\"attempts\" : 1", "\"where\" : \"target faiss ", "\"skippable\" : false");
    assertThat(temporal.done("workflow", "metadata", "-w", "migration-damaged", "-o", "json"))
        .contains(
            "NEEDS_ATTENTION - retry or rollback: IMPORT p000-000000", "- where: target faiss ");
    Files.write(part, good);
    done("retry", "damaged", "--phase", "IMPORT", "--reason", "restored");
    assertThat(cli(folder).run("watch", "damaged").exitCode()).isEqualTo(0);
    awaitCount("MigrationNeedsAttention=false AND WorkflowId='migration-damaged'", 1);
  }

  @Test
  void signalsReachManyMigrations() {
    for (String name : new String[] {"batch-1", "batch-2"}) {
      start(name, "\"approval\": {\"beforeCutover\": true}", name);
    }
    for (String name : new String[] {"batch-1", "batch-2"}) {
      await(name, MigrationStatus.State.WAITING_FOR_APPROVAL);
    }
    signalAll("requestPause", "{\"who\": \"ada\", \"reason\": \"storm\"}");
    signalAll("requestResume", "{\"who\": \"ada\", \"reason\": \"over\"}");
    signalAll("requestRollback", "{\"who\": \"ada\", \"reason\": \"all off\"}");

    for (String name : new String[] {"batch-1", "batch-2"}) {
      assertThat(cli(folder).run("watch", name).exitCode()).isEqualTo(2);
      assertThat(client.status(name).actions())
          .extracting(Object::toString)
          .containsExactly(
              "pause (drain) by ada: storm", "resume by ada: over", "rollback by ada: all off");
      assertThat(folder.resolve(name)).doesNotExist();
    }
  }

  @Test
  void secondMigrationToATargetIsRefused() throws IOException {
    start("first", "\"approval\": {\"beforeCutover\": true}");
    await("first", MigrationStatus.State.WAITING_FOR_APPROVAL);
    // The same folder, spelled otherwise, and with a second worker that may take the work.
    try (Cli.Running ignored = startWorker(folder, "default")) {
      Cli.Result second = run("second", "./" + folder.getFileName() + "/../target/");
      assertThat(second.exitCode()).as("%s", second).isEqualTo(1);
      assertThat(second.err())
          .contains("target: faiss " + folder.resolve("target") + " is used by migration-first");
      assertThat(archives.resolve("second")).doesNotExist();
    }
    // Nothing of a migration that was killed or deleted is in the way.
    temporal.done("workflow", "terminate", "-w", "migration-first", "--reason", "test");
    start("third", "\"approval\": {\"beforeCutover\": true}");
    await("third", MigrationStatus.State.WAITING_FOR_APPROVAL);
    assertThat(run("second", "target").err()).contains("is used by migration-third");
    temporal.done("workflow", "delete", "-w", "migration-third");
    Cli.await("the deleted one is gone", () -> cli(folder).run("status", "third").exitCode() == 1);

    assertThat(run("second", "target").exitCode()).isEqualTo(0);
    FaissFolder.assertSame(folder.resolve("source"), folder.resolve("target"));
  }

  @Test
  void scheduleRehearsesEveryNight() {
    FaissFolder.write(folder.resolve("source"), 50 * PARTS, 4);
    temporal.done(
        "schedule",
        "create",
        "--schedule-id",
        "rehearsal",
        "--cron",
        "0 2 * * *",
        "--task-queue",
        "migration",
        "--type",
        "MigrationWorkflow",
        "--workflow-id",
        "migration-nightly",
        "--input",
        spec("nightly", "target", ", \"rehearsal\": true"));
    for (int night = 1; night <= 2; night++) {
      temporal.done("schedule", "trigger", "--schedule-id", "rehearsal");
      awaitCount("MigrationOutcome='REHEARSED' AND ExecutionStatus='Completed'", night);
    }
    assertThat(folder.resolve("target")).doesNotExist();
    List<String> names = List.copyOf(Snapshot.of(archives, "nightly-[^/]+").keySet());
    assertThat(names).hasSize(2).allMatch(name -> name.matches("nightly-[0-9-]+T[0-9]{6}Z"));
    assertThat(done("status", names.get(0)).out()).contains(names.get(0) + ": REHEARSED");
    temporal.done("schedule", "delete", "--schedule-id", "rehearsal");
  }

  @Test
  void badStartsAreAnswered() throws IOException {
    FaissFolder.write(folder.resolve("source"), 100, 4);
    Path input = folder.resolve("input.json");

    Files.writeString(input, "{\"name\": \"big\", \"note\": \"" + "x".repeat(3 << 20) + "\"}");
    Cli.Result tooLarge = startRaw("big", input);
    assertThat(tooLarge.exitCode()).as("%s", tooLarge).isNotZero();
    assertThat(tooLarge.err()).containsAnyOf("limit", "larger", "exceeds");

    Files.writeString(
        input,
        "{\"version\": 0, \"name\": \"big\", \"source\": [1], \"target\": {\"type\": 5}, \"note\": \""
            + "x".repeat(1 << 20)
            + "\"}");
    assertThat(startRaw("big", input).exitCode()).isZero();
    assertThat(cli(folder).run("watch", "big").err()).contains("The spec has 1048", "it may have");

    Files.writeString(
        input,
        "{\"version\": 0, \"name\": \"old\", \"source\": [1], \"target\": {\"type\": 5}, \"note\": \""
            + "x".repeat(100_000)
            + "\"}");
    assertThat(startRaw("old", input).exitCode()).isZero();
    assertThat(cli(folder).run("watch", "old").err())
        .contains("note: is not a known key", "version: is not a known key", "source: must be")
        .hasSizeLessThan(3000);

    Cli.Result attribute =
        temporal.run(
            "workflow",
            "start",
            "--type",
            "MigrationWorkflow",
            "--task-queue",
            "migration",
            "-w",
            "migration-attribute",
            "--search-attribute",
            "Colour=\"red\"",
            "--input",
            "{}");
    assertThat(attribute.exitCode()).isNotZero();
    assertThat(attribute.err()).contains("Colour");

    temporal.done(
        "workflow",
        "start",
        "--type",
        "MigrationWorkflow",
        "--task-queue",
        "nobody",
        "-w",
        "migration-lost",
        "--input",
        spec("lost", "target", ""));
    Cli.Result lost = cli(folder).run("status", "lost");
    assertThat(lost.exitCode()).as("%s", lost).isEqualTo(1);
    assertThat(lost.err()).contains("No worker answers for the migration 'lost'");
    temporal.done("workflow", "terminate", "-w", "migration-lost", "--reason", "test");
  }

  @Test
  void serviceWithoutSearchAttributes() throws IOException {
    temporal.done("operator", "namespace", "create", "bare");
    TemporalCli bare = temporal.inNamespace("bare");
    Cli cli = cli(folder).with("TEMPORAL_NAMESPACE", "bare");
    FaissFolder.write(folder.resolve("source"), 100, 4);
    try (Cli.Running worker = startBareWorker()) {
      worker.await(
          "the worker says what is missing",
          () ->
              (worker.out() + worker.err())
                  .contains(
                      "The search attribute MigrationPhase is not registered; migrations run without it."));
      Specs.write(folder, "bare", "");
      Cli.Result run = cli.run("run", "spec.yaml");
      assertThat(run.exitCode()).as("%s", run).isEqualTo(0);
      Cli.await(
          "its outcome is listed", () -> cli.run("list").out().matches("(?s)bare +MIGRATED .*"));
      Specs.writeText(
          folder.resolve("spec.yaml"),
          """
          name: given-up
          source: {type: faiss, path: source}
          target: {type: faiss, path: not-wanted}
          approval: {beforeImport: true}
          """);
      assertThat(cli.run("start", "spec.yaml").exitCode()).isZero();
      Cli.await(
          "it is listed as one that waits",
          () -> cli.run("list", "--state", "WAITING_FOR_APPROVAL").out().contains("given-up "));
      Cli.Result cancelled = cli.run("cancel", "given-up", "--reason", "not today");
      assertThat(cancelled.exitCode()).as("%s", cancelled).isZero();
      Cli.await(
          "what became of it is listed",
          () -> cli.run("list", "--state", "ROLLED_BACK").out().contains("given-up "));
    }
    Path script = Cli.home().resolve("deploy/register-search-attributes");
    for (int i = 0; i < 2; i++) {
      Cli.Result registered = bare.script(script);
      assertThat(registered.exitCode()).as("%s", registered).isZero();
    }
    Cli.await(
        "all are registered",
        Duration.ofSeconds(60),
        () -> bare.done("operator", "search-attribute", "list").contains("MigrationProgress"));
    try (Cli.Running worker = startBareWorker()) {
      assertThat(worker.out() + worker.err()).doesNotContain("is not registered");
    }
  }

  private void awaitListed(String migration, String state) {
    Cli.await(
        migration + " is listed as " + state,
        () -> done("list", "--state", state).out().contains(migration + " "));
  }

  private Cli.Running startBareWorker() {
    Cli.await(
        "the namespace is known",
        () ->
            temporal.inNamespace("bare").run("operator", "search-attribute", "list").exitCode()
                == 0);
    return startWorker(folder, "bare");
  }

  private static Cli cli(Path workingFolder) {
    return Cli.in(workingFolder)
        .with("TEMPORAL_ADDRESS", server.url())
        .with("VECFERRY_ARCHIVE", archives.toString());
  }

  private Cli.Result done(String... command) {
    Cli.Result result = cli(folder).run(command);
    assertThat(result.exitCode()).as("%s", result).isEqualTo(0);
    return result;
  }

  private Cli.Result run(String name, String target) {
    Specs.writeText(
        folder.resolve(name + ".yaml"),
        """
        name: %s
        source: {type: faiss, path: source}
        target: {type: faiss, path: %s}
        quality: {sampleSize: 20, iterations: 1}
        """
            .formatted(name, target));
    return cli(folder).run("run", name + ".yaml");
  }

  private void start(String name, String more) {
    start(name, more, "target");
  }

  private void start(String name, String more, String target) {
    if (!Files.exists(folder.resolve("source"))) {
      FaissFolder.write(folder.resolve("source"), 50 * PARTS, 4);
    }
    temporal.done(
        "workflow",
        "start",
        "--type",
        "MigrationWorkflow",
        "--task-queue",
        "migration",
        "-w",
        "migration-" + name,
        "--input",
        spec(name, target, ", " + more));
  }

  private static Cli.Result startRaw(String name, Path input) {
    return temporal.run(
        "workflow",
        "start",
        "--type",
        "MigrationWorkflow",
        "--task-queue",
        "migration",
        "-w",
        "migration-" + name,
        "--input-file",
        input.toString());
  }

  private String spec(String name, String target, String more) {
    return """
        {"source": {"type": "faiss", "path": "%s"}, "target": {"type": "faiss", "path": "%s"},
         "export": {"partRows": 50, "parallelism": 2, "batchSize": 50},
         "quality": {"sampleSize": 20, "iterations": 1}, "name": "%s" %s}
        """
        .formatted(folder.resolve("source"), folder.resolve(target), name, more);
  }

  private static void await(String migration, MigrationStatus.State state) {
    Cli.await(
        migration + " is " + state,
        () -> {
          MigrationStatus status;
          try {
            status = client.status(migration);
          } catch (WorkflowServiceException e) {
            // A busy machine connects late.
            return false;
          }
          assertThat(status.outcome()).as("%s", status).isNull();
          return status.state() == state;
        });
  }

  private static String update(String verb, String input) {
    return temporal.done(
        "workflow", "update", "execute", "-w", "migration-raw", "--name", verb, "--input", input);
  }

  private static void refused(String verb, String input, String said) {
    Cli.Result result =
        input == null
            ? temporal.run("workflow", "update", "execute", "-w", "migration-raw", "--name", verb)
            : temporal.run(
                "workflow",
                "update",
                "execute",
                "-w",
                "migration-raw",
                "--name",
                verb,
                "--input",
                input);
    assertThat(result.exitCode()).as("%s", result).isNotZero();
    assertThat(result.err()).as("%s", result).contains(said);
  }

  private static void signalAll(String name, String input) {
    temporal.done(
        "workflow",
        "signal",
        "--query",
        "WorkflowType='MigrationWorkflow' AND ExecutionStatus='Running' AND MigrationTarget STARTS_WITH '/'"
            + " AND WorkflowId STARTS_WITH 'migration-batch-'",
        "--name",
        name,
        "--input",
        input,
        "--reason",
        "test",
        "--yes");
    String verb = name.replace("request", "").toLowerCase(Locale.ROOT);
    for (String migration : new String[] {"batch-1", "batch-2"}) {
      Cli.await(
          migration + " has heard " + verb,
          () ->
              client.status(migration).actions().stream()
                  .anyMatch(action -> action.verb().equals(verb)));
    }
  }

  private static void awaitCount(String query, int count) {
    Cli.await(
        count + " of " + query,
        Duration.ofSeconds(30),
        () -> temporal.done("workflow", "count", "--query", query).contains("Total: " + count));
  }
}
