package io.vecferry.archive;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.vecferry.plan.FailureClass;
import io.vecferry.record.RecordBatch;
import io.vecferry.store.StoreException;
import java.util.ArrayList;
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
  public static final String SPEC = "spec.json";
  public static final String PLAN = "plan.json";
  public static final String MANIFEST = "manifest.json";
  private static final String BACKUP_MANIFEST = TARGET_BACKUP + "/manifest.json";

  private final ArtifactStore store;
  private final String migration;

  /**
   * @param store where archives live
   * @param migration name of the migration, which is the name of its folder
   */
  public Archive(ArtifactStore store, String migration) {
    if (migration.isEmpty() || migration.contains("/")) {
      throw new IllegalArgumentException("'" + migration + "' is not the name of a migration");
    }
    this.store = store;
    this.migration = migration;
  }

  public ArtifactStore store() {
    return store;
  }

  public String migration() {
    return migration;
  }

  /** Path in the {@link #store()} of something in this archive. */
  public String path(String relative) {
    return migration + "/" + relative;
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
    Documents.write(store, path(MANIFEST), Documents.MAPPER, manifest);
  }

  /** Writes the manifest of {@link #TARGET_BACKUP}, when all of its parts are there. */
  public void writeBackupManifest(Manifest manifest) {
    Documents.write(store, path(BACKUP_MANIFEST), Documents.MAPPER, manifest);
  }

  /** The manifest of {@link #TARGET_BACKUP}; MISSING when there is no complete backup. */
  public Manifest backupManifest() {
    return Documents.read(store, path(BACKUP_MANIFEST), Documents.MAPPER, Manifest.class);
  }

  public boolean hasBackup() {
    return exists(BACKUP_MANIFEST);
  }

  /** The manifest; MISSING when the archive is not complete. */
  public Manifest manifest() {
    return Documents.read(store, path(MANIFEST), Documents.MAPPER, Manifest.class);
  }

  /**
   * Compares all parts with the manifest: checksum, rows, size, schema; reads every record. The
   * same for the backup of the target if there is one.
   *
   * @return every problem found, each naming its file; empty when the archive is whole
   */
  public List<String> verify() {
    List<String> problems = new ArrayList<>(verify(SOURCE, MANIFEST));
    if (hasBackup()) {
      problems.addAll(verifyBackup());
    }
    return problems;
  }

  /** The same for the backup of the target, which must be there. */
  public List<String> verifyBackup() {
    return verify(TARGET_BACKUP, BACKUP_MANIFEST);
  }

  private List<String> verify(String folder, String name) {
    List<String> problems = new ArrayList<>();
    Manifest manifest;
    try {
      manifest = Documents.read(store, path(name), Documents.MAPPER, Manifest.class);
    } catch (StoreException e) {
      return List.of(e.getMessage());
    }
    if (manifest.formatVersion() != PartSidecar.FORMAT_VERSION || manifest.schema() == null) {
      return List.of(
          "%s: format version %d, this program reads %d"
              .formatted(
                  store.describe(path(name)),
                  manifest.formatVersion(),
                  PartSidecar.FORMAT_VERSION));
    }
    long rows = 0;
    long bytes = 0;
    Set<String> listed = new HashSet<>();
    for (Manifest.Part part : manifest.parts()) {
      rows += part.rows();
      bytes += part.bytes();
      if (!listed.add(path(part.path()))) {
        problems.add(part.path() + " is in the manifest twice");
        continue;
      }
      try {
        verify(part, manifest.schema());
      } catch (StoreException e) {
        problems.add(e.getMessage());
      }
    }
    if (rows != manifest.rows() || bytes != manifest.bytes()) {
      problems.add(
          "%s: its parts have %d rows and %d bytes, its totals are %d and %d"
              .formatted(
                  store.describe(path(name)), rows, bytes, manifest.rows(), manifest.bytes()));
    }
    for (String part : parts(folder)) {
      if (!listed.contains(part)) {
        problems.add(store.describe(part) + " is not in the manifest");
      }
    }
    return problems;
  }

  private void verify(Manifest.Part part, PartSchema schema) {
    String path = path(part.path());
    try (PartReader reader = PartReader.open(store, path)) {
      PartSidecar sidecar = reader.sidecar();
      if (sidecar.rows() != part.rows()
          || sidecar.bytes() != part.bytes()
          || !sidecar.checksum().equals(part.checksum())) {
        throw damaged(
            path,
            "its sidecar says %d rows, %d bytes, %s; the manifest says %d, %d, %s"
                .formatted(
                    sidecar.rows(),
                    sidecar.bytes(),
                    sidecar.checksum(),
                    part.rows(),
                    part.bytes(),
                    part.checksum()));
      }
      if (!reader.schema().equals(schema)) {
        throw damaged(path, "its schema differs from the manifest's");
      }
      reader.verifyChecksum();
      long rows = 0;
      PartReader.Batches batches = reader.batches();
      for (RecordBatch batch = batches.next(); batch != null; batch = batches.next()) {
        rows += batch.rows();
      }
      if (rows != part.rows()) {
        throw damaged(path, "%d records are readable, expected %d".formatted(rows, part.rows()));
      }
    }
  }

  private StoreException damaged(String path, String message) {
    return new StoreException(
        FailureClass.ARCHIVE_DAMAGED, store.describe(path) + " is damaged: " + message);
  }
}
