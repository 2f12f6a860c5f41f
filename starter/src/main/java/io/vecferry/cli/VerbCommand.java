package io.vecferry.cli;

import io.vecferry.client.MigrationClient;
import io.vecferry.phase.ArchiveRollback;
import io.vecferry.phase.Retention;
import io.vecferry.store.StoreException;
import io.vecferry.workflow.OperatorAction;
import io.vecferry.workflow.Outcome;
import io.vecferry.workflow.RetentionStatus;
import io.vecferry.workflow.TuneRequest;
import io.vecferry.workflow.UndoStep;
import io.vecferry.workflow.VerbRequest;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** A command by which a person steers a running migration. Who and why is recorded. */
abstract class VerbCommand extends MigrationCommand {
  @Option(
      names = "--reason",
      required = true,
      paramLabel = "TEXT",
      description = "Why; it is recorded.")
  String reason;

  @Option(
      names = "--who",
      paramLabel = "NAME",
      defaultValue = "${sys:user.name}",
      description = "Who is acting (default: the user of this process).")
  String who;

  abstract String send(MigrationClient client, VerbRequest request);

  final boolean isRunning() {
    return onService(client -> client.isRunning(name));
  }

  /** Whether the service keeps what a migration that has ended has replaced. */
  final boolean isKept() {
    return onService(client -> client.isKept(name));
  }

  private boolean onService(Predicate<MigrationClient> question) {
    return Temporal.find(root.archiveRoot, name)
        .map(
            service -> {
              try (service) {
                return question.test(service.client());
              }
            })
        .orElse(false);
  }

  /** Waits until what was asked for after the end of a migration is done. */
  final int awaitRetention() {
    RetentionStatus status;
    do {
      try {
        TimeUnit.MILLISECONDS.sleep(200);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        return ExitCode.NEEDS_PERSON;
      }
      status = withClient(client -> client.retention(name));
    } while (status.state() == RetentionStatus.State.WORKING);
    System.out.println(status.state() + ": " + status.sentence());
    return switch (status.state()) {
      case FINALIZED -> ExitCode.OK;
      case ROLLED_BACK -> ExitCode.of(Outcome.ROLLED_BACK);
      case KEPT, WORKING, FAILED -> ExitCode.NEEDS_PERSON;
    };
  }

  @Override
  public Integer call() {
    String answer = withClient(client -> send(client, VerbRequest.of(who, reason)));
    System.out.println(answer);
    return ExitCode.OK;
  }

  @Command(
      name = "pause",
      footer = "  vecferry pause products --reason \"backup window\"",
      description = "Starts no new work; what runs is finished.")
  static final class Pause extends VerbCommand {
    @Option(
        names = "--interrupt",
        description = "Stop what runs; it is done again after the pause.")
    boolean interrupt;

    @Override
    String send(MigrationClient client, VerbRequest request) {
      return client.pause(name, interrupt ? request.interrupting() : request);
    }
  }

  @Command(
      name = "resume",
      footer = "  vecferry resume products --reason \"window over\"",
      description = "Goes on after a pause.")
  static final class Resume extends VerbCommand {
    @Override
    String send(MigrationClient client, VerbRequest request) {
      return client.resume(name, request);
    }
  }

  /** A decision about failed steps. */
  abstract static class DecisionVerb extends VerbCommand {
    @Option(
        names = "--part",
        paramLabel = "PART",
        description = "Only this part, as 'failures' names it.")
    String part;

    @Option(
        names = "--phase",
        paramLabel = "PHASE",
        description = "Only steps of this phase, as 'failures' names it.")
    String phase;

    final VerbRequest limited(VerbRequest request) {
      return request.forPart(part).forPhase(phase);
    }
  }

  @Command(
      name = "retry",
      footer = "  vecferry retry products --phase IMPORT --reason \"target is back\"",
      description = "Does the failed steps again.")
  static final class Retry extends DecisionVerb {
    @Override
    String send(MigrationClient client, VerbRequest request) {
      return client.retry(name, limited(request));
    }
  }

  @Command(
      name = "repair",
      footer = "  vecferry repair products --reason \"somebody wrote to the target\"",
      description =
          "Loads again from the archive exactly what differs on the target, removes what is extra,"
              + " and compares again.")
  static final class Repair extends DecisionVerb {
    @Override
    String send(MigrationClient client, VerbRequest request) {
      return client.repair(name, limited(request));
    }
  }

  @Command(
      name = "skip",
      footer = "  vecferry skip products --part p000-000003 --reason \"known difference\"",
      description = "Leaves the failed steps; the proof then has a gap.")
  static final class Skip extends DecisionVerb {
    @Override
    String send(MigrationClient client, VerbRequest request) {
      return client.skip(name, limited(request));
    }
  }

