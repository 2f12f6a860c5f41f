package io.vecferry.workflow;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.temporal.client.WorkflowStub;
import io.vecferry.plan.ExistingTarget;
import io.vecferry.plan.NameSwitch;
import io.vecferry.plan.PlannedSide;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What becomes of a collection that was replaced, after the migration. */
@Timeout(120)
class RetentionTest {
  private static final String FOR_A_WEEK = ", \"archive\": {\"deleteOldCollectionAfter\": \"7d\"}";

  static FakeActivities replacing() {
    FakeActivities activities = new FakeActivities(1, 1, false);
    activities.existing =
        new ExistingTarget(
            new PlannedSide("fake", "name", List.of(), List.of(), 10, -1, Map.of(), "", null),
            false);
    activities.nameSwitch =
        new NameSwitch(
            "name", "load", "old", "old", NameSwitch.Gap.NONE, true, "an alias moves", Map.of());
    return activities;
  }

  private static WorkflowStub retention(Scenario scenario) {
    return scenario.client().newUntypedWorkflowStub(RetentionWorkflow.workflowId("m"));
  }

  private static RetentionWorkflow verbs(Scenario scenario) {
    return scenario
        .client()
        .newWorkflowStub(RetentionWorkflow.class, RetentionWorkflow.workflowId("m"));
  }

  private static RetentionStatus end(Scenario scenario) {
    return retention(scenario).getResult(RetentionStatus.class);
  }

  @Test
  void whatWasReplacedIsDroppedWhenItsTimeIsUp() {
    try (Scenario scenario = new Scenario(replacing())) {
      scenario.begin(FOR_A_WEEK).getResult(MigrationResult.class);
      assertThat(scenario.activities.calls()).doesNotContain("endRetention");
      RetentionStatus status = end(scenario);
      assertThat(status.state()).isEqualTo(RetentionStatus.State.FINALIZED);
      assertThat(status.actions()).isEmpty();
      assertThat(scenario.activities.calls()).contains("endRetention");
    }
  }

  @Test
  void rollbackAfterTheEndUndoesNewestFirst() {
    try (Scenario scenario = new Scenario(replacing())) {
      scenario.begin().getResult(MigrationResult.class);
      assertThatThrownBy(() -> verbs(scenario).rollback(VerbRequest.of("ada", " ")))
          .hasStackTraceContaining("rollback needs a reason");
      verbs(scenario).rollback(VerbRequest.of("ada", "wrong source"));
      RetentionStatus status = end(scenario);
      assertThat(status.state()).isEqualTo(RetentionStatus.State.ROLLED_BACK);
      assertThat(status.undo())
          .extracting(UndoStep::state)
          .containsExactly(UndoStep.State.DONE, UndoStep.State.DONE);
      assertThat(scenario.activities.calls().stream().filter(c -> c.startsWith("compensate")))
          .containsExactly("compensate SWITCH_BACK", "compensate DROP_LOAD");
    }
  }

  @Test
  void whatDoesNotWorkCanBeAskedForAgain() throws Exception {
    try (Scenario scenario = new Scenario(replacing())) {
      scenario.activities.failing.add("endRetention");
      scenario.activities.failing.add("compensate DROP_LOAD");
      scenario.begin().getResult(MigrationResult.class);
      verbs(scenario).end(VerbRequest.of("ada", "all is well"));
      awaitState(scenario, RetentionStatus.State.FAILED);
      assertThat(verbs(scenario).status().sentence()).startsWith("endRetention does not work");
      verbs(scenario).rollback(VerbRequest.of("ada", "then not"));
      scenario.awaitCall("compensate DROP_LOAD");
      awaitState(scenario, RetentionStatus.State.FAILED);
      assertThatThrownBy(() -> verbs(scenario).end(VerbRequest.of("ada", "then so")))
          .hasStackTraceContaining("finalize is not possible: a rollback has begun");
      scenario.activities.failing.clear();
      verbs(scenario).rollback(VerbRequest.of("ada", "permission granted"));
      awaitState(scenario, RetentionStatus.State.ROLLED_BACK);
      assertThat(end(scenario).state()).isEqualTo(RetentionStatus.State.ROLLED_BACK);
    }
  }

  @Test
  void nothingIsKeptWhenNothingWasReplaced() {
    try (Scenario scenario = new Scenario(new FakeActivities(1, 1, false))) {
      scenario.begin().getResult(MigrationResult.class);
      assertThatThrownBy(() -> verbs(scenario).status())
          .isInstanceOf(io.temporal.client.WorkflowNotFoundException.class);
    }
  }

  @Test
  void theArchiveMovesWhenNoRollbackNeedsIt() throws Exception {
    String moving = ", \"archive\": {\"moveTo\": \"cold\"}";
    FakeActivities free = new FakeActivities(1, 1, false);
    try (Scenario scenario = new Scenario(free)) {
      free.failing.add("moveArchive");
      WorkflowStub workflow = scenario.begin(moving);
      scenario.awaitState(MigrationStatus.State.NEEDS_ATTENTION);
      assertThat(scenario.stub().status().archive()).isEqualTo("archive");
      assertThat(scenario.stub().status().choices())
          .extracting(VerbChoice::verb)
          .containsExactly(Verb.RETRY, Verb.SKIP);
      free.failing.clear();
      scenario.stub().retry(VerbRequest.of("ada", "the disk is mounted"));
      assertThat(workflow.getResult(MigrationResult.class).outcome()).isEqualTo(Outcome.MIGRATED);
      assertThat(scenario.stub().status().archive()).isEqualTo("cold/m");
      // So that the report is written where the archive is.
      assertThat(free.calls()).endsWith("cutover", "moveArchive", "moveArchive", "writeReport");
      assertThat(free.reported.archive()).isEqualTo("cold/m");
    }
    try (Scenario scenario = new Scenario(replacing())) {
      scenario.begin(moving).getResult(MigrationResult.class);
      assertThat(scenario.activities.calls()).doesNotContain("moveArchive");
    }
    FakeActivities refused = new FakeActivities(1, 1, false);
    refused.failing.add("cutover");
    try (Scenario scenario = new Scenario(refused)) {
      WorkflowStub workflow = scenario.begin(moving);
      scenario.awaitState(MigrationStatus.State.NEEDS_ATTENTION);
      scenario.stub().rollback(VerbRequest.of("ada", "not now"));
      workflow.getResult(MigrationResult.class);
      assertThat(refused.calls()).doesNotContain("moveArchive");
    }
  }

  private static void awaitState(Scenario scenario, RetentionStatus.State state)
      throws InterruptedException {
    long deadline = System.nanoTime() + 60_000_000_000L;
    while (verbs(scenario).status().state() != state) {
      if (System.nanoTime() > deadline) {
        throw new IllegalStateException("deadline, last " + verbs(scenario).status());
      }
      Thread.sleep(20);
    }
  }
}
