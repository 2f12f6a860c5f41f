package io.vecferry.report;

import io.vecferry.plan.Finding;
import io.vecferry.plan.Forecast;
import io.vecferry.report.MigrationReport.Check;
import io.vecferry.report.MigrationReport.Difference;
import io.vecferry.report.MigrationReport.ExportValidation;
import io.vecferry.report.MigrationReport.FilteredSearch;
import io.vecferry.report.MigrationReport.ImportValidation;
import io.vecferry.report.MigrationReport.OperatorAction;
import io.vecferry.report.MigrationReport.Outcome;
import io.vecferry.report.MigrationReport.Phase;
import io.vecferry.report.MigrationReport.PhaseRate;
import io.vecferry.report.MigrationReport.Plan;
import io.vecferry.report.MigrationReport.Quality;
import io.vecferry.report.MigrationReport.Range;
import io.vecferry.report.MigrationReport.RecallBin;
import io.vecferry.report.MigrationReport.RejectedRecord;
import io.vecferry.report.MigrationReport.Requests;
import io.vecferry.report.MigrationReport.ResourceSample;
import io.vecferry.report.MigrationReport.RollbackStep;
import io.vecferry.report.MigrationReport.SearchWidthStep;
import io.vecferry.report.MigrationReport.Side;
import io.vecferry.report.MigrationReport.Speed;
import io.vecferry.report.MigrationReport.ThroughputSample;
import io.vecferry.report.MigrationReport.VectorField;
import io.vecferry.report.MigrationReport.WorstQuery;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Function;
import java.util.function.ToDoubleFunction;

/**
 * One rendering of one report as HTML: the verdict first, then what proves it, then the details.
 */
final class HtmlReport {
  private static final int PLOT_POINTS = 240;
  private static final int RECALL_GROUPS = 12;

  /**
   * What bounds the size of the file.
   *
   * @param rows most rows of one table
   * @param characters most characters of one value; the spec may have a hundred times as many
   */
  record Limits(int rows, int characters) {
    Limits half() {
      return new Limits(Math.max(5, rows / 2), Math.max(20, characters / 2));
    }
  }

  private record Cell(String text, String style) {
    static Cell of(String text) {
      return new Cell(text, null);
    }

    static Cell number(String text) {
      return new Cell(text, "number");
    }

    static Cell code(String text) {
      return new Cell(text, "code");
    }

    static Cell state(String text, Tone tone) {
      return new Cell(tone.mark + text, "state " + tone.style);
    }
  }

  private enum Tone {
    GOOD("good", "\u2713\u00a0"),
    WARNING("warning", "!\u00a0"),
    BAD("bad", "\u2715\u00a0"),
    PLAIN("plain", "");

    private final String style;
    private final String mark;

    Tone(String style, String mark) {
      this.style = style;
      this.mark = mark;
    }
  }

  private final MigrationReport report;
  private final Limits limits;
  private final String styleSheet;
  private final Html html = new Html();
  private final Map<String, String> contents = new LinkedHashMap<>();

  HtmlReport(MigrationReport report, Limits limits, String styleSheet) {
    this.report = report;
    this.limits = limits;
    this.styleSheet = styleSheet;
  }

  String render() {
    collectContents();
    html.literal("<!DOCTYPE html>\n").open("html", "lang", "en").open("head").line();
    html.empty("meta", "charset", "utf-8").line();
    html.empty("meta", "name", "viewport", "content", "width=device-width, initial-scale=1").line();
    html.empty("meta", "name", "color-scheme", "content", "light dark").line();
    html.empty("meta", "name", "referrer", "content", "no-referrer").line();
    html.empty(
            "meta",
            "http-equiv",
            "Content-Security-Policy",
            "content",
            "default-src 'none'; style-src 'unsafe-inline'; form-action 'none'; base-uri 'none'")
        .line();
    html.element("title", clip(report.name()) + ": " + words(report) + " \u2013 vecferry").line();
    html.open("style").literal("\n" + styleSheet).close().close().line();
    html.open("body").open("header", "class", "top");
    verdict();
    html.close().line().open("main", "id", "main");
    proof();
    tableOfContents();
    sides();
    plan();
    timeline();
    progress();
    exportValidation();
    importValidation();
    differences();
    quality();
    findings();
    rejects();
    rollback();
    operatorActions();
    configuration();
    appendix();
    html.close().line();
    html.open("footer")
        .text(
            "vecferry migration report, format " + report.formatVersion() + ". All times are UTC.")
        .close();
    html.close().close().line();
    return html.toString();
  }

  // --- verdict and proof
  // ---------------------------------------------------------------------------------------------

  private void verdict() {
    Outcome outcome = report.outcome();
    html.open("div", "class", "verdict " + tone(outcome).style);
    html.open(
        "svg",
        "class",
        "symbol",
        "viewBox",
        "0 0 48 48",
        "role",
        "img",
        "aria-label",
        words(report));
    html.empty("circle", "cx", "24", "cy", "24", "r", "22");
    html.empty("path", "d", symbol(outcome)).close();
    html.open("div");
    html.open("p", "class", "eyebrow")
        .text("Migration ")
        .element("strong", clip(report.name()))
        .close();
    html.element("h1", words(report));
    html.element("p", clip(report.verdict()), "class", "sentence");
    html.close().close();
    html.open("dl", "class", "facts");
    if (report.source() != null && report.target() != null) {
      fact("Route", place(report.source()) + " \u2192 " + place(report.target()));
    }
    fact("Started", Format.time(report.startedMillis()));
    fact("Finished", Format.time(report.finishedMillis()));
    if (report.startedMillis() > 0 && report.finishedMillis() >= report.startedMillis()) {
      fact("Took", Format.duration(report.finishedMillis() - report.startedMillis()));
    }
    html.close();
  }

  private void fact(String name, String value) {
    html.open("div").element("dt", name).element("dd", value).close();
  }

