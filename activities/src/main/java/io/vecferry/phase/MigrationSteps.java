package io.vecferry.phase;

import com.fasterxml.jackson.databind.JsonNode;
import io.temporal.activity.Activity;
import io.vecferry.activity.CatchUpPass;
import io.vecferry.activity.CatchUpTask;
import io.vecferry.activity.CheckResult;
import io.vecferry.activity.Compensation;
import io.vecferry.activity.MigrationActivities;
import io.vecferry.activity.RepairTask;
import io.vecferry.activity.ReportLocation;
import io.vecferry.activity.ReportRequest;
import io.vecferry.activity.WholeTask;
import io.vecferry.archive.Archive;
import io.vecferry.archive.Manifest;
import io.vecferry.archive.PartReader;
import io.vecferry.archive.PartSchema;
import io.vecferry.archive.PartSidecar;
import io.vecferry.plan.FailureClass;
import io.vecferry.plan.Finding;
import io.vecferry.plan.MigrationPlan;
import io.vecferry.plan.NameSwitch;
import io.vecferry.plan.Phase;
import io.vecferry.plan.PlanBasis;
import io.vecferry.plan.PlannedPartition.Origin;
import io.vecferry.plan.RecordProfile;
import io.vecferry.quality.ArchiveReference;
import io.vecferry.quality.QualityCheck;
import io.vecferry.quality.QualityResult;
import io.vecferry.record.VectorKind;
import io.vecferry.spec.MigrationSpec;
import io.vecferry.spec.SpecProblem;
import io.vecferry.store.CollectionInfo;
import io.vecferry.store.LoadSchema;
import io.vecferry.store.Metric;
import io.vecferry.store.RequestsFound;
import io.vecferry.store.StoreException;
import io.vecferry.store.VectorFieldInfo;
import io.vecferry.store.VectorStore;
import io.vecferry.verify.IdUniqueness;
import io.vecferry.workflow.Outcome;
import io.vecferry.workflow.Payloads;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.UUID;
import java.util.function.Supplier;
import java.util.stream.Collectors;

/**
 * The steps on a migration as a whole: connects stores, archive, verification, quality and report.
 */
public final class MigrationSteps implements MigrationActivities {
  static final String QUALITY = Archive.REPORTS + "/quality.json";

  /** The collection that was loaded, as its store describes it. */
  static final String TARGET = "target.json";

  private static final String NOTHING = "there was nothing to undo";
  private static final int NAMED_PROBLEMS = 5;

  /** How long single searches are timed on each side. */
  private static final long BENCHMARK_NANOS = 250_000_000L;

  /** How long each side is searched by each number of clients. */
  private static final long CLIENT_NANOS = 1_000_000_000L;

  private final Workspaces workspaces;
  private final DiskGuard disk;
  private final ReportAssembly reports;
  private final boolean searchAttributes;
  private final Calls calls;

  MigrationSteps(
      Workspaces workspaces,
      DiskGuard disk,
      ResourceMonitor monitor,
      boolean searchAttributes,
      Calls calls) {
    this.workspaces = workspaces;
    this.disk = disk;
    this.reports = new ReportAssembly(monitor);
    this.searchAttributes = searchAttributes;
    this.calls = calls;
  }

  @Override
  public List<SpecProblem> checkSpec(JsonNode document) {
    return Calls.run(() -> SpecCheck.check(document, workspaces.connections()));
  }

  @Override
  public String targetHolder(String lease) {
    return Calls.run(
        () -> new TargetHolder(Activity.getExecutionContext().getWorkflowClient()).of(lease));
  }

