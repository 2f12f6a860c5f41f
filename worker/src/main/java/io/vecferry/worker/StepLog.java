package io.vecferry.worker;

import io.temporal.activity.ActivityExecutionContext;
import io.temporal.activity.ActivityInfo;
import io.temporal.common.interceptors.ActivityInboundCallsInterceptor;
import io.temporal.common.interceptors.ActivityInboundCallsInterceptorBase;
import io.temporal.common.interceptors.WorkerInterceptorBase;
import io.vecferry.activity.CheckResult;
import io.vecferry.activity.PartResult;
import io.vecferry.activity.PartTask;
import io.vecferry.plan.Phase;
import java.util.List;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.MDC;

/**
 * Logs each step when it is done, and gives all that is logged during a step its migration, phase
 * and part.
 */
final class StepLog extends WorkerInterceptorBase {
  /** The places that a line of the log may have, in order. */
  static final List<String> PLACES = List.of("migration", "phase", "part");

  private static final Logger LOG = LoggerFactory.getLogger(StepLog.class);

  /** Partition workflows have the id of their migration and more. */
  private static final Pattern WORKFLOW_ID = Pattern.compile("(?:migration|retention)-([^/]+).*");

  @Override
  public ActivityInboundCallsInterceptor interceptActivity(ActivityInboundCallsInterceptor next) {
    return new Calls(next);
  }

  private static final class Calls extends ActivityInboundCallsInterceptorBase {
    private ActivityInfo info;

    Calls(ActivityInboundCallsInterceptor next) {
      super(next);
    }

    @Override
    public void init(ActivityExecutionContext context) {
      info = context.getInfo();
      super.init(context);
    }

    @Override
    public ActivityOutput execute(ActivityInput input) {
      String step = info.getActivityType();
      Matcher workflow = WORKFLOW_ID.matcher(info.getWorkflowId());
      put("migration", workflow.matches() ? workflow.group(1).replace(":", "") : "");
      put("phase", phase(step));
      put("part", input.getArguments()[0] instanceof PartTask task ? task.partName() : "");
      long started = System.nanoTime();
      try {
        ActivityOutput output = super.execute(input);
        LOG.info(
            "{} done in {} s{}",
            step,
            String.format(Locale.ROOT, "%.1f", (System.nanoTime() - started) / 1e9),
            words(output.getResult()));
        return output;
      } finally {
        PLACES.forEach(MDC::remove);
      }
    }

    private static void put(String place, String value) {
      if (!value.isEmpty()) {
        MDC.put(place, value);
      }
    }

    private static String words(Object result) {
      if (result instanceof PartResult part) {
        return ": %d records%s%s"
            .formatted(
                part.rows(),
                part.rejects() == 0 ? "" : ", " + part.rejects() + " of them refused",
                part.reused() ? ", done before" : "");
      }
      return result instanceof CheckResult check && !check.summary().isEmpty()
          ? ": " + check.summary()
          : "";
    }

    private static String phase(String step) {
      return switch (step) {
        case "CheckSpec", "TargetHolder", "Plan" -> Phase.PLANNING.name();
        case "ExportPart" -> Phase.EXPORT.name();
        case "ValidateExportedPart", "CompleteExport" -> Phase.VALIDATE_EXPORT.name();
        case "PrepareTarget", "ImportPart", "FinishLoad" -> Phase.IMPORT.name();
        case "ValidateImportedPart", "CompleteImportValidation", "Repair" ->
            Phase.VALIDATE_IMPORT.name();
        case "CheckQuality" -> Phase.QUALITY_CHECK.name();
        case "KeptChanges",
            "FindChanges",
            "KeepChanges",
            "RemoveChanged",
            "FinishChanges",
            "Cutover" ->
            Phase.CUTOVER.name();
        case "Compensate" -> Phase.ROLLBACK.name();
        case "EndRetention", "MoveArchive", "WriteReport" -> Phase.FINALIZE.name();
        default -> "";
      };
    }
  }
}