  private void proof() {
    if (report.exportValidation() == null
        && report.importValidation() == null
        && report.counts() == null
        && report.quality() == null
        && report.rejects() == null) {
      return;
    }
    html.open("section", "class", "tiles", "aria-label", "The numbers behind the verdict");
    ExportValidation exported = report.exportValidation();
    if (exported != null) {
      boolean complete =
          report.source() == null
              || report.source().rows() < 0
              || report.source().rows() == exported.rows();
      tile(
          "Rows exported",
          Format.count(exported.rows()),
          report.source() == null || report.source().rows() < 0
              ? "in " + Format.count(exported.parts(), "part")
              : "of " + Format.count(report.source().rows()) + " in the source",
          complete ? Tone.GOOD : Tone.BAD);
    }
    ImportValidation imported = report.importValidation();
    if (imported != null) {
      long archived = exported == null ? -1 : exported.rows();
      tile(
          "Rows compared",
          Format.count(imported.compared()),
          archived < 0
              ? clip(imported.mode())
              : Format.percent(imported.compared(), archived) + " of the archive",
          archived < 0 || imported.compared() == archived ? Tone.GOOD : Tone.PLAIN);
      tile(
          "Bit-exact",
          Format.count(imported.bitExact()),
          imported.withinTolerance() > 0
              ? Format.count(imported.withinTolerance())
                  + " more within "
                  + Format.number(imported.tolerance())
              : Format.percent(imported.bitExact(), imported.compared()) + " of those compared",
          imported.bitExact() + imported.withinTolerance() == imported.compared()
              ? Tone.GOOD
              : Tone.PLAIN);
      long different = different(imported);
      tile(
          "Different",
          Format.count(different),
          "beyond the tolerance",
          different == 0 ? Tone.GOOD : Tone.BAD);
      tile(
          "Missing",
          Format.count(imported.missing()),
          "in the archive, not in the target",
          zero(imported.missing()));
      tile(
          "Extra",
          Format.count(imported.extra()),
          "in the target, not in the archive",
          zero(imported.extra()));
    } else if (report.counts() != null) {
      tile(
          "Vectors processed",
          Format.count(report.counts().processedVectors()),
          "written to the target",
          Tone.PLAIN);
      tile(
          "Vectors failed",
          Format.count(report.counts().failedVectors()),
          "not written",
          zero(report.counts().failedVectors()));
    }
    Quality quality = report.quality();
    if (quality != null) {
      String needed =
          quality.thresholds() == null || quality.thresholds().minimumRecall() == null
              ? "against exact search"
              : "at least " + Format.recall(quality.thresholds().minimumRecall()) + " needed";
      tile(
          "Target recall@" + quality.k(),
          Format.recall(quality.targetRecall()),
          needed,
          quality.passed() ? Tone.GOOD : Tone.BAD);
    }
    if (report.rejects() != null) {
      tile(
          "Rejected",
          Format.count(report.rejects().count()),
          "could not be moved",
          report.rejects().count() == 0 ? Tone.GOOD : Tone.WARNING);
    }
    html.close().line();
  }

  private void tile(String name, String value, String note, Tone tone) {
    html.open("div", "class", "tile " + tone.style);
    html.element("p", name, "class", "name");
    html.open("p", "class", "value").text(value);
    if (tone != Tone.PLAIN) {
      html.open(
              "span",
              "class",
              "mark",
              "role",
              "img",
              "aria-label",
              tone == Tone.GOOD
                  ? "as it should be"
                  : tone == Tone.BAD ? "not as it should be" : "look at this")
          .text(tone.mark.strip().replace("\u00a0", ""))
          .close();
    }
    html.close().element("p", note, "class", "note").close();
  }

  // --- sections
  // ------------------------------------------------------------------------------------------------------

  private void collectContents() {
    contentsWhen(report.source() != null || report.target() != null, "collections", "Collections");
    contentsWhen(report.plan() != null, "plan", "Plan");
    contentsWhen(!report.phases().isEmpty(), "timeline", "Timeline");
    contentsWhen(hasProgress(), "progress", "Throughput and resources");
    contentsWhen(report.exportValidation() != null, "export", "Export validation");
    contentsWhen(report.importValidation() != null, "import", "Import validation");
    contentsWhen(hasDifferences(), "differences", "Differences");
    contentsWhen(report.quality() != null, "quality", "Search quality");
    contentsWhen(!report.findings().isEmpty(), "findings", "Mapping and findings");
    contentsWhen(report.rejects() != null && report.rejects().count() != 0, "rejects", "Rejects");
    contentsWhen(!report.rollbackSteps().isEmpty(), "rollback", "Rollback");
    contentsWhen(!report.operatorActions().isEmpty(), "actions", "Operator actions");
    contentsWhen(hasConfiguration(), "configuration", "Configuration");
    contentsWhen(hasAppendix(), "appendix", "Versions and spec");
  }

  private void contentsWhen(boolean present, String id, String title) {
    if (present) {
      contents.put(id, title);
    }
  }

  private void tableOfContents() {
    if (contents.size() < 2) {
      return;
    }
    html.open("nav", "aria-label", "Contents").open("ul");
    contents.forEach((id, title) -> html.open("li").element("a", title, "href", "#" + id).close());
    html.close().close().line();
  }

  private boolean begin(String id) {
    if (!contents.containsKey(id)) {
      return false;
    }
    html.open("section", "id", id).element("h2", contents.get(id)).line();
    return true;
  }

  private void sides() {
    if (!begin("collections")) {
      return;
    }
    html.open("div", "class", "pair");
    side("Source", report.source());
    side("Target", report.target());
    html.close().close().line();
  }

  private void side(String title, Side side) {
    if (side == null) {
      return;
    }
    html.open("div", "class", "card")
        .open("h3")
        .element("span", title, "class", "eyebrow")
        .text(" ")
        .text(clip(place(side)))
        .close();
    html.open("p", "class", "note").text(Format.count(side.rows(), "row"));
    if (side.bytes() >= 0) {
      html.text(", " + Format.bytes(side.bytes()));
    }
    html.close();
    if (!side.vectors().isEmpty()) {
      table(
          title + " vector fields",
          List.of("Vector", "Type", "Dimension", "Metric", "Index"),
          side.vectors(),
          this::vectorField);
    }
    html.close();
  }

  private List<Cell> vectorField(VectorField field) {
    StringBuilder index = new StringBuilder(field.index() == null ? Format.UNKNOWN : field.index());
    field
        .parameters()
        .forEach((name, value) -> index.append(", ").append(name).append('=').append(value));
    return List.of(
        Cell.code(field.name()),
        Cell.of(type(field)),
        Cell.number(Format.count(field.dimension())),
        Cell.of(field.metric()),
        Cell.of(index.toString()));
  }

  private static String type(VectorField field) {
    String element = field.element().toLowerCase(Locale.ROOT);
    return switch (field.kind()) {
      case "DENSE" -> element;
      case "SPARSE" -> "sparse";
      case "MULTI" -> "several, " + element;
      default -> field.kind();
    };
  }