  @Override
  public MigrationPlan plan(MigrationSpec spec) {
    return calls.runBeating(
        () -> {
          workspaces.close(spec.name());
          Archive archive = Archive.find(workspaces.store(), spec.name());
          String location = archive.location();
          boolean otherSpec = otherSpec(archive, spec);
          MigrationPlan earlier =
              otherSpec || !archive.exists(Archive.PLAN)
                  ? null
                  : archive.readJson(Archive.PLAN, Payloads.MAPPER, MigrationPlan.class);
          String loadId = earlier == null ? UUID.randomUUID().toString() : earlier.loadId();
          MigrationPlan plan =
              new Planner(searchAttributes)
                  .plan(
                      workspaces.connections().resolve(spec),
                      location,
                      disk.usableBytes(),
                      loadId,
                      earlier != null,
                      System.currentTimeMillis());
          if (earlier != null) {
            CatchUp.recover(archive);
            plan = resumed(earlier, plan, plan.findings(), spec.cutover().catchUp());
          } else if (spec.approvedPlan() != null) {
            plan = compared(spec.approvedPlan(), plan);
          }
          if (otherSpec) {
            List<Finding> findings = new ArrayList<>(plan.findings());
            findings.add(
                Finding.blocking(
                    "name",
                    location + " holds a migration of this name with another spec.",
                    "Choose another name, or move that folder away."));
            plan = plan.with(findings);
          }
          plan = Planner.withArchivePlace(plan, workspaces.store(), spec);
          if (plan.blocking().isEmpty()) {
            archive.writeJson(Archive.SPEC, Payloads.MAPPER, spec);
            archive.writeJson(Archive.PLAN, Payloads.MAPPER, plan);
          }
          return plan;
        });
  }

  /** A plan with what it has not in common with an approved one. */
  private static MigrationPlan compared(PlanBasis approved, MigrationPlan plan) {
    List<Finding> findings = new ArrayList<>(plan.findings());
    approved
        .differences(PlanBasis.of(plan))
        .forEach(
            difference ->
                findings.add(
                    Finding.blocking(
                        "the approved plan", difference, "Plan again and have it approved.")));
    return plan.with(findings);
  }

  private static boolean otherSpec(Archive archive, MigrationSpec spec) {
    if (!archive.exists(Archive.SPEC)) {
      return false;
    }
    MigrationSpec earlier = archive.readJson(Archive.SPEC, Payloads.MAPPER, MigrationSpec.class);
    return !Payloads.MAPPER
        .valueToTree(earlier.withoutWhatMayChange())
        .equals(Payloads.MAPPER.valueToTree(spec.withoutWhatMayChange()));
  }

  /**
   * The plan of an earlier run with what this run has found; its partitions stay, because parts of
   * them may be done.
   */
  private static MigrationPlan resumed(
      MigrationPlan earlier, MigrationPlan now, List<Finding> found, boolean catchesUp) {
    List<Finding> findings = new ArrayList<>(found);
    if (!catchesUp
        && now.blocking().isEmpty()
        && !earlier.source().fingerprint().equals(now.source().fingerprint())) {
      findings.add(
          Finding.blocking(
              "source",
              now.source().collection()
                  + " has changed since an earlier run of this migration exported a part of it to "
                  + earlier.archive()
                  + ".",
              "Choose another name for the migration, or move that folder away. A migration with"
                  + " cutover.catchUp: true applies what is written meanwhile."));
    }
    if (now.existing() != null
        && earlier.existing() != null
        && !now.existing()
            .collection()
            .fingerprint()
            .equals(earlier.existing().collection().fingerprint())) {
      findings.add(
          Finding.blocking(
              "target",
              earlier.existing().collection().collection()
                  + " has changed since an earlier run of this migration planned what becomes of"
                  + " it.",
              "Choose another name for the migration, or move the folder "
                  + earlier.archive()
                  + " away."));
    }
    return new MigrationPlan(
        earlier.migration(),
        earlier.createdMillis(),
        earlier.loadId(),
        now.archive(),
        earlier.source(),
        earlier.target(),
        findings,
        earlier.partitions(),
        earlier.partRows(),
        now.parallelism(),
        earlier.childWorkflows(),
        now.searchAttributes(),
        true,
        earlier.estimate(),
        earlier.rollbackPlan(),
        earlier.existing(),
        earlier.nameSwitch(),
        earlier.targetPlan(),
        earlier.forecast(),
        earlier.specHash(),
        earlier.mapping());
  }

