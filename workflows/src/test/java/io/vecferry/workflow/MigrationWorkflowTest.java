package io.vecferry.workflow;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.temporal.client.WorkflowClient;
import io.temporal.client.WorkflowClientOptions;
import io.temporal.client.WorkflowFailedException;
import io.temporal.client.WorkflowOptions;
import io.temporal.client.WorkflowStub;
import io.temporal.failure.ApplicationFailure;
import io.temporal.failure.CanceledFailure;
import io.temporal.testing.TestEnvironmentOptions;
import io.temporal.testing.TestWorkflowEnvironment;
import io.vecferry.plan.Finding;
import io.vecferry.plan.Phase;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.function.Predicate;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

@Timeout(120)
class MigrationWorkflowTest {
  private static final String SPEC =
      """
      {"name": "m", "source": {"type": "faiss", "path": "a"}, "target": {"type": "faiss", "path": "b"} %s}
      """;

  private TestWorkflowEnvironment environment;
  private FakeActivities activities;

  @AfterEach
  void stop() {
    if (environment != null) {
      environment.close();
    }
  }

  @Test
  void runsThePhasesInOrder() {
    MigrationResult result = run(new FakeActivities(2, 3, false), "");

    assertThat(result.outcome()).isEqualTo(Outcome.MIGRATED);
    assertThat(result.rows()).isEqualTo(6000);
    List<String> calls = activities.calls();
    assertThat(calls).startsWith("plan", "prepareTarget");
    assertThat(calls.stream().filter(c -> c.matches("(export|validate|import|compare) p.*")))
        .hasSize(4 * 6);
    assertThat(
            calls.subList(calls.indexOf("completeExport"), calls.size()).stream()
                .filter(c -> !c.startsWith("compare")))
        .containsExactly(
            "completeExport",
            "finishLoad",
            "completeImportValidation",
            "checkQuality",
            "cutover",
            "writeReport");
    assertThat(calls.indexOf("import p001-000002")).isLessThan(calls.indexOf("completeExport"));
    MigrationStatus status = activities.reported;
    for (Phase phase :
        List.of(Phase.EXPORT, Phase.VALIDATE_EXPORT, Phase.IMPORT, Phase.VALIDATE_IMPORT)) {
      PhaseProgress progress = status.phases().get(phase.ordinal());
      assertThat(progress.rowsDone()).as(phase.name()).isEqualTo(6000);
      assertThat(progress.partsDone()).as(phase.name()).isEqualTo(6);
      assertThat(progress.state()).as(phase.name()).isEqualTo(PhaseProgress.State.DONE);
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "'' | every record is on the target and was compared.",
        "', \"import\": {\"maxRejects\": 1}' | completeImportValidation 1 parts.",
        "', \"validation\": {\"checkVectors\": false}' | completeImportValidation 1 parts.",
        "', \"validation\": {\"checkMetadata\": false}' | completeImportValidation 1 parts."
      })
  void verdictSaysThatAllIsProvedOnlyWhereAllIsCompared(String more, String proof) {
    assertThat(run(new FakeActivities(1, 1, false), more).verdict())
        .isEqualTo("Migrated: " + proof);
  }

  @Test
  void overlapImportsWhileLaterPartsAreExported() throws Exception {
    start(new FakeActivities(1, 8, false), "");
    CountDownLatch lastExport = new CountDownLatch(1);
    activities.holding.put("export p000-000007", lastExport);
    WorkflowStub workflow = begin("");

    awaitCall("import p000-000005");

    assertThat(activities.calls()).contains("import p000-000000").doesNotContain("completeExport");
    lastExport.countDown();
    assertThat(workflow.getResult(MigrationResult.class).outcome()).isEqualTo(Outcome.MIGRATED);
  }

