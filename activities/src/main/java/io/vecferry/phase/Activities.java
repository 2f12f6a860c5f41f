package io.vecferry.phase;

import io.vecferry.archive.LocalArtifactStore;
import java.nio.file.Path;
import java.util.List;

/** All activities of a worker, over one archive root. */
public final class Activities implements AutoCloseable {
  private final List<Object> implementations;
  private final ResourceMonitor monitor;

  /**
   * @param archiveRoot folder of all archives; made when it is needed
   * @param searchAttributes whether the Temporal service knows the migration's search attributes
   */
  public Activities(Path archiveRoot, boolean searchAttributes) {
    Workspaces workspaces = new Workspaces(new LocalArtifactStore(archiveRoot));
    this.monitor = new ResourceMonitor(archiveRoot);
    this.implementations =
        List.of(
            new PartSteps(workspaces), new MigrationSteps(workspaces, monitor, searchAttributes));
  }

  /** What has to be registered with a worker. */
  public Object[] implementations() {
    return implementations.toArray();
  }

  @Override
  public void close() {
    monitor.close();
  }
}
