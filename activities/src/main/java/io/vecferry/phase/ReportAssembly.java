package io.vecferry.phase;

import com.fasterxml.jackson.core.JsonProcessingException;
import io.vecferry.activity.CheckResult;
import io.vecferry.activity.ReportLocation;
import io.vecferry.archive.Archive;
import io.vecferry.plan.Finding;
import io.vecferry.plan.MigrationPlan;
import io.vecferry.plan.Phase;
import io.vecferry.plan.PlannedSide;
import io.vecferry.quality.Interval;
import io.vecferry.quality.QualityCheck;
import io.vecferry.quality.QualityResult;
import io.vecferry.quality.SearchSweep;
import io.vecferry.report.MigrationReport;
import io.vecferry.report.ReportWriter;
import io.vecferry.spec.MigrationSpec;
import io.vecferry.workflow.MigrationStatus;
import io.vecferry.workflow.Payloads;
import io.vecferry.workflow.PhaseProgress;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;

/**
 * Collects what the phases left in the archive and in the workflow's status, and writes the
 * reports.
 */
final class ReportAssembly {
  static final String STATUS = Archive.REPORTS + "/status.json";
  private static final String HTML = Archive.REPORTS + "/report.html";
  private static final String JSON = Archive.REPORTS + "/report.json";
  private static final String SCHEMA = Archive.REPORTS + "/report.schema.json";
  private static final String MARKDOWN = Archive.REPORTS + "/report.md";

  private final ReportWriter writer = new ReportWriter();
  private final ResourceMonitor monitor;

  ReportAssembly(ResourceMonitor monitor) {
    this.monitor = monitor;
  }

  ReportLocation write(Workspace workspace, MigrationStatus status) {
    Archive archive = workspace.archive();
    MigrationReport report = assemble(workspace, status);
    write(archive, HTML, writer.toHtml(report));
    write(archive, JSON, writer.toJson(report));
    write(archive, SCHEMA, writer.jsonSchema());
    write(archive, MARKDOWN, writer.toMarkdown(report));
    ReportLocation location =
        new ReportLocation(
            archive.store().describe(archive.path(HTML)),
            archive.store().describe(archive.path(JSON)));
    archive.writeJson(STATUS, Payloads.MAPPER, status);
    return location;
  }

  private static void write(Archive archive, String name, String text) {
    archive.store().writeBytes(archive.path(name), text.getBytes(StandardCharsets.UTF_8));
  }

  private MigrationReport assemble(Workspace workspace, MigrationStatus status) {
    MigrationPlan plan = workspace.plan();
    MigrationSpec spec = workspace.spec();
    PhaseProgress exported = status.phases().get(Phase.EXPORT.ordinal());
    PhaseProgress imported = status.phases().get(Phase.IMPORT.ordinal());
    PartProof proof =
        status.phases().get(Phase.VALIDATE_IMPORT.ordinal()).startedMillis() == 0
            ? null
            : PartProof.total(workspace.archive());
    long failed = proof == null ? 0 : proof.mismatches() + proof.refused();
    long start = status.startedMillis();
    return MigrationReport.builder(status.migration(), outcome(status), status.verdict())
        .times(start, status.atMillis())
        .source(side(plan.source(), plan.source().rows()))
        .target(target(workspace, targetRows(workspace, imported)))
        // A rollback that nobody asked for is no phase of this migration.
        .phases(
            status.phases().stream()
                .filter(phase -> phase.phase() != Phase.ROLLBACK || phase.startedMillis() > 0)
                .map(phase -> phase(workspace.archive(), phase))
                .toList())
        .counts(
            new MigrationReport.Counts(
                imported.rowsDone(), failed, status.atMillis() - start, failed))
        .findings(findings(plan, status))
        .plan(
            new MigrationReport.Plan(
                plan.estimate().seconds(),
                plan.forecast(),
                plan.targetPlan(),
                plan.rollbackPlan(),
                plan.mapping()))
        .exportValidation(exportValidation(status, exported, workspace))
        .importValidation(proof == null ? null : importValidation(workspace, proof))
        .quality(quality(workspace))
        .operatorActions(
            status.actions().stream()
                .map(
                    action ->
                        new MigrationReport.OperatorAction(
                            action.atMillis(),
                            action.who(),
                            action.verb(),
                            action.reason(),
                            action.detail() == null ? "" : action.detail()))
                .toList())
        .rollbackSteps(
            status.phases().get(Phase.ROLLBACK.ordinal()).startedMillis() == 0
                ? List.of()
                : status.undo().stream()
                    .map(
                        step ->
                            new MigrationReport.RollbackStep(
                                step.compensation().description(),
                                step.state().name(),
                                step.result()))
                    .toList())
        .resourceSamples(
            monitor.since(start).stream()
                .map(
                    sample ->
                        new MigrationReport.ResourceSample(
                            sample.elapsedMillis() - start,
                            sample.cpuPercent(),
                            sample.heapBytes(),
                            sample.rssBytes(),
                            sample.diskFreeBytes()))
                .toList())
        .throughputSamples(
            workspace.throughput().stream()
                .map(
                    sample ->
                        new MigrationReport.ThroughputSample(
                            sample.elapsedMillis() - start, sample.phase(), sample.rows()))
                .toList())
        .rates(
            status.phases().stream()
                .filter(p -> p.rowsDone() > 0)
                .map(ReportAssembly::rate)
                .toList())
        .versions(
            new TreeMap<>(
                Map.of(
                    "vecferry",
                    String.valueOf(ReportAssembly.class.getPackage().getImplementationVersion()),
                    "java",
                    System.getProperty("java.version"))))
        .archiveLocation(workspace.archive().location())
        .specJson(pretty(spec))
        .build();
  }

