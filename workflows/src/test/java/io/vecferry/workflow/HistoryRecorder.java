package io.vecferry.workflow;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.temporal.client.WorkflowFailedException;
import io.temporal.client.WorkflowStub;
import io.temporal.common.WorkflowExecutionHistory;
import io.temporal.failure.ApplicationFailure;
import io.vecferry.activity.CatchUpPass;
import io.vecferry.plan.ExistingTarget;
import io.vecferry.plan.Phase;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;

/**
 * Writes the histories that {@link HistoryReplayTest} replays. Not part of a build, because its
 * name does not end in Test; CONTRIBUTING.md says when it may be run.
 */
class HistoryRecorder {
  private static final Path FOLDER = Path.of("src/test/resources/histories");

  @Test
  void migrated() throws IOException {
    try (Scenario scenario = new Scenario(new FakeActivities(2, 3, false))) {
      scenario.begin().getResult(MigrationResult.class);
      write("migrated", scenario.history());
    }
  }

  @Test
  void leaseGivenBack() throws IOException {
    try (Scenario scenario = new Scenario(new FakeActivities(1, 2, false))) {
      scenario.begin().getResult(MigrationResult.class);
      write("lease-given-back", scenario.history());
      write("lease", scenario.client().fetchHistory("target-lease/faiss b"));
    }
  }

  @Test
  void rolledBackByCancel() throws Exception {
    try (Scenario scenario = new Scenario(new FakeActivities(2, 4, false))) {
      scenario.activities.holding.put("import p000-000001", new CountDownLatch(1));
      WorkflowStub workflow = scenario.begin();
      scenario.awaitStatus(s -> s.phases().get(Phase.IMPORT.ordinal()).partsDone() == 7);
      workflow.cancel("wrong target");
      assertThatThrownBy(() -> workflow.getResult(MigrationResult.class))
          .isInstanceOf(WorkflowFailedException.class);
      write("rolled-back-by-cancel", scenario.history());
    }
  }

  @Test
  void retriedAfterFailure() throws Exception {
    try (Scenario scenario = new Scenario(new FakeActivities(2, 4, false))) {
      scenario.activities.failing.add("import p001-000001");
      WorkflowStub workflow = scenario.begin();
      scenario.awaitStatus(s -> s.state() == MigrationStatus.State.NEEDS_ATTENTION);
      scenario.activities.failing.clear();
      scenario.stub().retry(VerbRequest.of("ada", "restored the part from backup"));
      workflow.getResult(MigrationResult.class);
      write("retried-after-failure", scenario.history());
    }
  }

  @Test
  void retriedWhileOthersGoOn() throws Exception {
    try (Scenario scenario = new Scenario(new FakeActivities(1, 4, true))) {
      scenario.activities.failing.add("import p000-000000");
      CountDownLatch held = new CountDownLatch(1);
      scenario.activities.holding.put("export p000-000003", held);
      WorkflowStub workflow = scenario.begin();
      scenario.awaitStatus(status -> status.failures().size() == 1);
      scenario.activities.failing.clear();
      scenario.stub().retry(VerbRequest.of("ada", "restored the part from backup"));
      held.countDown();
      workflow.getResult(MigrationResult.class);
      write("retried-while-others-go-on", scenario.history());
      write("partition-with-failure", scenario.childHistories().get(0));
    }
  }

  @Test
  void repaired() throws Exception {
    try (Scenario scenario = new Scenario(new FakeActivities(1, 3, false))) {
      FakeActivities activities = scenario.activities;
      List<String> wrong = List.of("compare p000-000001", "completeImportValidation");
      activities.failing.addAll(wrong);
      activities.differing.addAll(wrong);
      WorkflowStub workflow = scenario.begin();
      scenario.awaitState(MigrationStatus.State.NEEDS_ATTENTION);
      activities.failing.remove("compare p000-000001");
      scenario.stub().repair(VerbRequest.of("ada", "somebody wrote to the target"));
      scenario.awaitStatus(
          status ->
              status.state() == MigrationStatus.State.NEEDS_ATTENTION
                  && status.failures().get(0).subject().isEmpty());
      activities.failing.clear();
      scenario.stub().repair(VerbRequest.of("ada", "and added a record"));
      workflow.getResult(MigrationResult.class);
      write("repaired", scenario.history());
    }
  }