  @Override
  public CheckResult completeExport(WholeTask task) {
    return calls.runBeating(
        () -> {
          Workspace workspace = workspaces.get(task.migration());
          Archive archive = workspace.archive();
          boolean moving = workspace.mayMove(Origin.SOURCE);
          List<String> paths = workspace.partPaths(task.partsPerPartition());
          List<IdUniqueness.Duplicate> repeated = repeatedIds(archive, paths);
          if (moving && !repeated.isEmpty()) {
            new CatchUp(workspace).keepRepeated();
            paths = workspace.partPaths(task.partsPerPartition());
            repeated = repeatedIds(archive, paths);
          }
          requireUnique(repeated);
          List<PartSidecar> sidecars =
              paths.stream().map(path -> PartReader.sidecar(archive.store(), path)).toList();
          long rows = sidecars.stream().mapToLong(PartSidecar::rows).sum();
          String asInSource = "compared with the source before the cutover";
          if (!moving) {
            requireUnchanged(workspace, Origin.SOURCE, rows);
            asInSource =
                String.format(
                    Locale.ROOT,
                    "count as in the source, %,d records read from it again",
                    SourceRecheck.run(workspace, paths));
          }
          archive.writeManifest(
              Manifest.of(
                  task.migration(),
                  sidecars,
                  workspace.partSchema(),
                  workspace.plan().source().configuration()));
          String summary =
              String.format(
                  Locale.ROOT,
                  "parts read back: %,d; checksums, ids unique, vectors finite, %s",
                  paths.size(),
                  asInSource);
          RequestsNote.keep(workspace, Phase.EXPORT);
          return new CheckResult(rows, summary + completeBackup(workspace, task, paths));
        });
  }

  /** The same for the backup of the target, if there is to be one; what was done, in words. */
  private static String completeBackup(
      Workspace workspace, WholeTask task, List<String> sourcePaths) {
    List<String> paths = workspace.backupPaths(task.partsPerPartition());
    if (paths.isEmpty()) {
      return "";
    }
    Archive archive = workspace.archive();
    List<PartSidecar> sidecars =
        paths.stream().map(path -> PartReader.sidecar(archive.store(), path)).toList();
    long rows = sidecars.stream().mapToLong(PartSidecar::rows).sum();
    requireUnique(repeatedIds(archive, paths));
    if (!workspace.hasBegunToSwitch()) {
      requireUnchanged(workspace, Origin.TARGET, rows);
    }
    String merged = "";
    if (workspace.plan().merges()) {
      long superseded = Superseded.find(archive, sourcePaths, paths);
      merged =
          String.format(
              Locale.ROOT,
              "; %,d of them stay, %,d have an id of the source",
              rows - superseded,
              superseded);
    }
    archive.writeManifest(
        Archive.TARGET_BACKUP,
        Manifest.of(
            task.migration(),
            sidecars,
            workspace.partSchema(Origin.TARGET),
            workspace.plan().existing().collection().configuration()));
    return String.format(
        Locale.ROOT, "; backup of the target: %,d records, equal to it%s", rows, merged);
  }

  private static void requireUnique(List<IdUniqueness.Duplicate> repeated) {
    if (!repeated.isEmpty()) {
      throw new StoreException(
          FailureClass.BAD_RECORD,
          "ids occur more than once: "
              + repeated.stream()
                  .map(duplicate -> "\"" + duplicate.id() + "\" in " + duplicate.parts())
                  .collect(Collectors.joining("; "))
              + ". Give each record an id of its own and start again with another name.");
    }
  }