  /** What planning has found, and whom nobody could tell. */
  private static List<Finding> findings(MigrationPlan plan, MigrationStatus status) {
    List<Finding> findings = new ArrayList<>(plan.findings());
    status
        .notifications()
        .undelivered()
        .forEach(
            undelivered ->
                findings.add(Finding.warning("notify", "not delivered: " + undelivered, "")));
    return findings;
  }

  /** Of what was loaded, catching up may have removed some and loaded some again. */
  private static long targetRows(Workspace workspace, PhaseProgress imported) {
    return new CatchUp(workspace).kept().isEmpty()
        ? imported.rowsDone()
        : workspace.archive().manifest().rows();
  }

  private static MigrationReport.Outcome outcome(MigrationStatus status) {
    if (status.outcome() == null) {
      return MigrationReport.Outcome.NEEDS_ATTENTION;
    }
    return switch (status.outcome()) {
      case MIGRATED -> MigrationReport.Outcome.MIGRATED;
      case MIGRATED_WITH_SKIPS -> MigrationReport.Outcome.NEEDS_ATTENTION;
      case REHEARSED, ROLLED_BACK -> MigrationReport.Outcome.ROLLED_BACK;
      case ROLLBACK_INCOMPLETE -> MigrationReport.Outcome.ROLLBACK_INCOMPLETE;
    };
  }

  /** The target with the configuration that it was given, and that of what had its name before. */
  private static MigrationReport.Side target(Workspace workspace, long rows) {
    MigrationPlan plan = workspace.plan();
    MigrationReport.Side planned = side(plan.target(), rows);
    Map<String, String> configuration = new LinkedHashMap<>();
    Archive archive = workspace.archive();
    long bytes = planned.bytes();
    if (archive.exists(MigrationSteps.TARGET)) {
      PlannedSide made =
          archive.readJson(MigrationSteps.TARGET, Payloads.MAPPER, PlannedSide.class);
      configuration.putAll(made.configuration());
      bytes = made.bytes();
    }
    if (plan.existing() != null) {
      plan.existing()
          .collection()
          .configuration()
          .forEach((key, value) -> configuration.put("before: " + key, value));
    }
    return new MigrationReport.Side(
        planned.store(), planned.collection(), planned.vectors(), rows, bytes, configuration);
  }

