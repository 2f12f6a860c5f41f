package io.vecferry.cli;

import com.fasterxml.jackson.databind.JsonNode;
import io.vecferry.worker.TemporalSettings;
import io.vecferry.workflow.MigrationWorkflow;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.ParentCommand;

@Command(
    name = "start",
    footer = "  vecferry start products.yaml",
    mixinStandardHelpOptions = true,
    description = "Starts a migration on the configured Temporal service and returns at once.")
final class StartCommand implements Callable<Integer> {
  @ParentCommand Vecferry root;

  @Parameters(paramLabel = "SPEC", description = "Spec, YAML or JSON.")
  Path file;

  @Mixin ApprovedPlan approved;

  @Override
  public Integer call() {
    JsonNode document = SpecFile.read(file);
    root.check(document, file);
    approved.addTo(document);
    TemporalSettings settings =
        TemporalSettings.load()
            .orElseThrow(
                () ->
                    new UserError(
                        "start needs a Temporal service with a worker: set TEMPORAL_ADDRESS."
                            + " Without one, use: vecferry run "
                            + file));
    String name = SpecFile.name(document);
    try (Temporal service = Temporal.connect(settings)) {
      service.client().start(document);
    }
    System.out.println(
        "Started as workflow "
            + MigrationWorkflow.workflowId(name)
            + ". Follow it with: vecferry watch "
            + name);
    return ExitCode.OK;
  }
}