  @Test
  void withoutOverlapPhasesAreStrictlyApart() {
    run(new FakeActivities(2, 3, false), ", \"overlap\": false");

    List<String> calls = activities.calls();
    assertThat(calls.lastIndexOf("export p001-000002")).isLessThan(first(calls, "validate"));
    assertThat(last(calls, "validate")).isLessThan(calls.indexOf("completeExport"));
    assertThat(calls.indexOf("completeExport")).isLessThan(calls.indexOf("prepareTarget"));
    assertThat(calls.indexOf("prepareTarget")).isLessThan(first(calls, "import"));
  }

  @Test
  void failedPartWaitsForAPersonAndGoesOnAfterRetry() throws Exception {
    start(new FakeActivities(2, 4, false), "");
    activities.failing.add("import p001-000001");
    WorkflowStub workflow = begin("");

    MigrationStatus waiting = awaitStatus(s -> s.state() == MigrationStatus.State.NEEDS_ATTENTION);
    assertThat(waiting.failures()).hasSize(1);
    assertThat(waiting.failures().get(0).toString())
        .isEqualTo("IMPORT p001-000001 [ARCHIVE_DAMAGED] import p001-000001 does not work");
    assertThat(waiting.waitingFor()).startsWith("retry or rollback: IMPORT p001-000001");
    // Seven of eight parts are imported: one failure does not stop the others.
    assertThat(activities.calls().stream().filter(c -> c.startsWith("import"))).hasSize(8);

    assertThatThrownBy(() -> stub().skip(VerbRequest.of("ada", "do not care")))
        .hasStackTraceContaining("skip is not possible: records would be lost");
    assertThatThrownBy(() -> stub().retry(VerbRequest.of("ada", "")))
        .hasStackTraceContaining("retry needs a reason");
    assertThatThrownBy(() -> stub().retry(VerbRequest.of("ada", "x").forPart("p009-000000")))
        .hasStackTraceContaining("part 'p009-000000' is not among the failed ones: [p001-000001]");

    activities.failing.clear();
    stub().retry(VerbRequest.of("ada", "restored the part from backup"));

    MigrationResult result = workflow.getResult(MigrationResult.class);
    assertThat(result.outcome()).isEqualTo(Outcome.MIGRATED);
    assertThat(activities.calls().stream().filter("import p001-000001"::equals)).hasSize(2);
    assertThat(activities.calls().stream().filter(c -> c.startsWith("export"))).hasSize(8);
    assertThat(activities.reported.actions())
        .extracting(OperatorAction::verb, OperatorAction::who, OperatorAction::reason)
        .containsExactly(
            org.assertj.core.groups.Tuple.tuple("retry", "ada", "restored the part from backup"));
  }

  @Test
  void failedExportGoesOnAtItsCursor() throws Exception {
    start(new FakeActivities(1, 4, false), "");
    activities.failing.add("export p000-000002");
    WorkflowStub workflow = begin("");
    awaitStatus(s -> s.state() == MigrationStatus.State.NEEDS_ATTENTION);
    activities.failing.clear();
    stub().retry(VerbRequest.of("ada", "source is back"));

    assertThat(workflow.getResult(MigrationResult.class).outcome()).isEqualTo(Outcome.MIGRATED);
    assertThat(activities.calls().stream().filter(c -> c.startsWith("export")))
        .containsExactly(
            "export p000-000000",
            "export p000-000001",
            "export p000-000002",
            "export p000-000002",
            "export p000-000003");
  }

  @Test
  void skippedProofIsNeverCalledProved() throws Exception {
    start(new FakeActivities(1, 1, false), "");
    activities.failing.add("checkQuality");
    WorkflowStub workflow = begin("");
    awaitStatus(s -> s.state() == MigrationStatus.State.NEEDS_ATTENTION);
    stub().skip(VerbRequest.of("ada", "known difference"));

    MigrationResult result = workflow.getResult(MigrationResult.class);
    assertThat(result.outcome()).isEqualTo(Outcome.MIGRATED_WITH_SKIPS);
    assertThat(activities.reported.skipped()).hasSize(1);
  }

