package io.vecferry.store;

import io.vecferry.plan.FailureClass;

/**
 * A store, an archive or a file did not do what was asked of it. The message is made for the person
 * who has to act on it. Neither it nor a cause shows a secret that this process has read.
 */
public class StoreException extends RuntimeException {
  private final FailureClass failureClass;

  public StoreException(FailureClass failureClass, String message) {
    this(failureClass, message, null);
  }

  public StoreException(FailureClass failureClass, String message, Throwable cause) {
    super(Secrets.hidden(message), Secrets.hidden(cause));
    this.failureClass = failureClass;
  }

  public FailureClass failureClass() {
    return failureClass;
  }
}
