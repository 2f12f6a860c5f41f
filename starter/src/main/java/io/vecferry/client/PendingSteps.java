package io.vecferry.client;

import com.google.protobuf.Timestamp;
import io.temporal.api.enums.v1.ApplicationErrorCategory;
import io.temporal.api.enums.v1.PendingActivityState;
import io.temporal.api.failure.v1.ApplicationFailureInfo;
import io.temporal.api.failure.v1.Failure;
import io.temporal.api.workflow.v1.PendingActivityInfo;
import io.temporal.api.workflow.v1.PendingChildExecutionInfo;
import io.temporal.api.workflowservice.v1.DescribeWorkflowExecutionResponse;
import io.temporal.client.WorkflowClient;
import io.temporal.client.WorkflowNotFoundException;
import io.temporal.common.converter.DataConverter;
import io.temporal.common.converter.DataConverterException;
import io.temporal.failure.TemporalFailure;
import io.vecferry.activity.StepProgress;
import io.vecferry.plan.FailureClass;
import io.vecferry.plan.Phase;
import io.vecferry.workflow.StepFailure;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Finds the steps that have failed and that the service will try again. It alone knows them: a
 * failed attempt leaves nothing in the history of a workflow.
 */
final class PendingSteps {
  private static final Map<String, Phase> PHASES =
      Map.ofEntries(
          Map.entry("ExportPart", Phase.EXPORT),
          Map.entry("ValidateExportedPart", Phase.VALIDATE_EXPORT),
          Map.entry("CompleteExport", Phase.VALIDATE_EXPORT),
          Map.entry("PrepareTarget", Phase.IMPORT),
          Map.entry("ImportPart", Phase.IMPORT),
          Map.entry("FinishLoad", Phase.IMPORT),
          Map.entry("ValidateImportedPart", Phase.VALIDATE_IMPORT),
          Map.entry("CompleteImportValidation", Phase.VALIDATE_IMPORT),
          Map.entry("Repair", Phase.VALIDATE_IMPORT),
          Map.entry("CheckQuality", Phase.QUALITY_CHECK),
          Map.entry("Cutover", Phase.CUTOVER),
          Map.entry("Compensate", Phase.ROLLBACK),
          Map.entry("EndRetention", Phase.FINALIZE),
          Map.entry("WriteReport", Phase.FINALIZE));

  private final WorkflowClient client;
  private final DataConverter converter;

  PendingSteps(WorkflowClient client) {
    this.client = client;
    this.converter = client.getOptions().getDataConverter();
  }

  /** The steps of a migration and of its partitions that are tried again. */
  List<StepFailure> triedAgain(String workflowId) {
    List<StepFailure> steps = new ArrayList<>();
    DescribeWorkflowExecutionResponse migration = describe(workflowId);
    add(steps, migration);
    for (PendingChildExecutionInfo child : migration.getPendingChildrenList()) {
      if (child.getWorkflowTypeName().equals("PartitionWorkflow")) {
        addPartition(steps, child.getWorkflowId());
      }
    }
    steps.sort(Comparator.comparing(StepFailure::phase).thenComparing(StepFailure::subject));
    return steps;
  }

  private void addPartition(List<StepFailure> steps, String workflowId) {
    try {
      add(steps, describe(workflowId));
    } catch (WorkflowNotFoundException e) {
      // It has been deleted since.
    }
  }

  private DescribeWorkflowExecutionResponse describe(String workflowId) {
    return client.newUntypedWorkflowStub(workflowId).describe().getRawDescription();
  }

  private void add(List<StepFailure> steps, DescribeWorkflowExecutionResponse workflow) {
    for (PendingActivityInfo step : workflow.getPendingActivitiesList()) {
      StepProgress progress = progress(step).orElse(StepProgress.none(""));
      if (isTriedAgain(step, progress)
          && converter.failureToException(lastFailure(step)) instanceof TemporalFailure failure) {
        steps.add(
            StepFailure.triedAgain(
                PHASES.getOrDefault(step.getActivityType().getName(), Phase.PLANNING),
                progress.subject(),
                failure,
                millis(step.getLastAttemptCompleteTime()),
                step.getAttempt() - 1,
                progress.failed() == 0
                    ? millis(step.getScheduledTime())
                    : progress.failingSinceMillis()));
      }
    }
  }

  /** Without what the service puts around one that is too large for it to keep. */
  private static Failure lastFailure(PendingActivityInfo step) {
    Failure failure = step.getLastFailure();
    return failure.hasServerFailureInfo() && failure.hasCause() ? failure.getCause() : failure;
  }

  /** Not one that has got further since, or that a stopping worker has handed over. */
  private static boolean isTriedAgain(PendingActivityInfo step, StepProgress progress) {
    ApplicationFailureInfo last = lastFailure(step).getApplicationFailureInfo();
    boolean handedOver =
        last.getCategory() == ApplicationErrorCategory.APPLICATION_ERROR_CATEGORY_BENIGN
            && last.getType().equals(FailureClass.TRANSIENT.name());
    boolean waits = step.getState() == PendingActivityState.PENDING_ACTIVITY_STATE_SCHEDULED;
    return step.hasLastFailure() && !handedOver && (waits || progress.failed() > 0);
  }

  private Optional<StepProgress> progress(PendingActivityInfo step) {
    try {
      return Optional.ofNullable(
          converter.fromPayloads(
              0, Optional.of(step.getHeartbeatDetails()), StepProgress.class, StepProgress.class));
    } catch (DataConverterException e) {
      return Optional.empty();
    }
  }

  private static long millis(Timestamp time) {
    return time.getSeconds() * 1000 + time.getNanos() / 1_000_000;
  }
}
