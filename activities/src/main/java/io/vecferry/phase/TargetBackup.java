package io.vecferry.phase;

import io.vecferry.archive.Archive;
import io.vecferry.archive.ArchiveProblem;
import io.vecferry.archive.Manifest;
import io.vecferry.archive.PartReader;
import io.vecferry.plan.FailureClass;
import io.vecferry.plan.PlannedSide;
import io.vecferry.record.RecordBatch;
import io.vecferry.store.BatchWriter;
import io.vecferry.store.LoadStamp;
import io.vecferry.store.Reject;
import io.vecferry.store.StoreException;
import io.vecferry.store.VectorStore;
import io.vecferry.verify.ArchiveCheck;
import io.vecferry.verify.RecordComparator;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;

/** The backup of what had the target's name: proves it, and makes a collection of it again. */
final class TargetBackup {
  private static final int NAMED_PROBLEMS = 5;

  private TargetBackup() {}

  /**
   * Compares a part of the backup with the collection that it is of, by id and to the bit.
   *
   * @throws StoreException NOT_PROVED
   */
  static void requireSame(Archive archive, String path, VectorStore store) {
    RecordComparator comparator = new RecordComparator(0, true, true);
    compare(archive, path, store, comparator);
    if (!comparator.result().isEqual()) {
      throw notProved(archive.store().describe(path) + " is not what the target has", comparator);
    }
  }

  private static void compare(
      Archive archive, String path, VectorStore store, RecordComparator comparator) {
    try (PartReader reader = PartReader.open(archive.store(), path)) {
      PartReader.Batches batches = reader.batches();
      for (RecordBatch batch = batches.next(); batch != null; batch = batches.next()) {
        comparator.compare(batch, store.fetch(batch.ids()));
        Calls.stillRunning(comparator.result().rows());
      }
    }
  }

  private static StoreException notProved(String what, RecordComparator comparator) {
    RecordComparator.Result result = comparator.result();
    return new StoreException(
        FailureClass.NOT_PROVED,
        what
            + ": of "
            + result.rows()
            + " records "
            + result.missingRows()
            + " are missing and "
            + result.differentRows()
            + " differ. The first: "
            + result.differences().stream()
                .limit(NAMED_PROBLEMS)
                .map(Object::toString)
                .collect(Collectors.joining("; ")));
  }

  /**
   * Refuses a backup that is damaged or not there.
   *
   * @throws StoreException MISSING, ARCHIVE_DAMAGED; the message names every file that is wrong
   */
  static void requireWhole(Archive archive) {
    if (!archive.hasBackup()) {
      throw new StoreException(
          FailureClass.MISSING,
          archive.store().describe(archive.path(Archive.TARGET_BACKUP))
              + " has no complete backup. Nothing was changed.");
    }
    List<ArchiveProblem> problems =
        ArchiveCheck.check(archive, Archive.TARGET_BACKUP, ArchiveCheck.Depth.RECORDS).problems();
    if (!problems.isEmpty()) {
      throw new StoreException(
          FailureClass.ARCHIVE_DAMAGED,
          "the backup of the target is damaged: "
              + problems.stream().map(ArchiveProblem::message).collect(Collectors.joining("; "))
              + ". Nothing was changed. Bring the files back, then retry.");
    }
  }

  /**
   * Makes the collection again under the target's name, which must be free or hold a restore that
   * was interrupted, and compares every record.
   *
   * @return the number of records
   */
  static long restore(Workspace workspace) {
    Archive archive = workspace.archive();
    requireWhole(archive);
    PlannedSide side = workspace.plan().existing().collection();
    // Not the load's own: the name must not pass for switched to.
    LoadStamp stamp =
        new LoadStamp(workspace.spec().name(), workspace.plan().loadId() + "-restored");
    VectorStore target = workspace.target();
    if (target.exists() && !target.stamp().map(stamp::equals).orElse(false)) {
      throw new StoreException(
          FailureClass.TARGET_CHANGED,
          side.collection()
              + " was to be made again from its backup, but the name is taken. Nothing was changed."
              + " Free the name, then retry.");
    }
    target.create(Planner.restoredSchema(side), stamp);
    List<String> names = new ArrayList<>();
    for (Manifest.Part part : archive.manifest(Archive.TARGET_BACKUP).parts()) {
      String path = archive.path(part.path());
      names.add(Workspace.partName(path));
      write(workspace, path, target, stamp);
    }
    target.finishLoad(names, stamp);
    // A store may have more to put back than records, as aliases.
    target.switchBack(workspace.plan().nameSwitch(), workspace.stamp());
    workspace.targetChanged();
    VectorStore restored = workspace.target();
    RecordComparator comparator =
        new RecordComparator(
            workspace.tolerance(restored, Planner.restoredSchema(side)), true, true);
    for (Manifest.Part part : archive.manifest(Archive.TARGET_BACKUP).parts()) {
      compare(archive, archive.path(part.path()), restored, comparator);
    }
    long rows = restored.describe().rows();
    if (!comparator.result().isEqual() || rows != side.rows()) {
      throw notProved(
          side.collection() + " has " + rows + " records, its backup " + side.rows(), comparator);
    }
    return rows;
  }

  private static void write(Workspace workspace, String path, VectorStore target, LoadStamp stamp) {
    try (PartReader reader = PartReader.open(workspace.archive().store(), path);
        BatchWriter writer = target.write(Workspace.partName(path), stamp)) {
      PartReader.Batches batches = reader.batches();
      for (RecordBatch batch = batches.next(); batch != null; batch = batches.next()) {
        writer.write(batch);
        Calls.stillRunning(writer.acknowledged());
      }
      List<Reject> rejects = writer.finish();
      if (!rejects.isEmpty()) {
        throw new StoreException(
            FailureClass.BAD_RECORD,
            rejects.size()
                + " records of the backup were refused. The first: \""
                + rejects.get(0).id()
                + "\": "
                + rejects.get(0).reason());
      }
    }
  }
}
