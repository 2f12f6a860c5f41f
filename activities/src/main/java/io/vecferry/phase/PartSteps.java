package io.vecferry.phase;

import io.vecferry.activity.PartActivities;
import io.vecferry.activity.PartResult;
import io.vecferry.activity.PartTask;
import io.vecferry.archive.Archive;
import io.vecferry.archive.PartReader;
import io.vecferry.archive.PartSidecar;
import io.vecferry.archive.PartWriter;
import io.vecferry.plan.FailureClass;
import io.vecferry.plan.Phase;
import io.vecferry.plan.PlannedPartition;
import io.vecferry.plan.PlannedPartition.Origin;
import io.vecferry.record.RecordBatch;
import io.vecferry.store.BatchWriter;
import io.vecferry.store.PatientReader;
import io.vecferry.store.Reject;
import io.vecferry.store.SourceRange;
import io.vecferry.store.StoreException;
import io.vecferry.store.VectorStore;
import io.vecferry.verify.PartChecks;
import io.vecferry.workflow.Payloads;
import java.time.Instant;
import java.util.EnumSet;
import java.util.List;
import java.util.function.Function;
import java.util.stream.Collectors;

/** The work on parts: connects stores, archive and verification. */
public final class PartSteps implements PartActivities {
  private static final int NAMED_PROBLEMS = 5;

  private final Workspaces workspaces;
  private final Calls calls;
  private final DiskGuard disk;
  private final MemoryGuard memory;

  PartSteps(Workspaces workspaces, Calls calls, DiskGuard disk, MemoryGuard memory) {
    this.workspaces = workspaces;
    this.calls = calls;
    this.disk = disk;
    this.memory = memory;
  }

  @Override
  public PartResult exportPart(PartTask task) {
    return step(Phase.EXPORT, task, workspace -> export(workspace, task));
  }

  @Override
  public PartResult validateExportedPart(PartTask task) {
    return step(Phase.VALIDATE_EXPORT, task, workspace -> validateExport(workspace, task));
  }

  @Override
  public PartResult importPart(PartTask task) {
    return step(Phase.IMPORT, task, workspace -> load(workspace, task, Calls.cursor()));
  }

  @Override
  public PartResult validateImportedPart(PartTask task) {
    return step(Phase.VALIDATE_IMPORT, task, workspace -> validateImport(workspace, task));
  }

  private PartResult step(Phase phase, PartTask task, Function<Workspace, PartResult> work) {
    return calls.runBeating(
        task.partName(),
        () ->
            memory.run(
                () -> {
                  Workspace workspace = workspaces.get(task.migration());
                  PartResult result = work.apply(workspace);
                  workspace.noteRows(phase.name(), result.rows());
                  return result;
                }));
  }

  private PartResult export(Workspace workspace, PartTask task) {
    Archive archive = workspace.archive();
    String path = workspace.partPath(task.partition().index(), task.part());
    PlannedPartition partition = task.partition();
    Origin origin = partition.origin();
    String fingerprint = workspace.exportedSide(origin).fingerprint();
    String start = task.cursor() == null ? partition.start() : task.cursor();
    if (archive.isFinished(path)) {
      PartSidecar done = PartReader.sidecar(archive.store(), path);
      if (done.startCursor().equals(start) && done.sourceFingerprint().equals(fingerprint)) {
        return new PartResult(done.rows(), done.bytes(), 0, done.endCursor(), done.last(), true);
      }
    }
    VectorStore source = workspace.exported(origin);
    SourceRange range =
        new SourceRange(partition.start(), partition.end(), partition.rows(), partition.exact());
    if (workspace.mayMove(origin)) {
      range = range.moving();
    } else {
      workspace.requireUnchanged(
          origin,
          source,
          "Put it back as it was and retry, or roll back and start again with another name.");
    }
    int partRows = workspace.plan().partRows();
    int asked = Throttle.batchSize(task.pace(), workspace.spec().export().batchSize());
    int batchSize =
        Math.min(Throttle.batchSize(task.pace(), asked, workspace.bytesPerRow()), partRows);
    Throttle throttle = new Throttle(task.pace());
    try (DiskGuard.Room room = disk.take(task, workspace.expectedPartBytes());
        PatientReader reader =
            new PatientReader(
                source, range, start, batchSize, asked > 0, workspace.readers(origin));
        PartWriter writer = new PartWriter(archive.store(), path, workspace.partSchema(origin))) {
      boolean last = false;
      while (writer.rows() + batchSize <= partRows) {
        RecordBatch batch = reader.next();
        if (batch == null) {
          last = true;
          break;
        }
        writer.append(batch);
        throttle.done(batch.rows());
        if (!Calls.beat(writer.rows())) {
          // What is read so far is a part; the next one starts behind it.
          break;
        }
      }
      String end = reader.cursor();
      last |= end.equals(partition.end());
      // Attempts end a part at different places when a worker stops: only one may publish it.
      Calls.confirm();
      PartSidecar sidecar = writer.finish(start, end, last, fingerprint, Instant.now().toString());
      workspace.partWritten(sidecar.bytes());
      if (origin == Origin.SOURCE && workspace.spec().source().isServer()) {
        reader
            .found(workspace.spec().source().type())
            .ifPresent(found -> workspace.requestsWere(Phase.EXPORT, found));
      }
      return new PartResult(sidecar.rows(), sidecar.bytes(), 0, end, last, false);
    }
  }

