package io.vecferry.workflow;

import io.temporal.failure.TemporalFailure;
import io.vecferry.plan.FailureClass;
import io.vecferry.plan.Phase;
import java.time.Instant;
import java.util.List;
import java.util.Optional;

/**
 * A step that failed: it does not go on by itself, or, among those of a status that are tried
 * again, it does.
 *
 * @param phase the phase it belongs to
 * @param subject what failed: the name of a part, or empty for a step on the whole
 * @param partition number of the partition, -1 for a step on the whole
 * @param part number of the part, -1 for a step on the whole
 * @param failureClass why, as a class
 * @param message why, for a person
 * @param atMillis when, in milliseconds since 1970
 * @param where store and collection, or archive, that it was about; empty where there is no plan
 * @param causes what was behind it, the nearest first
 * @param attempts attempts made so far, also before earlier decisions
 * @param sinceMillis when the first attempt was asked for, in milliseconds since 1970
 * @param skippable whether it may be skipped: no record would be lost
 */
public record StepFailure(
    Phase phase,
    String subject,
    int partition,
    int part,
    FailureClass failureClass,
    String message,
    long atMillis,
    String where,
    List<String> causes,
    int attempts,
    long sinceMillis,
    boolean skippable) {

  public StepFailure {
    where = where == null ? "" : where;
    causes = causes == null ? List.of() : List.copyOf(causes);
  }

  /**
   * A step that is tried again without a person; of a part by its name only.
   *
   * @param failure what the last attempt ended with
   * @param atMillis when it ended, in milliseconds since 1970
   * @param attempts attempts that have been made
   * @param sinceMillis since when it gets no further, in milliseconds since 1970
   */
  public static StepFailure triedAgain(
      Phase phase,
      String subject,
      TemporalFailure failure,
      long atMillis,
      int attempts,
      long sinceMillis) {
    return Failures.ofStep(phase, subject, -1, -1, false, failure, atMillis)
        .seenFrom("", attempts, sinceMillis);
  }

  /** Whether it is about the same step. */
  boolean isSameStep(StepFailure other) {
    return phase == other.phase && subject.equals(other.subject);
  }

  /** Whether it says that records differ, which may be loaded again. */
  boolean repairable() {
    return phase == Phase.VALIDATE_IMPORT && failureClass == FailureClass.NOT_PROVED;
  }

  /** The step that is next for the part when this one is skipped. */
  Optional<StepFailure> next(List<Phase> steps) {
    int next = steps.indexOf(phase) + 1;
    return next == steps.size()
        ? Optional.empty()
        : Optional.of(copy(steps.get(next), where, attempts, sinceMillis));
  }

  /** The same with what only the migration knows. */
  StepFailure seenFrom(String place, int allAttempts, long firstMillis) {
    return copy(phase, place, allAttempts, firstMillis);
  }

  private StepFailure copy(Phase step, String place, int allAttempts, long firstMillis) {
    return new StepFailure(
        step,
        subject,
        partition,
        part,
        failureClass,
        message,
        atMillis,
        place,
        causes,
        allAttempts,
        firstMillis,
        skippable);
  }

  /** What was tried, for a person. */
  public String tried() {
    return attempts
        + (attempts == 1 ? " attempt" : " attempts")
        + " since "
        + Instant.ofEpochMilli(sinceMillis);
  }

  @Override
  public String toString() {
    return phase + (subject.isEmpty() ? "" : " " + subject) + " [" + failureClass + "] " + message;
  }
}