  private static MigrationReport.Side side(PlannedSide side, long rows) {
    return new MigrationReport.Side(
        side.store(),
        side.collection(),
        side.vectors().stream()
            .map(
                field ->
                    new MigrationReport.VectorField(
                        field.name(),
                        field.kind(),
                        field.element(),
                        field.dimension() == 0 ? -1 : field.dimension(),
                        field.metric(),
                        field.indexType().isEmpty() ? null : field.indexType(),
                        field.indexParams()))
            .toList(),
        rows,
        side.bytes(),
        side.configuration());
  }

  private static MigrationReport.Phase phase(Archive archive, PhaseProgress phase) {
    MigrationReport.Requests requests =
        RequestsNote.find(archive, phase.phase())
            .map(
                found ->
                    new MigrationReport.Requests(
                        found.store(), found.rows(), found.atOnce(), found.rowsPerSecond()))
            .orElse(null);
    // The summary of such a phase says the same.
    String note = requests == null ? phase.summary() : "";
    if (phase.rowsReused() > 0) {
      note =
          String.format(
                  Locale.ROOT, "%,d records done by an earlier run. %s", phase.rowsReused(), note)
              .trim();
    }
    return new MigrationReport.Phase(
        phase.phase().name(),
        phase.state().name(),
        phase.startedMillis(),
        phase.finishedMillis(),
        phase.rowsDone(),
        phase.bytesDone(),
        note,
        requests);
  }

  private static MigrationReport.PhaseRate rate(PhaseProgress phase) {
    double seconds = Math.max(1, phase.finishedMillis() - phase.startedMillis()) / 1000.0;
    return new MigrationReport.PhaseRate(
        phase.phase().name(), phase.rowsDone() / seconds, phase.bytesDone() / seconds);
  }

  private static MigrationReport.ExportValidation exportValidation(
      MigrationStatus status, PhaseProgress exported, Workspace workspace) {
    PhaseProgress validated = status.phases().get(Phase.VALIDATE_EXPORT.ordinal());
    if (validated.state() != PhaseProgress.State.DONE) {
      return null;
    }
    List<MigrationReport.Check> checks = new ArrayList<>();
    checks.add(
        new MigrationReport.Check(
            "Checksum of every part", true, validated.partsDone() + " parts"));
    checks.add(new MigrationReport.Check("Vectors finite, dimensions right", true, ""));
    checks.add(new MigrationReport.Check("Metadata is JSON", true, ""));
    checks.add(new MigrationReport.Check("Ids unique in the whole archive", true, ""));
    if (!workspace.spec().cutover().catchUp()) {
      checks.add(
          new MigrationReport.Check(
              "As many records as the source",
              true,
              String.format(Locale.ROOT, "%,d", workspace.plan().source().rows())));
      checks.add(new MigrationReport.Check("Source unchanged while it was exported", true, ""));
      if (workspace.archive().exists(SourceRecheck.RESULT)) {
        CheckResult recheck =
            workspace.archive().readJson(SourceRecheck.RESULT, Payloads.MAPPER, CheckResult.class);
        checks.add(
            new MigrationReport.Check(
                "Records read from the source again and compared", true, recheck.summary()));
      }
    } else {
      PhaseProgress cutover = status.phases().get(Phase.CUTOVER.ordinal());
      if (cutover.state() == PhaseProgress.State.DONE) {
        checks.add(
            new MigrationReport.Check(
                "Compared with the source before the cutover", true, cutover.summary()));
      }
    }
    return new MigrationReport.ExportValidation(exported.partsDone(), exported.rowsDone(), checks);
  }

  private static MigrationReport.ImportValidation importValidation(
      Workspace workspace, PartProof proof) {
    MigrationSpec.Validation validation = workspace.spec().validation();
    Map<String, Long> kinds = new TreeMap<>();
    proof.kinds().forEach((kind, records) -> kinds.put(kind.name(), records));
    kinds.keySet().removeAll(List.of("MISSING", "EXTRA"));
    List<MigrationReport.Difference> first =
        proof.differences().stream()
            .map(
                difference ->
                    new MigrationReport.Difference(
                        difference.id(),
                        difference.kind().name(),
                        difference.field(),
                        difference.expected(),
                        difference.actual()))
            .toList();
    return new MigrationReport.ImportValidation(
        validation.mode(),
        proof.tolerance(),
        proof.compared(PartProof.counts(workspace.archive())),
        proof.bitExact(),
        proof.withinTolerance(),
        proof.missing() + proof.refused(),
        proof.extra(),
        kinds,
        proof.largestDeviation(),
        first,
        validation.samples() ? workspace.sample().meaning(proof.expected()) : null,
        validation.allowedMismatches(),
        proof.mismatches() == 0
            ? null
            : workspace.archive().store().describe(workspace.archive().path(DifferenceLog.FOLDER)));
  }

