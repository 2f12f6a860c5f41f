package io.vecferry.cli;

/** Something that the user can mend; printed without a stack trace, exit code 1. */
final class UserError extends RuntimeException {
  private static final long serialVersionUID = 1;

  UserError(String message) {
    super(message);
  }
}
