package io.vecferry.phase;

import static org.assertj.core.api.Assertions.assertThat;

import io.temporal.failure.ApplicationFailure;
import io.vecferry.activity.StepProgress;
import io.vecferry.plan.FailureClass;
import java.time.Duration;
import org.junit.jupiter.api.Test;

class PatienceTest {
  private static final long NOW = 1_000_000_000_000L;
  private static final Duration AT_ONCE = Duration.ZERO;

  private final Patience patience = new Patience(Duration.ofMinutes(30));

  @Test
  void pausesGrowToAMinuteAndEndInAQuestion() {
    StepProgress progress = StepProgress.none("p000-000001").at(500, 0);
    for (long pause : new long[] {1, 2, 4, 8, 16, 32, 60, 60}) {
      Patience.Verdict verdict = judge(progress, FailureClass.TRANSIENT, AT_ONCE);
      assertThat(verdict.failure().getNextRetryDelay()).isEqualTo(Duration.ofSeconds(pause));
      assertThat(verdict.failure().isNonRetryable()).isFalse();
      progress = verdict.progress();
    }
    // 1 + 2 + 4 + 8 + 16 + 32 seconds, and a minute each after that: 30 minutes with the 36th.
    assertThat(attemptsUntilGivenUp(progress, FailureClass.TRANSIENT, AT_ONCE)).isEqualTo(28);
  }

  @Test
  void saysWhatWasTried() {
    StepProgress progress = StepProgress.none("");
    Patience.Verdict verdict = judge(progress, FailureClass.RATE_LIMITED, AT_ONCE);
    while (!verdict.failure().isNonRetryable()) {
      assertThat(verdict.failure().getNextRetryDelay()).isEqualTo(Duration.ofSeconds(15));
      verdict = judge(verdict.progress(), FailureClass.RATE_LIMITED, AT_ONCE);
    }
    assertThat(verdict.failure().getType()).isEqualTo("RATE_LIMITED");
    assertThat(verdict.failure().getOriginalMessage())
        .isEqualTo("no answer (given up: it got no further for 30 min, in 121 attempts)");
    assertThat(verdict.failure().getCause()).hasMessage("refused");
    assertThat(verdict.progress().failingSinceMillis()).isEqualTo(NOW);
  }

  @Test
  void gettingFurtherBeginsAnew() {
    StepProgress progress = StepProgress.none("p000-000001").at(500, 500);
    for (int failure = 0; failure < 30; failure++) {
      progress = judge(progress, FailureClass.TRANSIENT, AT_ONCE).progress();
    }
    // Up to where an earlier attempt has been is no progress.
    assertThat(progress.at(400, 0).failed()).isEqualTo(30);
    assertThat(progress.at(500, 0).failed()).isEqualTo(30);
    StepProgress further = progress.at(501, 0);
    assertThat(further.failed()).isZero();
    Patience.Verdict verdict = judge(further, FailureClass.TRANSIENT, AT_ONCE);
    assertThat(verdict.failure().getNextRetryDelay()).isEqualTo(Duration.ofSeconds(1));
    // 1 + 2 + 4 + 8 + 16 + 32 seconds, then 29 pauses of a minute.
    assertThat(attemptsUntilGivenUp(further, FailureClass.TRANSIENT, AT_ONCE)).isEqualTo(36);
  }

  @Test
  void longAttemptsDoNotUseItUpAtOnce() {
    StepProgress progress = StepProgress.none("");
    assertThat(attemptsUntilGivenUp(progress, FailureClass.RATE_LIMITED, Duration.ofHours(3)))
        .isEqualTo(25);
  }

  @Test
  void noLimit() {
    StepProgress progress = StepProgress.none("");
    for (int failure = 0; failure < 1000; failure++) {
      Patience.Verdict verdict =
          new Patience(Duration.ZERO)
              .judge(progress, failure(FailureClass.TRANSIENT), Duration.ofHours(1), NOW);
      assertThat(verdict.failure().isNonRetryable()).isFalse();
      progress = verdict.progress();
    }
  }

  private int attemptsUntilGivenUp(
      StepProgress start, FailureClass failureClass, Duration attempt) {
    Patience.Verdict verdict = judge(start, failureClass, attempt);
    int attempts = 1;
    while (!verdict.failure().isNonRetryable()) {
      verdict = judge(verdict.progress(), failureClass, attempt);
      attempts++;
    }
    return attempts;
  }

  private Patience.Verdict judge(
      StepProgress progress, FailureClass failureClass, Duration attempt) {
    return patience.judge(progress, failure(failureClass), attempt, NOW);
  }

  private static ApplicationFailure failure(FailureClass failureClass) {
    return ApplicationFailure.newFailureWithCause(
        "no answer", failureClass.name(), new IllegalStateException("refused"));
  }
}
