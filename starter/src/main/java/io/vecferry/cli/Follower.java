package io.vecferry.cli;

import com.fasterxml.jackson.databind.JsonNode;
import io.temporal.client.WorkflowFailedException;
import io.temporal.failure.ApplicationFailure;
import io.vecferry.client.MigrationClient;
import io.vecferry.worker.EmbeddedTemporal;
import io.vecferry.worker.MigrationWorker;
import io.vecferry.worker.TemporalSettings;
import io.vecferry.worker.WorkerLimits;
import io.vecferry.workflow.MigrationResult;
import io.vecferry.workflow.MigrationStatus;
import java.io.IOException;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** Starts a migration and shows it until it ends or waits for a person. */
final class Follower {
  private static final long SHORTEST_POLL_MILLIS = 200;
  private static final long LONGEST_POLL_MILLIS = 2000;

  /** How long a process whose end is that of the service waits until people have been told. */
  private static final long TELLING_MILLIS = 60_000;

  private final Vecferry root;
  private final boolean wait;
  private final boolean json;

  Follower(Vecferry root, boolean wait, boolean json) {
    this.root = root;
    this.wait = wait;
    this.json = json;
  }

  /** Runs a spec that has no problems, on the configured service or on an embedded one. */
  int run(JsonNode document) throws IOException {
    Optional<TemporalSettings> configured = TemporalSettings.load();
    String name = SpecFile.name(document);
    if (configured.isPresent()) {
      try (Temporal service = Temporal.connect(configured.get())) {
        service.client().start(document);
        return follow(service.client(), name, false);
      }
    }
    System.err.println(
        "No Temporal service is configured (TEMPORAL_ADDRESS); using an embedded one.");
    try (Temporal.Running running = Temporal.Running.take(root.archiveRoot, name);
        EmbeddedTemporal embedded = EmbeddedTemporal.start()) {
      TemporalSettings settings = TemporalSettings.of(embedded.address());
      try (Temporal service = Temporal.connect(settings);
          MigrationWorker worker = startWorker(settings)) {
        running.address(embedded.address());
        service.client().start(document);
        return follow(service.client(), name, true);
      }
    }
  }

  private MigrationWorker startWorker(TemporalSettings settings) {
    try {
      return MigrationWorker.start(
          settings.connect(),
          settings.client(),
          root.archiveRoot,
          root.connections(),
          true,
          WorkerLimits.defaults(),
          Optional.empty(),
          Optional.empty());
    } catch (IllegalStateException e) {
      throw new UserError(e.getMessage());
    }
  }

  /** Shows a migration that has been started. */
  int follow(MigrationClient client, String name, boolean embedded) {
    Progress progress = Progress.here();
    CompletableFuture<MigrationResult> end =
        CompletableFuture.supplyAsync(() -> client.awaitResult(name), Temporal::inOwnThread);
    long began = System.nanoTime();
    long waiting = 0;
    while (true) {
      try {
        MigrationResult result = end.get(pollMillis(began), TimeUnit.MILLISECONDS);
        Temporal.answer(() -> client.status(name)).ifPresent(progress::show);
        progress.end();
        return finished(result);
      } catch (TimeoutException e) {
        Optional<MigrationStatus> answer = Temporal.answer(() -> client.status(name));
        if (answer.isEmpty()) {
          progress.noWorker();
          continue;
        }
        MigrationStatus status = answer.get();
        progress.show(status);
        boolean waits =
            status.state() == MigrationStatus.State.NEEDS_ATTENTION
                || status.state() == MigrationStatus.State.ROLLBACK_INCOMPLETE;
        waiting = waits ? waiting == 0 ? System.nanoTime() : waiting : 0;
        if (waits && !wait && !(embedded && isTelling(status, waiting))) {
          progress.end();
          return waiting(status, embedded);
        }
      } catch (ExecutionException e) {
        progress.end();
        throw refused(e.getCause());
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        return ExitCode.NEEDS_PERSON;
      }
    }
  }

  private static boolean isTelling(MigrationStatus status, long sinceNanos) {
    return status.notifications().pending() > 0
        && System.nanoTime() - sinceNanos < TimeUnit.MILLISECONDS.toNanos(TELLING_MILLIS);
  }

  /** A twentieth of the time so far: each look costs the service and the worker something. */
  private static long pollMillis(long beganNanos) {
    long soFar = TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - beganNanos);
    return Math.min(LONGEST_POLL_MILLIS, Math.max(SHORTEST_POLL_MILLIS, soFar / 20));
  }

  private int finished(MigrationResult result) {
    if (json) {
      System.out.println(MigrationCommand.json(result));
    } else {
      Colour colour = ExitCode.of(result.outcome()) == ExitCode.OK ? Colour.GREEN : Colour.YELLOW;
      System.out.println(
          colour.of(result.outcome().name(), Colour.inResults()) + ": " + result.verdict());
      if (!result.htmlReport().isEmpty()) {
        System.out.println("Report: " + result.htmlReport());
      }
    }
    return ExitCode.of(result.outcome());
  }

  private int waiting(MigrationStatus status, boolean embedded) {
    if (json) {
      System.out.println(MigrationCommand.json(status));
    }
    String name = status.migration();
    System.err.println("The migration '" + name + "' waits for a person: " + status.waitingFor());
    System.err.println(
        embedded
            ? "Mend it and give the same command again: it goes on from the archive. With --wait it"
                + " stays here for: vecferry retry|repair|skip|rollback "
                + name
                + " --reason TEXT"
            : "Then: vecferry retry|repair|skip|rollback " + name + " --reason TEXT");
    Guide.to(status).forEach(place -> System.err.println("See " + place + "."));
    return ExitCode.ofWaiting(status.state());
  }

  private static RuntimeException refused(Throwable cause) {
    if (cause instanceof WorkflowFailedException
        && cause.getCause() instanceof ApplicationFailure failure) {
      return new UserError(failure.getOriginalMessage());
    }
    return new IllegalStateException(cause);
  }
}