  private void plan() {
    if (!begin("plan")) {
      return;
    }
    Plan plan = report.plan();
    if (plan.seconds() > 0) {
      paragraph("Planned with " + Format.duration(plan.seconds() * 1000) + " of work.");
    }
    table(
        "Time of each phase, as planned and as it was",
        List.of("Phase", "Planned", "Took"),
        plan.forecast().phases(),
        this::plannedTime);
    table(
        "What was needed",
        List.of("What", "Needed", "There"),
        plan.forecast().needs(),
        HtmlReport::need);
    table(
        "Where everything goes",
        List.of("Source", "Target", "Values"),
        plan.mapping(),
        field -> List.of(Cell.of(field.source()), Cell.of(field.target()), Cell.of(field.how())));
    steps("What happens when", plan.forecast().timeline());
    steps("What happens to the name", plan.target());
    steps("What a rollback does, in this order", plan.rollback());
    html.close().line();
  }

  private List<Cell> plannedTime(Forecast.PhaseTime time) {
    String took =
        report.phases().stream()
            .filter(phase -> phase.name().equals(time.phase().name()))
            .filter(phase -> phase.startedMillis() > 0 && phase.finishedMillis() > 0)
            .map(phase -> Format.duration(phase.finishedMillis() - phase.startedMillis()))
            .findFirst()
            .orElse(Format.UNKNOWN);
    return List.of(
        Cell.of(Format.words(time.phase().name())),
        Cell.number(Format.duration(time.seconds() * 1000)),
        Cell.number(took));
  }

  private static List<Cell> need(Forecast.Need need) {
    return List.of(
        Cell.of(need.name()),
        Cell.number(need.words(need.needed())),
        Cell.number(need.available() < 0 ? Format.UNKNOWN : need.words(need.available())));
  }

  private void steps(String title, List<String> steps) {
    if (steps.isEmpty()) {
      return;
    }
    html.element("h3", title).open("ol");
    steps.stream().limit(limits.rows()).forEach(step -> html.element("li", clip(step)));
    html.close();
  }

  private void timeline() {
    if (!begin("timeline")) {
      return;
    }
    long start = start();
    long end = end();
    Axis axis = Axis.time(end - start);
    html.open("div", "class", "table").open("table", "role", "table", "class", "gantt");
    html.element(
        "caption",
        "Phases over "
            + Format.duration(end - start)
            + ", in order of their start; overlapping bars ran at the same time");
    html.open("thead", "role", "rowgroup").open("tr", "role", "row");
    head("Phase", null);
    html.open("th", "role", "columnheader", "scope", "col", "class", "bar");
    html.open(
        "svg",
        "width",
        "100%",
        "height",
        "16",
        "role",
        "img",
        "aria-label",
        "Time since the start, " + Format.duration(end - start) + " in all");
    for (Axis.Mark mark : axis.marks()) {
      double at = axis.position(mark.value());
      html.element(
          "text",
          mark.label(),
          "x",
          Plot.percent(at),
          "y",
          "12",
          "text-anchor",
          at == 0 ? "start" : at > 0.95 ? "end" : "middle");
    }
    html.close().close();
    head("Took", "number");
    head("Rows", "number");
    head("Rate", "number");
    html.close().close().open("tbody", "role", "rowgroup").line();
    for (Phase phase : first(report.phases())) {
      ganttRow(phase, axis, start, end);
    }
    html.close().close();
    capNote(report.phases().size());
    html.close().close().line();
  }

  private void head(String text, String style) {
    html.element("th", text, "role", "columnheader", "scope", "col", "class", style);
  }

  private void ganttRow(Phase phase, Axis axis, long start, long end) {
    boolean ran = phase.startedMillis() > 0;
    long from = phase.startedMillis() - start;
    long until =
        (phase.finishedMillis() > 0 ? phase.finishedMillis() : Math.max(end, phase.startedMillis()))
            - start;
    Tone tone = stateTone(phase.state());
    html.open("tr", "role", "row");
    html.open("th", "role", "rowheader", "scope", "row").text(clip(Format.words(phase.name())));
    html.element(
            "span", tone.mark + clip(Format.words(phase.state())), "class", "state " + tone.style)
        .close();
    html.open("td", "role", "cell", "class", "bar");
    String spoken =
        ran
            ? "Started "
                + Format.duration(from)
                + " after the start and ran for "
                + Format.duration(until - from)
            : "Did not run";
    html.open("svg", "width", "100%", "height", "30", "role", "img", "aria-label", spoken);
    for (Axis.Mark mark : axis.marks()) {
      String at = Plot.percent(axis.position(mark.value()));
      html.empty("line", "class", "grid", "x1", at, "x2", at, "y1", "0", "y2", "30");
    }
    if (ran) {
      double left = axis.position(from);
      double width = Math.max(0.004, axis.position(until) - left);
      left = Math.min(left, 1 - width);
      html.open(
              "rect",
              "class",
              "span " + tone.style,
              "x",
              Plot.percent(left),
              "width",
              Plot.percent(width),
              "y",
              "8",
              "height",
              "14",
              "rx",
              "3")
          .element("title", spoken)
          .close();
    }
    html.close();
    if (phase.note() != null && !phase.note().isEmpty()) {
      html.element("p", clip(phase.note()), "class", "note");
    }
    if (phase.requests() != null) {
      html.element("p", clip(words(phase.requests())), "class", "note");
    }
    html.close();
    cell("Took", Cell.number(ran ? Format.duration(until - from) : Format.UNKNOWN));
    cell("Rows", Cell.number(phase.rows() > 0 ? Format.count(phase.rows()) : Format.UNKNOWN));
    cell("Rate", Cell.number(rate(phase, until - from)));
    html.close().line();
  }

  static String words(Requests requests) {
    return requests.store()
        + ": "
        + Format.count(requests.rowsPerSecond())
        + " records/s with "
        + Format.count(requests.rows(), "record")
        + " in a request, "
        + Format.count(requests.atOnce(), "request")
        + " at once";
  }

