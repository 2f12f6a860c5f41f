package io.vecferry.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.temporal.api.common.v1.WorkflowExecution;
import io.temporal.api.enums.v1.PendingActivityState;
import io.temporal.api.enums.v1.WorkflowExecutionStatus;
import io.temporal.api.workflow.v1.PendingActivityInfo;
import io.temporal.api.workflowservice.v1.DescribeWorkflowExecutionRequest;
import io.temporal.api.workflowservice.v1.DescribeWorkflowExecutionResponse;
import io.vecferry.store.StoreSettings;
import io.vecferry.store.Stores;
import io.vecferry.store.VectorStore;
import io.vecferry.testing.RunningServer;
import io.vecferry.workflow.MigrationStatus;
import io.vecferry.workflow.MigrationWorkflow;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.time.Duration;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import java.util.stream.StreamSupport;

/**
 * A migration between a FAISS folder and Chroma that lasts as long as a test needs it to, because
 * Chroma is reached through a link that can be slowed down.
 */
final class LongMigration implements AutoCloseable {
  private static final int DIMENSION = 16;

  /** Longest time that a migration of a test may take. */
  private static final Duration LONGEST =
      Duration.ofMinutes(Integer.getInteger("vecferry.chaos.minutes", 5));

  private static final Duration PAUSE = Duration.ofMillis(30);

  final Link link;
  private final String name;
  private final Path folder;
  private Service service;
  private final Path archive;
  private final int rows;
  private final String collection;
  private final String chroma;
  private Map<String, Snapshot.Entry> finished = Map.of();

  /**
   * Writes the source.
   *
   * @param name name of the migration, which no other test uses
   */
  LongMigration(Path folder, Service service, RunningServer chroma, String name, int rows) {
    this.folder = folder;
    this.service = service;
    this.name = name;
    this.rows = rows;
    this.archive = service.archives().resolve(name);
    this.collection = "chaos-" + name + "-" + UUID.randomUUID().toString().substring(0, 8);
    this.chroma = chroma.url();
    this.link = new Link(chroma.url());
    FaissFolder.write(folder.resolve("source"), rows, DIMENSION);
  }

  /** Starts the migration from the FAISS folder to Chroma. */
  void start(int partRows, String more) {
    write(
        name,
        "{type: faiss, path: source}",
        chroma(link.address()),
        partRows,
        batch(partRows),
        more);
    started();
  }

  /** Brings the records to Chroma, and starts a migration of them from there to another folder. */
  void startBack(int partRows, String more) {
    write("fill", "{type: faiss, path: source}", chroma(chroma), 10_000, 1000, "");
    Cli.Result filled = Cli.in(folder).run("run", "spec.yaml");
    assertThat(filled.exitCode()).as("%s", filled).isZero();
    write(
        name,
        chroma(link.address()),
        "{type: faiss, path: target}",
        partRows,
        batch(partRows),
        more);
    started();
  }

  /** Starts it once more. */
  void startAgain() {
    started();
  }

  /** Starts it on another service, whose workers have the same archives. */
  void startAgainAt(Service other) {
    service = other;
    started();
  }

  private void started() {
    Cli.Result started = service.cli(folder).run("start", "spec.yaml");
    assertThat(started.exitCode()).as("%s", started).isZero();
  }

  private void write(
      String migration, String source, String target, int partRows, int batch, String more) {
    Specs.writeText(
        folder.resolve("spec.yaml"),
        """
        name: %s
        source: %s
        target: %s
        export: {partRows: %d, batchSize: %d, parallelism: 2}
        import: {batchSize: %d}
        quality: {sampleSize: 10, iterations: 1}
        %s
        """
            .formatted(migration, source, target, partRows, batch, batch, more));
  }

  /** Several batches make a part, so that a step is interrupted between two of them. */
  private static int batch(int partRows) {
    return partRows / 5;
  }

  private String chroma(String address) {
    String url = address.contains("://") ? address : "http://" + address;
    return "{type: chroma, url: \"%s\", collection: %s}".formatted(url, collection);
  }

  Path archive() {
    return archive;
  }

  /** What the service says of the workflow; not at once, so that asking again costs it little. */
  DescribeWorkflowExecutionResponse describe() {
    LockSupport.parkNanos(PAUSE.toNanos());
    DescribeWorkflowExecutionRequest request =
        DescribeWorkflowExecutionRequest.newBuilder()
            .setNamespace(service.namespace())
            .setExecution(execution())
            .build();
    long end = System.nanoTime() + LONGEST.toNanos();
    while (true) {
      try {
        return service.stubs().blockingStub().describeWorkflowExecution(request);
      } catch (StatusRuntimeException e) {
        // A service that is busy, was killed, or has just been started, may need another question.
        // What comes of a connection that breaks just then has the code UNKNOWN.
        boolean late =
            EnumSet.of(Status.Code.DEADLINE_EXCEEDED, Status.Code.UNAVAILABLE, Status.Code.UNKNOWN)
                .contains(e.getStatus().getCode());
        if (!late || System.nanoTime() > end) {
          throw e;
        }
      }
    }
  }

  /** The workflow, whichever run. */
  WorkflowExecution execution() {
    return WorkflowExecution.newBuilder().setWorkflowId(MigrationWorkflow.workflowId(name)).build();
  }

  WorkflowExecutionStatus status() {
    return describe().getWorkflowExecutionInfo().getStatus();
  }

  boolean hasEnded() {
    return status() != WorkflowExecutionStatus.WORKFLOW_EXECUTION_STATUS_RUNNING;
  }

