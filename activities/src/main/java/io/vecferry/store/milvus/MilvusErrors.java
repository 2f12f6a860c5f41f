package io.vecferry.store.milvus;

import io.milvus.grpc.ErrorCode;
import io.milvus.grpc.Status;
import io.milvus.shaded.io.grpc.StatusRuntimeException;
import io.vecferry.plan.FailureClass;
import io.vecferry.store.StoreException;
import io.vecferry.store.TlsRefusal;
import java.net.ConnectException;
import java.net.NoRouteToHostException;
import java.net.UnknownHostException;
import java.util.Locale;
import javax.net.ssl.SSLException;

/**
 * What a failed call means. Milvus fails in two ways: as a status of gRPC, and as a code inside an
 * answer. Codes were renumbered in 2.3, and the old ones are still sent beside the new ones.
 */
final class MilvusErrors {
  /** What was asked of the server; the same code means something else in another one. */
  enum Call {
    READ,
    WRITE,
    /** Everything that changes or describes collections, indexes and what is loaded. */
    ADMINISTER
  }

  private static final int UNEXPECTED = 65_535;
  private static final int COLLECTION_NOT_FOUND = 100;
  private static final int NOT_LOADED = 101;
  private static final int INDEX_NOT_FOUND = 700;
  private static final int DATABASE_NOT_FOUND = 800;

  private MilvusErrors() {}

  static boolean isOk(Status status) {
    return status.getCode() == 0 && status.getErrorCodeValue() == 0;
  }

  /** Also so for a name that no collection of this server can have. */
  static boolean isCollectionMissing(Status status) {
    return status.getCode() == COLLECTION_NOT_FOUND
        || status.getReason().startsWith("Invalid collection name")
        || (status.getCode() == 0
            && (status.getErrorCode() == ErrorCode.CollectionNotExists
                || status.getErrorCode() == ErrorCode.CollectionNameNotFound));
  }

  static boolean isNotLoaded(Status status) {
    return status.getCode() == NOT_LOADED || status.getReason().contains("not loaded");
  }

  static boolean isIndexMissing(Status status) {
    return status.getCode() == INDEX_NOT_FOUND
        || (status.getCode() == 0 && status.getErrorCode() == ErrorCode.IndexNotExist);
  }

  /**
   * A code inside an answer.
   *
   * @param doing what was tried, as {@code reading products at http://localhost:19530}
   */
  static StoreException of(Call call, String doing, Status status) {
    String reason = status.getReason().isEmpty() ? "code " + status.getCode() : status.getReason();
    FailureClass failureClass = classOf(call, status);
    String remedy =
        switch (failureClass) {
          case PERMISSION -> " Check auth and the rights of this user.";
          case RESOURCE_EXHAUSTED -> " Free what is used up on the Milvus server, then retry.";
          default -> remedy(status);
        };
    return new StoreException(failureClass, doing + ": " + sentence(reason) + remedy);
  }

  private static String remedy(Status status) {
    if (isNotLoaded(status)) {
      return " Load the collection, or set options.load: true.";
    }
    if (isIndexMissing(status)) {
      return " Make an index on its vector field: Milvus loads no collection without one.";
    }
    return status.getCode() == DATABASE_NOT_FOUND
        ? " Check the name of the database in the spec."
        : "";
  }

