package io.vecferry.archive;

import io.vecferry.plan.FailureClass;
import io.vecferry.store.StoreException;
import java.io.File;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.AccessDeniedException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.nio.file.ReadOnlyFileSystemException;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.UUID;
import java.util.stream.Stream;

/** An archive in a local or shared folder. */
public final class LocalArtifactStore implements ArtifactStore {
  private static final String TEMPORARY_PREFIX = ".tmp-";

  private final Path root;

  /**
   * @param root the folder; made when the first object is written
   */
  public LocalArtifactStore(Path root) {
    this.root = root.toAbsolutePath().normalize();
  }

  @Override
  public ReadableArtifact open(String path) {
    Path file = resolve(path);
    try {
      FileChannel channel = FileChannel.open(file, StandardOpenOption.READ);
      try {
        return new LocalReadable(file, channel, channel.size());
      } catch (IOException e) {
        channel.close();
        throw e;
      }
    } catch (IOException e) {
      throw failure("read", file, e);
    }
  }

  @Override
  public WritableArtifact create(String path) {
    Path file = resolve(path);
    Path temporary =
        file.resolveSibling(TEMPORARY_PREFIX + file.getFileName() + "-" + UUID.randomUUID());
    try {
      Files.createDirectories(file.getParent());
      return new LocalWritable(
          file,
          temporary,
          FileChannel.open(temporary, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE));
    } catch (IOException e) {
      throw failure("write", file, e);
    }
  }

  @Override
  public boolean writeNew(String path, byte[] bytes) {
    Path file = resolve(path);
    String other = path + TEMPORARY_PREFIX + UUID.randomUUID();
    writeBytes(other, bytes);
    try {
      // A link, unlike a move, does not replace.
      Files.createLink(file, resolve(other));
      forceFolders(file);
      return true;
    } catch (FileAlreadyExistsException e) {
      return false;
    } catch (IOException e) {
      throw failure("write", file, e);
    } finally {
      delete(other);
    }
  }

  @Override
  public long freeBytes() {
    return Disk.freeBytes(root);
  }

  @Override
  public boolean exists(String path) {
    return Files.isRegularFile(resolve(path));
  }

  @Override
  public List<String> list(String folder) {
    Path start = folder.isEmpty() ? root : resolve(folder);
    if (!Files.isDirectory(start)) {
      return List.of();
    }
    try (Stream<Path> files = Files.walk(start)) {
      return files
          .filter(file -> !file.getFileName().toString().startsWith(TEMPORARY_PREFIX))
          .filter(Files::isRegularFile)
          .map(file -> root.relativize(file).toString().replace('\\', '/'))
          .sorted()
          .toList();
    } catch (IOException e) {
      throw failure("list", start, e);
    }
  }

  @Override
  public void move(String from, String to) {
    Path source = resolve(from);
    Path target = resolve(to);
    try {
      if (Files.exists(source) || !Files.exists(target)) {
        Files.createDirectories(target.getParent());
        Files.move(
            source, target, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
      }
    } catch (IOException e) {
      throw failure("move", source, e);
    }
    forceFolders(target);
  }

  @Override
  public void delete(String path) {
    Path file = resolve(path);
    try {
      Files.deleteIfExists(file);
    } catch (IOException e) {
      throw failure("delete", file, e);
    }
  }

  @Override
  public void discardUnpublished(String folder) {
    Path start = resolve(folder);
    if (!Files.isDirectory(start)) {
      return;
    }
    try (Stream<Path> files = Files.walk(start)) {
      // What is in a folder comes before it.
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        if (Files.isDirectory(file, LinkOption.NOFOLLOW_LINKS)) {
          deleteIfEmpty(file);
        } else if (file.getFileName().toString().startsWith(TEMPORARY_PREFIX)) {
          Files.deleteIfExists(file);
        }
      }
    } catch (IOException e) {
      throw failure("clean", start, e);
    }
  }

  private static void deleteIfEmpty(Path folder) throws IOException {
    try {
      Files.deleteIfExists(folder);
    } catch (DirectoryNotEmptyException e) {
      // Somebody writes there.
    }
  }

  @Override
  public String describe(String path) {
    return resolve(path).toString();
  }

  private Path resolve(String path) {
    if (!ArtifactStore.isPlain(path) || !root.resolve(path).normalize().startsWith(root)) {
      throw new StoreException(
          FailureClass.PERMISSION, "'" + path + "' is not a path inside the archive " + root);
    }
    return root.resolve(path);
  }

