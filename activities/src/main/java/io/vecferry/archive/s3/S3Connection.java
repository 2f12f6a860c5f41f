package io.vecferry.archive.s3;

import io.vecferry.plan.FailureClass;
import io.vecferry.store.Secrets;
import io.vecferry.store.StoreException;
import java.net.URI;
import java.time.Duration;
import java.util.function.Function;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.AwsCredentials;
import software.amazon.awssdk.auth.credentials.AwsCredentialsProvider;
import software.amazon.awssdk.auth.credentials.AwsSessionCredentials;
import software.amazon.awssdk.auth.credentials.DefaultCredentialsProvider;
import software.amazon.awssdk.core.checksums.RequestChecksumCalculation;
import software.amazon.awssdk.core.checksums.ResponseChecksumValidation;
import software.amazon.awssdk.core.exception.SdkException;
import software.amazon.awssdk.http.urlconnection.UrlConnectionHttpClient;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.s3.S3Client;
import software.amazon.awssdk.services.s3.S3ClientBuilder;
import software.amazon.awssdk.services.s3.S3Configuration;
import software.amazon.awssdk.services.s3.model.S3Exception;

/** Asks a bucket, and says of failures what they mean. Thread-safe. */
final class S3Connection {
  private static final Duration CONNECT = Duration.ofSeconds(10);
  private static final Duration SILENCE = Duration.ofSeconds(60);

  /** After an answer of the bucket it is believed to be there for so long. */
  private static final long BELIEF_NANOS = Duration.ofSeconds(1).toNanos();

  private static final int PRECONDITION_FAILED = 412;
  private static final int CONFLICT = 409;
  private static final int NOT_IMPLEMENTED = 501;

  private final String bucket;
  private final S3Settings settings;
  private final S3Client client;
  private final S3Failures failures;
  private volatile long answeredNanos = System.nanoTime() - BELIEF_NANOS;

  S3Connection(String bucket, S3Settings settings) {
    this.bucket = bucket;
    this.settings = settings;
    String endpoint =
        settings.endpoint() != null ? settings.endpoint().toString() : environmentEndpoint();
    this.failures =
        new S3Failures(
            bucket,
            endpoint != null
                ? endpoint
                : settings.region() == null ? "AWS" : "AWS, " + settings.region());
    try {
      this.client = client(settings, endpoint != null);
    } catch (SdkException e) {
      throw new StoreException(
          FailureClass.INCOMPATIBLE,
          "the bucket '%s' cannot be reached: %s Set AWS_REGION to the region of the bucket."
              .formatted(bucket, e.getMessage()),
          e);
    }
  }

  private static String environmentEndpoint() {
    String endpoint = System.getenv("AWS_ENDPOINT_URL_S3");
    return endpoint == null ? System.getenv("AWS_ENDPOINT_URL") : endpoint;
  }

  private static S3Client client(S3Settings settings, boolean otherServer) {
    S3ClientBuilder builder =
        S3Client.builder()
            .httpClientBuilder(
                UrlConnectionHttpClient.builder().connectionTimeout(CONNECT).socketTimeout(SILENCE))
            .credentialsProvider(credentials(settings))
            // Other servers know no newer ones. Sidecars have checksums of parts.
            .requestChecksumCalculation(RequestChecksumCalculation.WHEN_REQUIRED)
            .responseChecksumValidation(ResponseChecksumValidation.WHEN_REQUIRED)
            .serviceConfiguration(
                S3Configuration.builder()
                    .chunkedEncodingEnabled(false)
                    // Costs a round trip for each piece.
                    .expectContinueEnabled(false)
                    .pathStyleAccessEnabled(
                        settings.pathStyle() == null ? otherServer : settings.usesPathStyle())
                    .build());
    if (settings.endpoint() != null) {
      builder.endpointOverride(URI.create(settings.endpoint().toString()));
    }
    if (settings.region() != null) {
      builder.region(Region.of(settings.region()));
    } else if (otherServer && System.getenv("AWS_REGION") == null) {
      // Other servers have none; signatures need one.
      builder.region(Region.US_EAST_1);
    }
    return builder.build();
  }

  /** Keys are read for each request, so that new ones count at once. */
  private static AwsCredentialsProvider credentials(S3Settings settings) {
    if (settings.accessKey() != null) {
      return () -> resolve(settings);
    }
    AwsCredentialsProvider standard = DefaultCredentialsProvider.builder().build();
    return () -> {
      AwsCredentials found = standard.resolveCredentials();
      Secrets.hide(found.secretAccessKey());
      if (found instanceof AwsSessionCredentials session) {
        Secrets.hide(session.sessionToken());
      }
      return found;
    };
  }

  private static AwsCredentials resolve(S3Settings settings) {
    String accessKey = Secrets.read("the access key of S3", settings.accessKey());
    String secretKey = Secrets.resolve("the secret key of S3", settings.secretKey());
    return settings.sessionToken() == null
        ? AwsBasicCredentials.create(accessKey, secretKey)
        : AwsSessionCredentials.create(
            accessKey,
            secretKey,
            Secrets.resolve("the session token of S3", settings.sessionToken()));
  }

  String bucket() {
    return bucket;
  }

  S3Settings settings() {
    return settings;
  }

  /**
   * Asks.
   *
   * @param action what cannot be done when it fails, as "cannot read s3://bucket/key"
   */
  <T> T ask(String action, Function<S3Client, T> question) {
    try {
      return answer(question);
    } catch (SdkException e) {
      if (isMissing(e)) {
        requireBucket();
      }
      throw failures.of(action, e);
    }
  }

  /** Asks for something that may be missing; null when it is. */
  <T> T find(String action, Function<S3Client, T> question) {
    try {
      return answer(question);
    } catch (SdkException e) {
      if (isMissing(e)) {
        requireBucket();
        return null;
      }
      throw failures.of(action, e);
    }
  }

  /**
   * Asks for something on a condition; false when that is not so, or somebody was faster.
   *
   * @param otherwise what to ask where the server knows no conditions, and says so
   */
  <T> boolean askOnCondition(
      String action, Function<S3Client, T> question, Function<S3Client, T> otherwise) {
    try {
      answer(question);
      return true;
    } catch (SdkException e) {
      int status = e instanceof S3Exception answer ? answer.statusCode() : 0;
      if (status == PRECONDITION_FAILED || status == CONFLICT) {
        return false;
      }
      if (status == NOT_IMPLEMENTED) {
        ask(action, otherwise);
        return true;
      }
      throw failures.of(action, e);
    }
  }

  private <T> T answer(Function<S3Client, T> question) {
    T answer = question.apply(client);
    answeredNanos = System.nanoTime();
    return answer;
  }

  /** Whether an object or an upload is not there, as far as the answer tells. */
  private static boolean isMissing(SdkException failure) {
    return failure instanceof S3Exception answer
        && answer.statusCode() == 404
        && (answer.awsErrorDetails() == null
            || !"NoSuchBucket".equals(answer.awsErrorDetails().errorCode()));
  }

  /** The answer to HEAD is the same for an object that is missing and for a bucket that is. */
  private void requireBucket() {
    if (System.nanoTime() - answeredNanos < BELIEF_NANOS) {
      return;
    }
    try {
      client.headBucket(request -> request.bucket(bucket));
      answeredNanos = System.nanoTime();
    } catch (SdkException e) {
      throw e instanceof S3Exception answer && answer.statusCode() == 404
          ? failures.noBucket(e)
          : failures.of("cannot look at the bucket '" + bucket + "'", e);
    }
  }
}
