package io.vecferry.archive.s3;

import io.vecferry.plan.FailureClass;
import io.vecferry.store.Secrets;
import io.vecferry.store.StoreException;
import software.amazon.awssdk.awscore.exception.AwsServiceException;
import software.amazon.awssdk.core.exception.SdkException;

/**
 * What a failed request means, and what to do about it.
 *
 * @param bucket its name
 * @param server where it was asked for, in words
 */
record S3Failures(String bucket, String server) {
  private static final String AGAIN = ", then retry.";

  /**
   * @param action what was not possible, as "cannot read s3://bucket/key"
   */
  StoreException of(String action, SdkException failure) {
    StoreException known =
        failure instanceof AwsServiceException answer ? answered(action, answer) : unsent(failure);
    return known != null
        ? known
        : failed(
            FailureClass.TRANSIENT, action, "at " + server + ": " + failure.getMessage(), failure);
  }

  StoreException noBucket(Exception cause) {
    return new StoreException(
        FailureClass.MISSING,
        "there is no bucket '%s' at %s. Make it, or name another with --archive%s"
            .formatted(bucket, server, AGAIN),
        cause);
  }

  private StoreException answered(String action, AwsServiceException failure) {
    String code = failure.awsErrorDetails() == null ? null : failure.awsErrorDetails().errorCode();
    String name = code == null ? "" : code;
    String said = "%s said %d %s".formatted(server, failure.statusCode(), name).strip();
    if (name.equals("NoSuchBucket")) {
      return noBucket(failure);
    }
    if (name.equals("NoSuchUpload")) {
      return failed(
          FailureClass.TRANSIENT, action, "the upload was discarded by somebody else", failure);
    }
    if (name.contains("Quota") || name.contains("StorageFull") || name.equals("EntityTooLarge")) {
      return failed(
          FailureClass.RESOURCE_EXHAUSTED, action, said + ". Make room there" + AGAIN, failure);
    }
    if (name.equals("AuthorizationHeaderMalformed")
        || name.equals("PermanentRedirect")
        || name.equals("IllegalLocationConstraintException")
        || failure.statusCode() == 301) {
      return failed(
          FailureClass.INCOMPATIBLE,
          action,
          said + ": the bucket is in another region. Set AWS_REGION to it" + AGAIN,
          failure);
    }
    if (name.startsWith("KMS.")) {
      return failed(
          FailureClass.PERMISSION,
          action,
          said + ". Let these credentials use the key of VECFERRY_S3_KMS_KEY" + AGAIN,
          failure);
    }
    if (name.equals("ExpiredToken")
        || name.equals("InvalidToken")
        || name.equals("TokenRefreshRequired")
        // The answer to a question without a body says no more.
        || (failure.statusCode() == 400 && name.isEmpty())) {
      return failed(
          FailureClass.PERMISSION,
          action,
          said
              + ": the credentials have ended, or the bucket is in another region. Renew them, or set"
              + " AWS_REGION to it"
              + AGAIN,
          failure);
    }
    return switch (failure.statusCode()) {
      case 401, 403 ->
          failed(
              FailureClass.PERMISSION,
              action,
              said
                  + ": the credentials are wrong, have ended, or may not do this in the bucket '"
                  + bucket
                  + "'. Mend them"
                  + AGAIN,
              failure);
      case 404 -> failed(FailureClass.MISSING, action, "it does not exist", failure);
      case 412 ->
          failed(
              FailureClass.TRANSIENT, action, "it was replaced while it was being read", failure);
      case 416 ->
          failed(FailureClass.ARCHIVE_DAMAGED, action, "it is shorter than expected", failure);
      case 507 ->
          failed(FailureClass.RESOURCE_EXHAUSTED, action, said + ". Make room" + AGAIN, failure);
      default ->
          failure.statusCode() >= 500
                  || failure.isThrottlingException()
                  || name.equals("RequestTimeout")
              ? null
              : failed(
                  FailureClass.INCOMPATIBLE, action, said + ": " + failure.getMessage(), failure);
    };
  }

  private StoreException unsent(SdkException failure) {
    String message = String.valueOf(failure.getMessage());
    if (message.contains("Unable to load credentials")) {
      return new StoreException(
          FailureClass.PERMISSION,
          ("there are no credentials for the bucket '%s' at %s. Set AWS_ACCESS_KEY_ID and"
                  + " AWS_SECRET_ACCESS_KEY, a profile of AWS, or VECFERRY_S3_ACCESS_KEY and"
                  + " VECFERRY_S3_SECRET_KEY to references%s. The library of AWS says: %s")
              .formatted(bucket, server, AGAIN, Secrets.hidden(message)),
          (Exception) Secrets.hidden(failure));
    }
    return null;
  }

  private static StoreException failed(
      FailureClass type, String action, String why, Exception cause) {
    return new StoreException(
        type, Secrets.hidden(action + ": " + why), (Exception) Secrets.hidden(cause));
  }
}
