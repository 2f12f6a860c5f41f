package io.vecferry.worker;

import io.temporal.activity.ActivityInfo;
import io.vecferry.activity.PartTask;
import io.vecferry.plan.Phase;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What a step is about; each is empty where there is none.
 *
 * @param migration name of the migration
 * @param phase name of its phase
 * @param part name of the part
 */
record StepPlace(String migration, String phase, String part) {
  /** Partition workflows have the id of their migration and more. */
  private static final Pattern WORKFLOW_ID = Pattern.compile("(?:migration|retention)-([^/]+).*");

  /**
   * Where a step belongs.
   *
   * @param argument the first argument of the activity
   */
  static StepPlace of(ActivityInfo info, Object argument) {
    Matcher workflow = WORKFLOW_ID.matcher(info.getWorkflowId());
    return new StepPlace(
        workflow.matches() ? workflow.group(1).replace(":", "") : "",
        phase(info.getActivityType()).map(Phase::name).orElse(""),
        argument instanceof PartTask task ? task.partName() : "");
  }

  /** The phase that a step belongs to. */
  static Optional<Phase> phase(String step) {
    return Optional.ofNullable(
        switch (step) {
          case "CheckSpec", "TargetHolder", "Plan" -> Phase.PLANNING;
          case "ExportPart" -> Phase.EXPORT;
          case "ValidateExportedPart", "CompleteExport" -> Phase.VALIDATE_EXPORT;
          case "PrepareTarget", "ImportPart", "FinishLoad" -> Phase.IMPORT;
          case "ValidateImportedPart", "CompleteImportValidation", "Repair" ->
              Phase.VALIDATE_IMPORT;
          case "CheckQuality" -> Phase.QUALITY_CHECK;
          case "KeptChanges",
              "FindChanges",
              "KeepChanges",
              "RemoveChanged",
              "FinishChanges",
              "Cutover" ->
              Phase.CUTOVER;
          case "Compensate" -> Phase.ROLLBACK;
          case "EndRetention", "MoveArchive", "WriteReport" -> Phase.FINALIZE;
          default -> null;
        });
  }
}