  private static MigrationReport.Quality quality(Workspace workspace) {
    Archive archive = workspace.archive();
    if (!archive.exists(MigrationSteps.QUALITY)) {
      return null;
    }
    QualityResult result =
        archive.readJson(MigrationSteps.QUALITY, Payloads.MAPPER, QualityResult.class);
    MigrationSpec.Quality wanted = workspace.spec().quality();
    boolean passed = result.passes(wanted.minRecall(), wanted.scoreTolerance());
    String explanation =
        String.format(
            Locale.ROOT,
            "Against exact search over the archive the source answers %.2f %% right and the target %.2f %%. %s",
            result.sourceRecall() * 100,
            result.targetRecall() * 100,
            result.explanation(wanted.minRecall()));
    return new MigrationReport.Quality(
        result.queries(),
        result.k(),
        result.sourceRecall(),
        result.targetRecall(),
        result.agreement(),
        result.rankAgreement(),
        new MigrationReport.ScoreDifferences(
            result.medianScoreDifference(),
            result.percentile99ScoreDifference(),
            result.largestScoreDifference()),
        new MigrationReport.Thresholds(
            result.requiredRecall(wanted.minRecall()), wanted.scoreTolerance()),
        passed,
        explanation,
        List.of(),
        quantiles(result.sourceRecalls()),
        quantiles(result.targetRecalls()),
        speed(result.sourceMillis(), result.sourceQueries(), result.sourceBatchSeconds()),
        speed(result.targetMillis(), result.queries(), result.targetBatchSeconds()),
        result.worst().stream()
            .map(
                worst ->
                    new MigrationReport.WorstQuery(
                        worst.id(), worst.sourceRecall(), worst.targetRecall(), ""))
            .toList(),
        range(result.sourceInterval()),
        range(result.targetInterval()),
        searchWidths(result.sweep()),
        result.filters().stream()
            .map(
                filter ->
                    new MigrationReport.FilteredSearch(
                        filter.key(),
                        filter.text(),
                        filter.queries(),
                        filter.sourceRecall(),
                        filter.targetRecall(),
                        filter.sourceNotMeasured(),
                        filter.targetNotMeasured()))
            .toList(),
        result.throughput().stream()
            .map(
                measured ->
                    new MigrationReport.Throughput(
                        measured.clients(), measured.source(), measured.target()))
            .toList(),
        (long) result.sourceQueries());
  }

  private static MigrationReport.Range range(Interval interval) {
    return interval == null ? null : new MigrationReport.Range(interval.low(), interval.high());
  }

  private static List<MigrationReport.SearchWidthStep> searchWidths(SearchSweep sweep) {
    return sweep == null
        ? List.of()
        : sweep.steps().stream()
            .map(
                step ->
                    new MigrationReport.SearchWidthStep(
                        sweep.parameter(),
                        step.value(),
                        step.recall(),
                        step.seconds(),
                        step.recall() >= sweep.required()))
            .toList();
  }

  private static MigrationReport.Speed speed(List<Double> millis, int queries, double seconds) {
    return new MigrationReport.Speed(quantiles(millis), seconds <= 0 ? null : queries / seconds);
  }

  private static List<Double> quantiles(List<Double> ascending) {
    List<Double> quantiles = new ArrayList<>();
    if (!ascending.isEmpty()) {
      for (int percent = 0; percent <= 100; percent++) {
        quantiles.add(QualityCheck.quantile(ascending, percent / 100.0));
      }
    }
    return quantiles;
  }

  private static String pretty(MigrationSpec spec) {
    try {
      return Payloads.MAPPER.writerWithDefaultPrettyPrinter().writeValueAsString(spec);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException(e);
    }
  }
}
