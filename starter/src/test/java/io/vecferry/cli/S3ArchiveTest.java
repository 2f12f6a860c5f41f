package io.vecferry.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.temporal.api.common.v1.WorkflowExecution;
import io.temporal.api.workflowservice.v1.DescribeWorkflowExecutionRequest;
import io.vecferry.store.StoreSettings;
import io.vecferry.store.Stores;
import io.vecferry.store.VectorStore;
import io.vecferry.testing.RunningServer;
import io.vecferry.testing.Server;
import io.vecferry.testing.WithServer;
import io.vecferry.workflow.MigrationWorkflow;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;

/** Migrations whose archive is in S3, by one process and by workers that share nothing else. */
@Tag("slow")
@Execution(ExecutionMode.CONCURRENT)
@WithServer(Server.S3)
@WithServer(Server.CHROMA)
@WithServer(Server.TEMPORAL)
@Timeout(300)
class S3ArchiveTest {
  @TempDir Path folder;

  @WithServer(Server.S3)
  static RunningServer s3;

  private final String bucket = "cli-" + UUID.randomUUID().toString().substring(0, 13);
  private final String root = "s3://" + bucket + "/archives";

  /** Buckets of the server are folders. */
  private Path objects;

  @BeforeEach
  void makeBucket() throws IOException {
    objects = Files.createDirectories(s3.log().resolveSibling("data/buckets").resolve(bucket));
    Files.writeString(folder.resolve("secret"), "vecferry-secret");
  }

  private Cli inS3(Cli cli) {
    return cli.with("VECFERRY_ARCHIVE", root)
        .with("VECFERRY_S3_ENDPOINT", s3.url())
        .with("VECFERRY_S3_ACCESS_KEY", "env:TEST_ACCESS_KEY")
        .with("TEST_ACCESS_KEY", "vecferry")
        .with("VECFERRY_S3_SECRET_KEY", "file:" + folder.resolve("secret"));
  }

  private Cli.Result vecferry(int exitCode, String... words) {
    Cli.Result result = inS3(Cli.in(folder)).run(words);
    assertThat(result.exitCode()).as("%s", result).isEqualTo(exitCode);
    return result;
  }

  @Test
  void everyPhaseAndTheWayBack() throws IOException {
    FaissFolder.write(folder.resolve("source"), 2_000, 16);
    FaissFolder.write(folder.resolve("before"), 700, 16);
    FaissFolder.write(folder.resolve("target"), 700, 16);
    Specs.writeText(
        folder.resolve("spec.yaml"),
        """
        name: products
        source: {type: faiss, path: source}
        target: {type: faiss, path: target, ifExists: replace}
        export: {partRows: 300, batchSize: 100}
        quality: {sampleSize: 20, iterations: 1}
        archive: {moveTo: cold}
        """);
    String place = root + "/products";
    assertThat(vecferry(0, "plan", "spec.yaml").out()).contains("Archive  " + place);
    assertThat(vecferry(0, "run", "spec.yaml").out())
        .contains("MIGRATED", "Report: " + place + "/reports/report.html");
    FaissFolder.assertSame(folder.resolve("source"), folder.resolve("target"));
    assertThat(folder.resolve("vecferry-archive")).doesNotExist();
    assertThat(vecferry(0, "archive", "verify", place).out()).contains("2,000 records in 8 parts");
    assertThat(vecferry(0, "status", "products").out()).contains("MIGRATED", "Archive: " + place);
    assertThat(vecferry(0, "report", "products", "--json").out()).contains("\"" + place + "\"");

    Specs.writeText(
        folder.resolve("elsewhere.yaml"),
        """
        name: elsewhere
        source: {type: archive, path: "%s", url: "%s", auth: {accessKey: "env:TEST_ACCESS_KEY", secretKey: "file:%s"}}
        target: {type: faiss, path: elsewhere}
        """
            .formatted(place, s3.url(), folder.resolve("secret")));
    Cli.Result inspected =
        Cli.in(folder).with("TEST_ACCESS_KEY", "vecferry").run("inspect", "elsewhere.yaml");
    assertThat(inspected.exitCode()).as("%s", inspected).isZero();
    assertThat(inspected.out()).contains("2,000");

    Specs.writeText(
        folder.resolve("restore.yaml"),
        """
        name: restored
        target: {type: faiss, path: restored}
        quality: {sampleSize: 20, iterations: 1}
        """);
    vecferry(0, "archive", "restore", place, "restore.yaml");
    FaissFolder.assertSame(folder.resolve("source"), folder.resolve("restored"));

    vecferry(2, "rollback", "products", "--reason", "the old one was better");
    FaissFolder.assertSame(folder.resolve("before"), folder.resolve("target"));

    vecferry(0, "run", "spec.yaml");
    vecferry(0, "finalize", "products", "--reason", "done");
    String cold = root + "/cold/products";
    assertThat(vecferry(0, "status", "products").out()).contains("Archive: " + cold);
    assertThat(vecferry(0, "archive", "verify", cold).out()).contains("is whole");
    assertThat(Snapshot.of(objects.resolve("archives/products"), ".*[a-z]"))
        .containsOnlyKeys("moved.json");
  }

