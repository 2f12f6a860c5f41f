package io.vecferry.archive.s3;

import static org.assertj.core.api.Assertions.assertThat;

import io.vecferry.testing.RunningServer;
import java.net.URI;
import java.util.UUID;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.core.checksums.RequestChecksumCalculation;
import software.amazon.awssdk.http.urlconnection.UrlConnectionHttpClient;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.s3.S3Client;
import software.amazon.awssdk.services.s3.model.S3Exception;

/** Looks at a server of S3 without the product. */
final class Buckets {
  private Buckets() {}

  static S3Client client(RunningServer server) {
    return S3Client.builder()
        .endpointOverride(URI.create(server.url()))
        .region(Region.US_EAST_1)
        .forcePathStyle(true)
        .requestChecksumCalculation(RequestChecksumCalculation.WHEN_REQUIRED)
        .httpClient(UrlConnectionHttpClient.create())
        .credentialsProvider(
            StaticCredentialsProvider.create(
                AwsBasicCredentials.create("vecferry", "vecferry-secret")))
        .build();
  }

  /** Makes a bucket and returns its name. */
  static String make(S3Client client) {
    String bucket = "test-" + UUID.randomUUID().toString().substring(0, 13);
    client.createBucket(request -> request.bucket(bucket));
    return bucket;
  }

  /** Removes a bucket with all that is in it. */
  static void remove(S3Client client, String bucket) {
    client
        .listMultipartUploads(request -> request.bucket(bucket))
        .uploads()
        .forEach(
            upload ->
                client.abortMultipartUpload(
                    request ->
                        request.bucket(bucket).key(upload.key()).uploadId(upload.uploadId())));
    client
        .listObjectsV2Paginator(request -> request.bucket(bucket))
        .contents()
        .forEach(
            object -> client.deleteObject(request -> request.bucket(bucket).key(object.key())));
    try {
      client.deleteBucket(request -> request.bucket(bucket));
    } catch (S3Exception e) {
      // The server keeps a piece that arrives after its upload was discarded.
      assertThat(e.statusCode()).isEqualTo(409);
    }
  }
}
