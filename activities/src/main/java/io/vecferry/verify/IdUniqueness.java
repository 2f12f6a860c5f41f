package io.vecferry.verify;

import io.vecferry.archive.ArtifactStore;
import io.vecferry.archive.PartReader;
import io.vecferry.archive.PartSidecar;
import io.vecferry.plan.FailureClass;
import io.vecferry.record.IdColumn;
import io.vecferry.record.IdKind;
import io.vecferry.record.RecordBatch;
import io.vecferry.record.TextColumn;
import io.vecferry.store.StoreException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Finds ids that occur more than once in the parts of an archive, exactly: 64-bit hashes find the
 * candidates, the ids themselves decide. Two ids are the same when kind and text are. Holds at most
 * about 4 million hashes in memory; more are kept in files of a temporary folder.
 */
public final class IdUniqueness {
  private static final int BATCH_ROWS = 8192;
  private static final int DEFAULT_ROWS_IN_MEMORY = 4_000_000;

  private IdUniqueness() {}

  /**
   * An id that occurs more than once.
   *
   * @param parts the part of each occurrence, in order
   */
  public record Duplicate(IdKind kind, String id, List<String> parts) {}

  /**
   * What was found.
   *
   * @param rows ids read
   * @param duplicates ids that occur more than once, in the order of their first occurrence
   * @param complete whether {@code duplicates} has all of them
   */
  public record Result(long rows, List<Duplicate> duplicates, boolean complete) {}

  /**
   * Reads the ids of all parts.
   *
   * @param temporaryFolder where files go when there are too many hashes; must exist
   * @param maxDuplicates how many duplicates are reported at most
   */
  public static Result find(
      ArtifactStore store, List<String> parts, Path temporaryFolder, int maxDuplicates) {
    return find(store, parts, temporaryFolder, maxDuplicates, DEFAULT_ROWS_IN_MEMORY);
  }

  static Result find(
      ArtifactStore store,
      List<String> parts,
      Path temporaryFolder,
      int maxDuplicates,
      int rowsInMemory) {
    Map<String, PartSidecar> sidecars = new LinkedHashMap<>();
    for (String part : parts) {
      sidecars.put(part, PartReader.sidecar(store, part));
    }
    long rows = sidecars.values().stream().mapToLong(PartSidecar::rows).sum();
    Repeated repeated = new Repeated(maxDuplicates);
    try (Hashes hashes = new Hashes(rows, temporaryFolder, rowsInMemory)) {
      for (String part : parts) {
        forEachBatch(
            store,
            part,
            sidecars.get(part),
            ids -> {
              for (int row = 0; row < ids.rows(); row++) {
                hashes.add(hash(ids, row));
              }
            });
      }
      hashes.collect(repeated);
    } catch (IOException e) {
      throw new StoreException(
          FailureClass.RESOURCE_EXHAUSTED,
          "cannot keep id hashes in " + temporaryFolder + ": " + e.getMessage(),
          e);
    }
    if (repeated.size == 0) {
      return new Result(rows, List.of(), true);
    }
    return new Result(rows, verify(store, sidecars, repeated), repeated.complete);
  }

  private static List<Duplicate> verify(
      ArtifactStore store, Map<String, PartSidecar> parts, Repeated repeated) {
    record Key(IdKind kind, String id) {}
    long[] wanted = Arrays.copyOf(repeated.hashes, repeated.size);
    Arrays.sort(wanted);
    Map<Key, List<String>> found = new LinkedHashMap<>();
    parts.forEach(
        (part, sidecar) ->
            forEachBatch(
                store,
                part,
                sidecar,
                ids -> {
                  for (int row = 0; row < ids.rows(); row++) {
                    if (Arrays.binarySearch(wanted, hash(ids, row)) >= 0) {
                      found
                          .computeIfAbsent(
                              new Key(ids.kind(row), ids.get(row)), key -> new ArrayList<>())
                          .add(part);
                    }
                  }
                }));
    List<Duplicate> duplicates = new ArrayList<>();
    found.forEach(
        (key, where) -> {
          if (where.size() > 1) {
            duplicates.add(new Duplicate(key.kind(), key.id(), List.copyOf(where)));
          }
        });
    return duplicates;
  }

  private interface IdConsumer {
    void accept(IdColumn ids) throws IOException;
  }