  @Test
  void cancelStopsWritersAndThenRollsBack() throws Exception {
    start(new FakeActivities(2, 4, false), "");
    activities.holding.put("import p000-000001", new CountDownLatch(1));
    WorkflowStub workflow = begin("");
    awaitCall("import p000-000001");
    // The in-memory service, unlike a real one, loses its way when an activity ends in the moment
    // of
    // the cancel; so all but the held one have to be through.
    awaitStatus(s -> s.phases().get(Phase.IMPORT.ordinal()).partsDone() == 7);

    workflow.cancel("wrong target");
    awaitStatus(s -> s.outcome() != null && s.report() != null);

    // Temporal closes a workflow with a cancel request as cancelled, whatever it returns.
    assertThatThrownBy(() -> workflow.getResult(MigrationResult.class))
        .hasCauseInstanceOf(CanceledFailure.class);
    assertThat(stub().status().outcome()).isEqualTo(Outcome.ROLLED_BACK);
    List<String> calls = activities.calls();
    assertThat(calls.indexOf("import p000-000001 stopped"))
        .isPositive()
        .isLessThan(calls.indexOf("compensate DROP_LOAD"));
    assertThat(calls).doesNotContain("compensate SWITCH_BACK");
    assertThat(calls.get(calls.size() - 1)).isEqualTo("writeReport");
    assertThat(activities.reported.undo())
        .extracting(UndoStep::state)
        .containsExactly(UndoStep.State.DONE);
  }

  @Test
  void rollbackVerbAfterTheCutoverUndoesNewestFirst() throws Exception {
    start(new FakeActivities(1, 1, false), "");
    activities.failing.add("cutover");
    WorkflowStub workflow = begin("");
    awaitStatus(s -> s.state() == MigrationStatus.State.NEEDS_ATTENTION);
    stub().pause(VerbRequest.of("ada", "thinking"));
    stub().rollback(VerbRequest.of("ada", "not tonight"));

    MigrationResult result = workflow.getResult(MigrationResult.class);
    assertThat(result.outcome()).isEqualTo(Outcome.ROLLED_BACK);
    assertThat(result.verdict()).contains("not tonight");
    assertThat(activities.calls().stream().filter(c -> c.startsWith("compensate")))
        .containsExactly("compensate SWITCH_BACK", "compensate DROP_LOAD");
  }

  @Test
  void incompleteRollbackWaitsAndCanBeRetried() throws Exception {
    start(new FakeActivities(1, 1, false), "");
    activities.failing.add("finishLoad");
    activities.failing.add("compensate DROP_LOAD");
    WorkflowStub workflow = begin(", \"rollback\": {\"onFailure\": \"automatic\"}");
    MigrationStatus status =
        awaitStatus(s -> s.state() == MigrationStatus.State.ROLLBACK_INCOMPLETE);
    assertThat(status.waitingFor()).contains("could not remove what was loaded for target");
    activities.failing.clear();
    stub().retry(VerbRequest.of("ada", "permission granted"));

    assertThat(workflow.getResult(MigrationResult.class).outcome()).isEqualTo(Outcome.ROLLED_BACK);
  }

  @Test
  void rollbackThatIsGivenUpSaysSo() throws Exception {
    start(new FakeActivities(1, 1, false), "");
    activities.failing.add("finishLoad");
    activities.failing.add("compensate DROP_LOAD");
    WorkflowStub workflow = begin(", \"rollback\": {\"onFailure\": \"automatic\"}");
    awaitStatus(s -> s.state() == MigrationStatus.State.ROLLBACK_INCOMPLETE);
    stub().skip(VerbRequest.of("ada", "removed by hand"));

    assertThat(workflow.getResult(MigrationResult.class).outcome())
        .isEqualTo(Outcome.ROLLBACK_INCOMPLETE);
  }

