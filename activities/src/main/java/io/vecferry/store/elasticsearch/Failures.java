package io.vecferry.store.elasticsearch;

import io.vecferry.plan.FailureClass;
import java.util.Locale;

/** What a status and the name of a failure mean for a migration. Pure. */
final class Failures {
  private Failures() {}

  /**
   * @param types the server's names of the failure, separated by blanks
   * @param refused what it means when the server says that the request is wrong
   */
  static FailureClass of(int status, String types, String reason, FailureClass refused) {
    String lower = reason.toLowerCase(Locale.ROOT);
    if (types.contains("cluster_block_exception")) {
      // While a cluster has no master or recovers its state, it blocks too, and only for a while.
      if (status == 503) {
        return FailureClass.TRANSIENT;
      }
      return lower.contains("read-only / allow delete") || lower.contains("flood-stage")
          ? FailureClass.RESOURCE_EXHAUSTED
          : FailureClass.PERMISSION;
    }
    if (types.contains("index_not_found_exception")) {
      return FailureClass.MISSING;
    }
    if (types.contains("index_closed_exception")) {
      return FailureClass.INCOMPATIBLE;
    }
    if (types.contains("resource_already_exists_exception")
        || types.contains("invalid_alias_name_exception")) {
      return FailureClass.TARGET_CHANGED;
    }
    if (types.contains("validation_exception") && lower.contains("maximum")) {
      return FailureClass.RESOURCE_EXHAUSTED;
    }
    return switch (status) {
      case 401, 403 -> FailureClass.PERMISSION;
      case 404 -> FailureClass.MISSING;
      case 409 -> FailureClass.TARGET_CHANGED;
      case 413 -> FailureClass.TOO_LARGE;
      case 408 -> FailureClass.TRANSIENT;
      case 429 -> FailureClass.RATE_LIMITED;
      default -> status < 500 || status == 501 ? refused : FailureClass.TRANSIENT;
    };
  }
}