  private static FailureClass classOf(Call call, Status status) {
    // It was loaded when it was opened: a server that was started anew loads it again by itself.
    if (isNotLoaded(status)) {
      return FailureClass.TRANSIENT;
    }
    int code = status.getCode();
    if (code == 0) {
      return classOfOldCode(call, status);
    }
    if (code == COLLECTION_NOT_FOUND || code == 200 || code == 201) {
      return FailureClass.MISSING;
    }
    if (code == 8 || code == 4) {
      return FailureClass.RATE_LIMITED;
    }
    if (code == 1400 || code == 1401 || code == 1800) {
      return FailureClass.PERMISSION;
    }
    if (code == 3 || code == 7 || code == 12 || code == 102 || code == 801) {
      return FailureClass.RESOURCE_EXHAUSTED;
    }
    if (code == 9) {
      return isTimeTick(status) ? FailureClass.TRANSIENT : FailureClass.RESOURCE_EXHAUSTED;
    }
    if (code == 1102) {
      return FailureClass.TOO_LARGE;
    }
    if (code == DATABASE_NOT_FOUND || code == INDEX_NOT_FOUND) {
      return FailureClass.MISSING;
    }
    if (code == 1 || code == UNEXPECTED || code == 1001) {
      return classOfReason(call, status, FailureClass.TRANSIENT);
    }
    // Parameters; 5 and 6 are what Milvus Lite calls them.
    if ((code >= 1100 && code < 1200) || code == 1804 || code == 5 || code == 6) {
      return classOfReason(
          call, status, call == Call.WRITE ? FailureClass.BAD_RECORD : FailureClass.INCOMPATIBLE);
    }
    if (code == 10 || code == 105 || code == 701 || code == 702 || (code >= 1600 && code < 1800)) {
      return FailureClass.INCOMPATIBLE;
    }
    // Nodes, channels and segments come back after a while.
    return FailureClass.TRANSIENT;
  }

  private static FailureClass classOfOldCode(Call call, Status status) {
    return switch (status.getErrorCode()) {
      case RateLimit -> FailureClass.RATE_LIMITED;
      case PermissionDenied -> FailureClass.PERMISSION;
      case CollectionNotExists, CollectionNameNotFound, IndexNotExist -> FailureClass.MISSING;
      case ForceDeny ->
          isTimeTick(status) ? FailureClass.TRANSIENT : FailureClass.RESOURCE_EXHAUSTED;
      case MemoryQuotaExhausted, DiskQuotaExhausted, InsufficientMemoryToLoad, OutOfMemory ->
          FailureClass.RESOURCE_EXHAUSTED;
      case IllegalArgument, IllegalDimension, IllegalRowRecord, IllegalVectorID ->
          call == Call.WRITE ? FailureClass.BAD_RECORD : FailureClass.INCOMPATIBLE;
      case IllegalIndexType, IllegalCollectionName, IllegalMetricType, IllegalNLIST ->
          FailureClass.INCOMPATIBLE;
      default -> classOfReason(call, status, FailureClass.TRANSIENT);
    };
  }

  private static boolean isTimeTick(Status status) {
    String reason = status.getReason().toLowerCase(Locale.ROOT);
    return reason.contains("time tick") || reason.contains("timetick");
  }

  /** The codes that mean anything at all. */
  private static FailureClass classOfReason(Call call, Status status, FailureClass otherwise) {
    String reason = status.getReason().toLowerCase(Locale.ROOT);
    if (reason.contains("rate limit") || reason.contains("request is rejected by grpc ratelimit")) {
      return FailureClass.RATE_LIMITED;
    }
    if (reason.contains("larger than max")
        || reason.contains("maxoutputsize")
        || reason.contains("message size")
        || reason.contains("max query result window")) {
      return FailureClass.TOO_LARGE;
    }
    if (reason.contains("permission") || reason.contains("auth check")) {
      return FailureClass.PERMISSION;
    }
    boolean aboutData =
        reason.contains("exceeds max")
            || reason.contains("json")
            || reason.contains("not a number")
            || reason.contains("out of range")
            || reason.contains("mismatch")
            || reason.contains("illegal")
            || reason.contains("does not match");
    if (call == Call.WRITE && aboutData) {
      return FailureClass.BAD_RECORD;
    }
    boolean aboutRequest =
        reason.contains("invalid")
            || reason.contains("illegal")
            || reason.contains("not supported")
            || reason.contains("out of range")
            || reason.contains("at most one distinct index")
            || reason.contains("cannot parse")
            || reason.contains("not exist");
    return call != Call.WRITE && aboutRequest ? FailureClass.INCOMPATIBLE : otherwise;
  }

