package io.vecferry.phase;

import io.vecferry.activity.Compensation;
import io.vecferry.archive.Archive;
import io.vecferry.archive.place.ArchiveRoot;
import io.vecferry.store.StoreException;
import io.vecferry.workflow.OperatorAction;
import io.vecferry.workflow.Payloads;
import io.vecferry.workflow.UndoStep;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Undoes what a migration has done whose workflow is no more, from what its archive says. Removes
 * only what carries the migration's stamp. Nothing of the migration may run any more.
 *
 * @param action who did it, when and why
 * @param steps what was undone, in this order; empty when there was nothing to undo
 */
public record ArchiveRollback(OperatorAction action, List<UndoStep> steps) {
  private static final String NAME = Archive.REPORTS + "/rollback.json";

  /** Whether everything could be undone. */
  public boolean complete() {
    return steps.stream().allMatch(step -> step.state() == UndoStep.State.DONE);
  }

  /** What was undone from an archive. */
  static Optional<ArchiveRollback> find(ArchiveRoot archiveRoot, String migration) {
    if (migration.isEmpty() || migration.contains("/")) {
      return Optional.empty();
    }
    Archive archive = Archive.find(archiveRoot.store(), migration);
    return archive.exists(NAME)
        ? Optional.of(archive.readJson(NAME, Payloads.MAPPER, ArchiveRollback.class))
        : Optional.empty();
  }

  /**
   * Undoes, and writes what became of it into the archive.
   *
   * @throws StoreException MISSING when there is no archive of that migration
   */
  public static ArchiveRollback run(
      ArchiveRoot archiveRoot, Connections connections, String migration, OperatorAction action) {
    try (Workspace workspace = Workspace.open(archiveRoot.store(), migration, connections)) {
      Archive archive = workspace.archive();
      List<UndoStep> steps = new ArrayList<>();
      for (Compensation compensation : UndoLog.read(archive).open()) {
        try {
          String result = MigrationSteps.undo(workspace, compensation).summary();
          steps.add(new UndoStep(compensation, UndoStep.State.DONE, result));
        } catch (StoreException e) {
          steps.add(new UndoStep(compensation, UndoStep.State.FAILED, e.getMessage()));
        }
      }
      ArchiveRollback rollback = new ArchiveRollback(action, List.copyOf(steps));
      if (!steps.isEmpty()) {
        archive.writeJson(NAME, Payloads.MAPPER, rollback);
      }
      return rollback;
    }
  }
}