  @Test
  void pauseStartsNothingNewAndResumeGoesOn() throws Exception {
    start(new FakeActivities(1, 50, false), "");
    CountDownLatch held = new CountDownLatch(1);
    activities.holding.put("export p000-000003", held);
    WorkflowStub workflow = begin("");
    awaitCall("export p000-000003");
    assertThatThrownBy(() -> stub().resume(VerbRequest.of("ada", "x")))
        .hasStackTraceContaining("not paused");
    stub().pause(VerbRequest.of("ada", "backup window"));
    assertThatThrownBy(() -> stub().pause(VerbRequest.of("ada", "again")))
        .hasStackTraceContaining("paused already");
    held.countDown();
    MigrationStatus status =
        awaitStatus(s -> s.phases().get(Phase.EXPORT.ordinal()).partsDone() == 4);
    assertThat(status.state()).isEqualTo(MigrationStatus.State.PAUSED);
    assertThat(activities.calls()).doesNotContain("export p000-000004");

    stub().resume(VerbRequest.of("ada", "window over"));
    assertThat(workflow.getResult(MigrationResult.class).outcome()).isEqualTo(Outcome.MIGRATED);
  }

  @Test
  void approvalIsAwaitedAndRefusalRollsBack() throws Exception {
    start(new FakeActivities(1, 2, false), "");
    WorkflowStub workflow =
        begin(", \"approval\": {\"beforeImport\": true, \"beforeCutover\": true}");
    awaitStatus(s -> s.state() == MigrationStatus.State.WAITING_FOR_APPROVAL);
    assertThat(activities.calls()).doesNotContain("prepareTarget");
    stub().approve(VerbRequest.of("bob", "reviewed"));
    MigrationStatus second =
        awaitStatus(
            s ->
                s.state() == MigrationStatus.State.WAITING_FOR_APPROVAL
                    && s.waitingFor().contains("cutover"));
    assertThat(second.phase()).isEqualTo(Phase.CUTOVER);
    stub().reject(VerbRequest.of("bob", "freeze"));

    assertThat(workflow.getResult(MigrationResult.class).outcome()).isEqualTo(Outcome.ROLLED_BACK);
    assertThat(activities.calls()).doesNotContain("cutover");
  }

  @Test
  void startTimeIsAwaited() {
    start(new FakeActivities(1, 1, false), "");
    long before = environment.currentTimeMillis();
    String at = java.time.Instant.ofEpochMilli(before).plus(Duration.ofDays(30)).toString();
    MigrationResult result =
        begin(", \"schedule\": {\"startAfter\": \"" + at + "\"}").getResult(MigrationResult.class);

    assertThat(result.outcome()).isEqualTo(Outcome.MIGRATED);
    assertThat(environment.currentTimeMillis() - before)
        .isGreaterThanOrEqualTo(Duration.ofDays(30).toMillis());
  }

  @Test
  void anyJsonEndsWithAMessage() throws Exception {
    start(new FakeActivities(1, 1, false), "");
    for (String document :
        List.of("[]", "7", "null", "{}", "{\"name\": {}, \"sorce\": 1, \"export\": []}")) {
      WorkflowStub workflow = untyped();
      workflow.start(new ObjectMapper().readTree(document));
      assertThatThrownBy(() -> workflow.getResult(MigrationResult.class))
          .isInstanceOf(WorkflowFailedException.class)
          .cause()
          .isInstanceOfSatisfying(
              ApplicationFailure.class,
              failure -> {
                assertThat(failure.getType()).isEqualTo(MigrationWorkflow.INVALID_SPEC);
                assertThat(failure.getOriginalMessage())
                    .contains("source: is missing", "target: is missing");
              });
    }
    assertThat(activities.calls()).isEmpty();
  }

