package io.vecferry.archive.source;

import io.vecferry.archive.Archive;
import io.vecferry.archive.ArchiveOrigin;
import io.vecferry.archive.LocalArtifactStore;
import io.vecferry.plan.FailureClass;
import io.vecferry.store.StoreException;
import io.vecferry.store.StoreOption;
import io.vecferry.store.StoreProvider;
import io.vecferry.store.StoreSettings;
import io.vecferry.store.VectorStore;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.List;

/** Archives of vecferry as sources. */
public final class ArchiveProvider implements StoreProvider {
  static final String ALLOW_INCOMPLETE = "options.allowIncomplete";

  /** Where the parts of an archive are. */
  private record Place(Archive archive, String folder) {}

  @Override
  public String type() {
    return "archive";
  }

  @Override
  public String description() {
    return "the archive of a migration, or its target-backup folder; source only";
  }

  @Override
  public boolean removesRecords() {
    return false;
  }

  @Override
  public Snapshot snapshot() {
    return Snapshot.RESTING_FILES;
  }

  @Override
  public List<StoreOption> options() {
    return List.of(
        new StoreOption(
            "path",
            StoreOption.Kind.TEXT,
            true,
            "",
            "Folder of one migration, or its target-backup folder."),
        new StoreOption(
            ALLOW_INCOMPLETE,
            StoreOption.Kind.BOOLEAN,
            false,
            "false",
            "Whether an archive may be loaded of which files are missing; damaged ones never are."));
  }

  @Override
  public boolean canBeTarget() {
    return false;
  }

  @Override
  public String configurationType(StoreSettings settings) {
    Place place = place(settings);
    return ArchiveOrigin.read(place.archive, place.folder).type();
  }

  /** An archive is no target; the plan says so. */
  @Override
  public StoreSettings loadSettings(StoreSettings settings, String migration) {
    return settings;
  }

  @Override
  public VectorStore open(StoreSettings settings) {
    Place place = place(settings);
    return new ArchiveCollection(
        place.archive,
        place.folder,
        settings.text("path", ""),
        settings.flag(ALLOW_INCOMPLETE, false));
  }

  private static Place place(StoreSettings settings) {
    Path path;
    try {
      path = Path.of(settings.text("path", "")).toAbsolutePath().normalize();
    } catch (InvalidPathException e) {
      throw new StoreException(
          FailureClass.INCOMPATIBLE, settings.role() + ".path is not a path: " + e.getMessage());
    }
    boolean backup =
        path.endsWith(Archive.TARGET_BACKUP) && !Files.exists(path.resolve(Archive.SOURCE));
    Path folder = backup ? path.getParent() : path;
    if (settings.text("path", "").isBlank()
        || folder.getFileName() == null
        || folder.getParent() == null) {
      throw new StoreException(
          FailureClass.INCOMPATIBLE,
          settings.role() + ".path must be the folder of one migration's archive");
    }
    return new Place(
        Archive.find(new LocalArtifactStore(folder.getParent()), folder.getFileName().toString()),
        backup ? Archive.TARGET_BACKUP : Archive.SOURCE);
  }
}
