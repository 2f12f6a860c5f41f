package io.vecferry.phase;

import io.vecferry.activity.PartTask;
import io.vecferry.archive.Archive;
import java.util.List;

/**
 * A load that is made anew of all that the archive has of the source, in one step: for targets that
 * cannot lose single records.
 */
final class LoadAnew {
  private LoadAnew() {}

  /** Removes the load and fills it anew; it has to be finished after this. */
  static void make(Workspace workspace) {
    Archive archive = workspace.archive();
    // A load that another attempt has made meanwhile stays.
    Calls.confirm();
    workspace.load().drop(workspace.stamp());
    workspace.targetChanged();
    ImportMarker.clear(archive);
    workspace.load().create(workspace.loadSchema(), workspace.stamp());
    for (PartTask task : tasks(workspace)) {
      PartSteps.load(workspace, task, 0);
    }
  }

  /**
   * Compares the load with the archive, record by record.
   *
   * @param except number of a partition whose parts are left out
   */
  static void compare(Workspace workspace, int except) {
    for (PartTask task : tasks(workspace)) {
      if (task.partition().index() != except) {
        PartSteps.validateImport(workspace, task);
      }
    }
  }

  private static List<PartTask> tasks(Workspace workspace) {
    return workspace.archive().parts(Archive.SOURCE).stream().map(workspace::partTask).toList();
  }
}