  @Test
  void interruptedAndTuned() throws Exception {
    try (Scenario scenario = new Scenario(new FakeActivities(1, 3, false))) {
      scenario.activities.holding.put("finishLoad", new CountDownLatch(1));
      WorkflowStub workflow = scenario.begin();
      scenario.awaitCall("finishLoad");
      scenario.awaitOneOpenStep(scenario::history);
      scenario.stub().pause(VerbRequest.of("ada", "disk swap").interrupting());
      scenario.awaitCall("finishLoad stopped");
      scenario.activities.holding.clear();
      scenario.stub().tune(new TuneRequest("ada", "gently", 1, 1, 100, 5000L));
      scenario.stub().resume(VerbRequest.of("ada", "disk is in"));
      workflow.getResult(MigrationResult.class);
      write("interrupted-and-tuned", scenario.history());
    }
  }

  @Test
  void partitionPausedOverContinueAsNew() throws Exception {
    try (Scenario scenario = new Scenario(new FakeActivities(1, 105, true))) {
      CountDownLatch held = new CountDownLatch(1);
      scenario.activities.holding.put("import p000-000099", held);
      WorkflowStub workflow = scenario.begin();
      scenario.awaitCall("import p000-000099");
      scenario.stub().pause(VerbRequest.of("ada", "window"));
      scenario.stub().tune(new TuneRequest("ada", "gently", null, null, 100, null));
      held.countDown();
      scenario.awaitNewRunOfPartition();
      scenario.stub().resume(VerbRequest.of("ada", "window over"));
      workflow.getResult(MigrationResult.class);
      write("children-paused", scenario.history());
      write("partition-paused", scenario.childHistories().get(0));
      write("partition-continued-paused", scenario.latestRunOfPartition());
    }
  }

  @Test
  void replacedAndTakenBack() throws IOException {
    try (Scenario scenario = new Scenario(RetentionTest.replacing())) {
      scenario
          .begin(", \"archive\": {\"deleteOldCollectionAfter\": \"7d\"}")
          .getResult(MigrationResult.class);
      write("replaced", scenario.history());
      WorkflowStub retention =
          scenario.client().newUntypedWorkflowStub(RetentionWorkflow.workflowId("m"));
      retention.update("rollback", String.class, VerbRequest.of("ada", "wrong source"));
      retention.getResult(RetentionStatus.class);
      write("retention", scenario.client().fetchHistory(RetentionWorkflow.workflowId("m")));
    }
  }

  @Test
  void mergedAndRolledBack() throws Exception {
    FakeActivities activities = RetentionTest.replacing();
    activities.existing = new ExistingTarget(activities.existing.collection(), true);
    activities.backupPartitions = 1;
    try (Scenario scenario = new Scenario(activities)) {
      activities.failing.add("cutover");
      WorkflowStub workflow = scenario.begin();
      scenario.awaitState(MigrationStatus.State.NEEDS_ATTENTION);
      scenario.stub().rollback(VerbRequest.of("ada", "the target has changed"));
      workflow.getResult(MigrationResult.class);
      write("merged-and-rolled-back", scenario.history());
    }
  }

  @Test
  void caughtUp() throws IOException {
    FakeActivities activities = new FakeActivities(1, 2, false);
    activities.found.put(1, new CatchUpPass(1, 2000, 1, 1, 1, null, 0));
    try (Scenario scenario = new Scenario(activities)) {
      scenario.begin(", \"cutover\": {\"catchUp\": true}").getResult(MigrationResult.class);
      write("caught-up-and-proved", scenario.history());
    }
  }

