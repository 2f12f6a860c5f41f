package io.vecferry.archive;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.vecferry.plan.FailureClass;
import io.vecferry.store.StoreException;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * The folder of one migration: {@code spec.json}, {@code plan.json}, {@code manifest.json} and the
 * folders {@link #SOURCE}, {@link #TARGET_BACKUP}, {@link #REJECTS} and {@link #REPORTS}. Knows
 * nothing of stores or workflows. Thread-safe.
 */
public final class Archive {
  public static final String SOURCE = "source";
  public static final String TARGET_BACKUP = "target-backup";
  public static final String REJECTS = "rejects";
  public static final String REPORTS = "reports";

  /** What was found to have changed in the source since its export, pass by pass. */
  public static final String CATCH_UP = "catch-up";

  public static final String SPEC = "spec.json";
  public static final String PLAN = "plan.json";
  public static final String MANIFEST = "manifest.json";

  /** In the folder that an archive was moved away from: where it is now. */
  static final String MOVED = "moved.json";

  private final ArtifactStore store;
  private final String migration;
  private final String folder;

  /**
   * @param to folder in the store
   */
  private record Moved(String to) {}

  /**
   * An archive in its first place.
   *
   * @param store where archives live
   * @param migration name of the migration, which is the name of its folder
   */
  public Archive(ArtifactStore store, String migration) {
    this(store, migration, migration);
    if (migration.isEmpty() || migration.contains("/")) {
      throw new IllegalArgumentException("'" + migration + "' is not the name of a migration");
    }
  }

  private Archive(ArtifactStore store, String migration, String folder) {
    this.store = store;
    this.migration = migration;
    this.folder = folder;
  }

  /**
   * The archive of a migration, wherever it was moved to.
   *
   * @throws StoreException MISSING when it is not where it was moved to
   */
  public static Archive find(ArtifactStore store, String migration) {
    Archive first = new Archive(store, migration);
    if (!first.isMoved()) {
      return first;
    }
    Moved moved = Documents.read(store, first.path(MOVED), Documents.MAPPER, Moved.class);
    Archive there = new Archive(store, migration, String.valueOf(moved.to()));
    if (!there.exists(PLAN)) {
      throw new StoreException(
          FailureClass.MISSING,
          "the archive of %s was moved to %s, and is not there. Mount that folder or bring the archive back; %s says where it is looked for."
              .formatted(migration, there.location(), store.describe(first.path(MOVED))));
    }
    return there;
  }

  /** Whether everything in it is elsewhere now, where {@link #find} finds it. */
  public boolean isMoved() {
    return exists(MOVED);
  }

  /** The same archive in another folder of the store, the last name of which is its own. */
  Archive in(String parent) {
    return new Archive(store, migration, parent + "/" + migration);
  }

  /** Says that from now on the archive is in another folder. */
  void moveTo(Archive other) {
    Documents.write(store, path(MOVED), Documents.MAPPER, new Moved(other.folder));
  }

  /** Its folder in the {@link #store()}. */
  public String folder() {
    return folder;
  }

  /** Display name of its folder for messages. */
  public String location() {
    return store.describe(folder);
  }

  public ArtifactStore store() {
    return store;
  }

  public String migration() {
    return migration;
  }

  /** Path in the {@link #store()} of something in this archive. */
  public String path(String relative) {
    return folder + "/" + relative;
  }

  /**
   * Path in the {@link #store()} of a part. Paths sort in the order of partitions and parts.
   *
   * @param folder {@link #SOURCE} or {@link #TARGET_BACKUP}
   */
  public String partPath(String folder, int partition, int part) {
    if (partition < 0 || part < 0) {
      throw new IllegalArgumentException("partition " + partition + ", part " + part);
    }
    return path("%s/p%03d-%06d.parquet".formatted(folder, partition, part));
  }

  /** Number of the partition that a part belongs to. */
  public static int partitionOf(String partPath) {
    String name = partPath.substring(partPath.lastIndexOf('/') + 1);
    return Integer.parseInt(name.substring(1, name.indexOf('-')));
  }

  /** Number of a part in its partition. */
  public static int partOf(String partPath) {
    String name = partPath.substring(partPath.lastIndexOf('/') + 1);
    return Integer.parseInt(name.substring(name.indexOf('-') + 1, name.indexOf('.')));
  }

  /** Writes a JSON document atomically. */
  public void writeJson(String name, ObjectMapper mapper, Object value) {
    Documents.write(store, path(name), mapper, value);
  }

  /** Reads a JSON document; MISSING when absent, ARCHIVE_DAMAGED when not of that type. */
  public <T> T readJson(String name, ObjectMapper mapper, Class<T> type) {
    return Documents.read(store, path(name), mapper, type);
  }

  public boolean exists(String name) {
    return store.exists(path(name));
  }

  /** Whether a part and its sidecar are there. */
  public boolean isFinished(String partPath) {
    return store.exists(partPath) && store.exists(PartSidecar.pathOf(partPath));
  }

  /** Paths of the finished parts of a partition, in order. */
  public List<String> parts(String folder, int partition) {
    String prefix = path("%s/p%03d-".formatted(folder, partition));
    return parts(folder).stream().filter(part -> part.startsWith(prefix)).toList();
  }

  /** Paths of all finished parts of a folder, in order. */
  public List<String> parts(String folder) {
    List<String> all = store.list(path(folder));
    Set<String> names = new HashSet<>(all);
    return all.stream()
        .filter(name -> name.endsWith(".parquet") && names.contains(PartSidecar.pathOf(name)))
        .sorted((a, b) -> a.length() != b.length() ? a.length() - b.length() : a.compareTo(b))
        .toList();
  }

  /** Writes the manifest; do this last. */
  public void writeManifest(Manifest manifest) {
    writeManifest(SOURCE, manifest);
  }

  /** Writes the manifest of a folder, when all of its parts are there. */
  public void writeManifest(String folder, Manifest manifest) {
    Documents.write(store, path(manifestName(folder)), Documents.MAPPER, manifest);
  }

  /** Whether there is a complete {@link #TARGET_BACKUP}. */
  public boolean hasBackup() {
    return exists(manifestName(TARGET_BACKUP));
  }

  /** The manifest of {@link #SOURCE}; MISSING when the archive is not complete. */
  public Manifest manifest() {
    return manifest(SOURCE);
  }

  /**
   * The manifest of a folder of parts.
   *
   * @throws StoreException MISSING when the folder is not complete, ARCHIVE_DAMAGED
   */
  public Manifest manifest(String folder) {
    String name = manifestName(folder);
    Manifest manifest = Documents.read(store, path(name), Documents.MAPPER, Manifest.class);
    if (manifest.formatVersion() != PartSidecar.FORMAT_VERSION || manifest.schema() == null) {
      throw new StoreException(
          FailureClass.ARCHIVE_DAMAGED,
          "%s: format version %d, this program reads %d"
              .formatted(
                  store.describe(path(name)),
                  manifest.formatVersion(),
                  PartSidecar.FORMAT_VERSION));
    }
    return manifest;
  }

  /** Name of the manifest of a folder of parts; only the source's is not in the folder itself. */
  public static String manifestName(String folder) {
    return folder.equals(SOURCE) ? MANIFEST : folder + "/" + MANIFEST;
  }
}
