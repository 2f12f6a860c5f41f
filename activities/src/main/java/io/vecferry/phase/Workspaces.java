package io.vecferry.phase;

import io.vecferry.archive.ArtifactStore;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;

/**
 * The migrations that a worker works on. Those that go on elsewhere, or have been terminated, are
 * forgotten when nothing was done on them for a day. Thread-safe.
 */
final class Workspaces {
  private static final long IDLE_NANOS = TimeUnit.DAYS.toNanos(1);

  private final ArtifactStore store;
  private final Connections connections;
  private final LongSupplier nanoTime;
  private final ConcurrentHashMap<String, Workspace> open = new ConcurrentHashMap<>();

  /**
   * @param nanoTime the time, as of {@link System#nanoTime}
   */
  Workspaces(ArtifactStore store, Connections connections, LongSupplier nanoTime) {
    this.store = store;
    this.connections = connections;
    this.nanoTime = nanoTime;
  }

  ArtifactStore store() {
    return store;
  }

  Connections connections() {
    return connections;
  }

  /** The workspace of a migration, for the step that runs in this thread. */
  Workspace get(String migration) {
    if (!open.containsKey(migration)) {
      closeIdle();
    }
    Workspace workspace =
        open.compute(
            migration,
            (name, known) -> {
              Workspace taken = known == null ? Workspace.open(store, name, connections) : known;
              taken.begin();
              return taken;
            });
    Calls.atEnd(failed -> workspace.end(failed, nanoTime.getAsLong()));
    workspace.followArchive();
    return workspace;
  }

  /** The workspace of a migration, when steps of it have run here. */
  Optional<Workspace> known(String migration) {
    return Optional.ofNullable(open.get(migration));
  }

  private void closeIdle() {
    long before = nanoTime.getAsLong() - IDLE_NANOS;
    for (String migration : open.keySet()) {
      open.computeIfPresent(
          migration,
          (name, workspace) -> {
            if (!workspace.isIdleSince(before)) {
              return workspace;
            }
            workspace.close();
            return null;
          });
    }
  }

  /** Closes what is open of a migration; it is opened again when it is needed. */
  void close(String migration) {
    Workspace workspace = open.remove(migration);
    if (workspace != null) {
      workspace.close();
    }
  }
}