  @Test
  void blockedPlanEndsBeforeAnythingIsWritten() {
    start(new FakeActivities(1, 1, false), "");
    activities.findings =
        List.of(
            Finding.blocking("target", "exists.", "Choose another."),
            Finding.blocking("source", "is empty.", ""));
    WorkflowStub workflow = begin("");
    assertThatThrownBy(() -> workflow.getResult(MigrationResult.class))
        .cause()
        .hasMessageContaining("target: exists. Choose another.\n  source: is empty.");
    assertThat(activities.calls()).containsExactly("plan");
  }

  @Test
  void childWorkflowsReportFailuresAndGoOn() throws Exception {
    start(new FakeActivities(3, 5, true), "");
    activities.failing.add("validate p001-000003");
    WorkflowStub workflow = begin("");
    awaitStatus(s -> s.state() == MigrationStatus.State.NEEDS_ATTENTION);
    activities.failing.clear();
    stub().retry(VerbRequest.of("ada", "mended"));

    assertThat(workflow.getResult(MigrationResult.class).outcome()).isEqualTo(Outcome.MIGRATED);
    assertThat(activities.calls().stream().filter(c -> c.startsWith("export"))).hasSize(15);
    assertThat(activities.calls().stream().filter(c -> c.startsWith("import"))).hasSize(15);
    assertThat(activities.reported.phases().get(Phase.IMPORT.ordinal()).partsDone()).isEqualTo(15);
  }

  private MigrationResult run(FakeActivities fake, String more) {
    start(fake, more);
    return begin(more).getResult(MigrationResult.class);
  }

  private void start(FakeActivities fake, String more) {
    activities = fake;
    environment =
        TestWorkflowEnvironment.newInstance(
            TestEnvironmentOptions.newBuilder()
                .setWorkflowClientOptions(
                    WorkflowClientOptions.newBuilder()
                        .setDataConverter(Payloads.converter())
                        .build())
                .build());
    Scenario.serve(environment, fake);
    environment.start();
  }

  private WorkflowStub begin(String more) {
    try {
      JsonNode document = new ObjectMapper().readTree(String.format(SPEC, more));
      WorkflowStub workflow = untyped();
      workflow.start(document);
      return workflow;
    } catch (java.io.IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }

  private WorkflowStub untyped() {
    return environment
        .getWorkflowClient()
        .newUntypedWorkflowStub(
            "MigrationWorkflow",
            WorkflowOptions.newBuilder()
                .setTaskQueue(MigrationWorkflow.TASK_QUEUE)
                .setWorkflowId("migration-m")
                .build());
  }

  private MigrationWorkflow stub() {
    WorkflowClient client = environment.getWorkflowClient();
    return client.newWorkflowStub(MigrationWorkflow.class, "migration-m");
  }

  private MigrationStatus awaitStatus(Predicate<MigrationStatus> condition)
      throws InterruptedException {
    long deadline = System.nanoTime() + Duration.ofSeconds(60).toNanos();
    while (true) {
      MigrationStatus status = stub().status();
      if (condition.test(status)) {
        return status;
      }
      assertThat(System.nanoTime()).as("deadline, last status %s", status).isLessThan(deadline);
      Thread.sleep(20);
    }
  }

  private void awaitCall(String call) throws InterruptedException {
    long deadline = System.nanoTime() + Duration.ofSeconds(60).toNanos();
    while (!activities.calls().contains(call)) {
      assertThat(System.nanoTime())
          .as("deadline, calls %s", activities.calls())
          .isLessThan(deadline);
      Thread.sleep(10);
    }
  }

  private static int first(List<String> calls, String prefix) {
    return calls.indexOf(
        calls.stream().filter(c -> c.startsWith(prefix + " p")).findFirst().orElseThrow());
  }

  private static int last(List<String> calls, String prefix) {
    return calls.lastIndexOf(
        calls.stream().filter(c -> c.startsWith(prefix + " p")).reduce((a, b) -> b).orElseThrow());
  }
}
