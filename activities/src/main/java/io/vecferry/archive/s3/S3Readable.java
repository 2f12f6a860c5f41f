package io.vecferry.archive.s3;

import io.vecferry.archive.ArtifactStore.ReadableArtifact;
import io.vecferry.plan.FailureClass;
import io.vecferry.store.StoreException;
import java.nio.ByteBuffer;
import java.util.concurrent.Future;

/**
 * Reads an object in windows: small ones first, larger ones as long as it is read from front to
 * back, the next one while the last is being used.
 */
final class S3Readable implements ReadableArtifact {
  private static final int SMALLEST = 64 << 10;
  private static final int LARGEST = 4 << 20;

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
    if (onward && next != null) {
      window = Transfers.await(next);
    } else {
      length = onward ? Math.min(LARGEST, 2 * length) : SMALLEST;
      window = fetch(position, length);
    }
    next = null;
    start = position;
    long behind = start + window.length;
    if (onward && behind < size) {
      length = Math.min(LARGEST, 2 * length);
      int wanted = length;
      next = Transfers.start(() -> fetch(behind, wanted));
    }
  }

  private byte[] fetch(long position, int wanted) {
    long last = Math.min(size, position + wanted) - 1;
    byte[] bytes =
        connection
            .ask(
                "cannot read " + name,
                client ->
                    client.getObjectAsBytes(
                        request ->
                            request
                                .bucket(connection.bucket())
                                .key(key)
                                .ifMatch(version)
                                .range("bytes=%d-%d".formatted(position, last))))
            .asByteArrayUnsafe();
    if (bytes.length != last - position + 1) {
      throw new StoreException(
          FailureClass.TRANSIENT,
          "%s: %d bytes came instead of %d".formatted(name, bytes.length, last - position + 1));
    }
    return bytes;
  }

  @Override
  public void close() {
    window = new byte[0];
    next = null;
  }
}
