package io.vecferry.archive.s3;

import io.vecferry.archive.ArtifactStore.ReadableArtifact;
import io.vecferry.plan.FailureClass;
import io.vecferry.store.StoreException;
import java.io.EOFException;
import java.nio.ByteBuffer;
import java.util.concurrent.Future;

/**
 * Reads an object in windows: small ones first, larger ones as long as it is read from front to
 * back, the next one while the last is being used.
 */
final class S3Readable implements ReadableArtifact {
  private static final int SMALLEST = 64 << 10;
  private static final int LARGEST = 4 << 20;
  private static final int GROWTH = 4;

  private final S3Connection connection;
  private final String key;
  private final String name;
  private final long size;
  private final String version;
  private byte[] window = new byte[0];
  private long start;
  private int length = SMALLEST;

  /** The window behind this one, on its way; null when nothing is. */
  private Future<byte[]> next;

  /**
   * @param version tag of the object; one that replaces it is not read
   */
  S3Readable(S3Connection connection, String key, String name, long size, String version) {
    this.connection = connection;
    this.key = key;
    this.name = name;
    this.size = size;
    this.version = version;
  }

  @Override
  public long size() {
    return size;
  }

  @Override
  public void readFully(long position, ByteBuffer target) {
    if (position + target.remaining() > size) {
      throw new StoreException(
          FailureClass.ARCHIVE_DAMAGED, "%s ends at byte %d, expected more".formatted(name, size));
    }
    long from = position;
    while (target.hasRemaining()) {
      if (from < start || from >= start + window.length) {
        moveTo(from);
      }
      int offset = (int) (from - start);
      int count = Math.min(target.remaining(), window.length - offset);
      target.put(window, offset, count);
      from += count;
    }
  }

  private void moveTo(long position) {
    boolean onward = window.length > 0 && position == start + window.length;
    // What stands before the end is wanted with it: it says where the rest is.
    long from = onward ? position : Math.max(0, Math.min(position, size - SMALLEST));
    if (onward && next != null) {
      window = Transfers.await(next);
    } else {
      length = onward ? Math.min(LARGEST, GROWTH * length) : SMALLEST;
      window = fetch(from, length);
    }
    next = null;
    start = from;
    long behind = start + window.length;
    if (onward && behind < size) {
      length = Math.min(LARGEST, GROWTH * length);
      int wanted = length;
      next = Transfers.start(() -> fetch(behind, wanted));
    }
  }

  private byte[] fetch(long position, int wanted) {
    int count = (int) Math.min(wanted, size - position);
    return connection.ask(
        "cannot read " + name,
        client ->
            client.getObject(
                request ->
                    request
                        .bucket(connection.bucket())
                        .key(key)
                        .ifMatch(version)
                        .range("bytes=%d-%d".formatted(position, position + count - 1)),
                (answer, content) -> {
                  byte[] bytes = new byte[count];
                  int read = content.readNBytes(bytes, 0, count);
                  if (read < count) {
                    throw new EOFException("%d bytes came instead of %d".formatted(read, count));
                  }
                  return bytes;
                }));
  }

  @Override
  public void close() {
    window = new byte[0];
    next = null;
  }
}
