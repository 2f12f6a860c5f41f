package io.vecferry.cli;

import io.vecferry.client.MigrationClient;
import io.vecferry.phase.ArchiveRollback;
import io.vecferry.workflow.OperatorAction;
import io.vecferry.workflow.Outcome;
import io.vecferry.workflow.UndoStep;
import io.vecferry.workflow.VerbRequest;
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

  String part() {
    return null;
  }

  @Override
  public Integer call() {
    String answer = withClient(client -> send(client, new VerbRequest(who, reason, part())));
    System.out.println(answer);
    return ExitCode.OK;
  }

  @Command(name = "pause", description = "Starts no new work; what runs is finished.")
  static final class Pause extends VerbCommand {
    @Override
    String send(MigrationClient client, VerbRequest request) {
      return client.pause(name, request);
    }
  }

  @Command(name = "resume", description = "Goes on after a pause.")
  static final class Resume extends VerbCommand {
    @Override
    String send(MigrationClient client, VerbRequest request) {
      return client.resume(name, request);
    }
  }

  /** A decision about failed parts. */
  abstract static class PartVerb extends VerbCommand {
    @Option(
        names = "--part",
        paramLabel = "PART",
        description = "Only this part, as 'failures' names it.")
    String part;

    @Override
    String part() {
      return part;
    }
  }

  @Command(name = "retry", description = "Does the failed steps again.")
  static final class Retry extends PartVerb {
    @Override
    String send(MigrationClient client, VerbRequest request) {
      return client.retry(name, request);
    }
  }

  @Command(name = "skip", description = "Leaves the failed steps; the proof then has a gap.")
  static final class Skip extends PartVerb {
    @Override
    String send(MigrationClient client, VerbRequest request) {
      return client.skip(name, request);
    }
  }

  @Command(name = "approve", description = "Agrees to what the migration asks approval for.")
  static final class Approve extends VerbCommand {
    @Override
    String send(MigrationClient client, VerbRequest request) {
      return client.approve(name, request);
    }
  }

  @Command(
      name = "reject",
      description = "Refuses what the migration asks approval for: rolls back.")
  static final class Reject extends VerbCommand {
    @Override
    String send(MigrationClient client, VerbRequest request) {
      return client.reject(name, request);
    }
  }

  @Command(name = "rollback", description = "Stops the migration and restores the previous state.")
  static final class Rollback extends VerbCommand {
    @Option(
        names = "--from-archive",
        description =
            "Undo here what the archive says, when the workflow was terminated or is lost. Its workers must have stopped working on it.")
    boolean fromArchive;

    @Override
    public Integer call() {
      return fromArchive ? undo() : super.call();
    }

    private int undo() {
      Temporal.find(root.archiveRoot, name)
          .ifPresent(
              service -> {
                try (service) {
                  if (service.client().isRunning(name)) {
                    throw new UserError(
                        "The migration '"
                            + name
                            + "' is running. Roll it back without --from-archive.");
                  }
                }
              });
      ArchiveRollback rollback =
          ArchiveRollback.run(
              root.archiveRoot,
              name,
              new OperatorAction(System.currentTimeMillis(), "rollback", who, reason));
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

  @Command(name = "cancel", description = "Cancels the workflow, which rolls the migration back.")
  static final class Cancel extends VerbCommand {
    @Override
    String send(MigrationClient client, VerbRequest request) {
      client.cancel(name, who + ": " + reason);
      return "Cancelled: the previous state is being restored.";
    }
  }
}
