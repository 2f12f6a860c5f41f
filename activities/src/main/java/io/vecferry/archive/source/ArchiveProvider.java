package io.vecferry.archive.source;

import io.vecferry.archive.Archive;
import io.vecferry.archive.ArchiveOrigin;
import io.vecferry.archive.place.ArchiveRoot;
import io.vecferry.archive.s3.S3Settings;
import io.vecferry.plan.FailureClass;
import io.vecferry.store.StoreException;
import io.vecferry.store.StoreOption;
import io.vecferry.store.StoreProvider;
import io.vecferry.store.StoreSettings;
import io.vecferry.store.VectorStore;
import java.util.List;
import java.util.Optional;

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
            "Folder of one migration, or its target-backup folder; also in S3, as"
                + " s3://bucket/prefix/name."),
        new StoreOption(
            "url",
            StoreOption.Kind.URL,
            false,
            "",
            "Address of a server that speaks S3, with a path in S3; without it and auth, the"
                + " worker's own."),
        new StoreOption(
            "auth.accessKey",
            StoreOption.Kind.SECRET,
            false,
            "",
            "Reference to the id of an access key of S3."),
        new StoreOption(
            "auth.secretKey", StoreOption.Kind.SECRET, false, "", "Reference to its secret key."),
        new StoreOption(
            "auth.sessionToken",
            StoreOption.Kind.SECRET,
            false,
            "",
            "Reference to its session token, where it has one."),
        new StoreOption(
            "options.region", StoreOption.Kind.TEXT, false, "", "Region of the bucket."),
        new StoreOption(
            "options.pathStyle",
            StoreOption.Kind.BOOLEAN,
            false,
            "",
            "Whether the bucket is named in the path and not in the name of the host."),
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
    String path = settings.text("path", "");
    Optional<ArchiveRoot> folder = Optional.empty();
    boolean backup = false;
    if (!path.isBlank()) {
      ArchiveRoot named =
          ArchiveRoot.of(
              path,
              ArchiveRoot.isS3(path)
                  ? S3Settings.of(settings, S3Settings.ofEnvironment(System.getenv()))
                  : null);
      folder = Optional.of(named);
      backup =
          named.name().equals(Archive.TARGET_BACKUP)
              && named.store().list(Archive.SOURCE).isEmpty();
      if (backup) {
        folder = named.parent();
      }
    }
    Optional<ArchiveRoot> parent = folder.flatMap(ArchiveRoot::parent);
    if (parent.isEmpty()) {
      throw new StoreException(
          FailureClass.INCOMPATIBLE,
          settings.role() + ".path must be the folder of one migration's archive");
    }
    return new Place(
        Archive.find(parent.get().store(), folder.get().name()),
        backup ? Archive.TARGET_BACKUP : Archive.SOURCE);
  }
}
