package io.vecferry.cli;

import io.vecferry.workflow.MigrationStatus;
import io.vecferry.workflow.StepFailure;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

@Command(
    name = "failures",
    footer = "  vecferry failures products",
    description = "Lists the steps that failed and wait for a decision.")
final class FailuresCommand extends MigrationCommand {
  @Option(names = "--json", description = "Print JSON.")
  boolean json;

  @Override
  public Integer call() {
    MigrationStatus status = status();
    if (json) {
      System.out.println(json(status.failures()));
      return ExitCode.OK;
    }
    if (status.failures().isEmpty()) {
      System.out.println("No failed step waits for a decision.");
    } else {
      status.failures().forEach(FailuresCommand::print);
      StatusCommand.printChoices(status);
    }
    if (!status.retrying().isEmpty()) {
      System.out.println("Tried again without a person:");
      status.retrying().forEach(FailuresCommand::print);
    }
    return ExitCode.OK;
  }

  private static void print(StepFailure failure) {
    System.out.println(failure);
    if (!failure.where().isEmpty()) {
      System.out.println("  where: " + failure.where());
    }
    failure.causes().forEach(cause -> System.out.println("  because: " + cause));
    System.out.println("  tried: " + failure.tried());
    System.out.println("  see: " + Guide.to(failure.failureClass()));
  }
}
