package io.vecferry.archive.s3;

import io.vecferry.archive.ArtifactStore.WritableArtifact;
import io.vecferry.plan.FailureClass;
import io.vecferry.store.StoreException;
import java.io.ByteArrayInputStream;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.Future;
import software.amazon.awssdk.core.sync.RequestBody;
import software.amazon.awssdk.services.s3.model.CompletedPart;

/**
 * Uploads an object in pieces, one at a time, while the next one is filled. The upload is begun at
 * once, so that it can be discarded by others, and is an object only when it is published.
 */
final class S3Writable implements WritableArtifact {
  private static final int FIRST_BYTES = 64 << 10;

  /** Of each piece but the last. S3 wants at least 5 MiB, and takes 10,000 of them. */
  private static final int PIECE_BYTES = 8 << 20;

  private static final int MOST_PIECES = 10_000;

  private final S3Connection connection;
  private final String key;
  private final String name;
  private final String upload;
  private final List<CompletedPart> pieces = new ArrayList<>();
  private byte[] buffer = new byte[FIRST_BYTES];
  private int length;

  /** That of the piece that was sent last; free again when it has arrived. */
  private byte[] spare;

  /** A piece on its way; null when none is. */
  private Future<CompletedPart> sending;

  private boolean failed;
  private boolean published;

  S3Writable(S3Connection connection, String key, String name) {
    this.connection = connection;
    this.key = key;
    this.name = name;
    this.upload =
        connection
            .ask(
                "cannot write " + name,
                client ->
                    client.createMultipartUpload(
                        request ->
                            request
                                .bucket(connection.bucket())
                                .key(key)
                                .serverSideEncryption(connection.settings().encryption())
                                .ssekmsKeyId(connection.settings().kmsKey())))
            .uploadId();
  }

  @Override
  public void write(byte[] bytes, int offset, int count) {
    int done = 0;
    while (done < count) {
      if (length == PIECE_BYTES) {
        send();
      }
      int some = Math.min(count - done, PIECE_BYTES - length);
      if (length + some > buffer.length) {
        buffer = Arrays.copyOf(buffer, Math.min(PIECE_BYTES, Math.max(length + some, 4 * length)));
      }
      System.arraycopy(bytes, offset + done, buffer, length, some);
      length += some;
      done += some;
    }
  }

  private void send() {
    awaitSent();
    int number = pieces.size() + 1;
    if (number > MOST_PIECES) {
      throw new StoreException(
          FailureClass.TOO_LARGE,
          "%s is larger than %d pieces of %d bytes. Set export.partRows to a smaller number."
              .formatted(name, MOST_PIECES, PIECE_BYTES));
    }
    byte[] piece = buffer;
    int count = length;
    sending = Transfers.start(() -> send(number, piece, count));
    buffer = spare == null ? new byte[piece.length] : spare;
    spare = piece;
    length = 0;
  }

  private CompletedPart send(int number, byte[] piece, int count) {
    String tag =
        connection
            .ask(
                "cannot write " + name,
                client ->
                    client.uploadPart(
                        request ->
                            request
                                .bucket(connection.bucket())
                                .key(key)
                                .uploadId(upload)
                                .partNumber(number),
                        RequestBody.fromContentProvider(
                            () -> new ByteArrayInputStream(piece, 0, count),
                            count,
                            "application/octet-stream")))
            .eTag();
    return CompletedPart.builder().partNumber(number).eTag(tag).build();
  }

  private void awaitSent() {
    if (failed) {
      throw new StoreException(
          FailureClass.TRANSIENT, name + " is not published: a write to it failed before");
    }
    if (sending != null) {
      failed = true;
      pieces.add(Transfers.await(sending));
      failed = false;
      sending = null;
    }
  }

  @Override
  public void publish() {
    if (length > 0 || (pieces.isEmpty() && sending == null)) {
      send();
    }
    awaitSent();
    connection.ask(
        "cannot write " + name,
        client ->
            client.completeMultipartUpload(
                request ->
                    request
                        .bucket(connection.bucket())
                        .key(key)
                        .uploadId(upload)
                        .multipartUpload(all -> all.parts(pieces))));
    published = true;
  }

  @Override
  public void close() {
    if (!published) {
      awaitQuietly();
      connection.find(
          "cannot discard " + name,
          client ->
              client.abortMultipartUpload(
                  request -> request.bucket(connection.bucket()).key(key).uploadId(upload)));
    }
  }

  /** A piece that arrives after the upload was discarded would be left there. */
  private void awaitQuietly() {
    try {
      awaitSent();
    } catch (StoreException e) {
      // The writer was told, or gives up.
      sending = null;
    }
  }
}
