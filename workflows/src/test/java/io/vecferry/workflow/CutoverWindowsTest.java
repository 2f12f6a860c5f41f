package io.vecferry.workflow;

import static org.assertj.core.api.Assertions.assertThat;

import io.temporal.client.WorkflowStub;
import java.time.Duration;
import java.time.Instant;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Readers are switched over inside of a window only. */
@Timeout(120)
class CutoverWindowsTest {
  static final String SUNDAYS =
      """
      , "schedule": {"cutoverWindows":
        [{"timeZone": "Europe/Berlin", "weekdays": ["sunday"], "start": "02:30", "duration": "2h"}]}
      """;

  /** Time of the cutover, as it was for the service. */
  private static final class Watched {
    private final FakeActivities activities = new FakeActivities(1, 2, false);
    private Instant cutover;

    private Scenario start(String start) {
      Scenario scenario = new Scenario(activities, Instant.parse(start));
      activities.watching.put("cutover", () -> cutover = scenario.now());
      return scenario;
    }
  }

  /** The clocks in Berlin are put forward on 2027-03-28 and back on 2026-10-25, at 01:00 UTC. */
  @ParameterizedTest
  @CsvSource({
    "2026-12-05T12:00:00Z, 2026-12-06T01:30:00Z",
    "2027-07-03T12:00:00Z, 2027-07-04T00:30:00Z",
    "2027-03-27T12:00:00Z, 2027-03-28T01:30:00Z",
    "2026-10-24T12:00:00Z, 2026-10-25T00:30:00Z",
    "2026-12-06T03:31:00Z, 2026-12-13T01:30:00Z",
  })
  void waitsForTheNextOpening(String start, String expected) {
    Watched watched = new Watched();
    try (Scenario scenario = watched.start(start)) {
      MigrationResult result = scenario.begin(SUNDAYS).getResult(MigrationResult.class);
      assertThat(result.outcome()).isEqualTo(Outcome.MIGRATED);
      assertThat(watched.cutover).isAfterOrEqualTo(Instant.parse(expected));
      assertThat(Duration.between(Instant.parse(expected), watched.cutover))
          .isLessThan(Duration.ofMinutes(30));
    }
  }

  @Test
  void doesNotWaitInsideOfAWindow() {
    Watched watched = new Watched();
    try (Scenario scenario = watched.start("2026-12-06T02:00:00Z")) {
      scenario.begin(SUNDAYS).getResult(MigrationResult.class);
      assertThat(watched.cutover).isBefore(Instant.parse("2026-12-06T03:30:00Z"));
    }
  }

  @Test
  void saysUntilWhenItWaitsAndCanBeRolledBack() throws Exception {
    FakeActivities activities = new FakeActivities(1, 2, false);
    try (Scenario scenario = new Scenario(activities, Instant.parse("2026-12-05T12:00:00Z"))) {
      WorkflowStub workflow = scenario.begin(SUNDAYS);
      scenario.awaitState(MigrationStatus.State.WAITING_FOR_WINDOW);
      assertThat(scenario.stub().status().waitingFor())
          .isEqualTo("the cutover window that opens on Sunday 2026-12-06 02:30 CET");
      assertThat(activities.calls()).contains("checkQuality").doesNotContain("cutover");
      scenario.stub().rollback(VerbRequest.of("ada", "not this week"));
      assertThat(workflow.getResult(MigrationResult.class).outcome())
          .isEqualTo(Outcome.ROLLED_BACK);
      assertThat(activities.calls()).doesNotContain("cutover");
    }
  }

  @Test
  void aPauseThatOutlastsAWindowWaitsForTheNextOne() throws Exception {
    Watched watched = new Watched();
    try (Scenario scenario = watched.start("2026-12-05T12:00:00Z")) {
      WorkflowStub workflow = scenario.begin(SUNDAYS);
      scenario.awaitState(MigrationStatus.State.WAITING_FOR_WINDOW);
      scenario.stub().pause(VerbRequest.of("ada", "freeze"));
      scenario.sleep(Duration.ofDays(2));
      scenario.awaitState(MigrationStatus.State.PAUSED);
      assertThat(watched.activities.calls()).doesNotContain("cutover");
      scenario.stub().resume(VerbRequest.of("ada", "freeze is over"));
      assertThat(workflow.getResult(MigrationResult.class).outcome()).isEqualTo(Outcome.MIGRATED);
      assertThat(watched.cutover)
          .isBetween(Instant.parse("2026-12-13T01:30:00Z"), Instant.parse("2026-12-13T02:00:00Z"));
    }
  }

  @Test
  void saysWhetherItsWorkWillEndBeforeTheWindowCloses() throws Exception {
    FakeActivities activities = new FakeActivities(1, 2, false);
    try (Scenario scenario = new Scenario(activities, Instant.parse("2026-12-05T12:00:00Z"))) {
      scenario.begin(SUNDAYS);
      MigrationStatus status = scenario.awaitState(MigrationStatus.State.WAITING_FOR_WINDOW);
      assertThat(Instant.ofEpochMilli(status.cutoverBefore())).isEqualTo("2026-12-06T03:30:00Z");
      assertThat(status.missesWindow(scenario.now().toEpochMilli())).isFalse();
      assertThat(status.missesWindow(status.cutoverBefore() + 1)).isTrue();
    }
  }

  @Test
  void theEarliestOfSeveralWindowsCounts() {
    Watched watched = new Watched();
    try (Scenario scenario = watched.start("2026-12-05T12:00:00Z")) {
      scenario
          .begin(
              """
              , "schedule": {"cutoverWindows": [
                {"timeZone": "Europe/Berlin", "weekdays": ["mon"], "start": "02:30", "duration": "2h"},
                {"timeZone": "America/New_York", "weekdays": ["sat"], "start": "22:00", "duration": "1h"}]}
              """)
          .getResult(MigrationResult.class);
      assertThat(watched.cutover)
          .isBetween(Instant.parse("2026-12-06T03:00:00Z"), Instant.parse("2026-12-06T03:30:00Z"));
    }
  }
}
