package io.vecferry.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.temporal.client.WorkflowFailedException;
import io.temporal.client.WorkflowOptions;
import io.temporal.client.WorkflowStub;
import io.vecferry.workflow.MigrationStatus;
import io.vecferry.workflow.MigrationWorkflow;
import io.vecferry.workflow.Outcome;
import io.vecferry.workflow.VerbRequest;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What people do to a migration that runs on a Temporal service, each step as a process. */
@Timeout(180)
class OperatorTest {
  private static final int PARTS = 12;
  private static final ObjectMapper JSON = new ObjectMapper();

  private static Service service;

  @TempDir Path folder;

  @BeforeAll
  static void service(@TempDir Path shared) {
    service = Service.start(shared);
    service.startWorker();
  }

  @AfterAll
  static void stopService() {
    service.close();
  }

  @Test
  void failedPartIsRepairedAndRetried() throws IOException {
    start("retry", "approval: {beforeImport: true}");
    service.await("retry", MigrationStatus.State.WAITING_FOR_APPROVAL);
    assertThat(done("status", "retry").out())
        .contains("retry: WAITING_FOR_APPROVAL", "Waits for: approve the import into ");
    refused("retry is not possible: nothing waits for a decision", "retry", "retry");
    refused("resume is not possible: the migration is not paused", "resume", "retry");
    Path part = archive("retry").resolve("source/p000-000003.parquet");
    byte[] good = Files.readAllBytes(part);
    byte[] bad = good.clone();
    bad[bad.length / 3] ^= 1;
    Files.write(part, bad);

    assertThat(done("approve", "retry", "--reason", "looks right", "--who", "ada").out())
        .isEqualTo("Approved.\n");
    Cli.Result watched = cli().run("watch", "retry");

    assertThat(watched.exitCode()).as("%s", watched).isEqualTo(3);
    assertThat(watched.err())
        .contains("The migration 'retry' waits for a person: retry or rollback: IMPORT p000-000003")
        .contains("Then: vecferry retry|repair|skip|rollback retry --reason TEXT");
    Cli.Result attached = cli().run("run", "spec.yaml");
    assertThat(attached.exitCode()).as("%s", attached).isEqualTo(3);
    assertThat(done("failures", "retry").out())
        .startsWith("IMPORT p000-000003 [ARCHIVE_DAMAGED] ")
        .contains("p000-000003.parquet", "  where: target faiss ", "  tried: 1 attempt since ");
    JsonNode failures = JSON.readTree(done("failures", "retry", "--json").out());
    assertThat(failures).hasSize(1);
    assertThat(failures.get(0).path("phase").asText()).isEqualTo("IMPORT");
    assertThat(failures.get(0).path("subject").asText()).isEqualTo("p000-000003");
    refused("skip is not possible: records would be lost by skipping [IMPORT]", "skip", "retry");
    refused(
        "retry: part 'p000-000004' is not among the failed ones: [p000-000003].",
        "retry",
        "retry",
        "--part",
        "p000-000004");
    refused("approve is not possible: no approval is asked for", "approve", "retry");

    Files.write(part, good);
    assertThat(
            done("retry", "retry", "--part", "p000-000003", "--reason", "restored the file").out())
        .isEqualTo("The failed steps are tried again.\n");
    Cli.Result finished = cli().run("watch", "retry");

    assertThat(finished.exitCode()).as("%s", finished).isEqualTo(0);
    assertThat(finished.out()).startsWith("MIGRATED: Migrated: ");
    FaissFolder.assertSame(folder.resolve("source"), folder.resolve("target"));
    assertThat(Path.of(done("report", "retry").out().strip()))
        .isEqualTo(archive("retry").resolve("reports/report.html"))
        .isNotEmptyFile();
    assertThat(JSON.readTree(done("report", "retry", "--json").out())).isNotEmpty();
    JsonNode status = JSON.readTree(done("status", "retry", "--json").out());
    assertThat(status.path("outcome").asText()).isEqualTo("MIGRATED");
    assertThat(status.path("failures")).isEmpty();
    assertThat(status.path("actions")).hasSize(2);
    assertThat(status.path("actions").get(0).path("who").asText()).isEqualTo("ada");
    assertThat(status.path("actions").get(1).path("reason").asText())
        .isEqualTo("restored the file");
    for (String verb : new String[] {"pause", "resume", "retry", "skip", "approve", "reject"}) {
      assertRefused(cli().run(verb, "retry", "--reason", "too late"));
    }
    assertRefused(cli().run("rollback", "retry", "--reason", "too late"));
  }

