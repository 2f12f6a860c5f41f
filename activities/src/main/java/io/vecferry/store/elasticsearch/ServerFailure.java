package io.vecferry.store.elasticsearch;

import io.vecferry.plan.FailureClass;
import io.vecferry.store.StoreException;

/** A server answered that it did not do what was asked, and named the kind of failure. */
final class ServerFailure extends StoreException {
  private static final long serialVersionUID = 1;

  private final int status;
  private final String types;

  /**
   * @param types the server's names of the failure and of what caused it, separated by blanks
   */
  ServerFailure(FailureClass failureClass, String message, int status, String types) {
    super(failureClass, message);
    this.status = status;
    this.types = types;
  }

  int status() {
    return status;
  }

  /** Whether the failure, or what caused it, is of this kind. */
  boolean is(String type) {
    return (" " + types + " ").contains(" " + type + " ");
  }
}
