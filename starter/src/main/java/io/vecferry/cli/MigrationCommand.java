package io.vecferry.cli;

import com.fasterxml.jackson.core.JsonProcessingException;
import io.vecferry.client.MigrationClient;
import io.vecferry.workflow.MigrationStatus;
import io.vecferry.workflow.Payloads;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import java.util.function.Function;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.ParentCommand;

/** A command about a migration that exists. */
@Command(mixinStandardHelpOptions = true)
abstract class MigrationCommand implements Callable<Integer> {
  @ParentCommand Vecferry root;

  @Parameters(paramLabel = "NAME", description = "Name of the migration.")
  String name;

  /** The status: of the running migration, or what its last run left in the archive. */
  MigrationStatus status() {
    return Temporal.find(root.archiveRoot, name)
        .map(
            service -> {
              try (service) {
                return service.ask(client -> client.status(name), name);
              }
            })
        .orElseGet(this::finishedStatus);
  }

  /** Runs something against the running migration. */
  <T> T withClient(Function<MigrationClient, T> action) {
    try (Temporal service =
        Temporal.find(root.archiveRoot, name)
            .orElseThrow(
                () ->
                    new UserError(
                        "No migration '"
                            + name
                            + "' is running here, and TEMPORAL_ADDRESS is not set. "
                            + "Set it to the service that the migration runs on."))) {
      return service.ask(action, name);
    }
  }

  static String json(Object value) {
    try {
      return Payloads.MAPPER.writerWithDefaultPrettyPrinter().writeValueAsString(value);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException(e);
    }
  }

  Path reportFile(String file) {
    return root.archiveRoot.resolve(name).resolve("reports").resolve(file);
  }

  private MigrationStatus finishedStatus() {
    Path file = reportFile("status.json");
    if (!Files.isRegularFile(file)) {
      throw new UserError(
          "No migration '"
              + name
              + "' is running here or has finished with its archive in "
              + root.archiveRoot
              + ". Set TEMPORAL_ADDRESS or --archive.");
    }
    try {
      return Payloads.MAPPER.readValue(file.toFile(), MigrationStatus.class);
    } catch (IOException e) {
      throw new UserError(file + " cannot be read: " + e.getMessage());
    }
  }
}
