package io.vecferry.workflow;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.temporal.api.enums.v1.EventType;
import io.temporal.client.WorkflowStub;
import io.temporal.failure.ApplicationFailure;
import io.temporal.failure.CanceledFailure;
import io.vecferry.activity.Pace;
import io.vecferry.plan.Finding;
import io.vecferry.plan.Phase;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.stream.IntStream;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Every verb: what it does, what it answers when it makes no sense, and what is kept of it. */
@Timeout(120)
class OperatorTest {
  private Scenario scenario;
  private FakeActivities activities;

  @AfterEach
  void stop() {
    scenario.close();
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void interruptStopsWhatRunsAndDoesItAgain(boolean children) throws Exception {
    start(new FakeActivities(2, 4, children));
    CountDownLatch held = hold("import p000-000001");
    WorkflowStub workflow = scenario.begin();
    for (String other : List.of("import p000-000003", "import p001-000003")) {
      scenario.awaitCall(other);
    }
    // With children the first partition is the one with the held step.
    scenario.awaitOneOpenStep(
        () -> children ? scenario.childHistories().get(0) : scenario.history());

    assertThat(stub().pause(ada("disk swap").interrupting())).startsWith("Paused: what ran is");

    scenario.awaitCall("import p000-000001 stopped");
    MigrationStatus paused = scenario.awaitState(MigrationStatus.State.PAUSED);
    assertThat(paused.failures()).isEmpty();
    assertThat(paused.undo()).extracting(UndoStep::state).containsOnly(UndoStep.State.ARMED);
    assertThat(paused.actions())
        .extracting(OperatorAction::toString)
        .containsExactly("pause (interrupt) by ada: disk swap");
    held.countDown();
    stub().resume(ada("disk is in"));

    assertThat(workflow.getResult(MigrationResult.class).outcome()).isEqualTo(Outcome.MIGRATED);
    assertThat(times("import p000-000001")).isEqualTo(2);
    assertThat(activities.calls()).noneMatch(call -> call.startsWith("compensate"));
  }

  @Test
  void whatADrainWaitsForCanBeInterrupted() throws Exception {
    start(new FakeActivities(1, 4, false));
    hold("finishLoad");
    WorkflowStub workflow = scenario.begin();
    scenario.awaitCall("finishLoad");
    scenario.awaitOneOpenStep(scenario::history);
    stub().pause(ada("window"));
    assertThat(activities.calls()).doesNotContain("finishLoad stopped");

    stub().pause(ada("it takes too long").interrupting());

    scenario.awaitCall("finishLoad stopped");
    activities.holding.clear();
    stub().resume(ada("go"));
    assertThat(workflow.getResult(MigrationResult.class).outcome()).isEqualTo(Outcome.MIGRATED);
    assertThat(times("finishLoad")).isEqualTo(2);
  }

  @Test
  void rollbackWhileInterruptedIsARollback() throws Exception {
    start(new FakeActivities(1, 4, false));
    hold("finishLoad");
    WorkflowStub workflow = scenario.begin();
    scenario.awaitCall("finishLoad");
    stub().pause(ada("hm").interrupting());
    scenario.awaitCall("finishLoad stopped");

    stub().rollback(ada("wrong target"));

    assertThat(workflow.getResult(MigrationResult.class).outcome()).isEqualTo(Outcome.ROLLED_BACK);
    assertThat(activities.calls()).contains("compensate DROP_LOAD");
  }

  @Test
  void onePartIsRetriedWhileAnotherWaits() throws Exception {
    start(new FakeActivities(2, 4, false));
    activities.failing.addAll(List.of("import p000-000001", "export p001-000002"));
    WorkflowStub workflow = scenario.begin();
    scenario.awaitState(MigrationStatus.State.NEEDS_ATTENTION);
    activities.failing.clear();

    stub().retry(ada("mended").forPart("p000-000001"));

    MigrationStatus status = scenario.awaitState(MigrationStatus.State.NEEDS_ATTENTION);
    assertThat(status.failures()).extracting(StepFailure::subject).containsExactly("p001-000002");
    assertThat(times("import p000-000001")).isEqualTo(2);
    assertThat(times("export p001-000002")).isEqualTo(1);
    stub().retry(ada("mended too"));
    assertThat(workflow.getResult(MigrationResult.class).outcome()).isEqualTo(Outcome.MIGRATED);
    assertThat(times("export p001-000002")).isEqualTo(2);
    assertThat(times("import p001-000003")).isEqualTo(1);
    assertThat(activities.reported.actions())
        .extracting(OperatorAction::toString)
        .containsExactly("retry (p000-000001) by ada: mended", "retry by ada: mended too");
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void failureIsSaidAndDecidedAboutWhileOtherPartsGoOn(boolean children) throws Exception {
    start(new FakeActivities(1, 4, children));
    activities.failing.addAll(List.of("import p000-000000", "validate p000-000001"));
    CountDownLatch held = hold("export p000-000003");
    WorkflowStub workflow = scenario.begin();
    MigrationStatus status = scenario.awaitStatus(now -> now.failures().size() == 2);

    assertThat(status.state()).isEqualTo(MigrationStatus.State.RUNNING);
    assertThat(status.waitingFor())
        .startsWith("retry or rollback: ")
        .endsWith(" (and 1 more); other parts go on");
    assertThat(scenario.details())
        .contains("**m**: RUNNING - retry or rollback: ", "IMPORT p000-000000 [ARCHIVE_DAMAGED]")
        .contains("- `retry` does the 2 failed steps again, or those of a part or phase, once the");
    refused(() -> stub().skip(ada("all")), "records would be lost by skipping [IMPORT]");
    stub().skip(ada("known").forPart("p000-000001"));
    refused(() -> stub().retry(ada("x").forPart("p000-000001")), "is not among the failed ones");
    activities.failing.clear();
    stub().retry(ada("mended"));
    refused(() -> stub().retry(ada("again")), "retry was given already and is acted on once");
    assertThat(stub().status().waitingFor()).isEmpty();
    assertThat(times("import p000-000000")).isEqualTo(1);
    activities.failing.add("import p000-000003");
    held.countDown();

    // Nobody has decided about what failed later.
    status = scenario.awaitState(MigrationStatus.State.NEEDS_ATTENTION);
    assertThat(status.failures()).extracting(StepFailure::subject).containsExactly("p000-000003");
    assertThat(times("import p000-000000")).isEqualTo(2);
    activities.failing.clear();
    stub().retry(ada("mended too"));
    assertThat(workflow.getResult(MigrationResult.class).outcome())
        .isEqualTo(Outcome.MIGRATED_WITH_SKIPS);
    assertThat(times("validate p000-000001")).isEqualTo(1);
    assertThat(times("import p000-000001")).isEqualTo(1);
  }

  @Test
  void decisionsCanBeAboutOnePhase() throws Exception {
    start(new FakeActivities(2, 3, false));
    activities.failing.addAll(List.of("import p000-000001", "validate p001-000002"));
    WorkflowStub workflow = scenario.begin();
    scenario.awaitState(MigrationStatus.State.NEEDS_ATTENTION);
    assertThatThrownBy(() -> stub().retry(ada("x").forPhase("IMPROT")))
        .hasStackTraceContaining("retry: phase 'IMPROT' is not one of [PLANNING, EXPORT,");
    assertThatThrownBy(() -> stub().retry(ada("x").forPhase("EXPORT")))
        .hasStackTraceContaining("phase EXPORT is not among the failed ones: [");
    assertThatThrownBy(() -> stub().skip(ada("x").forPhase("IMPORT")))
        .hasStackTraceContaining("records would be lost by skipping [IMPORT]");
    activities.failing.clear();

    stub().skip(ada("known").forPhase("VALIDATE_EXPORT"));
    scenario.awaitStatus(status -> status.failures().size() == 1);
    stub().retry(ada("mended").forPhase("IMPORT"));

    assertThat(workflow.getResult(MigrationResult.class).outcome())
        .isEqualTo(Outcome.MIGRATED_WITH_SKIPS);
    assertThat(times("validate p001-000002")).isEqualTo(1);
    // What is skipped is the check, not the records.
    assertThat(times("import p001-000002")).isEqualTo(1);
    assertThat(times("import p000-000001")).isEqualTo(2);
  }

  @Test
  void failuresSayWhatWasTriedAndWhere() throws Exception {
    start(new FakeActivities(1, 2, false));
    activities.failing.add("import p000-000001");
    WorkflowStub workflow = scenario.begin();
    scenario.awaitState(MigrationStatus.State.NEEDS_ATTENTION);
    stub().retry(ada("once more"));
    scenario.awaitCallTimes("import p000-000001", 2);
    MigrationStatus status = scenario.awaitState(MigrationStatus.State.NEEDS_ATTENTION);

    StepFailure failure = status.failures().get(0);
    assertThat(failure.where()).isEqualTo("target fake target");
    assertThat(failure.attempts()).isEqualTo(2);
    assertThat(failure.sinceMillis()).isPositive().isLessThanOrEqualTo(failure.atMillis());
    assertThat(failure.causes()).containsExactly("TEST: checksum 1 is not 2");
    assertThat(failure.skippable()).isFalse();
    assertThat(status.choices())
        .extracting(VerbChoice::verb)
        .containsExactly(Verb.RETRY, Verb.PAUSE, Verb.ROLLBACK, Verb.TUNE);
    assertThat(scenario.details())
        .contains(
            "**m**: NEEDS_ATTENTION - retry or rollback: IMPORT p000-000001 [ARCHIVE_DAMAGED]",
            "- where: target fake target",
            "- because: TEST: checksum 1 is not 2",
            "- tried: 2 attempts since ",
            "- `retry` does the failed step again",
            "- `rollback` stops all work and restores the previous state",
            "retry by ada: once more");
    stub().rollback(ada("give up"));
    workflow.getResult(MigrationResult.class);
  }

  @Test
  void refusalsSayTheStateAndWhatIsPossible() throws Exception {
    start(new FakeActivities(1, 2, false));
    CountDownLatch held = hold("checkQuality");
    WorkflowStub workflow = scenario.begin(", \"approval\": {\"beforeCutover\": true}");
    scenario.awaitCall("checkQuality");
    refused(
        () -> stub().resume(ada("x")),
        "resume is not possible: the migration is not paused, it is RUNNING.");
    refused(
        () -> stub().retry(ada("x")), "nothing waits for a decision, the migration is RUNNING.");
    refused(
        () -> stub().approve(ada("x")),
        "approve is not possible: no approval is asked for, the migration is RUNNING. Possible now:"
            + " pause (starts no new step; what runs is finished, or with mode interrupt done"
            + " again later); rollback (stops all work and restores the previous state); tune");
    refused(
        () -> stub().pause(new VerbRequest("ada", "x", null, null, "drian")),
        "mode must be drain or interrupt, got 'drian'");
    refused(() -> stub().pause(null), "pause needs a reason");
    refused(() -> stub().pause(ada(" ")), "pause needs a reason");
    stub().pause(ada("hold"));
    refused(
        () -> stub().pause(ada("again")),
        "paused already; use resume. Possible now: resume (goes on where it stopped)");
    stub().resume(ada("go"));
    held.countDown();
    scenario.awaitState(MigrationStatus.State.WAITING_FOR_APPROVAL);
    refused(
        () -> stub().skip(ada("x")),
        "nothing waits for a decision, the migration is WAITING_FOR_APPROVAL. Possible now: approve"
            + " (goes on); reject (restores");
    stub().approve(ada("reviewed"));
    workflow.getResult(MigrationResult.class);
    refused(() -> stub().rollback(ada("x")), "");
  }

  @Test
  void tuneIsCheckedAndShown() throws Exception {
    start(new FakeActivities(1, 20, false));
    CountDownLatch held = hold("import p000-000003");
    WorkflowStub workflow = scenario.begin();
    scenario.awaitCall("import p000-000003");
    assertThat(stub().status().tuning()).isEqualTo(new Tuning(4, 8, 0, 0));
    refused(() -> stub().tune(tune("x", null, null, null, null)), "says nothing to change");
    refused(
        () -> stub().tune(tune("x", 0, null, null, null)),
        "exportParallelism must be 1 to 256, got 0.");
    refused(
        () -> stub().tune(tune("x", null, 257, null, null)),
        "importParallelism must be 1 to 256, got 257.");
    refused(
        () -> stub().tune(tune("x", null, null, -1, null)),
        "batchSize must be 0 to 100000, got -1.");
    refused(
        () -> stub().tune(tune("x", null, null, null, -5L)),
        "rate must be 0 to 1000000000, got -5.");
    refused(() -> stub().tune(tune("", 1, null, null, null)), "tune needs a reason");

    assertThat(stub().tune(tune("nightly jobs", 2, null, 50, 6000L)))
        .isEqualTo(
            "From the next part on: export parallelism 2, import parallelism 8, batch size 50, rate"
                + " 6000 records/s.");

    assertThat(stub().status().tuning()).isEqualTo(new Tuning(2, 8, 50, 6000));
    held.countDown();
    workflow.getResult(MigrationResult.class);
    assertThat(activities.paces.get("import p000-000003")).isEmpty();
    assertThat(activities.paces.get("export p000-000019")).contains(new Pace(50, 3000));
    assertThat(activities.paces.get("import p000-000019")).contains(new Pace(50, 750));
    assertThat(activities.reported.actions().get(0).toString())
        .isEqualTo(
            "tune (export parallelism 2, import parallelism 8, batch size 50, rate 6000 records/s)"
                + " by ada: nightly jobs");
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void lowerParallelismCountsForTheNextParts(boolean children) throws Exception {
    start(new FakeActivities(4, 8, children));
    List<CountDownLatch> held =
        IntStream.range(0, 4).mapToObj(i -> hold("export p00" + i + "-000002")).toList();
    WorkflowStub workflow = scenario.begin();
    for (int i = 0; i < 4; i++) {
      scenario.awaitCall("export p00" + i + "-000002");
    }

    stub().tune(tune("gently", 1, 1, null, null));
    activities.countAnew();
    if (children) {
      scenario.awaitSignalsOfPartitions();
    }
    held.forEach(CountDownLatch::countDown);

    assertThat(workflow.getResult(MigrationResult.class).outcome()).isEqualTo(Outcome.MIGRATED);
    assertThat(activities.mostExportsAtOnce()).isEqualTo(1);
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void higherParallelismStartsMorePartitions(boolean children) throws Exception {
    FakeActivities fake = new FakeActivities(4, 3, children);
    fake.parallelism = 1;
    start(fake);
    CountDownLatch held = hold("export p000-000001");
    hold("export p001-000001");
    hold("export p002-000001");
    WorkflowStub workflow = scenario.begin();
    scenario.awaitCall("export p000-000001");
    assertThat(activities.calls()).noneMatch(call -> call.startsWith("export p001"));

    stub().tune(tune("night", 3, null, null, null));

    scenario.awaitCall("export p001-000001");
    scenario.awaitCall("export p002-000001");
    assertThat(activities.calls()).noneMatch(call -> call.startsWith("export p003"));
    activities.holding.values().forEach(CountDownLatch::countDown);
    held.countDown();
    assertThat(workflow.getResult(MigrationResult.class).outcome()).isEqualTo(Outcome.MIGRATED);
  }

  @Test
  void pauseAndSpeedOutliveContinueAsNew() throws Exception {
    start(new FakeActivities(1, 210, true));
    // The last part of the first run: the partition goes on as new with what is set meanwhile.
    CountDownLatch firstEnd = hold("import p000-000099");
    WorkflowStub workflow = scenario.begin(", \"overlap\": true");
    scenario.awaitCall("import p000-000099");
    stub().pause(ada("window"));
    stub().tune(tune("gently", null, null, 7, null));
    firstEnd.countDown();
    scenario.awaitNewRunOfPartition();
    assertThat(activities.calls()).doesNotContain("export p000-000100");

    // The second run hears what is said to it, though the migration started the first one.
    hold("import p000-000209");
    stub().resume(ada("window over"));
    scenario.awaitCall("import p000-000209");
    assertThat(activities.paces.get("export p000-000100")).contains(new Pace(7, 0));
    assertThat(activities.paces.get("export p000-000200")).contains(new Pace(7, 0));
    scenario.awaitOneOpenStep(scenario::latestRunOfPartition);
    stub().pause(ada("again").interrupting());
    scenario.awaitCall("import p000-000209 stopped");
    activities.holding.clear();
    stub().resume(ada("go"));

    assertThat(workflow.getResult(MigrationResult.class).outcome()).isEqualTo(Outcome.MIGRATED);
    assertThat(times("import p000-000209")).isEqualTo(2);
  }

  @Test
  void signalsDoTheSameAndAreNotedWhenTheyMakeNoSense() throws Exception {
    start(new FakeActivities(1, 2, false));
    CountDownLatch held = hold("finishLoad");
    WorkflowStub workflow = scenario.begin();
    scenario.awaitCall("finishLoad");
    ObjectMapper json = new ObjectMapper();

    workflow.signal("requestResume", json.readTree("{\"who\": \"ada\", \"reason\": \"x\"}"));
    workflow.signal("requestPause", json.readTree("[7]"));
    workflow.signal("requestPause");
    workflow.signal("requestPause", json.readTree("{\"who\": \"ada\", \"reason\": \"storm\"}"));
    scenario.awaitState(MigrationStatus.State.PAUSED);
    workflow.signal("requestResume", json.readTree("{\"who\": \"ada\", \"reason\": \"over\"}"));
    scenario.awaitState(MigrationStatus.State.RUNNING);
    held.countDown();
    hold("checkQuality");
    scenario.awaitCall("checkQuality");
    workflow.signal(
        "requestRollback", json.readTree("{\"who\": \"bob\", \"reason\": \"all off\"}"));

    assertThat(workflow.getResult(MigrationResult.class).outcome()).isEqualTo(Outcome.ROLLED_BACK);
    assertThat(activities.reported.actions())
        .extracting(OperatorAction::toString)
        .satisfiesExactly(
            first ->
                assertThat(first)
                    .startsWith(
                        "resume (refused: resume is not possible: the migration is not paused"),
            second -> assertThat(second).startsWith("pause (refused: pause needs a reason"),
            third -> assertThat(third).startsWith("pause (refused: pause needs a reason"),
            fourth -> assertThat(fourth).isEqualTo("pause (drain) by ada: storm"),
            fifth -> assertThat(fifth).isEqualTo("resume by ada: over"),
            sixth -> assertThat(sixth).isEqualTo("rollback by bob: all off"));
  }

  @Test
  void cancelKeepsItsReason() throws Exception {
    start(new FakeActivities(1, 2, false));
    hold("checkQuality");
    WorkflowStub workflow = scenario.begin();
    scenario.awaitCall("checkQuality");
    workflow.cancel("ada: wrong target");

    assertThatThrownBy(() -> workflow.getResult(MigrationResult.class))
        .hasCauseInstanceOf(CanceledFailure.class);
    MigrationStatus status = stub().status();
    assertThat(status.verdict()).contains("the migration was cancelled: ada: wrong target");
    assertThat(status.actions())
        .extracting(OperatorAction::toString)
        .containsExactly("cancel by unknown: ada: wrong target");
    assertThat(status.choices()).isEmpty();
  }

  @Test
  void pauseIsRefusedWhileItIsRolledBack() throws Exception {
    start(new FakeActivities(1, 2, false));
    hold("compensate DROP_LOAD");
    activities.failing.add("finishLoad");
    WorkflowStub workflow = scenario.begin(", \"rollback\": {\"onFailure\": \"automatic\"}");
    scenario.awaitCall("compensate DROP_LOAD");
    for (Verb verb : Verb.values()) {
      refused(
          () -> give(verb),
          verb.word()
              + " is not possible: the migration is being rolled back. No verb is possible now.");
    }
    activities.holding.values().forEach(CountDownLatch::countDown);
    assertThat(workflow.getResult(MigrationResult.class).outcome()).isEqualTo(Outcome.ROLLED_BACK);
  }

  @Test
  void targetInUseStopsInPlanning() {
    start(new FakeActivities(1, 2, false));
    activities.holder = "migration-other";
    scenario.lease("faiss b", "migration-other");
    WorkflowStub workflow = scenario.begin();

    assertThatThrownBy(() -> workflow.getResult(MigrationResult.class))
        .cause()
        .isInstanceOfSatisfying(
            ApplicationFailure.class,
            failure -> {
              assertThat(failure.getType()).isEqualTo(MigrationWorkflow.BLOCKED);
              assertThat(failure.getOriginalMessage())
                  .contains("target: faiss b is used by migration-other, which has not ended.");
            });
    assertThat(activities.calls()).containsExactly("targetHolder");
  }

  @Test
  void targetThatIsSetFreeIsTaken() throws Exception {
    start(new FakeActivities(1, 2, false));
    WorkflowStub lease = scenario.lease("faiss b", "migration-m");
    WorkflowStub workflow = scenario.begin();
    scenario.awaitCall("targetHolder");
    lease.terminate("its migration has ended");

    assertThat(workflow.getResult(MigrationResult.class).outcome()).isEqualTo(Outcome.MIGRATED);
  }

  @Test
  void targetIsGivenBackAtTheEnd() {
    start(new FakeActivities(1, 2, false));
    scenario.begin().getResult(MigrationResult.class);
    assertLeaseHasEnded();
  }

  @Test
  void targetIsGivenBackWhenTheMigrationCannotStart() {
    start(new FakeActivities(1, 2, false));
    activities.findings = List.of(Finding.blocking("target", "is there.", "Choose another."));
    WorkflowStub workflow = scenario.begin();
    assertThatThrownBy(() -> workflow.getResult(MigrationResult.class))
        .hasStackTraceContaining("target: is there.");
    assertLeaseHasEnded();
  }

  /** By itself: workers keep in memory what the service has to end. */
  private void assertLeaseHasEnded() {
    assertThat(scenario.client().fetchHistory("target-lease/faiss b").getLastEvent().getEventType())
        .isEqualTo(EventType.EVENT_TYPE_WORKFLOW_EXECUTION_CANCELED);
  }

  @Test
  void rehearsalProvesAndRemovesAgain() {
    start(new FakeActivities(1, 2, false));
    WorkflowStub workflow = scenario.begin(", \"rehearsal\": true");

    MigrationResult result = workflow.getResult(MigrationResult.class);

    assertThat(result.outcome()).isEqualTo(Outcome.REHEARSED);
    assertThat(activities.calls()).contains("checkQuality", "compensate DROP_LOAD");
    assertThat(activities.calls()).doesNotContain("cutover");
  }

  @Test
  void runOfAScheduleIsAMigrationOfItsOwn() {
    start(new FakeActivities(1, 2, false));
    String id = "migration-m-2026-11-28T02:00:00Z";
    WorkflowStub workflow = scenario.beginAs(id, "");

    MigrationResult result = workflow.getResult(MigrationResult.class);

    assertThat(result.migration()).isEqualTo("m-2026-11-28T020000Z");
    assertThat(MigrationWorkflow.workflowId(result.migration())).isEqualTo(id);
  }

  @Test
  void specThatIsTooLargeIsAnswered() {
    start(new FakeActivities(1, 1, false));
    WorkflowStub workflow = scenario.begin(", \"note\": \"" + "x".repeat(200_000) + "\"");
    assertThatThrownBy(() -> workflow.getResult(MigrationResult.class))
        .cause()
        .hasMessageContaining("The spec has 200")
        .hasMessageContaining("characters; it may have 131072.");
    assertThatThrownBy(() -> scenario.begin(", \"note\": \"" + "x".repeat(300_000) + "\""))
        .hasStackTraceContaining("A payload of 300")
        .hasStackTraceContaining("bytes is larger than the 262144 that may travel");
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void aPartitionStopsWhenTooMuchFails(boolean children) throws Exception {
    start(new FakeActivities(1, 60, children));
    for (int part = 0; part < 60; part++) {
      activities.failing.add(String.format("import p000-%06d", part));
    }
    activities.message = "x".repeat(5_000);
    WorkflowStub workflow = scenario.begin();
    MigrationStatus status = scenario.awaitState(MigrationStatus.State.NEEDS_ATTENTION);
    assertThat(status.failures().size()).isBetween(20, 23);
    assertThat(status.failures().get(0).message()).hasSizeBetween(1_000, 1_010);
    assertThat(times("export p000-000030")).isZero();
    activities.failing.clear();
    stub().retry(ada("mended"));

    assertThat(workflow.getResult(MigrationResult.class).outcome()).isEqualTo(Outcome.MIGRATED);
    assertThat(activities.reported.phases().get(3).rowsDone()).isEqualTo(60_000);
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void whatDiffersIsRepairedAndComparedAgain(boolean children) throws Exception {
    start(new FakeActivities(2, 3, children));
    fails("compare p000-000001", true);
    fails("compare p001-000002", true);
    WorkflowStub workflow = scenario.begin();
    MigrationStatus status = scenario.awaitState(MigrationStatus.State.NEEDS_ATTENTION);
    assertThat(status.waitingFor()).startsWith("retry, repair, skip or rollback: VALIDATE_IMPORT");
    activities.failing.remove("compare p000-000001");

    assertThat(stub().repair(ada("touched by hand").forPart("p000-000001")))
        .isEqualTo("What differs is loaded again from the archive, and compared again.");

    status =
        scenario.awaitStatus(
            now ->
                now.state() == MigrationStatus.State.NEEDS_ATTENTION && now.failures().size() == 1);
    assertThat(times("repair [p000-000001]")).isEqualTo(1);
    assertThat(times("compare p000-000001")).isEqualTo(2);
    assertThat(times("compare p001-000002")).isEqualTo(1);
    activities.failing.clear();
    stub().repair(ada("that too"));
    assertThat(workflow.getResult(MigrationResult.class).outcome()).isEqualTo(Outcome.MIGRATED);
    assertThat(times("repair [p001-000002]")).isEqualTo(1);
    assertThat(activities.reported.actions())
        .extracting(OperatorAction::toString)
        .containsExactly("repair (p000-000001) by ada: touched by hand", "repair by ada: that too");
    assertThat(activities.reported.phases().get(Phase.VALIDATE_IMPORT.ordinal()).summary())
        .contains("repair [p000-000001] 6 parts; repair [p001-000002] 6 parts");
  }

  @Test
  void whatCannotBeRepairedIsSaidAndComparedAnew() throws Exception {
    start(new FakeActivities(1, 2, false));
    fails("compare p000-000001", true);
    fails("completeImportValidation", true);
    fails("repair [p000-000001]", false);
    WorkflowStub workflow = scenario.begin();
    scenario.awaitState(MigrationStatus.State.NEEDS_ATTENTION);
    stub().repair(ada("x"));

    scenario.awaitStatus(
        now ->
            now.state() == MigrationStatus.State.NEEDS_ATTENTION
                && now.failures().get(0).message().startsWith("repair "));
    assertThat(times("compare p000-000001")).isEqualTo(1);
    refused(() -> stub().repair(ada("again")), "no step has failed because records differ");
    activities.failing.remove("repair [p000-000001]");
    stub().retry(ada("compare again"));
    scenario.awaitStatus(
        now ->
            now.state() == MigrationStatus.State.NEEDS_ATTENTION
                && now.failures().get(0).message().startsWith("compare "));
    activities.failing.remove("compare p000-000001");
    stub().repair(ada("now it can"));

    // Then the counts differ.
    fails("repair []", false);
    scenario.awaitStatus(
        now ->
            now.state() == MigrationStatus.State.NEEDS_ATTENTION
                && now.failures().get(0).subject().isEmpty());
    stub().repair(ada("counts"));
    scenario.awaitStatus(
        now ->
            now.state() == MigrationStatus.State.NEEDS_ATTENTION
                && now.failures().get(0).message().startsWith("repair "));
    activities.failing.clear();
    stub().retry(ada("counts"));
    assertThat(workflow.getResult(MigrationResult.class).outcome()).isEqualTo(Outcome.MIGRATED);
    assertThat(times("repair []")).isEqualTo(1);
  }

  @Test
  void repairIsAboutDifferencesOnly() throws Exception {
    start(new FakeActivities(1, 2, false));
    fails("import p000-000001", false);
    WorkflowStub workflow = scenario.begin();
    scenario.awaitState(MigrationStatus.State.NEEDS_ATTENTION);
    refused(
        () -> stub().repair(ada("x")),
        "repair is not possible: no step has failed because records differ from the archive; use"
            + " retry.");
    refused(() -> stub().repair(VerbRequest.of("ada", " ")), "repair needs a reason");
    stub().rollback(ada("done"));
    assertThat(workflow.getResult(MigrationResult.class).outcome()).isEqualTo(Outcome.ROLLED_BACK);
  }

  private void fails(String call, boolean differs) {
    activities.failing.add(call);
    if (differs) {
      activities.differing.add(call);
    }
  }

  private void start(FakeActivities fake) {
    activities = fake;
    scenario = new Scenario(fake);
  }

  private MigrationWorkflow stub() {
    return scenario.stub();
  }

  private String give(Verb verb) {
    VerbRequest request = ada("x");
    return switch (verb) {
      case PAUSE -> stub().pause(request);
      case RESUME -> stub().resume(request);
      case RETRY -> stub().retry(request);
      case REPAIR -> stub().repair(request);
      case SKIP -> stub().skip(request);
      case APPROVE -> stub().approve(request);
      case REJECT -> stub().reject(request);
      case ROLLBACK -> stub().rollback(request);
      case TUNE -> stub().tune(tune("x", 1, null, null, null));
    };
  }

  private CountDownLatch hold(String call) {
    CountDownLatch latch = new CountDownLatch(1);
    activities.holding.put(call, latch);
    return latch;
  }

  private long times(String call) {
    return activities.calls().stream().filter(call::equals).count();
  }

  private static VerbRequest ada(String reason) {
    return VerbRequest.of("ada", reason);
  }

  private static TuneRequest tune(
      String reason, Integer exports, Integer imports, Integer batchSize, Long rate) {
    return new TuneRequest("ada", reason, exports, imports, batchSize, rate);
  }

  private static void refused(ThrowingCallable verb, String said) {
    assertThatThrownBy(verb).hasStackTraceContaining(said);
  }
}
