package io.vecferry.archive;

import java.io.Closeable;
import java.nio.ByteBuffer;
import java.util.List;

/**
 * Where an archive lives: named objects that are written whole and never changed in place. Paths
 * are relative, with slashes, without {@code .} and {@code ..}. Thread-safe. Every method throws
 * {@link io.vecferry.store.StoreException}: MISSING, PERMISSION, RESOURCE_EXHAUSTED, or TRANSIENT.
 */
public interface ArtifactStore {

  /** Opens an object for reading at any position. All that is read comes from where it is. */
  ReadableArtifact open(String path);

  /**
   * The same for an object whose content has been checked: what this process has fetched of the
   * same version may be answered from its own disk.
   */
  default ReadableArtifact openChecked(String path) {
    return open(path);
  }

  /** Starts an object that replaces an older one of the same path once it is published. */
  WritableArtifact create(String path);

  boolean exists(String path);

  /** Paths of all published objects below a folder, sorted; empty when there is none. */
  List<String> list(String folder);

  /**
   * Gives an object another path, in one step, replacing an older object of that path. Does nothing
   * when that was done already.
   */
  void move(String from, String to);

  /** Removes an object; does nothing when it is absent. */
  void delete(String path);

  /**
   * Removes what writers that were killed have left below a folder, and what is empty there. A
   * writer that still runs there can then not publish.
   */
  void discardUnpublished(String folder);

  /** Display name of an object for messages. */
  String describe(String path);

  /** Bytes that are free for more objects; -1 when nobody can tell. */
  default long freeBytes() {
    return -1;
  }

  /** Whether a path is relative, with slashes, and names no other place by {@code ..}. */
  static boolean isPlain(String path) {
    boolean plain = !path.isEmpty() && path.indexOf('\\') < 0 && path.indexOf('\0') < 0;
    for (String part : path.split("/", -1)) {
      plain &= !part.isEmpty() && !part.equals(".") && !part.equals("..");
    }
    return plain;
  }

  /** Bytes. */
  int COPIED_AT_ONCE = 1 << 20;

  /** The whole content of a small object. */
  default byte[] readBytes(String path) {
    try (ReadableArtifact artifact = open(path)) {
      return artifact.readAll();
    }
  }

  /** Writes a small object atomically and durably. */
  default void writeBytes(String path, byte[] bytes) {
    try (WritableArtifact artifact = create(path)) {
      artifact.write(bytes, 0, bytes.length);
      artifact.publish();
    }
  }

  /**
   * Writes a small object as {@link #writeBytes} does, unless there is one: of several that do so
   * at once, one succeeds.
   *
   * @return whether it was written
   */
  boolean writeNew(String path, byte[] bytes);

  /** An object that is open for reading. Not thread-safe. */
  interface ReadableArtifact extends Closeable {
    long size();

    /** Fills the buffer from a position on; an object that ends before that is ARCHIVE_DAMAGED. */
    void readFully(long position, ByteBuffer target);

    /** The whole content of a small object. */
    default byte[] readAll() {
      byte[] bytes = new byte[Math.toIntExact(size())];
      readFully(0, ByteBuffer.wrap(bytes));
      return bytes;
    }

    /** What was read is not right: none of it that was fetched before is answered again. */
    default void distrust() {}

    /**
     * Writes all of it to another object, which is not published.
     *
     * @param beat called now and then
     */
    default void copyTo(WritableArtifact copy, Runnable beat) {
      byte[] bytes = new byte[COPIED_AT_ONCE];
      for (long position = 0; position < size(); position += bytes.length) {
        int length = (int) Math.min(bytes.length, size() - position);
        readFully(position, ByteBuffer.wrap(bytes, 0, length));
        copy.write(bytes, 0, length);
        beat.run();
      }
    }

    @Override
    void close();
  }

  /** An object that nobody sees before {@link #publish()}. Not thread-safe. */
  interface WritableArtifact extends Closeable {
    void write(byte[] bytes, int offset, int length);

    /** Makes the object durable and visible, replacing an older one. */
    void publish();

    /** Discards the object unless it was published. */
    @Override
    void close();
  }
}
