package io.vecferry.phase;

import io.vecferry.activity.Compensation;
import io.vecferry.archive.Archive;
import io.vecferry.archive.ArchiveMove;
import io.vecferry.archive.Manifest;
import io.vecferry.archive.place.ArchiveRoot;
import io.vecferry.plan.FailureClass;
import io.vecferry.plan.NameSwitch;
import io.vecferry.store.StoreException;
import io.vecferry.store.VectorStore;
import java.util.Optional;

/** The time after a migration in which what it has replaced is still there, and its end. */
public final class Retention {
  private Retention() {}

  /** Whether a migration that has ended can still be rolled back. */
  public static boolean isOpen(ArchiveRoot archiveRoot, String migration) {
    if (migration.isEmpty() || migration.contains("/")) {
      return false;
    }
    Archive archive = Archive.find(archiveRoot.store(), migration);
    return archive.exists(Archive.PLAN)
        && UndoLog.read(archive).find(Compensation.Kind.SWITCH_BACK).isPresent();
  }

  /**
   * What has become of what a migration has replaced, in words, as far as the archive knows.
   *
   * @param endMillis when the migration has ended, in milliseconds since 1970
   */
  public static Optional<String> sinceTheEnd(
      ArchiveRoot archiveRoot, String migration, long endMillis) {
    if (isOpen(archiveRoot, migration)) {
      return Optional.of("what was replaced is kept; rollback and finalize are possible.");
    }
    return ArchiveRollback.find(archiveRoot, migration)
        .filter(rollback -> rollback.action().atMillis() >= endMillis)
        .map(
            rollback ->
                (rollback.complete() ? "rolled back by " : "rolled back, not completely, by ")
                    + rollback.action().who()
                    + ": "
                    + rollback.action().reason());
  }

  /**
   * Ends it, for a migration whose workflow is no more.
   *
   * @return what was done, in words
   * @throws StoreException MISSING when there is no archive of that migration; also as {@link
   *     #end(Workspaces, String)}
   */
  public static String end(ArchiveRoot archiveRoot, Connections connections, String migration) {
    Workspaces workspaces = new Workspaces(archiveRoot.store(), connections, System::nanoTime);
    try {
      return end(workspaces, migration);
    } finally {
      workspaces.close(migration);
    }
  }

  /**
   * Moves the archive where the spec wants it, and drops what was replaced if there is a backup
   * that is whole and equal to it. Without a backup it stays, and only the possibility of a
   * rollback ends.
   *
   * @return what was done, in words
   * @throws StoreException ARCHIVE_DAMAGED, NOT_PROVED when the backup is not what is there;
   *     TARGET_CHANGED when the name does not lead to the load; as {@link ArchiveMove#move} when
   *     the archive does not move. Nothing is dropped then
   */
  static String end(Workspaces workspaces, String migration) {
    Workspace workspace = workspaces.get(migration);
    Optional<Compensation> armed =
        UndoLog.read(workspace.archive()).find(Compensation.Kind.SWITCH_BACK);
    if (armed.isEmpty()) {
      return "There is nothing to finalize.";
    }
    // Before anything is dropped: as long as this fails, a rollback is possible.
    String moved = moveArchive(workspace);
    return end(workspace, armed.get().nameSwitch()) + moved;
  }

  private static String moveArchive(Workspace workspace) {
    if (workspace.spec().archive().moveTo() == null) {
      return "";
    }
    workspace.moveArchive();
    return " The archive is in " + workspace.archive().location() + " now.";
  }

  private static String end(Workspace workspace, NameSwitch planned) {
    Archive archive = workspace.archive();
    String done;
    if (planned.kept().isEmpty()) {
      done = "The backup stays in the archive.";
    } else if (archive.hasBackup()) {
      TargetBackup.requireWhole(archive);
      done =
          drop(workspace, planned)
              ? planned.kept() + " is dropped; its backup stays in the archive."
              : planned.kept() + " was not there any more.";
    } else {
      done = planned.kept() + " is kept, because there is no backup of it.";
    }
    UndoLog.close(archive);
    return done + " The migration cannot be rolled back any more.";
  }

  private static boolean drop(Workspace workspace, NameSwitch planned) {
    Archive archive = workspace.archive();
    try (VectorStore kept = workspace.openKept(planned)) {
      if (kept.exists()) {
        for (Manifest.Part part : archive.manifest(Archive.TARGET_BACKUP).parts()) {
          TargetBackup.requireSame(archive, archive.path(part.path()), kept);
        }
        long rows = kept.describe().rows();
        long expected = archive.manifest(Archive.TARGET_BACKUP).rows();
        if (rows != expected) {
          throw new StoreException(
              FailureClass.NOT_PROVED,
              planned.kept()
                  + " has "
                  + rows
                  + " records, its backup "
                  + expected
                  + ": somebody has written to it. It is not dropped.");
        }
      }
    }
    boolean dropped = workspace.target().dropReplaced(planned, workspace.stamp());
    workspace.targetChanged();
    return dropped;
  }
}
