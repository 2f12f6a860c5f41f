package io.vecferry.phase;

import io.temporal.failure.ApplicationFailure;
import io.vecferry.activity.StepProgress;
import io.vecferry.plan.FailureClass;
import java.time.Duration;

/**
 * How long a step that gets no further is tried again before a person is asked. Counts what the
 * attempts and the pauses between them took, and not the time of the day: a jump of the clock, or
 * hours without a worker, use nothing up.
 *
 * @param limit zero for no limit
 */
record Patience(Duration limit) {
  /** A store that asks to slow down is left alone for this long. */
  private static final Duration RATE_LIMIT_PAUSE = Duration.ofSeconds(15);

  private static final Duration LONGEST_PAUSE = Duration.ofMinutes(1);

  /** Long attempts must not use the patience up before there were some of them. */
  private static final Duration LONGEST_COUNTED = Duration.ofMinutes(1);

  /** What has become of a step. */
  record Verdict(StepProgress progress, ApplicationFailure failure) {}

  /**
   * Decides about a failure that trying again may help against.
   *
   * @param progress how far the step was, and how often it had failed
   * @param stuck for how long this attempt has got no further
   * @param nowMillis the time, in milliseconds since 1970
   */
  Verdict judge(StepProgress progress, ApplicationFailure failure, Duration stuck, long nowMillis) {
    Duration counted = stuck.compareTo(LONGEST_COUNTED) < 0 ? stuck : LONGEST_COUNTED;
    Duration pause = pause(progress.failed(), failure.getType());
    StepProgress after =
        progress.failed(counted.plus(pause).toMillis(), nowMillis - stuck.toMillis());
    Duration tried = Duration.ofMillis(after.triedMillis()).minus(pause);
    boolean givenUp = !limit.isZero() && tried.compareTo(limit) >= 0;
    ApplicationFailure.Builder next =
        ApplicationFailure.newBuilder(failure)
            .setCause(failure.getCause())
            .setNonRetryable(givenUp);
    if (givenUp) {
      next.setMessage(
          failure.getOriginalMessage()
              + " (given up: it got no further for "
              + minutes(tried)
              + ", in "
              + after.failed()
              + " attempts)");
    } else {
      next.setNextRetryDelay(pause);
    }
    return new Verdict(after, next.build());
  }

  /** How long to wait after so many failures that came before this one. */
  private static Duration pause(int failedBefore, String type) {
    if (type.equals(FailureClass.RATE_LIMITED.name())) {
      return RATE_LIMIT_PAUSE;
    }
    Duration pause = Duration.ofSeconds(1L << Math.min(failedBefore, 10));
    return pause.compareTo(LONGEST_PAUSE) < 0 ? pause : LONGEST_PAUSE;
  }

  private static String minutes(Duration duration) {
    return duration.toMinutes() == 0 ? duration.toSeconds() + " s" : duration.toMinutes() + " min";
  }
}