  private String rate(Phase phase, long millis) {
    for (PhaseRate rate : report.rates()) {
      if (phase.name().equals(rate.phase())) {
        String rows =
            rate.rowsPerSecond() == null ? "" : Format.number(rate.rowsPerSecond()) + " rows/s";
        String bytes =
            rate.bytesPerSecond() == null ? "" : Format.bytes(rate.bytesPerSecond()) + "/s";
        return rows.isEmpty() ? bytes : bytes.isEmpty() ? rows : rows + ", " + bytes;
      }
    }
    if (phase.startedMillis() <= 0 || millis <= 0 || phase.rows() <= 0) {
      return Format.UNKNOWN;
    }
    String rows = Format.number(1000.0 * phase.rows() / millis) + " rows/s";
    return phase.bytes() <= 0
        ? rows
        : rows + ", " + Format.bytes(1000.0 * phase.bytes() / millis) + "/s";
  }

  private boolean hasProgress() {
    return report.throughputSamples().size() > 1 || report.resourceSamples().size() > 1;
  }

  private void progress() {
    if (!begin("progress")) {
      return;
    }
    html.open("div", "class", "plots");
    throughput();
    List<ResourceSample> samples = report.resourceSamples();
    if (samples.size() > 1) {
      Axis time = Axis.time(samples.get(samples.size() - 1).elapsedMillis());
      Plot.Series cpu = resource("CPU", 1, samples, ResourceSample::cpuPercent);
      if (!cpu.points().isEmpty()) {
        Plot.lines(
            html,
            "Worker CPU",
            "Peak " + Format.number(largest(cpu)) + " % (100 % is one core).",
            time,
            Axis.percent(largest(cpu)),
            List.of(cpu));
      }
      Plot.Series resident = resource("Resident memory", 2, samples, ResourceSample::rssBytes);
      Plot.Series heap = resource("Java heap", 1, samples, ResourceSample::heapBytes);
      if (!heap.points().isEmpty() || !resident.points().isEmpty()) {
        double peak = Math.max(largest(heap), largest(resident));
        Plot.lines(
            html,
            "Worker memory",
            "Peak " + Format.bytes(peak) + ".",
            time,
            Axis.bytes(peak),
            List.of(heap, resident));
      }
      Plot.Series disk = resource("Free disk", 1, samples, ResourceSample::diskFreeBytes);
      if (!disk.points().isEmpty()) {
        Plot.lines(
            html,
            "Free disk space",
            "From "
                + Format.bytes(disk.points().get(0).y())
                + " to "
                + Format.bytes(disk.points().get(disk.points().size() - 1).y())
                + ".",
            time,
            Axis.bytes(largest(disk)),
            List.of(disk));
      }
    }
    html.close().close().line();
  }

  private void throughput() {
    Map<String, List<ThroughputSample>> byPhase = new LinkedHashMap<>();
    long end = 0;
    for (ThroughputSample sample : report.throughputSamples()) {
      byPhase.computeIfAbsent(sample.phase(), phase -> new ArrayList<>()).add(sample);
      end = Math.max(end, sample.elapsedMillis());
    }
    List<Plot.Series> series = new ArrayList<>();
    double peak = 0;
    for (Map.Entry<String, List<ThroughputSample>> phase : byPhase.entrySet()) {
      List<Plot.Point> points = rates(phase.getValue());
      if (!points.isEmpty() && series.size() < 4) {
        Plot.Series line =
            new Plot.Series(clip(Format.words(phase.getKey())), series.size() + 1, points);
        series.add(line);
        peak = Math.max(peak, largest(line));
      }
    }
    if (!series.isEmpty()) {
      Plot.lines(
          html,
          "Rows per second",
          "Throughput per phase over the time since the start; peak "
              + Format.number(peak)
              + " rows/s.",
          Axis.time(end),
          Axis.count(peak),
          series);
    }
  }

  private static List<Plot.Point> rates(List<ThroughputSample> samples) {
    List<Plot.Point> points = new ArrayList<>();
    int stride = Math.max(1, samples.size() / PLOT_POINTS);
    ThroughputSample before = samples.get(0);
    for (int i = stride; i < samples.size(); i += stride) {
      ThroughputSample sample = samples.get(i);
      long millis = sample.elapsedMillis() - before.elapsedMillis();
      if (millis > 0) {
        double rate = Math.max(0, 1000.0 * (sample.rows() - before.rows()) / millis);
        if (points.isEmpty()) {
          points.add(new Plot.Point(before.elapsedMillis(), rate));
        }
        points.add(new Plot.Point(sample.elapsedMillis(), rate));
        before = sample;
      }
    }
    return points;
  }

  /** Keeps the extremes: the largest value of every bucket of samples. */
  private static Plot.Series resource(
      String name,
      int style,
      List<ResourceSample> samples,
      ToDoubleFunction<ResourceSample> value) {
    List<Plot.Point> points = new ArrayList<>();
    int stride = (samples.size() + PLOT_POINTS - 1) / PLOT_POINTS;
    for (int i = 0; i < samples.size(); i += stride) {
      Plot.Point peak = null;
      for (ResourceSample sample : samples.subList(i, Math.min(samples.size(), i + stride))) {
        double measured = value.applyAsDouble(sample);
        if (measured >= 0 && Double.isFinite(measured) && (peak == null || measured > peak.y())) {
          peak = new Plot.Point(sample.elapsedMillis(), measured);
        }
      }
      if (peak != null) {
        points.add(peak);
      }
    }
    return new Plot.Series(name, style, points);
  }

  private static double largest(Plot.Series series) {
    return series.points().stream().mapToDouble(Plot.Point::y).max().orElse(0);
  }

  private void exportValidation() {
    if (!begin("export")) {
      return;
    }
    ExportValidation validation = report.exportValidation();
    long failed = validation.checks().stream().filter(check -> !check.passed()).count();
    paragraph(
        "The backup holds "
            + Format.count(validation.rows(), "row")
            + " in "
            + Format.count(validation.parts(), "part")
            + ". "
            + (failed == 0
                ? "Every check passed."
                : Format.count(failed, "check") + " did not pass."));
    table(
        "Checks of the archived parts",
        List.of("Check", "Result", "Detail"),
        validation.checks(),
        this::check);
    html.close().line();
  }

  private List<Cell> check(Check check) {
    return List.of(
        Cell.of(check.name()),
        check.passed() ? Cell.state("passed", Tone.GOOD) : Cell.state("failed", Tone.BAD),
        Cell.of(check.detail()));
  }

