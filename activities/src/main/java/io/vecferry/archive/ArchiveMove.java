package io.vecferry.archive;

import io.vecferry.archive.ArtifactStore.ReadableArtifact;
import io.vecferry.archive.ArtifactStore.WritableArtifact;
import io.vecferry.plan.FailureClass;
import io.vecferry.store.StoreException;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Optional;
import java.util.zip.CRC32C;

/**
 * Moves the archive of a migration to another folder of its store, which may be another disk: file
 * by file, each compared with what it was copied from and with the checksum that the archive has of
 * it. The archive is where it was until all of it is in the new place, and is removed from the old
 * one only after that, so that it is whole in one of both whenever this ends, and the same again
 * goes on. Nothing may be written to the archive meanwhile.
 */
public final class ArchiveMove {
  /** In the new place as long as it is being filled, or the old one emptied. */
  private static final String MARK = "moving.json";

  private static final int BUFFER_BYTES = 1 << 18;

  private final ArtifactStore store;
  private final Archive from;
  private final Archive to;
  private final Runnable beat;

  /**
   * @param from folder that the archive comes from
   */
  private record Mark(String from) {}

  private ArchiveMove(Archive from, Archive to, Runnable beat) {
    this.store = from.store();
    this.from = from;
    this.to = to;
    this.beat = beat;
  }

  /**
   * Moves it, or goes on with that; does nothing when it was moved before.
   *
   * @param parent folder of the store that the archive's own folder will be in
   * @param beat called after each part of the work
   * @return the archive in its new place
   * @throws StoreException INCOMPATIBLE when something else is there; ARCHIVE_DAMAGED; PERMISSION,
   *     RESOURCE_EXHAUSTED. The archive is where it was then
   */
  public static Archive move(ArtifactStore store, String migration, String parent, Runnable beat) {
    Archive from = new Archive(store, migration);
    if (!from.isMoved()) {
      new ArchiveMove(from, from.in(parent), beat).copy();
    }
    Archive to = Archive.find(store, migration);
    if (to.exists(MARK)) {
      new ArchiveMove(from, to, beat).removeOld();
    }
    return to;
  }

  /** What is in the way of a move, in words; empty when nothing is, or it has begun. */
  public static Optional<String> obstacle(ArtifactStore store, String migration, String parent) {
    Archive from = new Archive(store, migration);
    return from.isMoved()
        ? Optional.empty()
        : new ArchiveMove(from, from.in(parent), null).obstacle();
  }

  /**
   * An archive that has moved into the folder that one of this name would have, in words; empty
   * when there is none.
   */
  public static Optional<String> below(ArtifactStore store, String migration) {
    String folder = new Archive(store, migration).folder();
    return store.list(folder).stream()
        .filter(file -> file.endsWith("/" + Archive.PLAN))
        .map(file -> file.substring(0, file.length() - Archive.PLAN.length() - 1))
        .filter(archive -> !archive.equals(folder))
        .map(archive -> store.describe(archive) + " is the archive of another migration.")
        .findFirst();
  }

  private Optional<String> obstacle() {
    for (int end = to.folder().indexOf('/'); end > 0; end = to.folder().indexOf('/', end + 1)) {
      String above = to.folder().substring(0, end);
      if (above.equals(from.folder()) || store.exists(above + "/" + Archive.PLAN)) {
        return Optional.of(store.describe(above) + " is the archive of a migration.");
      }
    }
    if (to.exists(MARK)) {
      return Optional.empty();
    }
    List<String> there = store.list(to.folder());
    return there.isEmpty()
        ? Optional.empty()
        : Optional.of(
            to.location()
                + " has something in it already: "
                + store.describe(there.get(0))
                + (there.size() == 1 ? "." : " and %d more.".formatted(there.size() - 1)));
  }

