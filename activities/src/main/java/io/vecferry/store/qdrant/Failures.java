package io.vecferry.store.qdrant;

import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.vecferry.plan.FailureClass;
import io.vecferry.store.StoreException;
import io.vecferry.store.TlsRefusal;
import io.vecferry.store.TlsSettings;
import java.net.URI;
import java.util.Locale;
import java.util.Optional;

/** What a status of a call means for the migration, and in words for the person who acts on it. */
final class Failures {
  /** Default port of the gRPC API. */
  static final int PORT = 6334;

  /** First bytes of an answer in HTTP/1, and of an alert of TLS, as Netty shows them. */
  private static final String HTTP_1 = "48545450";

  private static final String TLS_ALERT = "1503";

  private final URI address;
  private final TlsSettings tls;
  private final String role;

  /**
   * @param role {@code source} or {@code target}
   */
  Failures(URI address, TlsSettings tls, String role) {
    this.address = address;
    this.tls = tls;
    this.role = role;
  }

  int port() {
    return address.getPort() < 0 ? PORT : address.getPort();
  }

  /** A call that writes records was refused; one of them may be at fault. */
  StoreException ofWrite(StatusRuntimeException e, String doing) {
    return of(e, doing, true);
  }

  /**
   * @param doing what the call was for, as {@code reading collection 'products'}
   */
  StoreException of(StatusRuntimeException e, String doing) {
    return of(e, doing, false);
  }

  private StoreException of(StatusRuntimeException e, String doing, boolean write) {
    Status status = e.getStatus();
    if (status.getCode() == Status.Code.UNAVAILABLE && "https".equals(address.getScheme())) {
      Optional<StoreException> refusal =
          TlsRefusal.find(tls, address.toString(), address.getHost(), port(), "h2");
      if (refusal.isPresent()) {
        return refusal.get();
      }
    }
    String text = status.getDescription() == null ? "" : status.getDescription();
    String causes = causes(e);
    FailureClass failureClass = classify(status.getCode(), text, causes);
    if (failureClass == FailureClass.BAD_RECORD && !write) {
      failureClass = FailureClass.INCOMPATIBLE;
    }
    String message =
        isWrongAddress(text + causes)
            ? unreachable(text, causes)
            : message(status.getCode(), text, causes, doing);
    return new StoreException(failureClass, message, e);
  }

  private String message(Status.Code code, String text, String causes, String doing) {
    String place = "Qdrant at " + address;
    return switch (code) {
      case UNAVAILABLE -> unreachable(text, causes);
      case UNAUTHENTICATED ->
          place
              + " refuses: "
              + text
              + ". Check "
              + role
              + ".auth.apiKey; it names where the worker finds the key, as env:QDRANT_API_KEY.";
      case PERMISSION_DENIED ->
          place
              + " does not allow "
              + doing
              + ": "
              + text
              + ". Use a key with the rights for it in "
              + role
              + ".auth.apiKey.";
      case UNIMPLEMENTED ->
          text.contains("HTTP status code")
              ? address
                  + " is a web server and no gRPC API ("
                  + firstLine(text)
                  + "). "
                  + rightPort()
              : place
                  + " does not know the call for "
                  + doing
                  + " ("
                  + firstLine(text)
                  + "). It must be a Qdrant server, 1.10 or newer.";
      case DEADLINE_EXCEEDED ->
          place + " did not answer in time: " + doing + " (" + firstLine(text) + ")";
      case CANCELLED -> "the work was stopped: " + doing;
      default -> place + ": " + doing + ": " + (text.isEmpty() ? code : firstLine(text));
    };
  }

  /** Whether a call was refused because of too many calls, and may be made again later. */
  static boolean isRateLimit(StatusRuntimeException e) {
    String text = e.getStatus().getDescription();
    return classify(e.getStatus().getCode(), text == null ? "" : text, "")
        == FailureClass.RATE_LIMITED;
  }

  static FailureClass classify(Status.Code code, String text, String causes) {
    if (isWrongAddress(text + causes)) {
      return FailureClass.INCOMPATIBLE;
    }
    return switch (code) {
      case UNAUTHENTICATED, PERMISSION_DENIED -> FailureClass.PERMISSION;
      case NOT_FOUND -> FailureClass.MISSING;
      case ALREADY_EXISTS -> FailureClass.TARGET_CHANGED;
      case UNIMPLEMENTED -> FailureClass.INCOMPATIBLE;
      case RESOURCE_EXHAUSTED -> exhausted(text);
      case OUT_OF_RANGE ->
          text.contains("message length") ? FailureClass.TOO_LARGE : FailureClass.BAD_RECORD;
      case INVALID_ARGUMENT -> invalid(text);
      case UNKNOWN, INTERNAL -> internal(text);
      case UNAVAILABLE, DEADLINE_EXCEEDED, CANCELLED, ABORTED, FAILED_PRECONDITION, DATA_LOSS, OK ->
          FailureClass.TRANSIENT;
    };
  }

