package io.vecferry.cli;

import com.fasterxml.jackson.databind.JsonNode;
import io.vecferry.spec.SpecProblem;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.ParentCommand;

@Command(
    name = "validate",
    footer = "  vecferry validate examples/fortunes/spec.yaml",
    mixinStandardHelpOptions = true,
    description = "Checks a spec and reports every problem at once. Connects to nothing.")
final class ValidateCommand implements Callable<Integer> {
  @ParentCommand Vecferry root;

  @Parameters(paramLabel = "SPEC", description = "Spec, YAML or JSON.")
  Path file;

  @Option(names = "--json", description = "Print the problems as JSON.")
  boolean json;

  @Override
  public Integer call() throws IOException {
    JsonNode document = SpecFile.read(file);
    List<SpecProblem> problems = root.problems(document);
    if (json) {
      System.out.println(
          new com.fasterxml.jackson.databind.ObjectMapper().writeValueAsString(problems));
      return problems.isEmpty() ? ExitCode.OK : ExitCode.WRONG_USAGE;
    }
    SpecFile.require(problems, file);
    System.out.println(file + " is a valid spec.");
    return ExitCode.OK;
  }
}
