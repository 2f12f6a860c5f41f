package io.vecferry.archive.s3;

import io.vecferry.archive.ArtifactStore;
import io.vecferry.plan.FailureClass;
import io.vecferry.store.StoreException;
import java.util.List;
import software.amazon.awssdk.core.sync.RequestBody;
import software.amazon.awssdk.services.s3.S3Client;
import software.amazon.awssdk.services.s3.model.HeadObjectResponse;
import software.amazon.awssdk.services.s3.model.PutObjectResponse;
import software.amazon.awssdk.services.s3.model.S3Object;

/**
 * An archive in a bucket of S3, or of a server that speaks its protocol. An object is uploaded in
 * pieces, of which a writer holds two, and read in windows, of which a reader holds two. What a
 * killed writer has uploaded is no object; it is left in the bucket until {@link
 * #discardUnpublished} or a rule of the bucket removes it.
 */
public final class S3ArtifactStore implements ArtifactStore {
  /** Bytes of the largest object that S3 copies by itself. */
  private static final long LARGEST_COPY = 5L << 30;

  private final S3Connection connection;
  private final String prefix;
  private final long largestCopy;

  /**
   * @param prefix in front of the path of each object, with slashes between its words only; may be
   *     empty
   */
  public S3ArtifactStore(String bucket, String prefix, S3Settings settings) {
    this(bucket, prefix, settings, LARGEST_COPY);
  }

  S3ArtifactStore(String bucket, String prefix, S3Settings settings, long largestCopy) {
    this.largestCopy = largestCopy;
    this.connection = new S3Connection(bucket, settings);
    this.prefix = prefix.isEmpty() ? "" : prefix + "/";
  }

  @Override
  public ReadableArtifact open(String path) {
    return open(path, false);
  }

  @Override
  public ReadableArtifact openChecked(String path) {
    return open(path, true);
  }

  private ReadableArtifact open(String path, boolean checked) {
    ReadableArtifact artifact = S3Readable.open(connection, key(path), describe(path), checked);
    if (artifact == null) {
      throw missing(path);
    }
    return artifact;
  }

  @Override
  public WritableArtifact create(String path) {
    return new S3Writable(connection, key(path), describe(path));
  }

  @Override
  public void writeBytes(String path, byte[] bytes) {
    connection.ask("cannot write " + describe(path), client -> put(client, path, bytes, null));
  }

  @Override
  public boolean writeNew(String path, byte[] bytes) {
    return connection.askOnCondition(
        "cannot write " + describe(path),
        client -> put(client, path, bytes, "*"),
        client -> put(client, path, bytes, null));
  }

  private PutObjectResponse put(S3Client client, String path, byte[] bytes, String unlessThere) {
    return client.putObject(
        request ->
            request
                .bucket(bucket())
                .key(key(path))
                .ifNoneMatch(unlessThere)
                .serverSideEncryption(connection.settings().encryption())
                .ssekmsKeyId(connection.settings().kmsKey()),
        RequestBody.fromBytes(bytes));
  }

  @Override
  public boolean exists(String path) {
    String key = key(path);
    return connection.find(
            "cannot look for " + describe(path),
            client -> client.headObject(request -> request.bucket(bucket()).key(key)))
        != null;
  }

  @Override
  public List<String> list(String folder) {
    String start = folder.isEmpty() ? prefix : key(folder) + "/";
    return connection.ask(
        "cannot list s3://" + bucket() + "/" + start,
        client ->
            client
                .listObjectsV2Paginator(request -> request.bucket(bucket()).prefix(start))
                .contents()
                .stream()
                .map(S3Object::key)
                // Tools make such objects to show a folder.
                .filter(key -> !key.endsWith("/"))
                .map(key -> key.substring(prefix.length()))
                .sorted()
                .toList());
  }

  @Override
  public void move(String from, String to) {
    String source = key(from);
    String target = key(to);
    HeadObjectResponse head =
        connection.find(
            "cannot move " + describe(from),
            client -> client.headObject(request -> request.bucket(bucket()).key(source)));
    if (head == null) {
      if (!exists(to)) {
        throw missing(from);
      }
      return;
    }
    if (head.contentLength() != null && head.contentLength() > largestCopy) {
      copyThrough(from, to);
    } else {
      connection.ask(
          "cannot move " + describe(from),
          client ->
              client.copyObject(
                  request ->
                      request
                          .sourceBucket(bucket())
                          .sourceKey(source)
                          .destinationBucket(bucket())
                          .destinationKey(target)
                          .serverSideEncryption(connection.settings().encryption())
                          .ssekmsKeyId(connection.settings().kmsKey())));
    }
    delete(from);
  }

  private void copyThrough(String from, String to) {
    try (ReadableArtifact in = open(from);
        WritableArtifact out = create(to)) {
      in.copyTo(out, () -> {});
      out.publish();
    }
  }

  @Override
  public void delete(String path) {
    String key = key(path);
    connection.ask(
        "cannot delete " + describe(path),
        client -> client.deleteObject(request -> request.bucket(bucket()).key(key)));
  }

  @Override
  public void discardUnpublished(String folder) {
    String start = key(folder) + "/";
    // MinIO takes a prefix here for a whole key.
    String listed = connection.settings().endpoint() == null ? start : null;
    connection
        .ask(
            "cannot clean " + describe(folder),
            client ->
                client
                    .listMultipartUploadsPaginator(
                        request -> request.bucket(bucket()).prefix(listed))
                    .uploads()
                    .stream()
                    .filter(upload -> upload.key().startsWith(start))
                    .toList())
        .forEach(
            upload ->
                connection.find(
                    "cannot clean " + describe(folder),
                    client ->
                        client.abortMultipartUpload(
                            request ->
                                request
                                    .bucket(bucket())
                                    .key(upload.key())
                                    .uploadId(upload.uploadId()))));
  }

  @Override
  public String describe(String path) {
    return "s3://" + bucket() + "/" + key(path);
  }

  private String bucket() {
    return connection.bucket();
  }

  private String key(String path) {
    if (!ArtifactStore.isPlain(path)) {
      throw new StoreException(
          FailureClass.PERMISSION,
          "'%s' is not a path inside the archive s3://%s/%s".formatted(path, bucket(), prefix));
    }
    return prefix + path;
  }

  private StoreException missing(String path) {
    return new StoreException(FailureClass.MISSING, describe(path) + " does not exist");
  }
}