  @Test
  void onlyTheWorkersOwnPlaceMayBeRead() {
    FaissFolder.write(folder.resolve("source"), 10, 4);
    Specs.writeText(
        folder.resolve("spec.yaml"),
        """
        name: fenced
        source: {type: archive, path: "s3://%s/secret/other"}
        target: {connection: here, path: target}
        """
            .formatted(bucket));
    Specs.writeText(
        folder.resolve("connections.yaml"),
        "connectionsOnly: true\nconnections: {here: {type: faiss, path: \"%s\"}}"
            .formatted(folder));
    assertThat(vecferry(1, "plan", "spec.yaml", "--connections", "connections.yaml").err())
        .contains("source.path: is not taken from a spec on this worker (connectionsOnly)");
  }

  @Test
  void wrongKeyAndNoBucket() throws IOException {
    FaissFolder.write(folder.resolve("source"), 10, 4);
    Specs.write(folder, "wrong", "");
    Cli.Result none =
        inS3(Cli.in(folder))
            .with("VECFERRY_ARCHIVE", "s3://none-" + bucket)
            .run("run", "spec.yaml");
    assertThat(none.exitCode()).as("%s", none).isEqualTo(1);
    assertThat(none.err())
        .contains("there is no bucket 'none-" + bucket + "' at " + s3.url())
        .contains("name another with --archive");
    Files.writeString(folder.resolve("secret"), "another-word-that-is-wrong");
    Cli.Result wrong = vecferry(1, "run", "spec.yaml");
    assertThat(wrong.err())
        .contains(s3.url() + " said 403", "the bucket '" + bucket + "'", "Mend them, then retry")
        .doesNotContain("another-word");
    assertThat(folder.resolve("target")).doesNotExist();
  }

  @Test
  void aRunOfAnotherMachineIsNotDisturbed() throws Exception {
    FaissFolder.write(folder.resolve("source"), 10, 4);
    Specs.write(folder, "twice", "");
    Path lease = objects.resolve("archives/.running/twice/000000001.json");
    Files.createDirectories(lease.getParent());
    AtomicBoolean alive = new AtomicBoolean(true);
    CountDownLatch begun = new CountDownLatch(1);
    Thread other = new Thread(() -> renew(lease, alive, begun));
    other.start();
    begun.await();
    try {
      assertThat(vecferry(1, "run", "spec.yaml").err())
          .contains(
              "The migration 'twice': a process on elsewhere (pid 7) had begun it",
              "it is running in another process, on elsewhere (pid 7). Follow it there");
    } finally {
      alive.set(false);
      other.join();
    }
    assertThat(folder.resolve("target")).doesNotExist();
    assertThat(objects.resolve("archives/twice")).doesNotExist();
  }

  @Test
  void whoWasKilledHereIsKnownToBeGone() {
    FaissFolder.write(folder.resolve("source"), 200, 4);
    Specs.write(folder, "killed", "approval: {beforeImport: true}");
    try (Cli.Running first = inS3(Cli.in(folder)).start("run", "spec.yaml")) {
      first.await("it waits", () -> first.err().contains("WAITING_FOR_APPROVAL"));
      assertThat(vecferry(1, "run", "spec.yaml").err())
          .contains("The migration 'killed' is running in another process. Follow it with");
      first.kill();
    }
    try (Cli.Running second = inS3(Cli.in(folder)).start("run", "spec.yaml")) {
      second.await("it waits", () -> second.err().contains("WAITING_FOR_APPROVAL"));
      assertThat(second.err()).doesNotContain("had begun it");
      vecferry(0, "approve", "killed", "--reason", "looks right");
      Cli.Result end = second.await();
      assertThat(end.exitCode()).as("%s", end).isZero();
    }
    FaissFolder.assertSame(folder.resolve("source"), folder.resolve("target"));
  }

