package io.vecferry.workflow;

import static org.assertj.core.api.Assertions.assertThat;

import io.temporal.api.history.v1.HistoryEvent;
import io.temporal.common.WorkflowExecutionHistory;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * A Temporal service ends a workflow at 51,200 events and warns from 10,240 on; the UI and a replay
 * get slow well before. Numbers go to standard output.
 */
@Tag("slow")
@Timeout(600)
class HistoryBudgetTest {
  private static final int PARENT_LIMIT = 10_000;
  private static final int EVENTS_PER_PARTITION = 100;

  /** Of 100 parts each; 200 are a billion records in parts of 50,000. */
  private static final int PARTITIONS = Integer.getInteger("vecferry.history.partitions", 100);

  private static final int CHILD_LIMIT = 5_000;
  private static final int EVENTS_PER_PART = 30;
  private static final int LARGEST_EVENT = 256 << 10;

  @ParameterizedTest
  @ValueSource(ints = {10, 300})
  void partsOfAnInlineMigrationCostFewEvents(int parts) {
    try (Scenario scenario = new Scenario(new FakeActivities(2, parts / 2, false))) {
      assertThat(scenario.begin().getResult(MigrationResult.class).outcome())
          .isEqualTo(Outcome.MIGRATED);

      WorkflowExecutionHistory history = scenario.history();
      print(parts + " parts, inline", history, parts);
      assertThat(history.getEvents()).hasSizeLessThan(100 + EVENTS_PER_PART * parts);
      assertThat(history.getEvents()).hasSizeLessThan(PARENT_LIMIT);
      assertSmall(history);
    }
  }

  @Test
  void manyPartsStayFarBelowTheLimits() throws Exception {
    FakeActivities activities = new FakeActivities(PARTITIONS, 100, true);
    activities.parallelism = 8;
    try (Scenario scenario = new Scenario(activities)) {
      scenario.forgetDiagnostics();
      MigrationResult result = scenario.begin().getResult(MigrationResult.class);
      assertThat(result.outcome()).isEqualTo(Outcome.MIGRATED);
      assertThat(result.rows()).isEqualTo(PARTITIONS * 100L * FakeActivities.ROWS_PER_PART);

      WorkflowExecutionHistory parent = scenario.history();
      print(PARTITIONS + " partitions, the migration", parent, PARTITIONS * 100);
      assertThat(parent.getEvents()).hasSizeLessThan(EVENTS_PER_PARTITION * PARTITIONS);
      assertSmall(parent);
      List<WorkflowExecutionHistory> runs = childRuns(scenario);
      WorkflowExecutionHistory longest = runs.get(0);
      for (WorkflowExecutionHistory run : runs) {
        longest = run.getEvents().size() > longest.getEvents().size() ? run : longest;
        assertThat(run.getEvents()).hasSizeLessThan(CHILD_LIMIT);
        assertSmall(run);
      }
      print(
          PARTITIONS + " partitions, longest of " + runs.size() + " partition runs", longest, 100);
    }
  }

  @Test
  void longPartitionsContinueAsNew() {
    try (Scenario scenario = new Scenario(new FakeActivities(1, 250, true))) {
      assertThat(scenario.begin().getResult(MigrationResult.class).outcome())
          .isEqualTo(Outcome.MIGRATED);

      // Three runs for export, validation and import, three for the comparison.
      assertThat(childRuns(scenario))
          .hasSize(6)
          .allSatisfy(run -> assertThat(run.getEvents()).hasSizeLessThan(CHILD_LIMIT));
    }
  }

  private static List<WorkflowExecutionHistory> childRuns(Scenario scenario) {
    List<WorkflowExecutionHistory> runs = new ArrayList<>();
    for (WorkflowExecutionHistory child : scenario.childHistories()) {
      Optional<WorkflowExecutionHistory> run = Optional.of(child);
      while (run.isPresent()) {
        runs.add(run.get());
        run = scenario.next(run.get());
      }
    }
    return runs;
  }

  private static void assertSmall(WorkflowExecutionHistory history) {
    assertThat(history.getEvents())
        .allSatisfy(event -> assertThat(event.getSerializedSize()).isLessThan(LARGEST_EVENT));
  }

  private static void print(String what, WorkflowExecutionHistory history, int parts) {
    int events = history.getEvents().size();
    int largest =
        history.getEvents().stream().mapToInt(HistoryEvent::getSerializedSize).max().orElse(0);
    System.out.println(
        String.format(
            Locale.ROOT,
            "%s: %,d events, %.2f per part, %,d bytes, largest event %,d bytes",
            what,
            events,
            (double) events / parts,
            history.getHistory().getSerializedSize(),
            largest));
  }
}