  private void importValidation() {
    if (!begin("import")) {
      return;
    }
    ImportValidation validation = report.importValidation();
    long different = different(validation);
    paragraph(
        "Mode "
            + clip(validation.mode())
            + ": "
            + Format.count(validation.compared(), "row")
            + " read back from the target and compared with the archive"
            + (validation.tolerance() == null
                ? "."
                : ", tolerance " + Format.number(validation.tolerance()) + " per component.")
            + (validation.largestDeviation() == null
                ? ""
                : " The largest deviation found is "
                    + Format.number(validation.largestDeviation())
                    + "."));
    if (validation.sample() != null) {
      paragraph("All records were counted, a sample was compared: " + clip(validation.sample()));
    }
    if (validation.allowedMismatches() > 0) {
      paragraph(
          Format.count(validation.allowedMismatches(), "record")
              + " may be missing, extra or different.");
    }
    long whole =
        validation.bitExact()
            + validation.withinTolerance()
            + different
            + Math.max(0, validation.missing());
    if (whole > 0) {
      long[] values = {
        validation.bitExact(),
        validation.withinTolerance(),
        different,
        Math.max(0, validation.missing())
      };
      String[] styles = {"good", "near", "warning", "bad"};
      html.open(
          "svg",
          "class",
          "shares",
          "width",
          "100%",
          "height",
          "14",
          "role",
          "img",
          "aria-label",
          Format.percent(values[0], whole) + " of the rows are bit-exact");
      double left = 0;
      for (int i = 0; i < values.length; i++) {
        double share = Math.max(values[i] > 0 ? 0.004 : 0, (double) values[i] / whole);
        if (share > 0) {
          html.empty(
              "rect",
              "class",
              "span " + styles[i],
              "x",
              Plot.percent(Math.min(left, 1 - share)),
              "width",
              Plot.percent(share),
              "height",
              "14");
          left += share;
        }
      }
      html.close();
    }
    List<List<Cell>> rows = new ArrayList<>();
    rows.add(result("Bit-exact", validation.bitExact(), whole, Tone.PLAIN));
    rows.add(result("Within the tolerance", validation.withinTolerance(), whole, Tone.PLAIN));
    validation
        .differentByKind()
        .forEach(
            (kind, count) ->
                rows.add(
                    result(
                        "Different: " + kind,
                        count == null ? -1 : count,
                        whole,
                        zero(count == null ? 0 : count))));
    rows.add(
        result("Missing in the target", validation.missing(), whole, zero(validation.missing())));
    rows.add(result("Extra in the target", validation.extra(), whole, zero(validation.extra())));
    table("Rows by result", List.of("Result", "Rows", "Share"), rows, row -> row);
    html.close().line();
  }

  private static List<Cell> result(String name, long count, long whole, Tone tone) {
    Cell label = tone != Tone.BAD ? Cell.of(name) : Cell.state(name, tone);
    return List.of(
        label, Cell.number(Format.count(count)), Cell.number(Format.percent(count, whole)));
  }

  private boolean hasDifferences() {
    return report.importValidation() != null
        && !report.importValidation().firstDifferences().isEmpty();
  }

  private void differences() {
    if (!begin("differences")) {
      return;
    }
    table(
        "First differences between archive and target",
        List.of("Id", "Kind", "Field", "Expected", "Actual"),
        report.importValidation().firstDifferences(),
        HtmlReport::difference);
    if (report.importValidation().allDifferences() != null) {
      paragraph("All are in " + clip(report.importValidation().allDifferences()));
    }
    html.close().line();
  }

  private static List<Cell> difference(Difference difference) {
    return List.of(
        Cell.code(difference.id()),
        Cell.of(difference.kind()),
        Cell.code(difference.field()),
        Cell.code(difference.expected()),
        Cell.code(difference.actual()));
  }

  private void quality() {
    if (!begin("quality")) {
      return;
    }
    Quality quality = report.quality();
    html.open("p")
        .element(
            "span",
            (quality.passed() ? Tone.GOOD : Tone.BAD).mark
                + (quality.passed() ? "Passed" : "Not passed"),
            "class",
            "state " + (quality.passed() ? "good" : "bad"));
    html.text(" ").text(clip(quality.explanation())).close();
    html.open("div", "class", "plots");
    recallPlot(quality);
    latencyPlot(quality);
    html.close();
    List<List<Cell>> rows = new ArrayList<>();
    String k = "@" + quality.k();
    rows.add(
        List.of(
            Cell.of("Recall" + k + " against exact search"),
            Cell.number(Format.recall(quality.sourceRecall())),
            Cell.number(Format.recall(quality.targetRecall()))));
    if (quality.sourceInterval() != null && quality.targetInterval() != null) {
      rows.add(
          List.of(
              Cell.of("95 % interval of the recall"),
              Cell.number(range(quality.sourceInterval())),
              Cell.number(range(quality.targetInterval()))));
    }
    rows.add(
        List.of(
            Cell.of("Top " + quality.k() + " in common with the source"),
            Cell.number(Format.UNKNOWN),
            Cell.number(Format.recall(quality.targetAgainstSource()))));
    rows.add(
        List.of(
            Cell.of("Rank agreement with the source"),
            Cell.number(Format.UNKNOWN),
            Cell.number(Format.recall(quality.rankAgreement()))));
    for (int percent : new int[] {50, 95, 99}) {
      rows.add(
          List.of(
              Cell.of("Latency p" + percent),
              Cell.number(latency(quality.sourceSpeed(), percent)),
              Cell.number(latency(quality.targetSpeed(), percent))));
    }
    rows.add(
        List.of(
            Cell.of("Queries per second, many in a request"),
            Cell.number(queriesPerSecond(quality.sourceSpeed())),
            Cell.number(queriesPerSecond(quality.targetSpeed()))));
    for (MigrationReport.Throughput measured : quality.throughput()) {
      rows.add(
          List.of(
              Cell.of("Queries per second, clients: " + measured.clients()),
              Cell.number(Format.number(measured.source())),
              Cell.number(Format.number(measured.target()))));
    }
    if (quality.scoreDifferences() != null) {
      rows.add(
          List.of(
              Cell.of("Score difference p50 / p99 / largest"),
              Cell.number(Format.UNKNOWN),
              Cell.number(
                  Format.number(quality.scoreDifferences().median())
                      + " / "
                      + Format.number(quality.scoreDifferences().percentile99())
                      + " / "
                      + Format.number(quality.scoreDifferences().largest()))));
    }
    table(asked(quality), List.of("Measure", "Source", "Target"), rows, row -> row);
    if (quality.thresholds() != null) {
      html.element(
          "p",
          "Thresholds: recall at least "
              + Format.recall(quality.thresholds().minimumRecall())
              + ", score difference at most "
              + Format.number(quality.thresholds().scoreTolerance())
              + ".",
          "class",
          "note");
    }
    if (!quality.searchWidths().isEmpty()) {
      html.element("h3", "Recall of the target by how far its searches look");
      widthPlot(quality);
      table(
          "All queries with each value of " + quality.searchWidths().get(0).parameter(),
          List.of(quality.searchWidths().get(0).parameter(), "Recall", "Seconds", "Enough"),
          quality.searchWidths(),
          HtmlReport::searchWidth);
    }
    if (!quality.filters().isEmpty()) {
      html.element("h3", "Recall of searches with a filter");
      table(
          "They do not decide; a dash stands for a store that does not filter by that key",
          List.of("Filter", "Queries", "Source", "Target"),
          quality.filters(),
          HtmlReport::filteredSearch);
    }
    if (!quality.worstQueries().isEmpty()) {
      html.element("h3", "Queries with the lowest recall");
      table(
          "Worst first",
          List.of("Query", "Source recall", "Target recall", "Remark"),
          quality.worstQueries(),
          HtmlReport::worstQuery);
    }
    html.close().line();
  }