  @Test
  void rehearsed() throws IOException {
    try (Scenario scenario = new Scenario(new FakeActivities(1, 2, false))) {
      scenario.begin(", \"rehearsal\": true").getResult(MigrationResult.class);
      write("rehearsed", scenario.history());
    }
  }

  @Test
  void archiveMoved() throws IOException {
    try (Scenario scenario = new Scenario(new FakeActivities(1, 2, false))) {
      scenario.begin(", \"archive\": {\"moveTo\": \"cold\"}").getResult(MigrationResult.class);
      write("archive-moved", scenario.history());
    }
  }

  @Test
  void switchedInWindow() throws IOException {
    Instant saturday = Instant.parse("2026-12-05T12:00:00Z");
    try (Scenario scenario = new Scenario(new FakeActivities(1, 2, false), saturday)) {
      scenario.begin(CutoverWindowsTest.SUNDAYS).getResult(MigrationResult.class);
      write("switched-in-window", scenario.history());
    }
  }

  @Test
  void notified() throws Exception {
    Instant saturday = Instant.parse("2026-12-05T12:00:00Z");
    FakeActivities activities = new FakeActivities(1, 2, false);
    activities.failing.add("finishLoad");
    activities.receivers.put(
        1,
        task -> {
          throw ApplicationFailure.newNonRetryableFailure("notify[1] answered 404.", "MISSING");
        });
    try (Scenario scenario = new Scenario(activities, saturday)) {
      WorkflowStub workflow = scenario.begin(AnnouncementsTest.NOTIFY + CutoverWindowsTest.SUNDAYS);
      scenario.awaitState(MigrationStatus.State.NEEDS_ATTENTION);
      scenario.sleep(Duration.ofHours(2));
      activities.failing.clear();
      scenario.stub().retry(VerbRequest.of("ada", "disk is back"));
      workflow.getResult(MigrationResult.class);
      write("notified", scenario.history());
    }
  }

  @Test
  void stateListed() throws Exception {
    try (Scenario scenario = new Scenario(new FakeActivities(1, 3, false))) {
      CountDownLatch held = new CountDownLatch(1);
      scenario.activities.holding.put("import p000-000001", held);
      scenario.activities.failing.add("finishLoad");
      WorkflowStub workflow = scenario.begin(", \"approval\": {\"beforeCutover\": true}");
      scenario.awaitCall("import p000-000001");
      scenario.stub().pause(VerbRequest.of("ada", "window"));
      held.countDown();
      scenario.stub().resume(VerbRequest.of("ada", "window over"));
      scenario.awaitState(MigrationStatus.State.NEEDS_ATTENTION);
      scenario.activities.failing.clear();
      scenario.stub().retry(VerbRequest.of("ada", "disk is back"));
      scenario.awaitState(MigrationStatus.State.WAITING_FOR_APPROVAL);
      scenario.stub().approve(VerbRequest.of("bob", "reviewed"));
      workflow.getResult(MigrationResult.class);
      write("state-listed", scenario.history());
    }
  }

  @Test
  void children() throws IOException {
    try (Scenario scenario = new Scenario(new FakeActivities(2, 5, true))) {
      scenario.begin().getResult(MigrationResult.class);
      write("children", scenario.history());
      write("partition", scenario.childHistories().get(0));
    }
  }

  @Test
  void continuedPartition() throws IOException {
    try (Scenario scenario = new Scenario(new FakeActivities(1, 105, true))) {
      scenario.begin().getResult(MigrationResult.class);
      WorkflowExecutionHistory first = scenario.childHistories().get(0);
      write("partition-continued", scenario.next(first).orElseThrow());
    }
  }

  private static void write(String name, WorkflowExecutionHistory history) throws IOException {
    String json = history.toJson(true).replaceAll("\\d+@[^\":]+", "1@worker");
    assertThat(json).doesNotContain(java.net.InetAddress.getLocalHost().getHostName() + "\"");
    Files.createDirectories(FOLDER);
    Files.writeString(FOLDER.resolve(name + ".json"), json.stripTrailing() + "\n");
  }
}