  @Test
  void pausedMigrationIsCancelledInImport() {
    startPausedInImport("cancel");
    Cli.Result paused = done("status", "cancel");
    assertThat(paused.out()).contains("cancel: PAUSED", "Waits for: resume; paused because: hold");
    refused("pause is not possible: the migration is paused already", "pause", "cancel");
    assertThat(loading("cancel")).isDirectory();
    try (Cli.Running watch = cli().start("watch", "cancel")) {
      watch.await("watch shows the pause", () -> watch.err().contains("PAUSED"));

      assertThat(done("cancel", "cancel", "--reason", "wrong target").out())
          .startsWith("Cancelled: ");

      assertRolledBack("cancel", watch.await());
    }
    Cli.Result later = cli().run("watch", "cancel");
    assertThat(later.exitCode()).as("%s", later).isEqualTo(2);
  }

  @Test
  void rollbackBeforeTheCutover() {
    start("rollback", "approval: {beforeCutover: true}");
    service.await("rollback", MigrationStatus.State.WAITING_FOR_APPROVAL);
    assertThat(folder.resolve("target")).doesNotExist();
    assertThat(done("pause", "rollback", "--reason", "thinking").out()).startsWith("Paused: ");
    assertThat(done("resume", "rollback", "--reason", "thought").out()).startsWith("Resumed.");
    refused("resume is not possible: the migration is not paused", "resume", "rollback");

    assertThat(done("rollback", "rollback", "--reason", "not tonight").out())
        .startsWith("Rolling back: ");

    assertRolledBack("rollback", cli().run("watch", "rollback"));
    assertThat(done("status", "rollback").out()).contains("Not migrated: not tonight.");
  }

  @Test
  void approvalWhilePausedStaysPaused() {
    start("held", "approval: {beforeCutover: true}");
    service.await("held", MigrationStatus.State.WAITING_FOR_APPROVAL);
    service.client().pause("held", VerbRequest.of("ada", "hold"));
    done("approve", "held", "--reason", "fine");
    assertThat(service.client().status("held").state()).isEqualTo(MigrationStatus.State.PAUSED);
    assertThat(folder.resolve("target")).doesNotExist();
    done("resume", "held", "--reason", "go");
    assertThat(cli().run("watch", "held").exitCode()).isEqualTo(0);
    assertThat(folder.resolve("target")).isDirectory();
  }

  @Test
  void rejectedApproval() {
    start("reject", "approval: {beforeImport: true}");
    service.await("reject", MigrationStatus.State.WAITING_FOR_APPROVAL);
    assertThat(done("reject", "reject", "--reason", "wrong source").out()).startsWith("Rejected: ");
    assertRolledBack("reject", cli().run("watch", "reject"));
  }

  @Test
  void skippedProofIsSaid() throws IOException {
    start("skip", "approval: {beforeImport: true}");
    service.await("skip", MigrationStatus.State.WAITING_FOR_APPROVAL);
    // Proofs are kept in a folder of this name, so that none can be written.
    Path reports = Files.createDirectories(archive("skip").resolve("reports"));
    Path obstacle = Files.createFile(reports.resolve("proof"));
    done("approve", "skip", "--reason", "reviewed");
    assertThat(cli().run("watch", "skip").exitCode()).isEqualTo(3);
    assertThat(done("failures", "skip").out()).startsWith("VALIDATE_IMPORT p0");
    Files.delete(obstacle);
    assertThat(done("skip", "skip", "--reason", "known").out())
        .isEqualTo(
            "The failed steps are skipped; the report will say so and the proof has a gap.\n");
    Cli.Result end = cli().run("watch", "skip");
    while (end.exitCode() == 3 && end.err().contains("waits for a person")) {
      done("skip", "skip", "--reason", "known");
      end = cli().run("watch", "skip");
    }
    assertThat(end.exitCode()).as("%s", end).isEqualTo(3);
    assertThat(end.out()).startsWith("MIGRATED_WITH_SKIPS: ").contains("the proof has a gap");
    FaissFolder.assertSame(folder.resolve("source"), folder.resolve("target"));
  }