  static String asked(Quality quality) {
    long ofSource = quality.sourceQueries() == null ? quality.queries() : quality.sourceQueries();
    String ofTarget = Format.count(quality.queries()) + " queries asked ";
    return ofSource == quality.queries()
        ? ofTarget + "on both sides"
        : ofTarget + "of the target, " + Format.count(ofSource) + " of the source";
  }

  private static String range(Range range) {
    return Format.recall(range.low()) + " to " + Format.recall(range.high());
  }

  /** What a better recall costs. */
  private void widthPlot(Quality quality) {
    List<Plot.Point> reached =
        quality.searchWidths().stream()
            .map(
                step ->
                    new Plot.Point(
                        1000 * step.seconds() / Math.max(1, quality.queries()), step.recall()))
            .sorted(Comparator.comparingDouble(Plot.Point::x))
            .toList();
    Plot.Point fastest = reached.get(0);
    Plot.Point slowest = reached.get(reached.size() - 1);
    if (reached.size() < 2 || fastest.x() <= 0) {
      return;
    }
    List<Plot.Series> series = new ArrayList<>();
    series.add(new Plot.Series("Target", 2, reached));
    if (quality.thresholds() != null && quality.thresholds().minimumRecall() != null) {
      double needed = quality.thresholds().minimumRecall();
      series.add(
          new Plot.Series(
              "Needed",
              3,
              List.of(new Plot.Point(fastest.x(), needed), new Plot.Point(slowest.x(), needed))));
    }
    double lowest =
        series.stream()
            .flatMap(line -> line.points().stream())
            .mapToDouble(Plot.Point::y)
            .min()
            .orElse(0);
    html.open("div", "class", "plots");
    Plot.lines(
        html,
        "Recall@" + quality.k() + " against the time of a query (ms)",
        "From "
            + Format.recall(fastest.y())
            + " in "
            + Format.latency(fastest.x())
            + " to "
            + Format.recall(slowest.y())
            + " in "
            + Format.latency(slowest.x())
            + ", all queries in one request. Logarithmic scale.",
        Axis.logarithmic(fastest.x(), slowest.x()),
        Axis.shareFrom(lowest),
        series);
    html.close();
  }

  private static List<Cell> searchWidth(SearchWidthStep step) {
    return List.of(
        Cell.number(Format.count(step.value())),
        Cell.number(Format.recall(step.recall())),
        Cell.number(Format.number(step.seconds())),
        Cell.of(step.passes() ? "yes" : "no"));
  }

  private static List<Cell> filteredSearch(FilteredSearch filter) {
    return List.of(
        Cell.code(filter.key() + " = " + filter.text()),
        Cell.number(Format.count(filter.queries())),
        filtered(filter.sourceRecall(), filter.sourceNotMeasured()),
        filtered(filter.targetRecall(), filter.targetNotMeasured()));
  }

  private static Cell filtered(Double recall, String notMeasured) {
    return notMeasured == null
        ? Cell.number(Format.recall(recall))
        : Cell.of("not measured: " + notMeasured);
  }

  private static List<Cell> worstQuery(WorstQuery query) {
    return List.of(
        Cell.code(query.query()), Cell.number(Format.recall(query.sourceRecall())),
        Cell.number(Format.recall(query.targetRecall())), Cell.of(query.note()));
  }

  private void recallPlot(Quality quality) {
    String means =
        "Mean recall: source "
            + Format.recall(quality.sourceRecall())
            + ", target "
            + Format.recall(quality.targetRecall())
            + ".";
    if (!quality.recallHistogram().isEmpty()) {
      Plot.bars(
          html,
          "Queries by recall@" + quality.k(),
          means,
          List.of("Source", "Target"),
          recallGroups(quality.recallHistogram()));
      return;
    }
    List<Plot.Series> series = new ArrayList<>();
    series.addAll(cumulative("Source", 1, quality.sourceRecallQuantiles()));
    series.addAll(cumulative("Target", 2, quality.targetRecallQuantiles()));
    if (!series.isEmpty()) {
      Plot.lines(
          html,
          "Share of queries up to a recall@" + quality.k(),
          means,
          Axis.share(),
          Axis.share(),
          series);
    }
  }

  /** The bins from the lowest recall that occurs; what lies below the best twelve is one group. */
  private static List<Plot.Group> recallGroups(List<RecallBin> histogram) {
    List<RecallBin> bins = new ArrayList<>(histogram);
    bins.sort(Comparator.comparingDouble(RecallBin::recall));
    while (bins.size() > 3
        && bins.get(0).sourceQueries() <= 0
        && bins.get(0).targetQueries() <= 0) {
      bins.remove(0);
    }
    boolean merged = bins.size() > RECALL_GROUPS;
    while (bins.size() > RECALL_GROUPS) {
      RecallBin lowest = bins.remove(0);
      RecallBin next = bins.get(0);
      bins.set(
          0,
          new RecallBin(
              next.recall(),
              lowest.sourceQueries() + next.sourceQueries(),
              lowest.targetQueries() + next.targetQueries()));
    }
    List<Plot.Group> groups = new ArrayList<>();
    for (RecallBin bin : bins) {
      String label = Format.trim(String.format(Locale.ROOT, "%.2f", bin.recall()));
      groups.add(
          new Plot.Group(
              merged && groups.isEmpty() ? "\u2264" + label : label,
              List.of(Math.max(0, bin.sourceQueries()), Math.max(0, bin.targetQueries()))));
    }
    return groups;
  }

