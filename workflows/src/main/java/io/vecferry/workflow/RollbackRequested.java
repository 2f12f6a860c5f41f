package io.vecferry.workflow;

/** Leaves the forward path of a migration: somebody or a policy decided to roll back. */
final class RollbackRequested extends RuntimeException {
  private static final long serialVersionUID = 1;

  RollbackRequested(String reason) {
    super(reason);
  }
}
