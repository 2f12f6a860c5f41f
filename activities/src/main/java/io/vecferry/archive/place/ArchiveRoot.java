package io.vecferry.archive.place;

import io.vecferry.archive.ArtifactStore;
import io.vecferry.archive.LocalArtifactStore;
import io.vecferry.archive.s3.S3ArtifactStore;
import io.vecferry.archive.s3.S3Settings;
import io.vecferry.plan.FailureClass;
import io.vecferry.store.StoreException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * Where archives are, as a person names it: a folder, or {@code s3://bucket/prefix}. Immutable and
 * thread-safe; the {@link #store()} is opened when it is first asked for.
 */
public final class ArchiveRoot {
  private static final String S3 = "s3://";
  private static final Pattern BUCKET = Pattern.compile("[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]");

  /** Without a slash at its end; of a folder, absolute. */
  private final String location;

  private final S3Settings settings;
  private ArtifactStore store;

  private ArchiveRoot(String location, S3Settings settings) {
    this.location = location;
    this.settings = settings;
  }

  /** A folder. */
  public static ArchiveRoot of(Path folder) {
    return new ArchiveRoot(folder.toAbsolutePath().normalize().toString(), null);
  }

  /**
   * A folder or a place in S3, which the environment of this process says how to reach.
   *
   * @throws StoreException INCOMPATIBLE when it is neither
   */
  public static ArchiveRoot of(String location) {
    return of(location, isS3(location) ? S3Settings.ofEnvironment(System.getenv()) : null);
  }

  /**
   * A folder or a place in S3.
   *
   * @param settings how S3 is reached; not used for a folder
   * @throws StoreException INCOMPATIBLE when it is neither
   */
  public static ArchiveRoot of(String location, S3Settings settings) {
    if (!isS3(location)) {
      try {
        return of(Path.of(location));
      } catch (InvalidPathException e) {
        throw new StoreException(
            FailureClass.INCOMPATIBLE, "'" + location + "' is not a path: " + e.getMessage());
      }
    }
    String place = location.substring(S3.length()).replaceAll("/+$", "");
    String bucket = place.split("/", 2)[0];
    if (!BUCKET.matcher(bucket).matches() || !ArtifactStore.isPlain(place)) {
      throw new StoreException(
          FailureClass.INCOMPATIBLE,
          "'" + location + "' is not a place in S3. Write it as s3://bucket/prefix.");
    }
    return new ArchiveRoot(S3 + place, settings);
  }

  /** Whether this names a place in S3 and not a folder. */
  public static boolean isS3(String location) {
    return location.regionMatches(true, 0, S3, 0, S3.length());
  }

  public boolean isS3() {
    return settings != null;
  }

  /** What is in it. */
  public synchronized ArtifactStore store() {
    if (store == null) {
      store = settings == null ? new LocalArtifactStore(Path.of(location)) : openS3();
    }
    return store;
  }

  private ArtifactStore openS3() {
    String[] words = location.substring(S3.length()).split("/", 2);
    return new S3ArtifactStore(words[0], words.length == 1 ? "" : words[1], settings);
  }

  /** The place of something in it. */
  public ArchiveRoot resolve(String name) {
    return of(location + "/" + name, settings);
  }

  /** What it is in; empty at the top of a disk, and for a bucket. */
  public Optional<ArchiveRoot> parent() {
    if (isS3()) {
      int slash = location.lastIndexOf('/');
      return slash < S3.length()
          ? Optional.empty()
          : Optional.of(new ArchiveRoot(location.substring(0, slash), settings));
    }
    return Optional.ofNullable(Path.of(location).getParent()).map(ArchiveRoot::of);
  }

  /** The last word of its location. */
  public String name() {
    if (!isS3()) {
      Path name = Path.of(location).getFileName();
      return name == null ? "" : name.toString();
    }
    return location.substring(location.lastIndexOf('/') + 1);
  }

  /** The folder; empty for a place in S3. */
  public Optional<Path> folder() {
    return isS3() ? Optional.empty() : Optional.of(Path.of(location));
  }

  /**
   * A folder of this machine for what only its own processes need to know of the archives: the
   * folder itself, or one that belongs to the place in S3.
   */
  public Path localFolder() {
    return folder()
        .orElseGet(
            () ->
                Path.of(
                    System.getProperty("java.io.tmpdir"),
                    "vecferry-" + System.getProperty("user.name"),
                    location.substring(S3.length()).toLowerCase(Locale.ROOT)));
  }

  /** Whether a folder, a file or a place in S3 is in it; links of folders are followed. */
  public boolean contains(String other) {
    if (isS3() || isS3(other)) {
      return isS3()
          && isS3(other)
          && ArtifactStore.isPlain(other.substring(S3.length()))
          && other.startsWith(location + "/");
    }
    try {
      return real(Path.of(other)).startsWith(real(Path.of(location)));
    } catch (InvalidPathException e) {
      return false;
    }
  }

  /** A path with links followed as far as it exists. */
  private static Path real(Path path) {
    Path absolute = path.toAbsolutePath().normalize();
    for (Path there = absolute; there != null; there = there.getParent()) {
      if (Files.exists(there)) {
        try {
          return there.toRealPath().resolve(there.relativize(absolute)).normalize();
        } catch (IOException e) {
          return absolute;
        }
      }
    }
    return absolute;
  }

  @Override
  public String toString() {
    return location;
  }
}
