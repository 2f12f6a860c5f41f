package io.vecferry.workflow;

import static org.assertj.core.api.Assertions.assertThat;

import io.vecferry.plan.Forecast.PhaseTime;
import io.vecferry.plan.Phase;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** 1,000 records, planned with 100 seconds for each phase that works by parts. */
class TimeLeftTest {
  private static final List<PhaseTime> PLANNED =
      List.of(
          new PhaseTime(Phase.EXPORT, 100),
          new PhaseTime(Phase.VALIDATE_EXPORT, 100),
          new PhaseTime(Phase.IMPORT, 100),
          new PhaseTime(Phase.VALIDATE_IMPORT, 100),
          new PhaseTime(Phase.QUALITY_CHECK, 20));

  private double underway = 0;
  private final List<PhaseProgress> phases = new ArrayList<>();
  private final Map<Phase, Long> records =
      new EnumMap<>(
          Map.of(
              Phase.EXPORT, 1000L,
              Phase.VALIDATE_EXPORT, 1000L,
              Phase.IMPORT, 1000L,
              Phase.VALIDATE_IMPORT, 1000L));

  @Test
  void planCountsBeforeAnythingWasAchieved() {
    running(Phase.EXPORT, 10, 0, 0);
    running(Phase.VALIDATE_EXPORT, 10, 0, 0);
    waiting(Phase.IMPORT);
    waiting(Phase.VALIDATE_IMPORT);
    waiting(Phase.QUALITY_CHECK);
    assertThat(left(PLANNED)).isEqualTo(90 + 220);
  }

  @Test
  void whatWasAchievedCounts() {
    done(Phase.EXPORT, 100);
    running(Phase.VALIDATE_EXPORT, 60, 500, 0);
    running(Phase.IMPORT, 20, 200, 0);
    waiting(Phase.VALIDATE_IMPORT);
    waiting(Phase.QUALITY_CHECK);
    assertThat(left(PLANNED)).isEqualTo(80 + 120);
  }

  @Test
  void whatIsToComeIsAsFastAsWhatWas() {
    done(Phase.EXPORT, 10_000);
    running(Phase.IMPORT, 50, 1000, 0);
    waiting(Phase.VALIDATE_IMPORT);
    waiting(Phase.QUALITY_CHECK);
    assertThat(left(PLANNED)).isEqualTo(50 + 10);
  }

  /** Two parts of 400 records are half done, beside 100 that are done. */
  @Test
  void partsThatAreWorkedOnCountHalf() {
    underway = 0.8;
    running(Phase.IMPORT, 10, 100, 0);
    assertThat(left(PLANNED)).isEqualTo(10);
  }

  @Test
  void whatIsToComeIsAtMostFourTimesAsSlow() {
    done(Phase.IMPORT, 10_000);
    waiting(Phase.VALIDATE_IMPORT);
    assertThat(left(PLANNED)).isEqualTo(400);
  }

  @Test
  void whatAnEarlierRunHadDoneIsNoSpeed() {
    done(Phase.EXPORT, 100);
    done(Phase.VALIDATE_EXPORT, 100);
    running(Phase.IMPORT, 10, 900, 800);
    assertThat(left(PLANNED)).isEqualTo(10);
  }

  @Test
  void withoutPlannedTimesOnlyWhatWasAchievedCounts() {
    running(Phase.EXPORT, 60, 1000, 0);
    running(Phase.VALIDATE_EXPORT, 60, 600, 0);
    running(Phase.IMPORT, 60, 400, 0);
    waiting(Phase.VALIDATE_IMPORT);
    assertThat(left(List.of())).isEqualTo(60);
  }

  @Test
  void aSampleIsDoneWhenAllOfItIs() {
    records.put(Phase.VALIDATE_IMPORT, 100L);
    running(Phase.VALIDATE_IMPORT, 30, 50, 0);
    waiting(Phase.QUALITY_CHECK);
    assertThat(left(PLANNED)).isEqualTo(30 + 12);
  }

  @Test
  void nobodyCanTell() {
    running(Phase.EXPORT, 60, 10, 0);
    assertThat(left(List.of())).isNull();
  }

  private Long left(List<PhaseTime> planned) {
    return new TimeLeft(planned, records, phases, phase -> underway, 1_000_000).seconds();
  }

  private void waiting(Phase phase) {
    add(phase, PhaseProgress.State.WAITING, 0, 0, 0);
  }

  private void done(Phase phase, long seconds) {
    phases.add(
        new PhaseProgress(
            phase, PhaseProgress.State.DONE, 0, 1000, 0, 0, 1_000, 1_000 + seconds * 1000, ""));
  }

  private void running(Phase phase, long seconds, long rows, long reused) {
    add(phase, PhaseProgress.State.RUNNING, rows, reused, 1_000_000 - seconds * 1000);
  }

  private void add(Phase phase, PhaseProgress.State state, long rows, long reused, long started) {
    phases.add(new PhaseProgress(phase, state, 0, rows, reused, 0, started, 0, ""));
  }
}
