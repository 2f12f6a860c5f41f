package io.vecferry.workflow;

import io.temporal.failure.ActivityFailure;
import io.temporal.failure.ApplicationFailure;
import io.temporal.failure.CanceledFailure;
import io.temporal.failure.ChildWorkflowFailure;
import io.temporal.failure.TemporalFailure;
import io.temporal.failure.TimeoutFailure;
import io.temporal.workflow.Workflow;
import io.vecferry.activity.Attempts;
import io.vecferry.plan.FailureClass;
import io.vecferry.plan.Phase;
import java.util.ArrayList;
import java.util.List;

/** Reads Temporal's failures. */
final class Failures {
  /** A message is for a person and travels in payloads: more than this of it helps nobody. */
  private static final int LONGEST_MESSAGE = 1_000;

  private static final int LONGEST_CAUSE = 200;
  private static final int MOST_CAUSES = 3;

  private Failures() {}

  /** Whether the failure only says that the work was cancelled. */
  static boolean isCancellation(TemporalFailure failure) {
    return failure instanceof CanceledFailure || failure.getCause() instanceof CanceledFailure;
  }

  /** What went wrong, for a person. */
  static String message(TemporalFailure failure) {
    Throwable cause = innermost(failure);
    return shortened(
        cause instanceof ApplicationFailure application
            ? String.valueOf(application.getOriginalMessage())
            : String.valueOf(cause.getMessage()),
        LONGEST_MESSAGE);
  }

  /** The failure of a step on the whole as a record for people. */
  static StepFailure ofWhole(Phase phase, boolean skippable, TemporalFailure failure) {
    return ofStep(phase, "", -1, -1, skippable, failure, Workflow.currentTimeMillis());
  }

  /** The failure of a step on a part as a record for people. */
  static StepFailure ofPart(
      Phase phase, String subject, int partition, int part, TemporalFailure failure) {
    boolean skippable = phase != Phase.EXPORT && phase != Phase.IMPORT;
    return ofStep(
        phase, subject, partition, part, skippable, failure, Workflow.currentTimeMillis());
  }

  /** The failure of a step at a time, in milliseconds since 1970, as a record for people. */
  static StepFailure ofStep(
      Phase phase,
      String subject,
      int partition,
      int part,
      boolean skippable,
      TemporalFailure failure,
      long now) {
    Throwable cause = innermost(failure);
    Attempts attempts = new Attempts(1, now);
    FailureClass failureClass = FailureClass.BUG;
    String message = String.valueOf(cause.getMessage());
    if (cause instanceof ApplicationFailure application) {
      message = application.getOriginalMessage();
      failureClass = FailureClass.named(application.getType());
      if (failureClass == FailureClass.BUG) {
        message = application.getType() + ": " + message;
      }
      if (application.getDetails().getSize() > 0) {
        attempts = application.getDetails().get(Attempts.class);
      }
    } else if (cause instanceof TimeoutFailure) {
      failureClass = FailureClass.TRANSIENT;
    }
    return new StepFailure(
        phase,
        subject,
        partition,
        part,
        failureClass,
        shortened(message, LONGEST_MESSAGE),
        now,
        "",
        causes(cause, message),
        attempts.attempts(),
        attempts.sinceMillis(),
        skippable);
  }

  /** What a step has failed with. */
  private static Throwable innermost(TemporalFailure failure) {
    Throwable cause = failure;
    while (cause instanceof ActivityFailure || cause instanceof ChildWorkflowFailure) {
      cause = cause.getCause();
    }
    return cause;
  }

  /** What is behind a failure, without what only says the same again. */
  private static List<String> causes(Throwable failure, String message) {
    List<String> causes = new ArrayList<>();
    String said = message;
    for (Throwable cause = failure.getCause();
        cause != null && causes.size() < MOST_CAUSES;
        cause = cause.getCause()) {
      String text = String.valueOf(cause.getMessage());
      String type = "";
      if (cause instanceof ApplicationFailure application) {
        text = String.valueOf(application.getOriginalMessage());
        type = application.getType().substring(application.getType().lastIndexOf('.') + 1) + ": ";
      }
      if (!said.contains(text)) {
        causes.add(shortened(type + text, LONGEST_CAUSE));
        said = text;
      }
    }
    return causes;
  }

  private static String shortened(String text, int limit) {
    return text.length() <= limit ? text : text.substring(0, limit) + " ...";
  }
}
