package io.vecferry.cli;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.ParentCommand;

@Command(
    name = "run",
    footer = {
      "  vecferry run examples/fortunes/spec.yaml",
      "  vecferry run products.yaml --plan approved.json --wait"
    },
    mixinStandardHelpOptions = true,
    description = {
      "Runs a migration and follows it to the verdict.",
      "Without a configured Temporal service an embedded one is used; a run that was killed goes on"
          + " when the same command is given again."
    })
final class RunCommand implements Callable<Integer> {
  @ParentCommand Vecferry root;

  @Parameters(paramLabel = "SPEC", description = "Spec, YAML or JSON.")
  Path file;

  @Option(
      names = "--wait",
      description = "Stay when the migration needs attention, until somebody decides.")
  boolean wait;

  @Mixin ApprovedPlan approved;

  @Option(names = "--json", description = "Print the result as JSON.")
  boolean json;

  @Override
  public Integer call() throws IOException {
    JsonNode document = SpecFile.read(file);
    root.check(document, file);
    approved.addTo(document);
    return new Follower(root, wait, json).run(document);
  }
}
