package io.vecferry.workflow;

import static org.assertj.core.api.Assertions.assertThat;

import io.temporal.client.WorkflowStub;
import io.vecferry.activity.CatchUpPass;
import io.vecferry.plan.Phase;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** Passes over a source that is written to, in the workflow. */
class CatchUpTest {
  private static final String CATCH_UP = ", \"cutover\": {\"catchUp\": true}";

  private static FakeActivities moving(CatchUpPass... passes) {
    FakeActivities activities = new FakeActivities(2, 2, false);
    for (CatchUpPass pass : passes) {
      activities.found.put(pass.pass(), pass);
    }
    return activities;
  }

  private static CatchUpPass pass(int number, long added, long changed, long deleted) {
    return new CatchUpPass(number, 4000, added, changed, deleted, null, 0);
  }

  private static List<String> from(FakeActivities activities, String call) {
    List<String> calls = activities.calls();
    return calls.subList(calls.indexOf(call), calls.size());
  }

  @Test
  void isRepeatedUntilNothingDiffers() {
    try (Scenario scenario = new Scenario(moving(pass(1, 2, 3, 4)))) {
      MigrationResult result = scenario.begin(CATCH_UP).getResult(MigrationResult.class);

      assertThat(result.outcome()).isEqualTo(Outcome.MIGRATED);
      assertThat(from(scenario.activities, "completeImportValidation"))
          .containsExactly(
              "completeImportValidation",
              "keptChanges",
              "checkQuality",
              "findChanges 1",
              "keepChanges 1",
              "removeChanged 1",
              "validate p003-000000",
              "import p003-000000",
              "finishChanges 1",
              "compare p003-000000",
              "completeImportValidation",
              "findChanges 2",
              "cutover",
              "writeReport");
      PhaseProgress cutover = scenario.activities.reported.phases().get(Phase.CUTOVER.ordinal());
      assertThat(cutover.state()).isEqualTo(PhaseProgress.State.DONE);
      assertThat(cutover.summary())
          .startsWith(
              "pass 1: of 4,000 records 2 new, 3 changed; 4 deleted; pass 2: no difference in 5"
                  + " records, by id and content; cutover");
      // What was proved is said of the target as the pass has left it.
      PhaseProgress proved =
          scenario.activities.reported.phases().get(Phase.VALIDATE_IMPORT.ordinal());
      assertThat(proved.state()).isEqualTo(PhaseProgress.State.DONE);
      assertThat(proved.summary()).isEqualTo("completeImportValidation 5 parts");
      // What a moving source has of an id is known when it is exported.
      List<String> calls = scenario.activities.calls();
      assertThat(calls.indexOf("completeExport")).isLessThan(calls.indexOf("import p000-000000"));
    }
  }

  @Test
  void whatIsWrongAfterAPassCanBeRepaired() throws Exception {
    FakeActivities activities = moving(pass(1, 2, 0, 0));
    activities.differing.add("completeImportValidation");
    activities.watching.put(
        "finishChanges 1", () -> activities.failing.add("completeImportValidation"));
    try (Scenario scenario = new Scenario(activities)) {
      WorkflowStub workflow = scenario.begin(CATCH_UP);
      MigrationStatus waiting = scenario.awaitState(MigrationStatus.State.NEEDS_ATTENTION);
      assertThat(waiting.failures().get(0).phase()).isEqualTo(Phase.VALIDATE_IMPORT);
      activities.failing.clear();
      scenario.stub().repair(VerbRequest.of("ada", "somebody wrote to the target"));

      assertThat(workflow.getResult(MigrationResult.class).outcome()).isEqualTo(Outcome.MIGRATED);
      assertThat(from(activities, "compare p003-000000"))
          .containsExactly(
              "compare p003-000000",
              "completeImportValidation",
              "repair []",
              "completeImportValidation",
              "findChanges 2",
              "cutover",
              "writeReport");
    }
  }

  @Test
  void aPassWithinTheBoundIsAppliedAndIsTheLast() {
    try (Scenario scenario = new Scenario(moving(pass(1, 6, 0, 0), pass(2, 5, 0, 0)))) {
      scenario
          .begin(", \"cutover\": {\"catchUp\": true, \"maxDifference\": 5}")
          .getResult(MigrationResult.class);

      assertThat(from(scenario.activities, "findChanges 2"))
          .contains("import p004-000000", "compare p004-000000", "cutover")
          .doesNotContain("findChanges 3");
    }
  }

  @Test
  void whatTheArchiveHasAlreadyIsAppliedFirstAndSaysNothingOfTheSourceNow() {
    FakeActivities activities = moving(pass(0, 0, 3, 0), pass(1, 1, 0, 0));
    activities.kept = List.of(pass(0, 0, 3, 0), pass(1, 1, 0, 0));
    try (Scenario scenario = new Scenario(activities)) {
      scenario
          .begin(", \"cutover\": {\"catchUp\": true, \"maxDifference\": 5}")
          .getResult(MigrationResult.class);

      assertThat(from(activities, "keptChanges"))
          .containsExactly(
              "keptChanges",
              "keepChanges 0",
              "removeChanged 0",
              "validate p002-000000",
              "import p002-000000",
              "finishChanges 0",
              "compare p002-000000",
              "completeImportValidation",
              "keepChanges 1",
              "removeChanged 1",
              "validate p003-000000",
              "import p003-000000",
              "finishChanges 1",
              "compare p003-000000",
              "completeImportValidation",
              "checkQuality",
              "findChanges 2",
              "cutover",
              "writeReport");
      assertThat(activities.reported.phases().get(Phase.CUTOVER.ordinal()).summary())
          .startsWith("3 records were written to while they were exported; pass 1: ");
    }
  }

  @Test
  void aSourceThatDoesNotRestIsAQuestion() throws Exception {
    CatchUpPass[] passes =
        IntStream.rangeClosed(1, 20)
            .mapToObj(number -> pass(number, 1, 0, 0))
            .toArray(CatchUpPass[]::new);
    try (Scenario scenario = new Scenario(moving(passes))) {
      WorkflowStub workflow = scenario.begin(CATCH_UP);

      MigrationStatus waiting = scenario.awaitState(MigrationStatus.State.NEEDS_ATTENTION);
      assertThat(waiting.failures().get(0).toString())
          .contains(
              "CUTOVER",
              "[SOURCE_CHANGED] pass 10: of 4,000 records 1 new, 0 changed; 0 deleted, more than"
                  + " cutover.maxDifference, which is 0");
      assertThat(scenario.activities.calls()).doesNotContain("cutover", "findChanges 11");
      scenario.stub().retry(VerbRequest.of("ada", "it is quieter at night"));

      scenario.awaitCall("compare p022-000000");
      scenario.awaitState(MigrationStatus.State.NEEDS_ATTENTION);
      scenario.stub().skip(VerbRequest.of("ada", "good enough"));

      assertThat(workflow.getResult(MigrationResult.class).outcome())
          .isEqualTo(Outcome.MIGRATED_WITH_SKIPS);
      assertThat(scenario.activities.calls()).contains("cutover").doesNotContain("findChanges 21");
    }
  }

  @Test
  void nothingIsLookedForUnlessTheSpecSaysSo() {
    try (Scenario scenario = new Scenario(moving(pass(1, 2, 3, 4)))) {
      scenario.begin().getResult(MigrationResult.class);

      assertThat(scenario.activities.calls()).noneMatch(call -> call.contains("Changes"));
    }
  }
}