  private void latencyPlot(Quality quality) {
    List<Plot.Series> series = new ArrayList<>();
    series.addAll(cumulative("Source", 1, quantiles(quality.sourceSpeed())));
    series.addAll(cumulative("Target", 2, quantiles(quality.targetSpeed())));
    if (series.isEmpty()) {
      return;
    }
    double smallest = Double.MAX_VALUE;
    double largest = 0;
    for (Plot.Series line : series) {
      for (Plot.Point point : line.points()) {
        smallest = Math.min(smallest, point.x());
        largest = Math.max(largest, point.x());
      }
    }
    Plot.lines(
        html,
        "Share of queries answered within (ms)",
        "Median latency: source "
            + latency(quality.sourceSpeed(), 50)
            + ", target "
            + latency(quality.targetSpeed(), 50)
            + ". Logarithmic scale.",
        Axis.logarithmic(smallest, largest),
        Axis.share(),
        series);
  }

  private static List<Plot.Series> cumulative(String name, int style, List<Double> quantiles) {
    if (quantiles.size() < 2) {
      return List.of();
    }
    List<Plot.Point> points = new ArrayList<>();
    int stride = (quantiles.size() + PLOT_POINTS - 1) / PLOT_POINTS;
    for (int i = 0; i < quantiles.size(); i += stride) {
      if (Double.isFinite(quantiles.get(i))) {
        points.add(new Plot.Point(quantiles.get(i), (double) i / (quantiles.size() - 1)));
      }
    }
    return List.of(new Plot.Series(name, style, points));
  }

  private static List<Double> quantiles(Speed speed) {
    return speed == null ? List.of() : speed.latencyMillisQuantiles();
  }

  private static String latency(Speed speed, int percent) {
    List<Double> quantiles = quantiles(speed);
    return quantiles.isEmpty()
        ? Format.UNKNOWN
        : Format.latency(quantiles.get((int) Math.round((quantiles.size() - 1) * percent / 100.0)));
  }

  private static String queriesPerSecond(Speed speed) {
    return speed == null ? Format.UNKNOWN : Format.number(speed.queriesPerSecond());
  }

  private void findings() {
    if (!begin("findings")) {
      return;
    }
    table(
        "Findings",
        List.of("Severity", "Subject", "Finding", "Remedy"),
        report.findings(),
        HtmlReport::finding);
    html.close().line();
  }

  private static List<Cell> finding(Finding finding) {
    Tone tone =
        switch (finding.severity()) {
          case BLOCKING -> Tone.BAD;
          case WARNING -> Tone.WARNING;
          case INFO -> Tone.PLAIN;
        };
    return List.of(
        Cell.state(Format.words(finding.severity().name()), tone), Cell.code(finding.subject()),
        Cell.of(finding.message()), Cell.of(finding.remedy()));
  }

  private void rejects() {
    if (!begin("rejects")) {
      return;
    }
    paragraph(
        Format.count(report.rejects().count(), "record")
            + " could not be moved."
            + (report.rejects().file() == null
                ? ""
                : " All of them are in " + clip(report.rejects().file()) + "."));
    table(
        "First rejected records",
        List.of("Id", "Reason"),
        report.rejects().first(),
        HtmlReport::reject);
    html.close().line();
  }

  private static List<Cell> reject(RejectedRecord reject) {
    return List.of(Cell.code(reject.id()), Cell.of(reject.reason()));
  }

  private void rollback() {
    if (!begin("rollback")) {
      return;
    }
    table(
        "What was undone, in order",
        List.of("Step", "State", "Detail"),
        report.rollbackSteps(),
        HtmlReport::rollbackStep);
    html.close().line();
  }

  private static List<Cell> rollbackStep(RollbackStep step) {
    return List.of(
        Cell.of(step.description()),
        Cell.state(Format.words(step.state()), stateTone(step.state())),
        Cell.of(step.detail()));
  }

  private void operatorActions() {
    if (!begin("actions")) {
      return;
    }
    table(
        "What people did, oldest first",
        List.of("When (UTC)", "Who", "Action", "Reason", "Detail"),
        report.operatorActions(),
        HtmlReport::action);
    html.close().line();
  }

  private static List<Cell> action(OperatorAction action) {
    return List.of(
        Cell.of(Format.time(action.whenMillis())),
        Cell.of(action.who()),
        Cell.code(action.verb()),
        Cell.of(action.reason()),
        Cell.of(action.result()));
  }

  private boolean hasConfiguration() {
    return report.source() != null && !report.source().configuration().isEmpty()
        || report.target() != null && !report.target().configuration().isEmpty();
  }

  private void configuration() {
    if (!begin("configuration")) {
      return;
    }
    Map<String, String> before =
        report.source() == null ? Map.of() : report.source().configuration();
    Map<String, String> after =
        report.target() == null ? Map.of() : report.target().configuration();
    TreeSet<String> names = new TreeSet<>(before.keySet());
    names.addAll(after.keySet());
    table(
        "Before and after",
        List.of("Setting", "Source", "Target"),
        List.copyOf(names),
        name -> {
          String source = before.getOrDefault(name, Format.UNKNOWN);
          String target = after.getOrDefault(name, Format.UNKNOWN);
          String style = source != null && source.equals(target) ? "code" : "code changed";
          return List.of(Cell.of(name), new Cell(source, "code"), new Cell(target, style));
        });
    html.close().line();
  }

  private boolean hasAppendix() {
    return !report.versions().isEmpty()
        || report.archiveLocation() != null
        || report.specJson() != null
        || report.counts() != null;
  }

  private void appendix() {
    if (!begin("appendix")) {
      return;
    }
    if (report.archiveLocation() != null) {
      html.open("p").text("Archive: ").element("code", clip(report.archiveLocation())).close();
    }
    if (report.counts() != null) {
      paragraph(
          Format.count(report.counts().processedVectors(), "vector")
              + " processed, "
              + Format.count(report.counts().failedVectors())
              + " failed, "
              + Format.count(report.counts().validationErrors(), "validation error")
              + ", "
              + Format.duration(report.counts().processingMillis())
              + " of processing.");
    }
    if (!report.versions().isEmpty()) {
      table(
          "Versions",
          List.of("Component", "Version"),
          List.copyOf(new TreeMap<>(report.versions()).entrySet()),
          entry -> List.of(Cell.of(entry.getKey()), Cell.code(entry.getValue())));
    }
    if (report.specJson() != null) {
      html.open("details")
          .element("summary", "Spec of this migration")
          .open("pre")
          .element("code", clip(report.specJson(), limits.characters() * 100))
          .close()
          .close();
    }
    html.close().line();
  }

