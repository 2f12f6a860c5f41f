package io.vecferry.cli;

import java.util.Optional;

/** Something that the user can mend; printed without a stack trace, exit code 1. */
final class UserError extends RuntimeException {
  private static final long serialVersionUID = 1;

  private final Guide guide;

  UserError(String message) {
    this(message, null);
  }

  /**
   * @param guide where more is said about it; null for nowhere
   */
  UserError(String message, Guide guide) {
    super(message);
    this.guide = guide;
  }

  Optional<Guide> guide() {
    return Optional.ofNullable(guide);
  }
}
