package io.vecferry.archive.s3;

import io.vecferry.archive.Disk;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.NavigableMap;
import java.util.TreeMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What this process has fetched of objects, kept in its folder for temporary files for the next
 * step that reads them. The files have no names there, so that they are gone when the process is.
 * Nothing here fails: without room, what is asked for is not there. Thread-safe.
 */
final class KeptObjects {
  static final KeptObjects OF_PROCESS = new KeptObjects();

  private static final Logger LOG = LoggerFactory.getLogger(KeptObjects.class);
  private static final int MEGABYTE = 1_000_000;

  /** Each has an open file. */
  private static final int MOST_OBJECTS = 128;

  /** An object that nobody has opened for so long is kept no longer for one who might. */
  private static final long PATIENCE_NANOS = Duration.ofMinutes(10).toNanos();

  /** The JDK takes as much memory for each thread as is read or written at once. */
  private static final int AT_ONCE = 256 << 10;

  /** Those that were opened last are at the end. */
  private final Map<String, Kept> objects = new LinkedHashMap<>(16, 0.75f, true);

  private boolean explained;

  /**
   * What is kept of an object. Others make room for it, those first that were opened longest ago,
   * if they were read again or have waited long for that. To drop more is of no use where all parts
   * of an archive are read in turn, and have no room together: each would be dropped before it is
   * read again.
   *
   * @param version names server, object and version
   * @param most bytes of all objects
   * @return null when nothing is kept of it
   */
  synchronized Kept open(String version, long size, long most) {
    if (size > most) {
      return null;
    }
    Kept kept = objects.get(version);
    if (kept == null || !kept.file.isOpen()) {
      objects.remove(version);
      kept = hasDisk(most) && makeRoom(size, most) ? create(size) : null;
      if (kept == null) {
        return null;
      }
      objects.put(version, kept);
    }
    kept.openedNanos = System.nanoTime();
    return kept;
  }

  private boolean makeRoom(long size, long most) {
    long bytes = objects.values().stream().mapToLong(kept -> kept.size).sum();
    Iterator<Kept> oldest = objects.values().iterator();
    while (bytes + size > most || objects.size() >= MOST_OBJECTS) {
      if (!oldest.hasNext()) {
        return false;
      }
      Kept old = oldest.next();
      if (old.isUsedUp()) {
        oldest.remove();
        bytes -= old.size;
        old.close();
      }
    }
    return true;
  }

  private boolean hasDisk(long most) {
    Path folder = folder();
    if (Disk.isMemory(folder)) {
      explain("it is in memory");
      return false;
    }
    long free = Disk.freeBytes(folder);
    if (free < 2 * most) {
      explain(
          free < 0
              ? "nobody can tell how much is free there"
              : "less than %d MB are free there".formatted(2 * most / MEGABYTE));
      return false;
    }
    return true;
  }

  private static Path folder() {
    return Path.of(System.getProperty("java.io.tmpdir"));
  }

  private Kept create(long size) {
    try {
      Path path = Files.createTempFile(folder(), "vecferry-s3-", null);
      try {
        return new Kept(
            FileChannel.open(path, StandardOpenOption.READ, StandardOpenOption.WRITE), size);
      } finally {
        // It stays usable as long as it is open.
        Files.deleteIfExists(path);
      }
    } catch (IOException e) {
      explain(e.toString());
      return null;
    }
  }

  private synchronized void explain(String reason) {
    if (!explained) {
      explained = true;
      LOG.warn(
          "What is read from S3 is not kept in {}, and is fetched again by each step: {}. Set"
              + " java.io.tmpdir to another folder, or VECFERRY_S3_KEEP_MB to another number.",
          folder(),
          reason);
    }
  }

  /** What is kept of one version of an object. */
  final class Kept {
    private final FileChannel file;
    private final long size;

    /** Ends of the ranges that are there, by their starts; no two touch. */
    private final NavigableMap<Long, Long> ranges = new TreeMap<>();

    /** Bytes that were found here. */
    private long found;

    private volatile long openedNanos;

    private Kept(FileChannel file, long size) {
      this.file = file;
      this.size = size;
    }

    /** Fills a buffer from a position on, or leaves it alone when not all of that is there. */
    boolean read(long position, ByteBuffer target) {
      if (!find(position, position + target.remaining())) {
        return false;
      }
      ByteBuffer rest = target.duplicate();
      try {
        for (long next = position; rest.position() < target.limit(); ) {
          rest.limit(Math.min(target.limit(), rest.position() + AT_ONCE));
          int count = file.read(rest, next);
          if (count < 0) {
            throw new EOFException("a temporary file ends at byte " + next);
          }
          next += count;
        }
      } catch (IOException e) {
        fail(e);
        return false;
      }
      target.position(target.limit());
      return true;
    }

    private boolean find(long start, long end) {
      synchronized (ranges) {
        Map.Entry<Long, Long> range = ranges.floorEntry(start);
        boolean there = range != null && range.getValue() >= end;
        found += there ? end - start : 0;
        return there;
      }
    }

    /** Keeps what S3 has sent. */
    void write(long position, byte[] sent, int count) {
      try {
        for (int done = 0; done < count; ) {
          int some = Math.min(AT_ONCE, count - done);
          done += file.write(ByteBuffer.wrap(sent, done, some), position + done);
        }
      } catch (IOException e) {
        fail(e);
        return;
      }
      add(position, position + count);
    }

    private void add(long start, long end) {
      synchronized (ranges) {
        Map.Entry<Long, Long> last = ranges.floorEntry(end);
        long joinedEnd = last == null ? end : Math.max(end, last.getValue());
        Map.Entry<Long, Long> first = ranges.floorEntry(start);
        long joinedStart = first == null || first.getValue() < start ? start : first.getKey();
        ranges.subMap(joinedStart, true, end, true).clear();
        ranges.put(joinedStart, joinedEnd);
      }
    }

    private boolean isUsedUp() {
      synchronized (ranges) {
        // Few readers want all of it.
        return found > size / 2
            || !file.isOpen()
            || System.nanoTime() - openedNanos > PATIENCE_NANOS;
      }
    }

    /** Where it is closed already, another object has its room, or a reader was interrupted. */
    private void fail(IOException e) {
      if (!(e instanceof ClosedChannelException)) {
        explain(e.toString());
      }
      close();
    }

    /** Nothing of it is found any more. */
    void close() {
      try {
        file.close();
      } catch (IOException e) {
        explain(e.toString());
      }
    }
  }
}