  // --- parts
  // ---------------------------------------------------------------------------------------------------------

  private void paragraph(String text) {
    html.element("p", text);
  }

  private <T> void table(
      String caption, List<String> heads, List<T> rows, Function<T, List<Cell>> cells) {
    if (rows.isEmpty()) {
      return;
    }
    html.open("div", "class", "table").open("table", "role", "table").element("caption", caption);
    html.open("thead", "role", "rowgroup").open("tr", "role", "row");
    List<Cell> firstRow = cells.apply(rows.get(0));
    for (int i = 0; i < heads.size(); i++) {
      head(heads.get(i), "number".equals(firstRow.get(i).style()) ? "number" : null);
    }
    html.close().close().open("tbody", "role", "rowgroup").line();
    for (T row : first(rows)) {
      html.open("tr", "role", "row");
      List<Cell> values = cells.apply(row);
      html.open("th", "role", "rowheader", "scope", "row", "class", cellStyle(values.get(0)));
      content(values.get(0));
      for (int i = 1; i < values.size(); i++) {
        cell(heads.get(i), values.get(i));
      }
      html.close().line();
    }
    html.close().close();
    capNote(rows.size());
    html.close().line();
  }

  private void cell(String label, Cell cell) {
    html.open("td", "role", "cell", "data-label", label, "class", cellStyle(cell));
    content(cell);
  }

  private static String cellStyle(Cell cell) {
    return cell.style() == null || cell.style().startsWith("state")
        ? null
        : cell.style().startsWith("code") ? "code" : cell.style();
  }

  /** Fills the cell that is open, and closes it. */
  private void content(Cell cell) {
    String text = cell.text() == null || cell.text().isEmpty() ? Format.UNKNOWN : clip(cell.text());
    if (cell.style() == null || cell.style().equals("number")) {
      html.text(text);
    } else if (cell.style().startsWith("state")) {
      html.element("span", text, "class", cell.style());
    } else {
      html.element("code", text, "class", cell.style().equals("code") ? null : "changed");
    }
    html.close();
  }

  private <T> List<T> first(List<T> rows) {
    return rows.subList(0, Math.min(rows.size(), limits.rows()));
  }

  private void capNote(int size) {
    if (size > limits.rows()) {
      html.element(
          "p",
          "The first "
              + Format.count(limits.rows())
              + " of "
              + Format.count(size)
              + " are shown; the JSON report has all of them.",
          "class",
          "note");
    }
  }

  private String clip(String text) {
    return clip(text, limits.characters());
  }

  private static String clip(String text, int characters) {
    if (text == null || text.length() <= characters) {
      return text;
    }
    int end = Character.isHighSurrogate(text.charAt(characters - 1)) ? characters - 1 : characters;
    return text.substring(0, end) + "\u2026 (" + Format.count(text.length()) + " characters)";
  }

  private long start() {
    long start = report.startedMillis() > 0 ? report.startedMillis() : Long.MAX_VALUE;
    for (Phase phase : report.phases()) {
      start = phase.startedMillis() > 0 ? Math.min(start, phase.startedMillis()) : start;
    }
    return start == Long.MAX_VALUE ? 0 : start;
  }

  private long end() {
    long end = report.finishedMillis();
    for (Phase phase : report.phases()) {
      end = Math.max(end, Math.max(phase.startedMillis(), phase.finishedMillis()));
    }
    return Math.max(end, start() + 1);
  }

  /**
   * Rows that were compared and do not match; kinds overlap, so that their sum would count rows
   * twice.
   */
  static long different(ImportValidation validation) {
    long different = validation.compared() - validation.bitExact() - validation.withinTolerance();
    for (Long count : validation.differentByKind().values()) {
      different = Math.max(different, count == null ? 0 : count);
    }
    return Math.max(0, different);
  }

  static String place(Side side) {
    return side.store() + " / " + side.collection();
  }

  static String words(MigrationReport report) {
    return switch (report.outcome()) {
      case MIGRATED -> "Migrated" + proved(report.importValidation());
      case ROLLED_BACK -> "Rolled back, previous state restored";
      case ROLLBACK_INCOMPLETE -> "Rollback incomplete";
      case NEEDS_ATTENTION -> "Waiting for a person";
      case REFUSED -> "Not started";
    };
  }

  private static String proved(ImportValidation validation) {
    if (validation != null
        && validation.allowedMismatches() > 0
        && different(validation) + validation.missing() + validation.extra() > 0) {
      return ", with differences that were allowed";
    }
    return validation != null && validation.sample() != null
        ? ", and a sample proved"
        : " and proved";
  }

  private static Tone tone(Outcome outcome) {
    return switch (outcome) {
      case MIGRATED -> Tone.GOOD;
      case ROLLED_BACK, NEEDS_ATTENTION, REFUSED -> Tone.WARNING;
      case ROLLBACK_INCOMPLETE -> Tone.BAD;
    };
  }

  private static String symbol(Outcome outcome) {
    return switch (outcome) {
      case MIGRATED -> "M14 25l7 7 13-15";
      case ROLLED_BACK -> "M16 14v8h8M16.6 21.5a10 10 0 1 1-1.6 8";
      case ROLLBACK_INCOMPLETE -> "M16 16l16 16M32 16l-16 16";
      case NEEDS_ATTENTION -> "M24 13v14M24 33v.5";
      case REFUSED -> "M15 24h18";
    };
  }

  private static Tone zero(long count) {
    return count == 0 ? Tone.GOOD : count < 0 ? Tone.PLAIN : Tone.BAD;
  }

  private static Tone stateTone(String state) {
    return switch (state == null ? "" : state.toUpperCase(Locale.ROOT)) {
      case "COMPLETED", "DONE", "PASSED", "SUCCEEDED" -> Tone.GOOD;
      case "FAILED", "INCOMPLETE", "ERROR" -> Tone.BAD;
      case "NEEDS_ATTENTION", "CANCELLED", "CANCELED", "WAITING", "PAUSED" -> Tone.WARNING;
      default -> Tone.PLAIN;
    };
  }
}