  /** The one status that means three things, which only its text tells apart. */
  private static FailureClass exhausted(String text) {
    String lower = text.toLowerCase(Locale.ROOT);
    if (lower.contains("rate limit")) {
      return lower.contains("larger than rate limiter capacity")
          ? FailureClass.TOO_LARGE
          : FailureClass.RATE_LIMITED;
    }
    if (lower.contains("larger than max") || lower.contains("exceeds maximum size")) {
      return FailureClass.TOO_LARGE;
    }
    return FailureClass.RESOURCE_EXHAUSTED;
  }

  private static FailureClass invalid(String text) {
    if (text.contains("Limit exceeded") && !text.contains("\"hnsw_ef\"")) {
      return FailureClass.TOO_LARGE;
    }
    if (isOutOfRoom(text)) {
      return FailureClass.RESOURCE_EXHAUSTED;
    }
    return text.contains("Help: ") ? FailureClass.INCOMPATIBLE : FailureClass.BAD_RECORD;
  }

  private static FailureClass internal(String text) {
    if (text.contains("HTTP status code 413")) {
      return FailureClass.TOO_LARGE;
    }
    return isOutOfRoom(text) ? FailureClass.RESOURCE_EXHAUSTED : FailureClass.TRANSIENT;
  }

  /** Whether a text speaks of memory, disk, or a limit of a collection's size. */
  static boolean isOutOfRoom(String text) {
    String lower = text.toLowerCase(Locale.ROOT);
    return lower.contains("out of memory")
        || lower.contains("no space left")
        || lower.contains("disk")
        || lower.contains("resident memory")
        || lower.contains("max points count")
        || (lower.contains("max ") && lower.contains("storage size"))
        || (lower.contains("limit of ") && lower.contains("reached"));
  }

  private String unreachable(String text, String causes) {
    String all = text + causes;
    if (all.contains(HTTP_1) || all.contains("ALPN")) {
      return address + " is a web server and no gRPC API. " + rightPort();
    }
    if (all.contains("Hex dump for first 5 bytes: " + TLS_ALERT)) {
      return address + " wants TLS. Write https:// in " + role + ".url.";
    }
    if (all.contains("not an SSL/TLS record")) {
      return address + " does not speak TLS. Write http:// in " + role + ".url.";
    }
    if (all.contains("First received frame was not SETTINGS")) {
      return address + " does not speak gRPC. " + rightPort();
    }
    if (all.contains("Network closed for unknown reason")) {
      return address
          + " closes the connection without a word. If it wants TLS, write https:// in "
          + role
          + ".url; otherwise it is not the port of the gRPC API, usually "
          + PORT
          + ", or the server is just stopping.";
    }
    if (all.contains("Unable to resolve host")) {
      return "there is no machine with the name "
          + address.getHost()
          + " ("
          + role
          + ".url); check its spelling.";
    }
    return "Qdrant at "
        + address
        + " cannot be reached ("
        + (causes.isEmpty() ? firstLine(text) : lastCause(causes))
        + "). Check that it is running and that this is the port of its gRPC API, usually "
        + PORT
        + ".";
  }

  private String rightPort() {
    return "Give the port of Qdrant's gRPC API in "
        + role
        + ".url, usually "
        + PORT
        + " (6333 is REST).";
  }

  private static boolean isWrongAddress(String text) {
    return text.contains("First received frame was not SETTINGS")
        || text.contains("ALPN")
        || text.contains("not an SSL/TLS record");
  }

  private static String causes(Throwable e) {
    StringBuilder all = new StringBuilder();
    for (Throwable cause = e.getCause(); cause != null; cause = cause.getCause()) {
      all.append('\n').append(cause);
    }
    return all.toString();
  }

  private static String lastCause(String causes) {
    return firstLine(
        causes.substring(causes.lastIndexOf('\n') + 1).replaceFirst("^[\\w.$]+: ", ""));
  }

  private static String firstLine(String text) {
    int end = text.indexOf('\n');
    return end < 0 ? text : text.substring(0, end);
  }
}