  /** A rename survives a power cut only after its folder, and those made for it, were forced. */
  private void forceFolders(Path file) {
    for (Path folder = file.getParent();
        folder != null && folder.startsWith(root);
        folder = folder.getParent()) {
      try (FileChannel directory = FileChannel.open(folder, StandardOpenOption.READ)) {
        directory.force(true);
      } catch (AccessDeniedException e) {
        // Windows does not open folders; its renames need no such step.
        if (File.separatorChar == '/') {
          throw failure("write", file, e);
        }
      } catch (IOException e) {
        throw failure("write", file, e);
      }
    }
  }

  private StoreException failure(String verb, Path file, Exception cause) {
    if (cause instanceof NoSuchFileException || cause instanceof FileNotFoundException) {
      return new StoreException(FailureClass.MISSING, file + " does not exist", cause);
    }
    String message = String.valueOf(cause.getMessage()).toLowerCase(Locale.ROOT);
    if (message.contains("no space left") || message.contains("quota exceeded")) {
      return new StoreException(
          FailureClass.RESOURCE_EXHAUSTED,
          "no space left to %s %s: %d bytes are free".formatted(verb, file, freeBytes(file)),
          cause);
    }
    if (cause instanceof AccessDeniedException
        || cause instanceof ReadOnlyFileSystemException
        || message.contains("read-only")
        || message.contains("permission denied")
        || message.contains("operation not permitted")) {
      return new StoreException(
          FailureClass.PERMISSION, "not allowed to %s %s: %s".formatted(verb, file, cause), cause);
    }
    if (cause instanceof FileAlreadyExistsException
        || cause instanceof NotDirectoryException
        || message.contains("not a directory")
        || message.contains("is a directory")
        || message.contains("name too long")) {
      return new StoreException(
          FailureClass.INCOMPATIBLE,
          "cannot %s %s: something else is in the way: %s".formatted(verb, file, cause),
          cause);
    }
    return new StoreException(
        FailureClass.TRANSIENT, "cannot %s %s: %s".formatted(verb, file, cause), cause);
  }

  private static long freeBytes(Path file) {
    try {
      return Files.getFileStore(file.getParent()).getUsableSpace();
    } catch (IOException e) {
      return 0;
    }
  }

  private final class LocalReadable implements ReadableArtifact {
    private final Path file;
    private final FileChannel channel;
    private final long size;

    LocalReadable(Path file, FileChannel channel, long size) {
      this.file = file;
      this.channel = channel;
      this.size = size;
    }

    @Override
    public long size() {
      return size;
    }

    @Override
    public void readFully(long position, ByteBuffer target) {
      long next = position;
      try {
        while (target.hasRemaining()) {
          int count = channel.read(target, next);
          if (count < 0) {
            throw new StoreException(
                FailureClass.ARCHIVE_DAMAGED,
                "%s ends at byte %d, expected more".formatted(file, next));
          }
          next += count;
        }
      } catch (IOException e) {
        throw failure("read", file, e);
      }
    }

    @Override
    public void close() {
      try {
        channel.close();
      } catch (IOException e) {
        throw failure("close", file, e);
      }
    }
  }

  private final class LocalWritable implements WritableArtifact {
    private final Path file;
    private final Path temporary;
    private final FileChannel channel;
    private boolean published;
    private boolean incomplete;

    LocalWritable(Path file, Path temporary, FileChannel channel) {
      this.file = file;
      this.temporary = temporary;
      this.channel = channel;
    }

    @Override
    public void write(byte[] bytes, int offset, int length) {
      ByteBuffer buffer = ByteBuffer.wrap(bytes, offset, length);
      // Stays set when the write fails: an object with a hole in it must never be published.
      boolean failedBefore = incomplete;
      incomplete = true;
      try {
        while (buffer.hasRemaining()) {
          channel.write(buffer);
        }
        incomplete = failedBefore;
      } catch (IOException e) {
        throw failure("write", file, e);
      }
    }

    @Override
    public void publish() {
      if (incomplete) {
        throw new StoreException(
            FailureClass.TRANSIENT, file + " is not published: a write to it failed before");
      }
      try {
        channel.force(true);
        channel.close();
        Files.move(
            temporary, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        published = true;
      } catch (IOException e) {
        throw failure("write", file, e);
      }
      forceFolders(file);
    }

    @Override
    public void close() {
      if (published) {
        return;
      }
      try {
        channel.close();
        Files.deleteIfExists(temporary);
      } catch (IOException e) {
        throw failure("discard", temporary, e);
      }
    }
  }
}
