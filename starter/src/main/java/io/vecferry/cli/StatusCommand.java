package io.vecferry.cli;

import io.temporal.client.WorkflowNotFoundException;
import io.vecferry.phase.Retention;
import io.vecferry.store.StoreException;
import io.vecferry.workflow.MigrationStatus;
import io.vecferry.workflow.OperatorAction;
import io.vecferry.workflow.PhaseProgress;
import io.vecferry.workflow.StepFailure;
import io.vecferry.workflow.VerbChoice;
import java.time.Instant;
import java.util.Locale;
import java.util.Optional;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

@Command(
    name = "status",
    footer = {"  vecferry status products", "  vecferry status products --json"},
    description = "Shows phase, progress and what a migration waits for.")
final class StatusCommand extends MigrationCommand {
  @Option(names = "--json", description = "Print JSON.")
  boolean json;

  @Override
  public Integer call() {
    MigrationStatus status = status();
    if (json) {
      System.out.println(json(status));
      return ExitCode.OK;
    }
    System.out.println(
        status.migration() + ": " + (status.outcome() == null ? status.state() : status.outcome()));
    if (!status.verdict().isEmpty()) {
      System.out.println(status.verdict());
    }
    if (status.outcome() != null) {
      sinceTheEnd(status.atMillis()).ifPresent(since -> System.out.println("Since then: " + since));
    }
    if (!status.waitingFor().isEmpty()) {
      System.out.println("Waits for: " + status.waitingFor());
    }
    for (PhaseProgress phase : status.phases()) {
      System.out.println(
          String.format(
              Locale.ROOT,
              "  %-16s %-8s %,12d of %,d records  %s",
              phase.phase(),
              phase.state(),
              phase.rowsDone(),
              status.rowsExpected(),
              phase.summary()));
    }
    if (status.secondsLeft() != null) {
      System.out.println("Work left: " + Progress.left(status));
    }
    for (StepFailure failure : status.failures()) {
      System.out.println("Failed: " + failure);
    }
    for (StepFailure failure : status.retrying()) {
      System.out.println("Tried again: " + failure + " (" + failure.tried() + ")");
    }
    for (String undelivered : status.notifications().undelivered()) {
      System.out.println("Not delivered: " + undelivered);
    }
    if (status.tuning() != null && status.outcome() == null) {
      System.out.println("Speed: " + status.tuning());
    }
    for (OperatorAction action : status.actions()) {
      System.out.println(Instant.ofEpochMilli(action.atMillis()) + " " + action);
    }
    printChoices(status);
    Guide.to(status).forEach(place -> System.out.println("See " + place + "."));
    if (!status.archive().isEmpty()) {
      System.out.println("Archive: " + status.archive());
    }
    return ExitCode.OK;
  }

  /** What has become of what the migration has replaced; empty when it has replaced nothing. */
  private Optional<String> sinceTheEnd(long endMillis) {
    return Temporal.find(root.archiveRoot, name)
        .flatMap(
            service -> {
              try (service) {
                return Temporal.answer(() -> service.client().retention(name));
              } catch (WorkflowNotFoundException e) {
                return Optional.empty();
              }
            })
        .map(retention -> retention.state() + ": " + retention.sentence())
        .or(() -> asTheArchiveSays(endMillis));
  }

  private Optional<String> asTheArchiveSays(long endMillis) {
    try {
      return Retention.sinceTheEnd(root.archiveRoot, name, endMillis);
    } catch (StoreException e) {
      return Optional.of("nobody knows here: " + e.getMessage());
    }
  }

  /** What a person could do now. */
  static void printChoices(MigrationStatus status) {
    if (!status.choices().isEmpty()) {
      System.out.println("Possible now:");
      for (VerbChoice choice : status.choices()) {
        System.out.println(
            "  vecferry "
                + choice.verb().word()
                + " "
                + status.migration()
                + " --reason TEXT: "
                + choice.effect());
      }
    }
  }
}
