package io.vecferry.cli;

import io.vecferry.plan.FailureClass;
import io.vecferry.store.StoreException;
import io.vecferry.workflow.MigrationStatus;
import io.vecferry.workflow.StepFailure;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/** Places of the documentation that say more about an error. */
enum Guide {
  SPEC("docs/spec.md"),
  NO_WORKER("docs/runbook.md#vecferrynoworker"),
  TEMPORAL("docs/temporal.md#starting");

  private final String place;

  Guide(String place) {
    this.place = place;
  }

  /** File and section. */
  String place() {
    return place;
  }

  /** The section about a class of failures. */
  static String to(FailureClass failureClass) {
    return "docs/runbook.md#" + failureClass.name().toLowerCase(Locale.ROOT);
  }

  /** Where an error of a command is explained, if anywhere. */
  static Optional<String> to(Exception failure) {
    if (failure instanceof UserError error) {
      return error.guide().map(Guide::place);
    }
    return failure instanceof StoreException error
        ? Optional.of(to(error.failureClass()))
        : Optional.empty();
  }

  /** The sections about what a migration waits for a person with. */
  static List<String> to(MigrationStatus status) {
    return status.failures().stream()
        .map(StepFailure::failureClass)
        .distinct()
        .map(Guide::to)
        .toList();
  }
}