  private static List<IdUniqueness.Duplicate> repeatedIds(Archive archive, List<String> paths) {
    try {
      Path temporary = Files.createTempDirectory("vecferry-ids");
      try {
        return IdUniqueness.find(archive.store(), paths, temporary, NAMED_PROBLEMS).duplicates();
      } finally {
        Files.deleteIfExists(temporary);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static void requireUnchanged(Workspace workspace, Origin origin, long rows) {
    try (VectorStore store = workspace.reopen(origin)) {
      workspace.requireUnchanged(origin, store, "Roll back and start again with another name.");
    }
    long planned = workspace.exportedSide(origin).rows();
    if (rows != planned) {
      throw new StoreException(
          FailureClass.NOT_PROVED,
          "the archive has "
              + rows
              + " records, the "
              + (origin == Origin.SOURCE ? "source" : "target")
              + " has "
              + planned
              + ".");
    }
  }

  @Override
  public CheckResult prepareTarget(WholeTask task) {
    return calls.runBeating(
        () -> {
          Workspace workspace = workspaces.get(task.migration());
          if (workspace.isSwitched()) {
            return new CheckResult(0, "the target was switched to by an earlier run");
          }
          if (!workspace.load().exists()) {
            ImportMarker.clear(workspace.archive());
          }
          UndoLog.arm(
              workspace.archive(), Compensation.dropLoad(workspace.plan().target().collection()));
          workspace.load().create(workspace.loadSchema(), workspace.stamp());
          return new CheckResult(0, "created");
        });
  }

  @Override
  public CheckResult finishLoad(WholeTask task) {
    return calls.runBeating(
        () -> {
          Workspace workspace = workspaces.get(task.migration());
          if (!workspace.isSwitched()) {
            List<String> names = workspace.loadedParts(task.partsPerPartition());
            askSourceMeanwhile(workspace, task);
            workspace.load().finishLoad(names, workspace.stamp());
          }
          workspace.targetChanged();
          CollectionInfo made = workspace.loaded().describe();
          workspace
              .archive()
              .writeJson(TARGET, Payloads.MAPPER, Planner.side(made, RecordProfile.EMPTY));
          return new CheckResult(
              made.rows(),
              RequestsNote.keep(workspace, Phase.IMPORT).map(RequestsFound::words).orElse(""));
        });
  }

  /**
   * Asks the source what the quality check wants to know, while the target builds its index. What
   * fails here is asked again, and reported, by the check.
   */
  private static void askSourceMeanwhile(Workspace workspace, WholeTask task) {
    Integer sampleSize = workspace.spec().quality().sampleSize();
    if ((sampleSize == null || sampleSize > 0) && !workspace.plan().merges()) {
      searchedField(workspace)
          .ifPresent(
              field ->
                  workspace.askSource(
                      askSource(
                          workspace,
                          qualityCheck(workspace, task, field),
                          loadedSide(workspace, workspace.load(), field))));
    }
  }

  private static Optional<PartSchema.VectorField> searchedField(Workspace workspace) {
    return workspace.partSchema().vectors().stream()
        .filter(candidate -> candidate.kind() == VectorKind.DENSE)
        .findFirst();
  }

  private static QualityCheck qualityCheck(
      Workspace workspace, WholeTask task, PartSchema.VectorField field) {
    return new QualityCheck(
        new ArchiveReference(
            workspace.archive().store(), workspace.partPaths(task.partsPerPartition()), field),
        field);
  }

  private static QualityCheck.Side loadedSide(
      Workspace workspace, VectorStore store, PartSchema.VectorField field) {
    return new QualityCheck.Side(store, field.name(), workspace.targetMetric(field));
  }

  private static Supplier<Optional<QualityCheck.SourceAnswers>> askSource(
      Workspace workspace, QualityCheck check, QualityCheck.Side target) {
    MigrationSpec.Quality wanted = workspace.spec().quality();
    VectorStore source = workspace.source();
    return () ->
        check.askSource(
            source,
            new QualityCheck.Question(
                wanted.sampleSize(),
                wanted.queries() == null ? null : Path.of(wanted.queries()),
                wanted.topK(),
                target));
  }

  @Override
  public CheckResult completeImportValidation(WholeTask task) {
    return calls.runBeating(
        () -> {
          Workspace workspace = workspaces.get(task.migration());
          CollectionInfo loaded = workspace.loaded().describe();
          requirePlanned(workspace.loadSchema(), loaded);
          ImportProof proof = new ImportProof(workspace);
          PartProof found = proof.complete(task, loaded.rows());
          return new CheckResult(found.rows(), proof.words(found));
        });
  }

  @Override
  public CheckResult repair(RepairTask task) {
    return calls.runBeating(() -> new Repair(workspaces.get(task.whole().migration()), task).run());
  }

  private static void requirePlanned(LoadSchema planned, CollectionInfo found) {
    for (VectorFieldInfo field : planned.vectors()) {
      Metric metric =
          found.vectors().stream()
              .filter(other -> other.name().equals(field.name()))
              .findFirst()
              .orElseThrow(
                  () ->
                      new StoreException(
                          FailureClass.NOT_PROVED,
                          "the target has no vector field '" + field.name() + "'."))
              .metric();
      if (metric != field.metric()) {
        throw new StoreException(
            FailureClass.NOT_PROVED,
            "vector field '"
                + field.name()
                + "' of the target compares by "
                + metric.spelling()
                + ", "
                + field.metric().spelling()
                + " was planned.");
      }
    }
  }

  @Override
  public CheckResult checkQuality(WholeTask task) {
    return calls.runBeating(
        () -> {
          Workspace workspace = workspaces.get(task.migration());
          MigrationSpec.Quality wanted = workspace.spec().quality();
          Optional<PartSchema.VectorField> field = searchedField(workspace);
          if (field.isEmpty()) {
            return new CheckResult(0, "nothing to compare: there is no dense vector field");
          }
          if (workspace.plan().merges()) {
            return new CheckResult(
                0, "not compared: merged records have other neighbours than those of the source");
          }
          if (wanted.sampleSize() != null && wanted.sampleSize() == 0) {
            return new CheckResult(0, "nothing to compare: quality.sampleSize is 0");
          }
          QualityCheck check = qualityCheck(workspace, task, field.get());
          QualityCheck.Side target = loadedSide(workspace, workspace.loaded(), field.get());
          Optional<QualityCheck.SourceAnswers> asked = workspace.takeSourceAnswers();
          if (asked.isEmpty()) {
            asked = askSource(workspace, check, target).get();
          }
          workspace.awaitIndexes();
          if (asked.isEmpty()) {
            return new CheckResult(0, "nothing to compare: no record has a vector");
          }
          QualityResult result =
              check.compare(
                  asked.get(),
                  workspace.source(),
                  target,
                  new QualityCheck.Measures(
                      wanted.iterations(),
                      BENCHMARK_NANOS,
                      wanted.minRecall(),
                      wanted.clients(),
                      CLIENT_NANOS));
          workspace.archive().writeJson(QUALITY, Payloads.MAPPER, result);
          if (!result.passes(wanted.minRecall(), wanted.scoreTolerance())) {
            throw new StoreException(
                FailureClass.NOT_PROVED,
                result.summary()
                    + String.format(
                        Locale.ROOT,
                        "; quality.minRecall is %s, quality.scoreTolerance is %s. %s",
                        wanted.minRecall() == null
                            ? "not set, which asks for "
                                + String.format(Locale.ROOT, "%.4f", result.requiredRecall(null))
                            : wanted.minRecall(),
                        wanted.scoreTolerance(),
                        result.explanation(wanted.minRecall())));
          }
          return new CheckResult(result.queries(), result.summary());
        });
  }

  @Override
  public List<CatchUpPass> keptChanges(WholeTask task) {
    return Calls.run(() -> new CatchUp(workspaces.get(task.migration())).kept());
  }

  @Override
  public CatchUpPass findChanges(CatchUpTask task) {
    return calls.runBeating(() -> catchUp(task).find(task.pass()));
  }

  @Override
  public CatchUpPass keepChanges(CatchUpTask task) {
    return calls.runBeating(() -> catchUp(task).keep(task.pass()));
  }

  @Override
  public CheckResult removeChanged(CatchUpTask task) {
    return calls.runBeating(() -> new CheckResult(catchUp(task).remove(task.pass()), ""));
  }

  @Override
  public CheckResult finishChanges(CatchUpTask task) {
    return calls.runBeating(() -> new CheckResult(catchUp(task).finish(task.pass()), ""));
  }

  private CatchUp catchUp(CatchUpTask task) {
    return new CatchUp(workspaces.get(task.migration()));
  }

  @Override
  public CheckResult cutover(WholeTask task) {
    return calls.runBeating(
        () -> {
          Workspace workspace = workspaces.get(task.migration());
          switchTo(workspace);
          return new CheckResult(0, workspace.plan().target().collection() + " is in place");
        });
  }

  private static void switchTo(Workspace workspace) {
    Archive archive = workspace.archive();
    NameSwitch planned = workspace.plan().nameSwitch();
    boolean begun = UndoLog.read(archive).find(Compensation.Kind.SWITCH_BACK).isPresent();
    if (!begun && workspace.isSwitched()) {
      return;
    }
    if (workspace.plan().restoresFromBackup() && !workspace.isSwitched()) {
      TargetBackup.requireWhole(archive);
    }
    if (!begun) {
      workspace.awaitIndexes();
      String target = workspace.plan().target().collection();
      if (workspace.plan().restoresFromBackup()) {
        UndoLog.arm(archive, Compensation.restoreBackup(target));
      }
      UndoLog.arm(archive, Compensation.switchBack(target, planned));
    }
    try {
      workspace.target().switchTo(planned, workspace.stamp());
    } catch (StoreException e) {
      if (!begun && e.failureClass() == FailureClass.TARGET_CHANGED) {
        // Nothing was changed, and there is nothing to take back from whoever has the name now.
        UndoLog.undone(archive, Compensation.Kind.SWITCH_BACK);
        UndoLog.undone(archive, Compensation.Kind.RESTORE_BACKUP);
      }
      throw e;
    } finally {
      workspace.targetChanged();
    }
  }

  @Override
  public CheckResult compensate(WholeTask task, Compensation compensation) {
    return calls.runBeating(() -> undo(workspaces.get(task.migration()), compensation));
  }

  /** Undoes what the archive says has taken effect of a kind; nothing when it has not. */
  static CheckResult undo(Workspace workspace, Compensation compensation) {
    Archive archive = workspace.archive();
    UndoLog log = UndoLog.read(archive);
    Optional<Compensation> armed = log.find(compensation.kind());
    if (compensation.kind() != Compensation.Kind.SWITCH_BACK
        && log.find(Compensation.Kind.SWITCH_BACK).isPresent()) {
      throw new StoreException(
          FailureClass.TARGET_CHANGED,
          "readers of "
              + workspace.plan().target().collection()
              + " still get what was loaded, because the switch was not taken back. Nothing was"
              + " changed.");
    }
    workspace.targetChanged();
    String result =
        switch (compensation.kind()) {
          case DROP_LOAD -> workspace.load().drop(workspace.stamp()) ? "removed" : NOTHING;
          case RESTORE_BACKUP ->
              armed.isEmpty()
                  ? NOTHING
                  : String.format(
                      Locale.ROOT,
                      "made again, %,d records compared",
                      TargetBackup.restore(workspace));
          case SWITCH_BACK ->
              armed.isEmpty() ? NOTHING : switchBack(workspace, armed.get().nameSwitch());
        };
    workspace.targetChanged();
    ImportMarker.clear(archive);
    UndoLog.undone(archive, compensation.kind());
    return new CheckResult(0, result);
  }

  private static String switchBack(Workspace workspace, NameSwitch planned) {
    if (workspace.plan().restoresFromBackup()) {
      // What cannot be restored stays as it is.
      TargetBackup.requireWhole(workspace.archive());
    }
    workspace.target().switchBack(planned, workspace.stamp());
    return planned.before().isEmpty()
        ? "taken away"
        : workspace.plan().restoresFromBackup()
            ? "the name is free"
            : "readers get " + planned.before();
  }

  @Override
  public CheckResult endRetention(WholeTask task) {
    return calls.runBeating(() -> new CheckResult(0, Retention.end(workspaces, task.migration())));
  }

  @Override
  public String moveArchive(WholeTask task) {
    return calls.runBeating(
        () -> {
          Workspace workspace = workspaces.get(task.migration());
          workspace.moveArchive();
          return workspace.archive().location();
        });
  }

  @Override
  public ReportLocation writeReport(ReportRequest request) {
    return calls.runBeating(
        () -> {
          Archive archive = Archive.find(workspaces.store(), request.migration());
          if (!archive.exists(Archive.PLAN)) {
            return new ReportLocation("", "");
          }
          Outcome outcome = request.status().outcome();
          Workspace workspace = workspaces.get(request.migration());
          if ((outcome == Outcome.MIGRATED || outcome == Outcome.MIGRATED_WITH_SKIPS)
              && !workspace.keepsWhatWasReplaced()) {
            UndoLog.close(archive);
          }
          archive.store().discardUnpublished(archive.folder());
          ReportLocation location =
              reports.write(workspaces.get(request.migration()), request.status());
          workspaces.close(request.migration());
          return location;
        });
  }
}