  /**
   * A status of gRPC.
   *
   * @param server the server's address
   */
  static StoreException of(String doing, String server, StatusRuntimeException failure) {
    String said = failure.getStatus().getDescription();
    String reason = said == null ? failure.getStatus().getCode().toString() : said;
    return switch (failure.getStatus().getCode()) {
      case UNAVAILABLE -> unavailable(doing, server, reason, failure);
      case UNAUTHENTICATED ->
          failed(
              FailureClass.PERMISSION,
              doing,
              "the server asks for other credentials (" + reason + ")",
              "Check auth.token, or auth.username and auth.password.",
              failure);
      case PERMISSION_DENIED ->
          failed(
              FailureClass.PERMISSION,
              doing,
              reason,
              "Give this user the right to do it.",
              failure);
      case UNIMPLEMENTED ->
          failed(
              FailureClass.INCOMPATIBLE,
              doing,
              server + " does not know the call (" + reason + ")",
              "It must be Milvus 2.3 to 2.6; check the address.",
              failure);
      case RESOURCE_EXHAUSTED ->
          failed(
              reason.contains("larger than max")
                  ? FailureClass.TOO_LARGE
                  : FailureClass.RATE_LIMITED,
              doing,
              reason,
              "",
              failure);
      case INVALID_ARGUMENT, OUT_OF_RANGE, FAILED_PRECONDITION ->
          failed(FailureClass.INCOMPATIBLE, doing, reason, "", failure);
      case DEADLINE_EXCEEDED ->
          failed(FailureClass.TRANSIENT, doing, "no answer in time", "", failure);
      case CANCELLED ->
          failed(
              FailureClass.TRANSIENT,
              doing,
              Thread.currentThread().isInterrupted() ? "the work was stopped" : reason,
              "",
              failure);
      default -> notMilvus(doing, server, reason, failure);
    };
  }

  private static StoreException unavailable(
      String doing, String server, String reason, StatusRuntimeException failure) {
    for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
      if (cause instanceof SSLException tls) {
        return failed(
            FailureClass.INCOMPATIBLE,
            doing,
            "no TLS connection to " + server + " (" + TlsRefusal.said(tls) + ")",
            "Use http:// when the server has no TLS.",
            failure);
      }
      if (cause instanceof UnknownHostException) {
        return failed(
            FailureClass.TRANSIENT,
            doing,
            "the host of " + server + " is not known here",
            "Correct the address.",
            failure);
      }
      if (cause instanceof ConnectException || cause instanceof NoRouteToHostException) {
        return failed(
            FailureClass.TRANSIENT,
            doing,
            "nothing answers at " + server + " (" + cause.getMessage() + ")",
            "Start Milvus, or correct the address.",
            failure);
      }
    }
    if (!speaksHttp2(failure)) {
      return notMilvus(doing, server, reason, failure);
    }
    if (reason.contains("Network closed")) {
      return failed(
          FailureClass.TRANSIENT,
          doing,
          server + " closed the connection",
          "If it lasts: use https:// when the server has TLS.",
          failure);
    }
    return failed(
        FailureClass.TRANSIENT, doing, "the connection broke (" + reason + ")", "", failure);
  }

  private static StoreException notMilvus(
      String doing, String server, String reason, StatusRuntimeException failure) {
    boolean http =
        !speaksHttp2(failure)
            || reason.contains("HTTP status code")
            || reason.contains("content-type");
    return http
        ? failed(
            FailureClass.INCOMPATIBLE,
            doing,
            server + " is something else than Milvus: it does not speak gRPC there",
            "Give the address of Milvus' gRPC port, usually 19530, and https:// when it has TLS.",
            failure)
        : failed(FailureClass.TRANSIENT, doing, reason, "", failure);
  }

  /** Whether the server began with the protocol below gRPC, or agreed to it in TLS. */
  private static boolean speaksHttp2(Throwable failure) {
    for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
      String message = String.valueOf(cause.getMessage());
      if (message.contains("not SETTINGS") || message.contains("Failed ALPN negotiation")) {
        return false;
      }
    }
    return true;
  }

  private static StoreException failed(
      FailureClass failureClass, String doing, String problem, String remedy, Throwable cause) {
    return new StoreException(
        failureClass,
        doing + ": " + sentence(problem) + (remedy.isEmpty() ? "" : " " + remedy),
        cause);
  }

  private static String sentence(String text) {
    return text.endsWith(".") ? text : text + ".";
  }
}