  private static void forEachBatch(
      ArtifactStore store, String part, PartSidecar sidecar, IdConsumer consumer) {
    try (PartReader reader = PartReader.open(store, part, sidecar)) {
      PartReader.Batches batches = reader.batches(0, BATCH_ROWS, EnumSet.of(PartReader.Column.IDS));
      for (RecordBatch batch = batches.next(); batch != null; batch = batches.next()) {
        consumer.accept(batch.ids());
      }
    } catch (IOException e) {
      throw new StoreException(
          FailureClass.RESOURCE_EXHAUSTED, "cannot keep id hashes: " + e.getMessage(), e);
    }
  }

  /** A hash of kind and text whose bits are all alike good. */
  static long hash(IdColumn ids, int row) {
    TextColumn texts = ids.texts();
    byte[] bytes = texts.bytes();
    int end = texts.start(row) + texts.length(row);
    long hash = 0xcbf29ce484222325L + ids.kind(row).ordinal();
    for (int i = texts.start(row); i < end; i++) {
      hash = (hash ^ bytes[i]) * 0x100000001b3L;
    }
    hash ^= hash >>> 33;
    hash *= 0xff51afd7ed558ccdL;
    hash ^= hash >>> 33;
    hash *= 0xc4ceb9fe1a85ec53L;
    return hash ^ hash >>> 33;
  }

  /** Hashes that occur more than once. */
  private static final class Repeated {
    private final long[] hashes;
    private int size;
    private boolean complete = true;

    Repeated(int most) {
      this.hashes = new long[most];
    }

    void collect(long[] bucket, int count) {
      Arrays.sort(bucket, 0, count);
      for (int i = 1; i < count; i++) {
        if (bucket[i] == bucket[i - 1] && (i == 1 || bucket[i] != bucket[i - 2])) {
          if (size == hashes.length) {
            complete = false;
            return;
          }
          hashes[size++] = bucket[i];
        }
      }
    }
  }

  /** All hashes, in one array or, by their highest bits, in several files. */
  private static final class Hashes implements AutoCloseable {
    private static final int BUFFER_BYTES = 1 << 14;

    private final int bits;
    private final long[] all;
    private int count;
    private final ByteBuffer[] buffers;
    private final Path folder;

    Hashes(long rows, Path temporaryFolder, int rowsInMemory) throws IOException {
      if (rows <= rowsInMemory) {
        bits = 0;
        all = new long[(int) rows];
        buffers = new ByteBuffer[0];
        folder = null;
        return;
      }
      int wanted = 1;
      // Half full on average, so that a bucket that is fuller than others still fits.
      while ((long) rowsInMemory << wanted < 2 * rows && wanted < 12) {
        wanted++;
      }
      bits = wanted;
      all = null;
      buffers = new ByteBuffer[1 << bits];
      folder = Files.createTempDirectory(temporaryFolder, "vecferry-ids-");
    }

    void add(long hash) throws IOException {
      if (all != null) {
        all[count++] = hash;
        return;
      }
      int bucket = (int) (hash >>> (64 - bits));
      if (buffers[bucket] == null) {
        buffers[bucket] = ByteBuffer.allocate(BUFFER_BYTES);
      }
      buffers[bucket].putLong(hash);
      if (!buffers[bucket].hasRemaining()) {
        flush(bucket);
      }
    }

    void collect(Repeated repeated) throws IOException {
      if (all != null) {
        repeated.collect(all, count);
        return;
      }
      for (int bucket = 0; bucket < buffers.length; bucket++) {
        if (buffers[bucket] != null) {
          flush(bucket);
          byte[] bytes = Files.readAllBytes(file(bucket));
          long[] hashes = new long[bytes.length / 8];
          ByteBuffer.wrap(bytes).asLongBuffer().get(hashes);
          repeated.collect(hashes, hashes.length);
        }
      }
    }

    private void flush(int bucket) throws IOException {
      ByteBuffer buffer = buffers[bucket].flip();
      try (FileChannel channel =
          FileChannel.open(
              file(bucket),
              StandardOpenOption.CREATE,
              StandardOpenOption.WRITE,
              StandardOpenOption.APPEND)) {
        while (buffer.hasRemaining()) {
          channel.write(buffer);
        }
      }
      buffer.clear();
    }

    private Path file(int bucket) {
      return folder.resolve(Integer.toString(bucket));
    }

    @Override
    public void close() throws IOException {
      if (folder != null) {
        for (int bucket = 0; bucket < buffers.length; bucket++) {
          Files.deleteIfExists(file(bucket));
        }
        Files.delete(folder);
      }
    }
  }
}
