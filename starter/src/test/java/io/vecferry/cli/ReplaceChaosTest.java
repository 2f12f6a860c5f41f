package io.vecferry.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.temporal.api.common.v1.WorkflowExecution;
import io.temporal.api.enums.v1.PendingActivityState;
import io.temporal.api.workflowservice.v1.DescribeWorkflowExecutionRequest;
import io.vecferry.store.StoreSettings;
import io.vecferry.store.Stores;
import io.vecferry.store.VectorStore;
import io.vecferry.testing.RunningServer;
import io.vecferry.testing.Server;
import io.vecferry.testing.WithServer;
import io.vecferry.workflow.MigrationWorkflow;
import io.vecferry.workflow.RetentionStatus;
import io.vecferry.workflow.RetentionWorkflow;
import io.vecferry.workflow.VerbRequest;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * The only worker is killed in the steps that change a target whose name is taken: create, write,
 * switch, switch back, drop. A real Temporal service and a real Chroma.
 */
@Tag("slow")
@WithServer(Server.TEMPORAL)
@WithServer(Server.CHROMA)
@Timeout(600)
class ReplaceChaosTest {
  private static final Duration LONGEST = Duration.ofMinutes(3);
  private static final int ROWS = 3_000;

  @TempDir Path folder;
  private final String collection = "taken-" + Long.toString(System.nanoTime(), 36);
  private String chroma;
  private Service service;
  private Link slow;
  private Cli.Running worker;

  @BeforeEach
  void fill(
      @WithServer(Server.TEMPORAL) RunningServer temporal,
      @WithServer(Server.CHROMA) RunningServer server) {
    chroma = server.url();
    FaissFolder.write(folder.resolve("old"), 700, 8);
    FaissFolder.write(folder.resolve("source"), ROWS, 8);
    write("fill", "old", "fail", "");
    Cli.Result filled = Cli.in(folder).run("run", "spec.yaml");
    assertThat(filled.exitCode()).as("%s", filled).isZero();
    service = Service.at(temporal, folder);
    slow = new Link(temporal.url());
    // What a worker says arrives later, so that every step is seen however short it is.
    slow.delay(150);
    worker = service.startWorker(slow);
  }

  @AfterEach
  void stop() {
    slow.close();
    service.close();
  }

  private void write(String name, String source, String ifExists, String more) {
    Specs.writeText(
        folder.resolve("spec.yaml"),
        """
        name: %s
        source: {type: faiss, path: %s}
        target: {type: chroma, url: "%s", collection: %s, ifExists: %s}
        export: {partRows: 400, batchSize: 200, parallelism: 2}
        quality: {sampleSize: 10, iterations: 1}
        %s
        """
            .formatted(name, source, chroma, collection, ifExists, more));
  }

  @Test
  void replacedAndTakenBack() throws Exception {
    write("back", "source", "replace", "");
    start("back", List.of("PrepareTarget", "ImportPart", "Cutover"));
    assertHolds("source");
    assertThat(collections()).hasSize(2);
    service.client().rollbackAfterEnd("back", VerbRequest.of("ada", "wrong source"));
    killIn(RetentionWorkflow.workflowId("back"), "Compensate");
    awaitEnd("back", RetentionStatus.State.ROLLED_BACK);
    assertHolds("old");
    assertThat(collections()).containsExactly(collection);
  }

  @Test
  void mergedAndFinalized() throws Exception {
    write("gone", "source", "merge", "archive: {deleteOldCollectionAfter: 30d}");
    start("gone", List.of("ValidateExportedPart", "CompleteExport", "ImportPart", "Cutover"));
    // The source has all ids of the old collection.
    assertHolds("source");
    service.client().finalize("gone", VerbRequest.of("ada", "all is well"));
    killIn(RetentionWorkflow.workflowId("gone"), "EndRetention");
    awaitEnd("gone", RetentionStatus.State.FINALIZED);
    assertHolds("source");
    assertThat(collections()).containsExactly(collection);
  }

  private void start(String name, List<String> kills) {
    Cli.Result started = service.cli(folder).run("start", "spec.yaml");
    assertThat(started.exitCode()).as("%s", started).isZero();
    for (String step : kills) {
      killIn(MigrationWorkflow.workflowId(name), step);
    }
    Cli.Result ended = service.cli(folder).run("watch", name);
    assertThat(ended.exitCode()).as("%s", ended).isZero();
    assertThat(ended.out()).startsWith("MIGRATED: ");
  }

  private void killIn(String workflow, String step) {
    Cli.await("a worker is in " + step, LONGEST, () -> isIn(workflow, step));
    worker.kill();
    worker = service.startWorker(slow);
  }

  private boolean isIn(String workflow, String step) {
    return service
        .stubs()
        .blockingStub()
        .describeWorkflowExecution(
            DescribeWorkflowExecutionRequest.newBuilder()
                .setNamespace(service.namespace())
                .setExecution(WorkflowExecution.newBuilder().setWorkflowId(workflow))
                .build())
        .getPendingActivitiesList()
        .stream()
        .anyMatch(
            pending ->
                pending.getActivityType().getName().equals(step)
                    && pending.getState() == PendingActivityState.PENDING_ACTIVITY_STATE_STARTED);
  }

  private void awaitEnd(String name, RetentionStatus.State wanted) {
    RetentionStatus status = service.client().awaitRetention(name);
    assertThat(status.state()).as("%s", status).isEqualTo(wanted);
  }

  private void assertHolds(String source) {
    try (VectorStore target =
        Stores.get("chroma")
            .open(StoreSettings.of("target", "url", chroma, "collection", collection))) {
      FaissFolder.assertHolds(folder.resolve(source), target);
    }
  }

  /** All collections whose names have that of the target in them. */
  private List<String> collections() throws Exception {
    String answer =
        HttpClient.newHttpClient()
            .send(
                HttpRequest.newBuilder(
                        URI.create(
                            chroma
                                + "/api/v2/tenants/default_tenant/databases/default_database/collections"))
                    .build(),
                HttpResponse.BodyHandlers.ofString())
            .body();
    return Pattern.compile("\"name\":\"([^\"]*" + collection + "[^\"]*)\"")
        .matcher(answer)
        .results()
        .map(MatchResult::group)
        .map(found -> found.substring(8, found.length() - 1))
        .distinct()
        .toList();
  }
}
