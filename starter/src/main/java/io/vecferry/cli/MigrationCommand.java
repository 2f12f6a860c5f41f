package io.vecferry.cli;

import com.fasterxml.jackson.core.JsonProcessingException;
import io.vecferry.archive.Archive;
import io.vecferry.client.MigrationClient;
import io.vecferry.store.StoreException;
import io.vecferry.workflow.MigrationStatus;
import io.vecferry.workflow.Payloads;
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
    MigrationStatus status = statusAtItsEnd();
    try {
      Archive archive = archive();
      // What the workflow says is from before the end of a retention.
      return archive.folder().equals(name) ? status : status.withArchive(archive.location());
    } catch (StoreException e) {
      // Moved to where this machine does not look.
      return status;
    }
  }

  private MigrationStatus statusAtItsEnd() {
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
                            + "Set it to the service that the migration runs on.",
                        Guide.TEMPORAL))) {
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

  /** Its archive where this machine looks, whether or not it is there. */
  Archive archive() {
    if (name.isEmpty() || name.contains("/")) {
      throw unknown();
    }
    return Archive.find(root.archiveRoot.store(), name);
  }

  private UserError unknown() {
    return new UserError(
        "No migration '"
            + name
            + "' is running here or has finished with its archive in "
            + root.archiveRoot
            + ". Set TEMPORAL_ADDRESS or --archive.",
        Guide.TEMPORAL);
  }

  private MigrationStatus finishedStatus() {
    Archive archive = archive();
    String file = Archive.REPORTS + "/status.json";
    if (!archive.exists(file)) {
      throw unknown();
    }
    return archive.readJson(file, Payloads.MAPPER, MigrationStatus.class);
  }
}
