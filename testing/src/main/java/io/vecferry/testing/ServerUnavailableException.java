package io.vecferry.testing;

/** A server cannot be started here; the message says why. */
final class ServerUnavailableException extends Exception {
  private static final long serialVersionUID = 1;

  ServerUnavailableException(String message) {
    super(message);
  }

  ServerUnavailableException(String message, Throwable cause) {
    super(message, cause);
  }
}