  private static PartResult validateExport(Workspace workspace, PartTask task) {
    String path = workspace.partPath(task.partition().index(), task.part());
    Origin origin = task.partition().origin();
    boolean unitVectors =
        workspace.plan().loads(task.partition())
            && workspace.exportedSide(origin).vectors().stream()
                .map(Planner::fieldInfo)
                .anyMatch(field -> Planner.needsUnitVectors(workspace.spec().target(), field));
    PartChecks.Result result =
        PartChecks.check(workspace.archive().store(), path, unitVectors, NAMED_PROBLEMS);
    if (!result.isValid()) {
      throw new StoreException(
          FailureClass.BAD_RECORD,
          workspace.archive().store().describe(path)
              + ": "
              + (result.badVectorRows() + result.badMetadataRows())
              + " records cannot be loaded: "
              + String.join("; ", result.problems()));
    }
    if (origin == Origin.TARGET && !workspace.hasBegunToSwitch()) {
      TargetBackup.requireSame(workspace.archive(), path, workspace.exported(origin));
    }
    return new PartResult(result.rows(), result.bytes(), 0, null, false, false);
  }

  /**
   * Loads a part, unless that was done.
   *
   * @param cursor rows that an earlier attempt has left to be left out
   */
  static PartResult load(Workspace workspace, PartTask task, long cursor) {
    Archive archive = workspace.archive();
    String path = workspace.partPath(task.partition().index(), task.part());
    try (PartReader reader = PartReader.open(archive.store(), path)) {
      PartSidecar sidecar = reader.sidecar();
      String loadId = workspace.plan().loadId();
      ImportMarker done = ImportMarker.find(archive, task.partName(), loadId, sidecar);
      if (done != null) {
        return new PartResult(
            done.rows() + done.rejects(), sidecar.bytes(), done.rejects(), null, false, true);
      }
      MergeView view = MergeView.of(workspace, task, sidecar);
      List<Reject> rejects;
      try (BatchWriter writer = workspace.load().write(task.partName(), workspace.stamp())) {
        // Rows that are left out make what is written and what is read count differently.
        long start = view.leavesOut() ? 0 : cursor;
        long position = start;
        int asked = Throttle.batchSize(task.pace(), workspace.spec().load().batchSize());
        Throttle throttle = new Throttle(task.pace());
        int mostRows = throttle.atMost(reader.rowsIn(Throttle.BATCH_BYTES));
        PartReader.Batches batches =
            reader.batches(start, mostRows, EnumSet.allOf(PartReader.Column.class));
        while (true) {
          RecordBatch batch =
              batches.next(asked > 0 ? asked : Math.min(mostRows, writer.batchRows()));
          if (batch == null) {
            break;
          }
          RecordBatch loaded = view.loaded(batch, position);
          position += batch.rows();
          if (loaded.rows() > 0) {
            writer.write(loaded);
          }
          throttle.done(batch.rows());
          long rows = start + writer.acknowledged();
          long resumable = view.leavesOut() ? 0 : writer.resumable();
          if (!Calls.beat(rows, start + resumable) && resumable > 0) {
            throw Calls.stopping();
          }
        }
        rejects = writer.finish();
        writer.requests().ifPresent(found -> workspace.requestsWere(Phase.IMPORT, found));
      }
      keepRejects(workspace, task, rejects);
      long rows = sidecar.rows() - view.leftOut();
      new ImportMarker(loadId, sidecar.checksum(), rows - rejects.size(), rejects.size())
          .write(archive, task.partName());
      return new PartResult(rows, sidecar.bytes(), rejects.size(), null, false, false);
    }
  }

  private static void keepRejects(Workspace workspace, PartTask task, List<Reject> rejects) {
    if (rejects.isEmpty()) {
      return;
    }
    String name = Archive.REJECTS + "/" + task.partName() + ".json";
    workspace.archive().writeJson(name, Payloads.MAPPER, rejects);
    long allowed = workspace.spec().load().maxRejects();
    if (rejects.size() > allowed) {
      throw new StoreException(
          FailureClass.BAD_RECORD,
          rejects.size()
              + " records of "
              + task.partName()
              + " were refused by the target, import.maxRejects is "
              + allowed
              + "; all are in "
              + workspace.archive().store().describe(workspace.archive().path(name))
              + ". The first: "
              + rejects.stream()
                  .limit(NAMED_PROBLEMS)
                  .map(reject -> "\"" + reject.id() + "\": " + reject.reason())
                  .collect(Collectors.joining("; ")));
    }
  }

  /**
   * Compares a part with what was loaded of it.
   *
   * @throws StoreException NOT_PROVED
   */
  static PartResult validateImport(Workspace workspace, PartTask task) {
    PartProof proof = compare(workspace, task);
    proof.write(workspace.archive(), task.partName());
    proof.require(
        workspace.archive(), task.partName(), workspace.spec().validation().allowedMismatches());
    String path = workspace.partPath(task.partition().index(), task.part());
    long bytes = PartReader.sidecar(workspace.archive().store(), path).bytes();
    return new PartResult(proof.rows(), bytes, 0, null, false, false);
  }

  /** Compares a part with what was loaded of it, and keeps the differences; not the proof. */
  static PartProof compare(Workspace workspace, PartTask task) {
    try (DifferenceLog differences = new DifferenceLog(workspace.archive(), task.partName())) {
      PartProof proof =
          PartComparison.run(
              workspace, task, workspace.sample(), differences, (records, there) -> {});
      differences.finish();
      return proof;
    }
  }
}
