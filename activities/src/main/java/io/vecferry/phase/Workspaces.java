package io.vecferry.phase;

import io.vecferry.archive.ArtifactStore;
import java.util.concurrent.ConcurrentHashMap;

/** The migrations that a worker works on. Thread-safe. */
final class Workspaces {
  private final ArtifactStore store;
  private final Connections connections;
  private final ConcurrentHashMap<String, Workspace> open = new ConcurrentHashMap<>();

  Workspaces(ArtifactStore store, Connections connections) {
    this.store = store;
    this.connections = connections;
  }

  ArtifactStore store() {
    return store;
  }

  Connections connections() {
    return connections;
  }

  Workspace get(String migration) {
    Workspace workspace =
        open.computeIfAbsent(migration, name -> Workspace.open(store, name, connections));
    workspace.followArchive();
    return workspace;
  }

  /** Closes what is open of a migration; it is opened again when it is needed. */
  void close(String migration) {
    Workspace workspace = open.remove(migration);
    if (workspace != null) {
      workspace.close();
    }
  }
}