  private void copy() {
    Optional<String> obstacle = obstacle();
    if (obstacle.isPresent()) {
      throw new StoreException(
          FailureClass.INCOMPATIBLE,
          "the archive cannot move to "
              + to.location()
              + ": "
              + obstacle.get()
              + " Nothing was changed. Take it away, then retry.");
    }
    requireSound(Archive.SOURCE);
    requireSound(Archive.TARGET_BACKUP);
    Documents.write(store, to.path(MARK), Documents.MAPPER, new Mark(from.folder()));
    List<String> files = store.list(from.folder());
    requireOnly(files);
    for (String file : files) {
      copy(file);
      beat.run();
    }
    from.moveTo(to);
  }

  /**
   * Files that are missing are missing in the new place too; nothing that is there may be wrong.
   */
  private void requireSound(String folder) {
    for (ArchiveProblem problem : ArchiveListing.of(from, folder).problems()) {
      if (!problem.absence()) {
        throw new StoreException(
            FailureClass.ARCHIVE_DAMAGED,
            problem + " The archive is not moved before that; nothing was changed.");
      }
    }
  }

  /** Nothing of another origin may come into the archive. */
  private void requireOnly(List<String> files) {
    for (String file : store.list(to.folder())) {
      String old = from.path(file.substring(to.folder().length() + 1));
      if (!file.equals(to.path(MARK)) && !files.contains(old)) {
        throw new StoreException(
            FailureClass.INCOMPATIBLE,
            store.describe(file)
                + " is not of this archive. The archive stays where it is. Take that file away, then"
                + " retry.");
      }
    }
  }

  private void copy(String file) {
    String copy = to.path(file.substring(from.folder().length() + 1));
    String original = checksum(file);
    if (store.exists(PartSidecar.pathOf(file))
        && !original.equals(PartReader.sidecar(store, file).checksum())) {
      throw new StoreException(
          FailureClass.ARCHIVE_DAMAGED,
          "%s is damaged: its checksum is %s, its sidecar says %s. The archive stays where it is. Put the file back from a copy, then retry."
              .formatted(
                  store.describe(file), original, PartReader.sidecar(store, file).checksum()));
    }
    if (store.exists(copy) && checksum(copy).equals(original)) {
      return;
    }
    write(file, copy);
    String written = checksum(copy);
    if (!written.equals(original)) {
      throw new StoreException(
          FailureClass.TRANSIENT,
          "%s was copied and is not the same: its checksum is %s, that of %s is %s"
              .formatted(store.describe(copy), written, store.describe(file), original));
    }
  }

  private void write(String file, String copy) {
    try (ReadableArtifact in = store.open(file);
        WritableArtifact out = store.create(copy)) {
      in.copyTo(out, beat);
      // An attempt that is overtaken must not bring back what has changed in the new place since:
      // the one that has moved the archive discards what was not published by then.
      if (from.isMoved()) {
        throw new StoreException(
            FailureClass.TRANSIENT, from.location() + " was moved by another attempt");
      }
      out.publish();
    }
  }

  private String checksum(String file) {
    try (ReadableArtifact in = store.open(file)) {
      CRC32C checksum = new CRC32C();
      ByteBuffer buffer = ByteBuffer.allocate(BUFFER_BYTES);
      for (long position = 0; position < in.size(); position += buffer.limit()) {
        buffer.clear();
        buffer.limit((int) Math.min(buffer.capacity(), in.size() - position));
        in.readFully(position, buffer);
        checksum.update(buffer.flip());
        beat.run();
      }
      return ParquetFiles.describe(checksum);
    }
  }

  /** A file that came after the copy stays where it is. */
  private void removeOld() {
    store.discardUnpublished(to.folder());
    for (String file : store.list(from.folder())) {
      String copy = to.path(file.substring(from.folder().length() + 1));
      if (!file.equals(from.path(Archive.MOVED)) && store.exists(copy)) {
        store.delete(file);
        beat.run();
      }
    }
    store.discardUnpublished(from.folder());
    store.delete(to.path(MARK));
  }
}
