package io.vecferry.cli;

import io.vecferry.workflow.MigrationStatus;
import java.util.Optional;
import picocli.CommandLine.Command;

@Command(
    name = "watch",
    footer = "  vecferry watch products",
    description = "Follows a running migration to its verdict.")
final class WatchCommand extends MigrationCommand {
  @Override
  public Integer call() {
    Optional<Temporal> running = Temporal.find(root.archiveRoot, name);
    if (running.isEmpty()) {
      MigrationStatus status = status();
      System.out.println(status.outcome() + ": " + status.verdict());
      return ExitCode.of(status.outcome());
    }
    try (Temporal service = running.get()) {
      service.ask(client -> client.status(name), name);
      return new Follower(root, false, false).follow(service.client(), name, false);
    }
  }
}
