package io.vecferry.workflow;

import static org.assertj.core.api.Assertions.assertThat;

import io.temporal.failure.ApplicationFailure;
import io.vecferry.activity.CheckResult;
import io.vecferry.activity.Compensation;
import io.vecferry.activity.PartResult;
import io.vecferry.activity.PartTask;
import io.vecferry.activity.WholeTask;
import io.vecferry.plan.ExistingTarget;
import io.vecferry.plan.FailureClass;
import io.vecferry.plan.NameSwitch;
import io.vecferry.plan.PlannedSide;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * A migration fails behind the effect of every one of its steps, as when a worker dies before it
 * can say what it has done. What the store holds after the rollback has to be what it held before.
 */
@Timeout(300)
class RollbackTest {
  private static final String ROLLS_BACK = ", \"rollback\": {\"onFailure\": \"automatic\"}";

  /** How the target's name is taken. */
  private enum Case {
    FREE,
    ALIAS,
    /** What is there is renamed, and its records are in the load. */
    MERGED,
    /** The old collection goes and comes back from its backup. */
    TAKEN_OVER
  }

  /** A store of names with what they lead to, and a step that fails. */
  private static final class Target extends FakeActivities {
    final Map<String, String> store = new TreeMap<>();
    private final Map<String, String> backup = new TreeMap<>();
    private final Case kind;
    private final int failsAt;
    private int steps;

    Target(Case kind, int failsAt) {
      super(2, 1, false);
      this.kind = kind;
      this.failsAt = failsAt;
      store.put("other", "somebody's");
      if (kind != Case.FREE) {
        store.put(kind == Case.ALIAS ? "old" : "name", "old records");
        existing =
            new ExistingTarget(
                new PlannedSide("fake", "name", List.of(), List.of(), 1000, -1, Map.of(), "", null),
                kind == Case.MERGED);
      }
      if (kind == Case.ALIAS) {
        store.put("name", "-> old");
      }
      if (kind == Case.MERGED || kind == Case.TAKEN_OVER) {
        backupPartitions = 1;
      }
      nameSwitch =
          new NameSwitch(
              "name",
              "load",
              kind == Case.FREE ? "" : kind == Case.ALIAS ? "old" : "name",
              kind == Case.FREE || kind == Case.TAKEN_OVER
                  ? ""
                  : kind == Case.ALIAS ? "old" : "kept",
              NameSwitch.Gap.NONE,
              true,
              "",
              kind == Case.TAKEN_OVER ? Map.of(NameSwitch.RESTORE_FROM_BACKUP, "true") : Map.of());
    }

    private synchronized void step(Runnable effect) {
      effect.run();
      if (steps++ == failsAt) {
        throw ApplicationFailure.newNonRetryableFailure("injected", FailureClass.BUG.name());
      }
    }

    @Override
    public PartResult exportPart(PartTask task) {
      PartResult result = super.exportPart(task);
      step(
          () -> {
            if (task.partition().index() == 2) {
              backup.put("name", store.get("name"));
            }
          });
      return result;
    }

    @Override
    public PartResult validateExportedPart(PartTask task) {
      step(() -> {});
      return super.validateExportedPart(task);
    }

    @Override
    public PartResult importPart(PartTask task) {
      step(() -> store.merge("load", " " + task.partName(), String::concat));
      return super.importPart(task);
    }

    @Override
    public PartResult validateImportedPart(PartTask task) {
      step(() -> {});
      return super.validateImportedPart(task);
    }

    @Override
    public CheckResult completeExport(WholeTask task) {
      step(() -> {});
      return super.completeExport(task);
    }

    @Override
    public CheckResult prepareTarget(WholeTask task) {
      step(() -> store.put("load", "loaded"));
      return super.prepareTarget(task);
    }

    @Override
    public CheckResult finishLoad(WholeTask task) {
      step(() -> {});
      return super.finishLoad(task);
    }

    @Override
    public CheckResult completeImportValidation(WholeTask task) {
      step(() -> {});
      return super.completeImportValidation(task);
    }

    @Override
    public CheckResult checkQuality(WholeTask task) {
      step(() -> {});
      return super.checkQuality(task);
    }

    @Override
    public CheckResult cutover(WholeTask task) {
      step(
          () -> {
            switch (kind) {
              case FREE, TAKEN_OVER -> store.put("name", store.remove("load"));
              case ALIAS -> store.put("name", "-> load");
              case MERGED -> {
                store.put("kept", store.remove("name"));
                store.put("name", store.remove("load"));
              }
            }
          });
      return super.cutover(task);
    }

    @Override
    public CheckResult compensate(WholeTask task, Compensation compensation) {
      undo(compensation);
      return super.compensate(task, compensation);
    }

    private synchronized void undo(Compensation compensation) {
      switch (compensation.kind()) {
        case SWITCH_BACK -> {
          assertThat(compensation.nameSwitch()).isEqualTo(nameSwitch);
          if (kind == Case.ALIAS) {
            store.put("name", "-> old");
          } else if (store.getOrDefault("name", "").startsWith("loaded")) {
            store.put("load", store.remove("name"));
            if (store.containsKey("kept")) {
              store.put("name", store.remove("kept"));
            }
          }
        }
        case RESTORE_BACKUP -> store.putAll(backup);
        case DROP_LOAD -> store.remove("load");
      }
    }
  }

  @ParameterizedTest
  @EnumSource(Case.class)
  void everyStepThatFailsIsUndone(Case kind) {
    Target whole = new Target(kind, -1);
    Map<String, String> before = new TreeMap<>(whole.store);
    assertThat(outcome(whole)).isEqualTo(Outcome.MIGRATED);
    assertThat(whole.store).isNotEqualTo(before);
    assertThat(whole.store.get(kind == Case.ALIAS ? "load" : "name"))
        .startsWith("loaded")
        .contains(" p000-000000", " p001-000000");
    assertThat(whole.store.toString().contains("p002-000000")).isEqualTo(kind == Case.MERGED);
    List<String> wrong = new ArrayList<>();
    for (int step = 0; step < whole.steps; step++) {
      Target failing = new Target(kind, step);
      Outcome outcome = outcome(failing);
      if (outcome != Outcome.ROLLED_BACK || !failing.store.equals(before)) {
        wrong.add(
            "step " + step + " after " + failing.calls() + ": " + outcome + " " + failing.store);
      }
    }
    assertThat(wrong).as("state before: %s", before).isEmpty();
  }

  private static Outcome outcome(Target target) {
    try (Scenario scenario = new Scenario(target)) {
      return scenario.begin(ROLLS_BACK).getResult(MigrationResult.class).outcome();
    }
  }

  @Test
  void mergeLoadsNothingBeforeBothSidesAreExported() {
    Target target = new Target(Case.MERGED, -1);
    assertThat(outcome(target)).isEqualTo(Outcome.MIGRATED);
    List<String> calls = target.calls();
    assertThat(calls.indexOf("completeExport"))
        .isGreaterThan(calls.indexOf("validate p002-000000"))
        .isLessThan(calls.indexOf("prepareTarget"));
    assertThat(calls).contains("import p002-000000", "compare p002-000000");
  }

  @Test
  void backupThatIsNotMergedIsNotLoaded() {
    Target target = new Target(Case.TAKEN_OVER, -1);
    assertThat(outcome(target)).isEqualTo(Outcome.MIGRATED);
    assertThat(target.calls())
        .contains("validate p002-000000")
        .doesNotContain("import p002-000000", "compare p002-000000");
  }
}
