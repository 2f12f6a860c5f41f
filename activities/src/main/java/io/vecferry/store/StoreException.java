package io.vecferry.store;

import io.vecferry.plan.FailureClass;

/**
 * A store, an archive or a file did not do what was asked of it. The message is made for the person
 * who has to act on it.
 */
public class StoreException extends RuntimeException {
  private final FailureClass failureClass;

  public StoreException(FailureClass failureClass, String message) {
    this(failureClass, message, null);
  }

  public StoreException(FailureClass failureClass, String message, Throwable cause) {
    super(message, cause);
    this.failureClass = failureClass;
  }

  public FailureClass failureClass() {
    return failureClass;
  }
}