  @Test
  void rawStartWithTyposEndsWithAllOfThem() throws IOException {
    WorkflowStub raw =
        service
            .rawClient()
            .newUntypedWorkflowStub(
                "MigrationWorkflow",
                WorkflowOptions.newBuilder()
                    .setTaskQueue(MigrationWorkflow.TASK_QUEUE)
                    .setWorkflowId("migration-raw")
                    .build());
    raw.start(
        JSON.readTree(
            """
            {"name": "raw", "source": {"type": "fais", "path": "/none"},
             "target": {"type": "faiss"}, "exprot": {}, "overlap": "yes"}
            """));
    assertThatThrownBy(() -> raw.getResult(JsonNode.class))
        .isInstanceOf(WorkflowFailedException.class)
        .cause()
        .hasMessageContaining("The spec has 4 problems:")
        .hasMessageContaining(
            "source.type: must be one of archive, chroma, elasticsearch, faiss, milvus, qdrant")
        .hasMessageContaining("target.path: is missing.")
        .hasMessageContaining("exprot: is not a known key. Did you mean 'export'?")
        .hasMessageContaining("overlap: must be true or false, got \"yes\".");
    assertThat(archive("raw")).doesNotExist();
  }

  @Test
  void unknownMigration() {
    refused("There is no running migration 'nosuch' on this Temporal service.", "pause", "nosuch");
    assertRefused(cli().run("status", "nosuch"));
    assertRefused(cli().run("watch", "nosuch"));
    assertRefused(cli().run("cancel", "nosuch", "--reason", "x"));
  }

  private void write(String name, String more) {
    FaissFolder.write(folder.resolve("source"), 250 * PARTS, 16);
    Specs.write(folder, name, "export: {partRows: 250, parallelism: 2}\n" + more);
  }

  private void start(String name, String more) {
    write(name, more);
    assertThat(done("start", "spec.yaml").out())
        .isEqualTo(
            "Started as workflow migration-%s. Follow it with: vecferry watch %s\n"
                .formatted(name, name));
  }

  private void startPausedInImport(String name) {
    // Without overlap, the archive is complete when the first part is imported.
    start(name, "overlap: false");
    Cli.await(
        "a part is imported",
        () -> Snapshot.count(archive(name).resolve("imported"), ".json") >= 1);
    service.client().pause(name, VerbRequest.of("ada", "hold"));
    service.await(name, MigrationStatus.State.PAUSED);
    assertThat(folder.resolve("target")).doesNotExist();
  }

  private void assertRolledBack(String name, Cli.Result watched) {
    assertThat(watched.exitCode()).as("%s", watched).isEqualTo(2);
    assertThat(watched.out()).startsWith("ROLLED_BACK: Not migrated: ");
    assertThat(folder.resolve("target")).doesNotExist();
    assertThat(loading(name)).doesNotExist();
    assertThat(Snapshot.count(archive(name).resolve("source"), ".parquet")).isPositive();
    assertThat(service.client().status(name).outcome()).isEqualTo(Outcome.ROLLED_BACK);
    assertThat(archive(name).resolve("reports/report.html")).isNotEmptyFile();
  }

  private Path archive(String name) {
    return service.archives().resolve(name);
  }

  private Path loading(String name) {
    return folder.resolve(".target.loading-" + name);
  }

  private Cli cli() {
    return service.cli(folder);
  }

  private Cli.Result done(String... command) {
    Cli.Result result = cli().run(command);
    assertThat(result.exitCode()).as("%s", result).isEqualTo(0);
    return result;
  }

  /** A verb that is not possible now; it is given a reason. */
  private void refused(String said, String... command) {
    String[] all = Arrays.copyOf(command, command.length + 2);
    all[command.length] = "--reason";
    all[command.length + 1] = "x";
    Cli.Result result = cli().run(all);
    assertThat(result.err()).as("%s", result).contains(said);
    assertRefused(result);
  }

  private static void assertRefused(Cli.Result result) {
    assertThat(result.exitCode()).as("%s", result).isEqualTo(1);
    assertThat(result.out()).as("%s", result).isEmpty();
    assertThat(result.err())
        .as("%s", result)
        .startsWith("vecferry: ")
        .doesNotContain("\tat ", "Exception");
  }
}
