package io.vecferry.report;

import io.vecferry.report.MigrationReport.ImportValidation;
import io.vecferry.report.MigrationReport.OperatorAction;
import io.vecferry.report.MigrationReport.Phase;
import io.vecferry.report.MigrationReport.Quality;

/**
 * The short record of a migration for a wiki or a ticket: verdict, numbers, phases and what people
 * did.
 */
final class MarkdownReport {
  private static final int ROWS = 20;
  private static final int CHARACTERS = 200;

  private final StringBuilder out = new StringBuilder();

  private MarkdownReport() {}

  static String render(MigrationReport report) {
    return new MarkdownReport().write(report);
  }

  private String write(MigrationReport report) {
    out.append("# Migration ")
        .append(escape(report.name()))
        .append(": ")
        .append(HtmlReport.words(report))
        .append("\n\n");
    if (report.verdict() != null) {
      out.append(escape(report.verdict())).append("\n\n");
    }
    out.append("| | |\n|---|---|\n");
    if (report.source() != null && report.target() != null) {
      row(
          "Route",
          HtmlReport.place(report.source()) + " \u2192 " + HtmlReport.place(report.target()));
    }
    row("Started (UTC)", Format.time(report.startedMillis()));
    row("Finished (UTC)", Format.time(report.finishedMillis()));
    if (report.exportValidation() != null) {
      row(
          "Rows exported",
          Format.count(report.exportValidation().rows())
              + " in "
              + Format.count(report.exportValidation().parts(), "part"));
    }
    ImportValidation imported = report.importValidation();
    if (imported != null) {
      row("Rows compared", Format.count(imported.compared()) + " (" + imported.mode() + ")");
      if (imported.sample() != null) {
        row("Sample", imported.sample());
      }
      row("Bit-exact", Format.count(imported.bitExact()));
      row("Within tolerance", Format.count(imported.withinTolerance()));
      row("Different", Format.count(HtmlReport.different(imported)));
      row(
          "Missing / extra",
          Format.count(imported.missing()) + " / " + Format.count(imported.extra()));
    }
    Quality quality = report.quality();
    if (quality != null) {
      row("Queries", HtmlReport.asked(quality));
      row(
          "Recall@" + quality.k() + ", source / target",
          Format.recall(quality.sourceRecall()) + " / " + Format.recall(quality.targetRecall()));
      row(
          "Quality",
          (quality.passed() ? "passed. " : "not passed. ")
              + (quality.explanation() == null ? "" : quality.explanation()));
    }
    if (report.rejects() != null) {
      row("Rejected", Format.count(report.rejects().count()));
    }
    if (report.archiveLocation() != null) {
      row("Archive", report.archiveLocation());
    }
    if (!report.phases().isEmpty()) {
      out.append(
          "\n## Phases\n\n| Phase | State | Took | Rows | Requests |\n|---|---|--:|--:|---|\n");
      for (Phase phase : report.phases().subList(0, Math.min(ROWS, report.phases().size()))) {
        boolean timed = phase.startedMillis() > 0 && phase.finishedMillis() > 0;
        row(
            Format.words(phase.name()),
            Format.words(phase.state()),
            timed
                ? Format.duration(phase.finishedMillis() - phase.startedMillis())
                : Format.UNKNOWN,
            phase.rows() > 0 ? Format.count(phase.rows()) : Format.UNKNOWN,
            phase.requests() == null ? "" : HtmlReport.words(phase.requests()));
      }
    }
    if (!report.operatorActions().isEmpty()) {
      out.append(
          "\n## Operator actions\n\n| When (UTC) | Who | Action | Reason | Detail |\n|---|---|---|---|---|\n");
      for (OperatorAction action :
          report.operatorActions().subList(0, Math.min(ROWS, report.operatorActions().size()))) {
        row(
            Format.time(action.whenMillis()),
            action.who(),
            action.verb(),
            action.reason(),
            action.result());
      }
    }
    return out.toString();
  }

  private void row(String... cells) {
    out.append('|');
    for (String cell : cells) {
      out.append(' ').append(escape(cell)).append(" |");
    }
    out.append('\n');
  }

  /** Makes a value plain text on one line, whatever it holds. */
  private static String escape(String value) {
    if (value == null) {
      return "";
    }
    String text = value.length() > CHARACTERS ? value.substring(0, CHARACTERS) + "\u2026" : value;
    StringBuilder escaped = new StringBuilder();
    Html.escape(text.replace('\n', ' ').replace('\t', ' '), escaped);
    return escaped.toString().replaceAll("([\\\\`*_{}\\[\\]|~])", "\\\\$1");
  }
}
