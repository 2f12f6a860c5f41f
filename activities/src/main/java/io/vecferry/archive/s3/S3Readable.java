package io.vecferry.archive.s3;

import io.vecferry.archive.ArtifactStore.ReadableArtifact;
import io.vecferry.plan.FailureClass;
import io.vecferry.store.StoreException;
import java.io.EOFException;
import java.nio.ByteBuffer;
import java.util.concurrent.Future;
import software.amazon.awssdk.services.s3.S3Client;
import software.amazon.awssdk.services.s3.model.GetObjectResponse;
import software.amazon.awssdk.services.s3.model.HeadObjectResponse;
import software.amazon.awssdk.services.s3.model.S3Exception;

/**
 * Reads an object in windows: the end first, which says where the rest is; small ones, larger ones
 * where much is wanted at once or it is read from front to back, the next one while the last is
 * being used. Of an object that was checked, what this process has fetched of the same version is
 * taken from its disk; the end is asked for each time, and says which version is there.
 */
final class S3Readable implements ReadableArtifact {
  private static final int SMALLEST = 64 << 10;
  private static final int LARGEST = 8 << 20;
  private static final int GROWTH = 4;
  private static final int NO_SUCH_RANGE = 416;
  private static final byte[] NOTHING = new byte[0];

  private final S3Connection connection;
  private final String key;
  private final String name;
  private final long size;

  /** Tag of the object; one that replaces it is not read. */
  private final String version;

  /** What was fetched of this version; null when nothing is kept. */
  private final KeptObjects.Kept kept;

  private final boolean checked;

  private byte[] window;
  private long start;
  private int held;
  private int length = SMALLEST;

  /** The window behind this one, on its way; null when nothing is. */
  private Future<byte[]> next;

  /** A window that is not needed any more, for the next one. */
  private byte[] spare = NOTHING;

  /**
   * @param bytes the last ones of it, or none
   */
  private record Tail(long size, String version, byte[] bytes) {}

  private S3Readable(S3Connection connection, String key, String name, Tail tail, boolean checked) {
    this.checked = checked;
    this.connection = connection;
    this.key = key;
    this.name = name;
    this.size = tail.size();
    this.version = tail.version();
    this.window = tail.bytes();
    this.held = window.length;
    this.start = size - held;
    this.kept = size > held && version != null ? kept() : null;
  }

  private KeptObjects.Kept kept() {
    S3Settings settings = connection.settings();
    return KeptObjects.OF_PROCESS.open(
        "%s %s/%s %s".formatted(settings.endpoint(), connection.bucket(), key, version),
        size,
        settings.keptBytes());
  }

  /**
   * Opens an object; null when it is missing.
   *
   * @param checked whether what was fetched before may be taken
   */
  static S3Readable open(S3Connection connection, String key, String name, boolean checked) {
    Tail tail =
        connection.find("cannot read " + name, client -> tail(client, connection.bucket(), key));
    return tail == null ? null : new S3Readable(connection, key, name, tail, checked);
  }

  private static Tail tail(S3Client client, String bucket, String key) {
    try {
      return client.getObject(
          request -> request.bucket(bucket).key(key).range("bytes=-" + SMALLEST),
          (answer, content) -> {
            if (answer.contentRange() == null) {
              // The whole object, which may be large.
              content.abort();
              return sizeOnly(client, bucket, key);
            }
            byte[] bytes = content.readAllBytes();
            long size = Long.parseLong(answer.contentRange().replaceAll(".*/", ""));
            requireAll(bytes.length, (int) Math.min(SMALLEST, size));
            return new Tail(size, answer.eTag(), bytes);
          });
    } catch (S3Exception e) {
      if (e.statusCode() == NO_SUCH_RANGE) {
        return sizeOnly(client, bucket, key);
      }
      throw e;
    }
  }

  private static void requireAll(int came, int expected) throws EOFException {
    if (came < expected) {
      throw new EOFException("%d bytes came instead of %d".formatted(came, expected));
    }
  }

  private static Tail sizeOnly(S3Client client, String bucket, String key) {
    HeadObjectResponse head = client.headObject(request -> request.bucket(bucket).key(key));
    return new Tail(head.contentLength(), head.eTag(), NOTHING);
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
      if (from < start || from >= start + held) {
        if (checked && kept != null && kept.read(from, target)) {
          return;
        }
        moveTo(from, target.remaining());
      }
      int offset = (int) (from - start);
      int count = Math.min(target.remaining(), held - offset);
      target.put(window, offset, count);
      from += count;
    }
  }

  private void moveTo(long position, int wanted) {
    boolean onward = held > 0 && position == start + held;
    // What stands before the end is wanted with it: it says where the rest is.
    long from = onward ? position : Math.max(0, Math.min(position, size - SMALLEST));
    Future<byte[]> current = onward ? next : null;
    spare = window;
    held = 0;
    if (current == null) {
      length = Math.max(onward ? grown() : SMALLEST, Math.min(LARGEST, wanted));
      current = begin(from);
    }
    int count = count(from);
    window = NOTHING;
    next = null;
    long behind = from + count;
    if (behind < size && (onward || behind < position + wanted)) {
      length = grown();
      next = begin(behind);
    }
    window = Transfers.await(current);
    start = from;
    held = count;
  }

  private int grown() {
    return Math.min(LARGEST, GROWTH * length);
  }

  private Future<byte[]> begin(long position) {
    int count = count(position);
    byte[] bytes = spare.length < count ? new byte[count] : spare;
    spare = NOTHING;
    return Transfers.start(() -> fetch(position, bytes, count));
  }

  private int count(long position) {
    return (int) Math.min(length, size - position);
  }

  private byte[] fetch(long position, byte[] bytes, int count) {
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
                  if (position > 0 && answer.contentRange() == null) {
                    content.abort();
                    throw new StoreException(
                        FailureClass.INCOMPATIBLE,
                        "cannot read "
                            + name
                            + ": the server sends whole objects only, and not the range that is"
                            + " asked for. Name another server or a folder with --archive.");
                  }
                  requireAll(content.readNBytes(bytes, 0, count), count);
                  if (kept != null && isThere(answer, position)) {
                    kept.write(position, bytes, count);
                  }
                  return bytes;
                }));
  }

  /** Whether an answer has bytes of this version, from this position on. */
  private boolean isThere(GetObjectResponse answer, long position) {
    String range = answer.contentRange();
    return version.equals(answer.eTag())
        && (range == null ? position == 0 : range.startsWith("bytes " + position + "-"));
  }

  @Override
  public void distrust() {
    if (kept != null) {
      kept.close();
    }
  }

  @Override
  public void close() {
    window = NOTHING;
    spare = NOTHING;
    held = 0;
    next = null;
  }
}