  @Command(
      name = "approve",
      footer = "  vecferry approve products --reason reviewed",
      description = "Agrees to what the migration asks approval for.")
  static final class Approve extends VerbCommand {
    @Override
    String send(MigrationClient client, VerbRequest request) {
      return client.approve(name, request);
    }
  }

  @Command(
      name = "reject",
      footer = "  vecferry reject products --reason freeze",
      description = "Refuses what the migration asks approval for: rolls back.")
  static final class Reject extends VerbCommand {
    @Override
    String send(MigrationClient client, VerbRequest request) {
      return client.reject(name, request);
    }
  }

  @Command(
      name = "rollback",
      footer = "  vecferry rollback products --reason \"wrong target\"",
      description = "Stops the migration and restores the previous state.")
  static final class Rollback extends VerbCommand {
    @Option(
        names = "--from-archive",
        description =
            "Undo here what the archive says, when the workflow was terminated or is lost. Its"
                + " workers must have stopped working on it.")
    boolean fromArchive;

    @Override
    public Integer call() {
      if (fromArchive) {
        return undo();
      }
      if (isRunning()) {
        return super.call();
      }
      if (isKept()) {
        withClient(client -> client.rollbackAfterEnd(name, VerbRequest.of(who, reason)));
        return awaitRetention();
      }
      return Retention.isOpen(root.archiveRoot, name) ? undo() : super.call();
    }

    private int undo() {
      if (isRunning()) {
        throw new UserError(
            "The migration '" + name + "' is running. Roll it back without --from-archive.");
      }
      ArchiveRollback rollback =
          ArchiveRollback.run(
              root.archiveRoot,
              root.connections(),
              name,
              new OperatorAction(
                  System.currentTimeMillis(), "rollback", who, reason, "from the archive"));
      if (rollback.steps().isEmpty()) {
        System.out.println("There is nothing to undo.");
        return ExitCode.OK;
      }
      for (UndoStep step : rollback.steps()) {
        System.out.println(step.compensation().description() + ": " + step.result());
      }
      System.out.println(
          rollback.complete()
              ? Outcome.ROLLED_BACK + ": Not migrated: " + reason + "."
              : Outcome.ROLLBACK_INCOMPLETE
                  + ": Not everything could be undone; a person must look.");
      return ExitCode.of(rollback.complete() ? Outcome.ROLLED_BACK : Outcome.ROLLBACK_INCOMPLETE);
    }

    @Override
    String send(MigrationClient client, VerbRequest request) {
      return client.rollback(name, request);
    }
  }

  @Command(
      name = "finalize",
      footer = "  vecferry finalize products --reason \"two weeks without complaint\"",
      description = {
        "Ends the time in which a migration that has ended can be rolled back.",
        "Drops the collection that it has replaced if the archive has a backup that is equal to it."
      })
  static final class Finalize extends VerbCommand {
    @Override
    public Integer call() {
      if (isRunning()) {
        throw new UserError("The migration '" + name + "' is running.");
      }
      if (isKept()) {
        super.call();
        return awaitRetention();
      }
      try {
        System.out.println(Retention.end(root.archiveRoot, root.connections(), name));
      } catch (StoreException e) {
        throw new UserError(e.getMessage());
      }
      return ExitCode.OK;
    }

    @Override
    String send(MigrationClient client, VerbRequest request) {
      return client.finalize(name, request);
    }
  }

  @Command(
      name = "tune",
      footer = "  vecferry tune products --rate 5000 --reason \"office hours\"",
      description = "Changes the speed; it counts for parts that start from now on.")
  static final class Tune extends VerbCommand {
    @Option(
        names = "--export-parallelism",
        paramLabel = "N",
        description = "Partitions exported at once.")
    Integer exportParallelism;

    @Option(
        names = "--import-parallelism",
        paramLabel = "N",
        description = "Parts validated, imported or compared at once.")
    Integer importParallelism;

    @Option(
        names = "--batch-size",
        paramLabel = "N",
        description = "Records per request; 0 for what the spec says.")
    Integer batchSize;

    @Option(
        names = "--rate",
        paramLabel = "N",
        description = "Records per second of the source, and of the target; 0 for no limit.")
    Long rate;

    @Override
    String send(MigrationClient client, VerbRequest request) {
      return client.tune(
          name,
          new TuneRequest(
              request.who(),
              request.reason(),
              exportParallelism,
              importParallelism,
              batchSize,
              rate));
    }
  }

  @Command(
      name = "cancel",
      footer = "  vecferry cancel products --reason \"wrong target\"",
      description = "Cancels the workflow, which rolls the migration back.")
  static final class Cancel extends VerbCommand {
    @Override
    String send(MigrationClient client, VerbRequest request) {
      client.cancel(name, who + ": " + reason);
      return "Cancelled: the previous state is being restored.";
    }
  }
}
