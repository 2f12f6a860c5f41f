package io.vecferry.verify;

import io.vecferry.plan.FailureClass;
import io.vecferry.record.IdColumn;
import io.vecferry.record.IdKind;
import io.vecferry.record.RecordBatch;
import io.vecferry.record.TextColumn;
import io.vecferry.record.VectorColumn;
import io.vecferry.store.StoreException;
import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Compares an archive with a collection by id and content. What is given is kept as ids and digests
 * in files of a temporary folder, by a hash of the id, so that the memory that it takes does not
 * grow with the number of records. First all records of the archive are given, then those of the
 * collection, both in any order. Not thread-safe.
 */
public final class ChangeSearch implements AutoCloseable {
  private static final int ROWS_IN_MEMORY = 200_000;
  private static final int MOST_BUCKETS = 512;
  private static final int BUFFER_BYTES = 1 << 13;

  private final Path folder;
  private final int buckets;
  private final RecordDigest digest = new RecordDigest();
  private Side archive;
  private Side collection;

  /** What is to be done about an id. */
  public interface Found {

    /** The collection has a record that the archive does not have. */
    void added(IdKind kind, String id);

    /** Both have it with other content, or the archive has it more than once. */
    void changed(IdKind kind, String id);

    /** Only the archive has it. */
    void gone(IdKind kind, String id);
  }

  /**
   * @param temporaryFolder where its files go; must exist
   * @param rows records of the larger side, about
   */
  public ChangeSearch(Path temporaryFolder, long rows) {
    this(temporaryFolder, rows, ROWS_IN_MEMORY);
  }

  ChangeSearch(Path temporaryFolder, long rows, int rowsInMemory) {
    buckets = (int) Math.max(1, Math.min(MOST_BUCKETS, rows / rowsInMemory + 1));
    try {
      folder = Files.createTempDirectory(temporaryFolder, "vecferry-changes-");
      archive = new Side("archive");
      collection = null;
    } catch (IOException e) {
      throw failure(e);
    }
  }

  /** Gives records of the archive. */
  public void archived(RecordBatch batch) {
    add(archive, batch);
  }

  /** Gives records that the collection has. */
  public void current(RecordBatch batch) {
    try {
      if (collection == null) {
        archive.close();
        collection = new Side("collection");
      }
    } catch (IOException e) {
      throw failure(e);
    }
    add(collection, batch);
  }

  private void add(Side side, RecordBatch batch) {
    List<VectorColumn> columns = RecordDigest.columns(batch);
    try {
      for (int row = 0; row < batch.rows(); row++) {
        side.add(batch.ids(), row, digest.of(batch, columns, row));
      }
    } catch (IOException e) {
      throw failure(e);
    }
  }

  /** Tells of everything in which the two differ, each id once. */
  public void finish(Found found) {
    try {
      archive.close();
      if (collection == null) {
        collection = new Side("collection");
      }
      collection.close();
      for (int bucket = 0; bucket < buckets; bucket++) {
        compare(bucket, found);
      }
    } catch (IOException e) {
      throw failure(e);
    }
  }

  /** Tells of every id that the archive has more than once, as changed. */
  public void finishRepeated(Found found) {
    try {
      archive.close();
      for (int bucket = 0; bucket < buckets; bucket++) {
        archived(bucket)
            .forEach(
                (id, entry) -> {
                  if (entry.state == State.REPEATED) {
                    found.changed(id.kind, id.text);
                  }
                });
      }
    } catch (IOException e) {
      throw failure(e);
    }
  }

  private void compare(int bucket, Found found) throws IOException {
    Map<Id, Entry> entries = archived(bucket);
    collection.read(
        bucket,
        (id, content) -> {
          Entry entry = entries.get(id);
          if (entry == null) {
            entries.put(id, new Entry(content, State.ADDED));
          } else {
            entry.state = entry.state.met(Arrays.equals(entry.digest, content));
          }
        });
    entries.forEach(
        (id, entry) -> {
          switch (entry.state) {
            case SAME -> {}
            case ADDED -> found.added(id.kind, id.text);
            case CHANGED -> found.changed(id.kind, id.text);
            case ARCHIVED, REPEATED -> found.gone(id.kind, id.text);
          }
        });
  }