  /** Steps that a worker works on, or is believed to. */
  List<PendingActivityInfo> running() {
    return describe().getPendingActivitiesList().stream()
        .filter(
            activity -> activity.getState() == PendingActivityState.PENDING_ACTIVITY_STATE_STARTED)
        .toList();
  }

  /** Steps that a worker works on. */
  List<PendingActivityInfo> runningOn(Cli.Running worker) {
    return running().stream().filter(step -> isOn(worker, step)).toList();
  }

  private static boolean isOn(Cli.Running worker, PendingActivityInfo step) {
    return step.getLastWorkerIdentity().startsWith(worker.pid() + "@");
  }

  /** Waits until a worker works on such a step. */
  PendingActivityInfo awaitStep(Predicate<PendingActivityInfo> wanted, String what) {
    PendingActivityInfo[] found = new PendingActivityInfo[1];
    Cli.await(
        what,
        LONGEST,
        () -> {
          DescribeWorkflowExecutionResponse now = describe();
          assertThat(now.getWorkflowExecutionInfo().getStatus())
              .as("before: %s", what)
              .isEqualTo(WorkflowExecutionStatus.WORKFLOW_EXECUTION_STATUS_RUNNING);
          found[0] =
              now.getPendingActivitiesList().stream()
                  .filter(
                      step ->
                          step.getState() == PendingActivityState.PENDING_ACTIVITY_STATE_STARTED)
                  .filter(wanted)
                  .findFirst()
                  .orElse(null);
          return found[0] != null;
        });
    return found[0];
  }

  /** Checks that what was finished at the last call was not done again. */
  void assertNothingRedone() {
    Map<String, Snapshot.Entry> now =
        Snapshot.of(archive, "source/.*\\.parquet(\\.json)?|imported/[^.].*");
    // A part without its sidecar may be done again.
    now.keySet().removeIf(file -> file.endsWith(".parquet") && !now.containsKey(file + ".json"));
    assertThat(now).containsAllEntriesOf(finished);
    finished = now;
  }

  /** Parts that are exported. */
  long exported() {
    return Snapshot.count(archive.resolve("source"), ".parquet.json");
  }

  /** Waits until at least so many parts are imported. */
  void awaitImported(long parts) {
    Cli.await(
        parts + " parts are imported",
        LONGEST,
        () -> {
          assertThat(hasEnded()).as("ended before %s parts are imported", parts).isFalse();
          return imported() >= parts;
        });
  }

  /** Parts that are imported. */
  long imported() {
    return Snapshot.count(archive.resolve("imported"), ".json");
  }

  /** Waits for the end and checks that all records have arrived, from FAISS to Chroma. */
  void assertArrived() {
    awaitMigrated();
    try (VectorStore target = openChroma()) {
      FaissFolder.assertHolds(folder.resolve("source"), target);
    }
  }

  /** The same after {@link #startBack}. */
  void assertBack() {
    awaitMigrated();
    FaissFolder.assertHolds(folder.resolve("source"), FaissFolder.open(folder.resolve("target")));
  }

  /** Imports before this are not counted on: what they brought was taken away. */
  void forgetImported() {
    finished.keySet().removeIf(file -> file.startsWith("imported/"));
  }

  /** Names of the collections that this migration made. */
  List<String> collections() throws IOException, InterruptedException {
    HttpRequest request =
        HttpRequest.newBuilder(
                URI.create(
                    chroma
                        + "/api/v2/tenants/default_tenant/databases/default_database/collections"))
            .build();
    String answer =
        HttpClient.newHttpClient().send(request, HttpResponse.BodyHandlers.ofString()).body();
    return StreamSupport.stream(new ObjectMapper().readTree(answer).spliterator(), false)
        .map(found -> found.path("name").asText())
        .filter(found -> found.contains(collection))
        .toList();
  }

  private VectorStore openChroma() {
    return Stores.get("chroma")
        .open(StoreSettings.of("target", "url", chroma, "collection", collection));
  }

  private void awaitMigrated() {
    try {
      Cli.await(name + " ends", LONGEST, this::hasEnded);
    } catch (AssertionError e) {
      throw new AssertionError(e.getMessage() + "; " + whereItIs(), e);
    }
    Cli.Result result = service.cli(folder).run("watch", name);
    assertThat(result.exitCode()).as("%s", result).isZero();
    assertThat(result.out()).startsWith("MIGRATED: Migrated: every record is on the target");
    assertThat(service.client().status(name).rowsExpected()).isEqualTo(rows);
    assertNothingRedone();
    Cli.Result verified = service.cli(folder).run("archive", "verify", archive.toString());
    assertThat(verified.exitCode()).as("%s", verified).isZero();
  }

  /** What keeps it from ending, in one line. */
  private String whereItIs() {
    String state;
    try {
      MigrationStatus status = service.client().status(name);
      state = "%s in %s, failures %s".formatted(status.state(), status.phase(), status.failures());
    } catch (RuntimeException e) {
      state = "no worker says where it is: " + e.getMessage();
    }
    return describe().getPendingActivitiesList().stream()
        .map(
            step ->
                "%s %s, attempt %d by %s, last failure: %s"
                    .formatted(
                        step.getActivityType().getName(),
                        step.getState(),
                        step.getAttempt(),
                        step.getLastWorkerIdentity(),
                        step.getLastFailure().getMessage()))
        .collect(Collectors.joining("; ", state + "; ", ""));
  }

  @Override
  public void close() {
    link.close();
  }
}
