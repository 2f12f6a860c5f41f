package io.vecferry.phase;

import io.vecferry.activity.PartTask;
import io.vecferry.archive.place.ArchiveRoot;
import io.vecferry.plan.Phase;
import io.vecferry.plan.PlannedPartition.Origin;
import io.vecferry.report.MigrationReport.ResourceSample;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/** All activities of a worker, over one archive root. */
public final class Activities implements AutoCloseable {
  public static final Duration DEFAULT_PATIENCE = Duration.ofMinutes(30);

  private final List<Object> implementations;
  private final Workspaces workspaces;
  private final ResourceMonitor monitor;
  private final DiskGuard disk;

  /** With the usual patience, and no connections. */
  public Activities(ArchiveRoot archiveRoot, boolean searchAttributes) {
    this(archiveRoot, Connections.none(), searchAttributes, DEFAULT_PATIENCE);
  }

  /**
   * @param archiveRoot where all archives are; a folder is made when it is needed
   * @param connections stores that specs may name
   * @param searchAttributes whether the Temporal service knows the migration's search attributes
   * @param patience how long a step that gets no further is tried again before a person is asked;
   *     zero for ever
   */
  public Activities(
      ArchiveRoot archiveRoot,
      Connections connections,
      boolean searchAttributes,
      Duration patience) {
    Calls calls = new Calls(new Patience(patience));
    this.workspaces = new Workspaces(archiveRoot.store(), connections, System::nanoTime);
    this.monitor = new ResourceMonitor(workspaces.store()::freeBytes);
    this.disk = new DiskGuard(archiveRoot);
    this.implementations =
        List.of(
            new PartSteps(workspaces, calls, disk, new MemoryGuard(MemoryUse::now)),
            new NotificationSteps(connections),
            new MigrationSteps(workspaces, disk, monitor, searchAttributes, calls));
  }

  /** What has to be registered with a worker. */
  public Object[] implementations() {
    return implementations.toArray();
  }

  /**
   * Type of the store that the export of a part reads, or that its import or the validation of that
   * works on; empty for checks of the archive, and where this process has not worked on the
   * migration.
   */
  public Optional<String> store(Phase phase, PartTask task) {
    Origin side =
        switch (phase) {
          case EXPORT -> task.partition().origin();
          case IMPORT, VALIDATE_IMPORT -> Origin.TARGET;
          default -> null;
        };
    return Optional.ofNullable(side)
        .flatMap(from -> workspaces.known(task.migration()).map(workspace -> workspace.type(from)));
  }

  /** What this process used last; empty in its first moments. */
  public Optional<ResourceSample> latestUse() {
    return monitor.latest();
  }

  @Override
  public void close() {
    disk.close();
    monitor.close();
  }
}
