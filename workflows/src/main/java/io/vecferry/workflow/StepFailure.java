package io.vecferry.workflow;

import io.vecferry.plan.FailureClass;
import io.vecferry.plan.Phase;

/**
 * A step that failed and does not go on by itself.
 *
 * @param phase the phase it belongs to
 * @param subject what failed: the name of a part, or empty for a step on the whole
 * @param partition number of the partition, -1 for a step on the whole
 * @param part number of the part, -1 for a step on the whole
 * @param failureClass why, as a class
 * @param message why, for a person
 * @param atMillis when, in milliseconds since 1970
 */
public record StepFailure(
    Phase phase,
    String subject,
    int partition,
    int part,
    FailureClass failureClass,
    String message,
    long atMillis) {

  @Override
  public String toString() {
    return phase + (subject.isEmpty() ? "" : " " + subject) + " [" + failureClass + "] " + message;
  }
}
