package io.vecferry.workflow;

import io.temporal.failure.ActivityFailure;
import io.temporal.failure.ApplicationFailure;
import io.temporal.failure.CanceledFailure;
import io.temporal.failure.ChildWorkflowFailure;
import io.temporal.failure.TemporalFailure;
import io.temporal.failure.TimeoutFailure;
import io.temporal.workflow.Workflow;
import io.vecferry.plan.FailureClass;
import io.vecferry.plan.Phase;

/** Reads Temporal's failures. */
final class Failures {
  private Failures() {}

  /** Whether the failure only says that the work was cancelled. */
  static boolean isCancellation(TemporalFailure failure) {
    return failure instanceof CanceledFailure || failure.getCause() instanceof CanceledFailure;
  }

  /** The failure of a step as a record for people. */
  static StepFailure ofStep(
      Phase phase, String subject, int partition, int part, TemporalFailure failure) {
    Throwable cause = failure;
    while (cause instanceof ActivityFailure || cause instanceof ChildWorkflowFailure) {
      cause = cause.getCause();
    }
    FailureClass failureClass = FailureClass.BUG;
    String message = String.valueOf(cause.getMessage());
    if (cause instanceof ApplicationFailure application) {
      message = application.getOriginalMessage();
      failureClass = classNamed(application.getType());
      if (failureClass == FailureClass.BUG) {
        message = application.getType() + ": " + message;
      }
    } else if (cause instanceof TimeoutFailure) {
      failureClass = FailureClass.TRANSIENT;
    }
    return new StepFailure(
        phase, subject, partition, part, failureClass, message, Workflow.currentTimeMillis());
  }

  private static FailureClass classNamed(String type) {
    for (FailureClass candidate : FailureClass.values()) {
      if (candidate.name().equals(type)) {
        return candidate;
      }
    }
    return FailureClass.BUG;
  }
}