  private static void renew(Path lease, AtomicBoolean alive, CountDownLatch begun) {
    // Not where leases are listed.
    Path next = lease.getParent().resolveSibling("next");
    try {
      for (int renewals = 0; alive.get(); renewals++) {
        Files.writeString(
            next,
            "{\"host\":\"elsewhere\",\"pid\":7,\"process\":\"p\",\"renewals\":%d}"
                .formatted(renewals));
        Files.move(next, lease, StandardCopyOption.REPLACE_EXISTING);
        begun.countDown();
        Thread.sleep(20);
      }
    } catch (IOException | InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  @Test
  void workersThatShareNothingElse(
      @WithServer(Server.TEMPORAL) RunningServer temporal,
      @WithServer(Server.CHROMA) RunningServer chroma)
      throws IOException {
    int rows = 4_000;
    String from = "s3-from-" + bucket;
    String to = "s3-to-" + bucket;
    FaissFolder.write(folder.resolve("source"), rows, 16);
    Specs.writeText(
        folder.resolve("spec.yaml"),
        "name: fill\nsource: {type: faiss, path: source}\n"
            + "target: {type: chroma, url: \"%s\", collection: %s}\n".formatted(chroma.url(), from)
            + "quality: {sampleSize: 10, iterations: 1, minRecall: 0.5}");
    assertThat(Cli.in(folder).run("run", "spec.yaml").exitCode()).isZero();
    try (Service service = Service.at(temporal, folder);
        Link link = new Link(chroma.url())) {
      List<Cli.Running> workers = new ArrayList<>();
      for (String kinds :
          List.of("workflows,source", "workflows,target", "workflows,source,target")) {
        Path own = Files.createTempDirectory(folder, "worker");
        workers.add(service.startWorker(inS3(service.cli(own)), "--serve", kinds));
      }
      link.limit(500_000);
      Specs.writeText(
          folder.resolve("spec.yaml"),
          """
          name: shared
          source: {type: chroma, url: "%s", collection: %s}
          target: {type: chroma, url: "%s", collection: %s}
          export: {partRows: 200, batchSize: 50, parallelism: 4}
          import: {batchSize: 50}
          quality: {sampleSize: 10, iterations: 1, minRecall: 0.5}
          """
              .formatted(chroma.url(), from, "http://" + link.address(), to));
      Cli cli = inS3(service.cli(Files.createTempDirectory(folder, "client")));
      Cli.Result started = cli.run("start", folder.resolve("spec.yaml").toString());
      assertThat(started.exitCode()).as("%s", started).isZero();
      awaitStepOn(service, workers.get(2));
      workers.get(2).kill();
      Map<String, Snapshot.Entry> finished = finishedParts();
      link.limit(Long.MAX_VALUE);
      Cli.Result watched = cli.run("watch", "shared");
      assertThat(watched.exitCode()).as("%s", watched).isZero();
      assertThat(watched.out()).startsWith("MIGRATED: Migrated: every record is on the target");
      assertThat(finishedParts()).as("nothing is done again").containsAllEntriesOf(finished);
      assertThat(cli.run("archive", "verify", root + "/shared").out())
          .contains("4,000 records in 20 parts");
      try (VectorStore target =
          Stores.get("chroma")
              .open(StoreSettings.of("target", "url", chroma.url(), "collection", to))) {
        FaissFolder.assertHolds(folder.resolve("source"), target);
      }
    }
  }

  private static void awaitStepOn(Service service, Cli.Running worker) {
    Cli.await(
        "a part is done by the worker that is killed",
        () ->
            service
                .stubs()
                .blockingStub()
                .describeWorkflowExecution(
                    DescribeWorkflowExecutionRequest.newBuilder()
                        .setNamespace(service.namespace())
                        .setExecution(
                            WorkflowExecution.newBuilder()
                                .setWorkflowId(MigrationWorkflow.workflowId("shared")))
                        .build())
                .getPendingActivitiesList()
                .stream()
                .filter(step -> step.getActivityType().getName().equals("ImportPart"))
                .anyMatch(step -> step.getLastWorkerIdentity().startsWith(worker.pid() + "@")));
  }

  /** Parts that have a sidecar. */
  private Map<String, Snapshot.Entry> finishedParts() {
    Map<String, Snapshot.Entry> found =
        Snapshot.of(objects.resolve("archives/shared"), "source/.*\\.parquet(\\.json)?");
    found
        .keySet()
        .removeIf(file -> file.endsWith(".parquet") && !found.containsKey(file + ".json"));
    return found;
  }
}
