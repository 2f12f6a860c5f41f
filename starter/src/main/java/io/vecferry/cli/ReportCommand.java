package io.vecferry.cli;

import io.vecferry.report.ReportWriter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

@Command(
    name = "report",
    footer = {"  vecferry report products", "  vecferry report products --markdown"},
    description = "Says where the report of a finished migration is, or prints it.")
final class ReportCommand extends MigrationCommand {
  @Option(names = "--json", description = "Print the JSON report.")
  boolean json;

  @Option(names = "--markdown", description = "Print the short report for a wiki.")
  boolean markdown;

  @Option(names = "--schema", description = "Print the JSON Schema of the JSON report.")
  boolean schema;

  @Override
  public Integer call() throws IOException {
    Path file = reportFile(file());
    if (schema && !Files.isRegularFile(file)) {
      // Versions before this one left none beside their reports.
      System.out.println(new ReportWriter().jsonSchema());
      return ExitCode.OK;
    }
    if (!Files.isRegularFile(file)) {
      throw new UserError(
          "There is no "
              + file
              + ". A report is written when a migration ends; set --archive to its archive folder.");
    }
    System.out.println(
        json || markdown || schema ? Files.readString(file) : file.toAbsolutePath().toString());
    return ExitCode.OK;
  }

  private String file() {
    if (schema) {
      return "report.schema.json";
    }
    return json ? "report.json" : markdown ? "report.md" : "report.html";
  }
}
