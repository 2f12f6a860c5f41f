package io.vecferry.cli;

import io.vecferry.archive.Archive;
import io.vecferry.report.ReportWriter;
import java.nio.charset.StandardCharsets;
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
  public Integer call() {
    Archive archive = archive();
    String file = Archive.REPORTS + "/" + file();
    String place = archive.store().describe(archive.path(file));
    boolean exists = archive.exists(file);
    if (schema && !exists) {
      // Versions before this one left none beside their reports.
      System.out.println(new ReportWriter().jsonSchema());
      return ExitCode.OK;
    }
    if (!exists) {
      throw new UserError(
          "There is no "
              + place
              + ". A report is written when a migration ends; set --archive to its archive folder.");
    }
    System.out.println(
        json || markdown || schema
            ? new String(archive.store().readBytes(archive.path(file)), StandardCharsets.UTF_8)
            : place);
    return ExitCode.OK;
  }

  private String file() {
    if (schema) {
      return "report.schema.json";
    }
    return json ? "report.json" : markdown ? "report.md" : "report.html";
  }
}
