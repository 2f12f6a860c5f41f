package io.vecferry.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.vecferry.plan.FailureClass;
import io.vecferry.testing.RunningServer;
import io.vecferry.testing.Server;
import io.vecferry.testing.WithServer;
import io.vecferry.workflow.MigrationStatus;
import io.vecferry.workflow.StepFailure;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.UUID;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;

/**
 * In the middle of a migration a worker no longer knows the name of the target's host, and later it
 * does again. The worker gets its names from a file.
 */
@Tag("slow")
@Execution(ExecutionMode.CONCURRENT)
@WithServer(Server.TEMPORAL)
@WithServer(Server.CHROMA)
@WithServer(Server.QDRANT)
@Timeout(240)
class UnknownHostTest {
  private static final String HOST = "store.example";

  @TempDir Path folder;

  @Test
  void goesOnWhenTheNameIsKnownAgain(
      @WithServer(Server.TEMPORAL) RunningServer temporal,
      @WithServer(Server.QDRANT) RunningServer qdrant) {
    try (Service service = Service.at(temporal, folder);
        Link link = new Link(qdrant.url())) {
      startWorker(service);
      awaitImport(service, "qdrant", link);
      forgetName(link);
      verb(service, "approve");
      Cli.await("it is tried again", () -> !retrying(service).isEmpty());
      StepFailure failure = retrying(service).get(0);
      assertThat(failure.failureClass()).isEqualTo(FailureClass.TRANSIENT);
      assertThat(failure.message()).contains("no machine with the name " + HOST);

      knowName(link);

      assertThat(service.client().awaitResult("named").verdict()).startsWith("Migrated");
    }
  }

  @Test
  void asksAPersonWhenThatTakesTooLong(
      @WithServer(Server.TEMPORAL) RunningServer temporal,
      @WithServer(Server.CHROMA) RunningServer chroma) {
    try (Service service = Service.at(temporal, folder);
        Link link = new Link(chroma.url())) {
      startWorker(service, "--patience", "0.1");
      awaitImport(service, "chroma", link);
      forgetName(link);
      verb(service, "approve");
      service.await("named", MigrationStatus.State.NEEDS_ATTENTION);
      Cli.Result failures = service.cli(folder).run("failures", "named");
      assertThat(failures.out()).contains(HOST, "the host is not known here", "given up");

      knowName(link);
      verb(service, "retry");

      assertThat(service.client().awaitResult("named").verdict()).startsWith("Migrated");
    }
  }

  private void startWorker(Service service, String... options) {
    service.startWorker(
        service
            .cli(folder)
            .with(
                "JAVA_TOOL_OPTIONS",
                "-Djdk.net.hosts.file="
                    + folder.resolve("hosts")
                    + " -Dsun.net.inetaddr.ttl=1 -Dsun.net.inetaddr.negative.ttl=1"),
        options);
  }

  /** Starts a migration to a store, and waits until only the import is to come. */
  private void awaitImport(Service service, String type, Link link) {
    knowName(link);
    FaissFolder.write(folder.resolve("source"), 200, 8);
    String spec =
        """
        name: named
        source: {type: faiss, path: source}
        target: {type: %s, url: "http://%s:%d", collection: named_%s}
        quality: {sampleSize: 10, iterations: 1}
        approval: {beforeImport: true}
        """
            .formatted(
                type,
                HOST,
                URI.create("tcp://" + link.address()).getPort(),
                UUID.randomUUID().toString().substring(0, 8));
    Path file = Specs.writeText(folder.resolve("spec.yaml"), spec);
    Cli.Result started = service.cli(folder).run("start", file.toString());
    assertThat(started.exitCode()).as("%s", started).isZero();
    service.await("named", MigrationStatus.State.WAITING_FOR_APPROVAL);
  }

  private void knowName(Link link) {
    names("127.0.0.1 localhost\n127.0.0.1 " + HOST + "\n");
    link.mend();
  }

  /** A connection that is open would still work. */
  private void forgetName(Link link) {
    names("127.0.0.1 localhost\n");
    link.cut();
  }

  private void names(String lines) {
    try {
      Files.writeString(folder.resolve("hosts"), lines);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private List<StepFailure> retrying(Service service) {
    return service.client().retrying("named").stream()
        .filter(failure -> failure.message().contains(HOST))
        .toList();
  }

  private void verb(Service service, String verb) {
    Cli.Result done = service.cli(folder).run(verb, "named", "--reason", "as told");
    assertThat(done.exitCode()).as("%s", done).isZero();
  }
}
