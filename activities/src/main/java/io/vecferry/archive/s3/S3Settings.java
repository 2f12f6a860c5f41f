package io.vecferry.archive.s3;

import io.vecferry.plan.FailureClass;
import io.vecferry.store.StoreException;
import io.vecferry.store.StoreSettings;
import java.net.URI;
import java.util.List;
import java.util.Map;

/**
 * How a process reaches S3. What is null says the standard configuration of AWS: {@code
 * AWS_REGION}, {@code AWS_ENDPOINT_URL_S3}, profiles, credentials of the machine.
 *
 * @param endpoint address of the server, for one that is not AWS
 * @param region of the bucket
 * @param pathStyle whether the bucket is named in the path, not in the name of the host; null for
 *     exactly when there is an endpoint
 * @param encryption {@code AES256} or {@code aws:kms}; null for what the bucket does by default
 * @param kmsKey id of the key for {@code aws:kms}; null for the account's own
 * @param accessKey reference to the id of the access key
 * @param secretKey reference to the secret key
 * @param sessionToken reference to the session token of keys that end
 * @param keptBytes of what the process has read that are kept on its disk at most; 0 for none
 */
public record S3Settings(
    URI endpoint,
    String region,
    Boolean pathStyle,
    String encryption,
    String kmsKey,
    String accessKey,
    String secretKey,
    String sessionToken,
    long keptBytes) {
  private static final List<String> ENCRYPTIONS = List.of("AES256", "aws:kms");
  private static final String VARIABLE = "VECFERRY_S3_";
  private static final long MEGABYTE = 1_000_000;
  private static final String KEPT_MEGABYTES = "1000";

  /** Everything as AWS's standard configuration says. */
  public static final S3Settings NONE = ofEnvironment(Map.of());

  public S3Settings {
    if (encryption != null && !ENCRYPTIONS.contains(encryption)) {
      throw wrong(
          VARIABLE + "ENCRYPTION", "must be AES256 or aws:kms, got \"" + encryption + "\".");
    }
    if (kmsKey != null && !"aws:kms".equals(encryption)) {
      throw wrong(VARIABLE + "KMS_KEY", "needs " + VARIABLE + "ENCRYPTION=aws:kms.");
    }
    if ((accessKey == null) != (secretKey == null)) {
      throw wrong(
          "the access key and the secret key of S3", "belong together; one of them is missing.");
    }
  }

  /** Of the variables {@code VECFERRY_S3_...} of a process; everything else says AWS's own. */
  public static S3Settings ofEnvironment(Map<String, String> environment) {
    return new S3Settings(
        endpoint(VARIABLE + "ENDPOINT", value(environment, "ENDPOINT")),
        value(environment, "REGION"),
        flag(value(environment, "PATH_STYLE")),
        value(environment, "ENCRYPTION"),
        value(environment, "KMS_KEY"),
        value(environment, "ACCESS_KEY"),
        value(environment, "SECRET_KEY"),
        value(environment, "SESSION_TOKEN"),
        keptBytes(value(environment, "KEEP_MB")));
  }

  /**
   * Of the {@code source} section of a spec. One that names a server names its keys too: those of
   * the worker are not for it.
   *
   * @param otherwise for a section without {@code url} and {@code auth}
   */
  public static S3Settings of(StoreSettings section, S3Settings otherwise) {
    String url = section.text("url", null);
    String accessKey = section.text("auth.accessKey", null);
    if (url == null && accessKey == null && section.object("auth").isEmpty()) {
      return otherwise;
    }
    if (accessKey == null) {
      throw wrong(
          section.role() + ".auth.accessKey",
          "and auth.secretKey are needed with " + (url == null ? "auth." : "url."));
    }
    return new S3Settings(
        endpoint(section.role() + ".url", url),
        section.text("options.region", null),
        flag(section.text("options.pathStyle", null)),
        null,
        null,
        accessKey,
        section.text("auth.secretKey", null),
        section.text("auth.sessionToken", null),
        otherwise.keptBytes());
  }

  /** Whether the bucket is named in the path. */
  boolean usesPathStyle() {
    return pathStyle == null ? endpoint != null : pathStyle;
  }

  private static String value(Map<String, String> environment, String name) {
    String value = environment.get(VARIABLE + name);
    return value == null || value.isBlank() ? null : value.strip();
  }

  private static URI endpoint(String field, String text) {
    if (text == null) {
      return null;
    }
    try {
      URI address = URI.create(text.replaceAll("/+$", ""));
      if (List.of("http", "https").contains(String.valueOf(address.getScheme()))
          && address.getHost() != null
          && address.getUserInfo() == null
          && address.getQuery() == null) {
        return address;
      }
    } catch (IllegalArgumentException e) {
      // Not shown: it may have a secret in it.
    }
    throw wrong(field, "must be an address as https://host:port, without user and query.");
  }

  private static long keptBytes(String megabytes) {
    String text = megabytes == null ? KEPT_MEGABYTES : megabytes;
    if (!text.matches("[0-9]{1,9}")) {
      throw wrong(
          VARIABLE + "KEEP_MB",
          "must be a number of megabytes, 0 to keep nothing, got \"" + text + "\".");
    }
    return Long.parseLong(text) * MEGABYTE;
  }

  private static Boolean flag(String text) {
    return text == null ? null : Boolean.valueOf(text);
  }

  private static StoreException wrong(String field, String problem) {
    return new StoreException(FailureClass.INCOMPATIBLE, field + " " + problem);
  }
}