  private Map<Id, Entry> archived(int bucket) throws IOException {
    Map<Id, Entry> entries = new HashMap<>();
    archive.read(
        bucket,
        (id, content) -> {
          Entry before = entries.put(id, new Entry(content, State.ARCHIVED));
          if (before != null) {
            entries.get(id).state = State.REPEATED;
          }
        });
    return entries;
  }

  @Override
  public void close() {
    try {
      archive.delete();
      if (collection != null) {
        collection.delete();
      }
      Files.deleteIfExists(folder);
    } catch (IOException e) {
      throw failure(e);
    }
  }

  private StoreException failure(IOException e) {
    return new StoreException(
        FailureClass.RESOURCE_EXHAUSTED,
        "cannot keep digests of records in " + folder + ": " + e.getMessage(),
        e);
  }

  private record Id(IdKind kind, String text) {}

  private enum State {
    ARCHIVED,
    /** More than once in the archive. */
    REPEATED,
    SAME,
    CHANGED,
    ADDED;

    /** After a record of the collection; a source that moves may show one twice. */
    State met(boolean same) {
      return switch (this) {
        case ARCHIVED, SAME -> same ? SAME : CHANGED;
        case REPEATED, CHANGED -> CHANGED;
        case ADDED -> ADDED;
      };
    }
  }

  private static final class Entry {
    private final byte[] digest;
    private State state;

    Entry(byte[] digest, State state) {
      this.digest = digest;
      this.state = state;
    }
  }

  private interface Reader {
    void record(Id id, byte[] digest);
  }

  /** The records of one side, in one file for each bucket. */
  private final class Side {
    private final String name;
    private final DataOutputStream[] files = new DataOutputStream[buckets];
    private boolean closed;

    Side(String name) throws IOException {
      this.name = name;
      for (int bucket = 0; bucket < buckets; bucket++) {
        files[bucket] =
            new DataOutputStream(
                new BufferedOutputStream(Files.newOutputStream(file(bucket)), BUFFER_BYTES));
      }
    }

    private Path file(int bucket) {
      return folder.resolve(name + "-" + bucket);
    }

    void add(IdColumn ids, int row, byte[] content) throws IOException {
      TextColumn texts = ids.texts();
      long hash = IdUniqueness.hash(ids, row) >>> 32;
      DataOutputStream out = files[(int) (hash * buckets >>> 32)];
      out.writeByte(ids.kind(row).ordinal());
      out.writeInt(texts.length(row));
      out.write(texts.bytes(), texts.start(row), texts.length(row));
      out.write(content);
    }

    void read(int bucket, Reader reader) throws IOException {
      try (DataInputStream in =
          new DataInputStream(new BufferedInputStream(Files.newInputStream(file(bucket))))) {
        while (true) {
          int kind = in.read();
          if (kind < 0) {
            return;
          }
          byte[] text = in.readNBytes(in.readInt());
          byte[] content = in.readNBytes(RecordDigest.BYTES);
          if (content.length != RecordDigest.BYTES) {
            throw new EOFException(file(bucket) + " is cut off");
          }
          reader.record(
              new Id(IdKind.values()[kind], new String(text, StandardCharsets.UTF_8)), content);
        }
      }
    }

    void close() throws IOException {
      if (!closed) {
        for (DataOutputStream file : files) {
          file.close();
        }
        closed = true;
      }
    }

    void delete() throws IOException {
      close();
      for (int bucket = 0; bucket < buckets; bucket++) {
        Files.deleteIfExists(file(bucket));
      }
    }
  }
}
