package io.vecferry.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.temporal.api.enums.v1.EventType;
import io.temporal.api.enums.v1.PendingActivityState;
import io.temporal.api.enums.v1.WorkflowExecutionStatus;
import io.temporal.api.history.v1.HistoryEvent;
import io.temporal.api.workflow.v1.PendingActivityInfo;
import io.temporal.api.workflowservice.v1.DeleteWorkflowExecutionRequest;
import io.temporal.api.workflowservice.v1.GetWorkflowExecutionHistoryRequest;
import io.temporal.api.workflowservice.v1.PauseActivityRequest;
import io.temporal.api.workflowservice.v1.ResetActivityRequest;
import io.temporal.api.workflowservice.v1.ResetWorkflowExecutionRequest;
import io.temporal.api.workflowservice.v1.TerminateWorkflowExecutionRequest;
import io.temporal.api.workflowservice.v1.UnpauseActivityRequest;
import io.temporal.api.workflowservice.v1.WorkflowServiceGrpc.WorkflowServiceBlockingStub;
import io.vecferry.testing.RunningServer;
import io.vecferry.testing.Server;
import io.vecferry.testing.WithServer;
import java.nio.file.Path;
import java.util.Set;
import java.util.UUID;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;

/** What people do to a running migration with Temporal's own commands, on a real service. */
@Tag("slow")
@Execution(ExecutionMode.CONCURRENT)
@Timeout(400)
@WithServer(Server.TEMPORAL)
@WithServer(Server.CHROMA)
class ResumeTest {
  private static final int ROWS = 6_000;
  private static final int PART_ROWS = 500;

  @TempDir Path folder;
  private Service service;
  private LongMigration migration;
  private WorkflowServiceBlockingStub temporal;

  @BeforeEach
  void start(
      @WithServer(Server.TEMPORAL) RunningServer server,
      @WithServer(Server.CHROMA) RunningServer chroma) {
    service = Service.at(server, folder);
    temporal = service.stubs().blockingStub();
    service.startWorker();
    migration = new LongMigration(folder, service, chroma, "resumed", ROWS);
    migration.link.limit(60_000);
    migration.start(PART_ROWS, "");
    migration.awaitImported(2);
    migration.assertNothingRedone();
  }

  @AfterEach
  void stop() {
    migration.close();
    service.close();
  }

  @Test
  void workflowIsReset() {
    HistoryEvent first =
        temporal
            .getWorkflowExecutionHistory(
                GetWorkflowExecutionHistoryRequest.newBuilder()
                    .setNamespace(service.namespace())
                    .setExecution(migration.execution())
                    .build())
            .getHistory()
            .getEventsList()
            .stream()
            .filter(event -> event.getEventType() == EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED)
            .findFirst()
            .orElseThrow();
    temporal.resetWorkflowExecution(
        ResetWorkflowExecutionRequest.newBuilder()
            .setNamespace(service.namespace())
            .setWorkflowExecution(migration.execution())
            .setWorkflowTaskFinishEventId(first.getEventId())
            .setRequestId(UUID.randomUUID().toString())
            .setReason("test")
            .build());
    migration.link.limit(Long.MAX_VALUE);
    migration.assertArrived();
  }

  @Test
  void stepIsPausedResetAndUnpaused() {
    migration.link.limit(10_000);
    String step = pauseAnImport();
    migration.link.limit(Long.MAX_VALUE);
    temporal.resetActivity(
        ResetActivityRequest.newBuilder()
            .setNamespace(service.namespace())
            .setExecution(migration.execution())
            .setId(step)
            .setKeepPaused(true)
            .setResetHeartbeat(true)
            .build());
    temporal.unpauseActivity(
        UnpauseActivityRequest.newBuilder()
            .setNamespace(service.namespace())
            .setExecution(migration.execution())
            .setId(step)
            .build());
    migration.assertArrived();
  }

  /** The id of a step that stands still; one that ends before it learns of the pause is no use. */
  private String pauseAnImport() {
    while (true) {
      String step =
          migration
              .awaitStep(
                  running -> running.getActivityType().getName().equals("ImportPart"),
                  "a part is imported")
              .getActivityId();
      try {
        temporal.pauseActivity(
            PauseActivityRequest.newBuilder()
                .setNamespace(service.namespace())
                .setExecution(migration.execution())
                .setId(step)
                .setReason("test")
                .build());
      } catch (StatusRuntimeException e) {
        // It has ended.
        continue;
      }
      Set<PendingActivityState> moving =
          Set.of(
              PendingActivityState.PENDING_ACTIVITY_STATE_STARTED,
              PendingActivityState.PENDING_ACTIVITY_STATE_PAUSE_REQUESTED);
      Cli.await("the step stands still", () -> !moving.contains(state(step)));
      if (state(step) == PendingActivityState.PENDING_ACTIVITY_STATE_PAUSED) {
        return step;
      }
    }
  }

  /** State of a step; UNSPECIFIED when it has ended. */
  private PendingActivityState state(String step) {
    return migration.describe().getPendingActivitiesList().stream()
        .filter(pending -> pending.getActivityId().equals(step))
        .map(PendingActivityInfo::getState)
        .findFirst()
        .orElse(PendingActivityState.PENDING_ACTIVITY_STATE_UNSPECIFIED);
  }

  @Test
  void workflowIsDeletedAndStartedAgain() {
    temporal.deleteWorkflowExecution(
        DeleteWorkflowExecutionRequest.newBuilder()
            .setNamespace(service.namespace())
            .setWorkflowExecution(migration.execution())
            .build());
    Cli.await("the workflow is gone", this::isGone);
    migration.assertNothingRedone();
    migration.link.limit(Long.MAX_VALUE);
    migration.startAgain();
    migration.assertArrived();
  }

  @Test
  void terminatedMigrationIsRolledBackFromItsArchive() throws Exception {
    refused("The migration 'resumed' is running. Roll it back without --from-archive.");
    terminate();
    Cli.Result undone = rollback();
    assertThat(undone.exitCode()).as("%s", undone).isEqualTo(2);
    assertThat(undone.out())
        .startsWith("remove what was loaded for ")
        .contains(": removed\nROLLED_BACK: Not migrated: it was terminated.\n");
    assertThat(migration.collections()).isEmpty();
    assertThat(migration.imported()).isZero();
    assertNothingToUndo();

    migration.link.limit(Long.MAX_VALUE);
    migration.forgetImported();
    migration.startAgain();
    migration.assertArrived();
    assertNothingToUndo();
    assertThat(migration.collections()).hasSize(1);
  }

  private void assertNothingToUndo() {
    Cli.Result result = rollback();
    assertThat(result.exitCode()).as("%s", result).isZero();
    assertThat(result.out()).isEqualTo("There is nothing to undo.\n");
  }

  private void terminate() {
    temporal.terminateWorkflowExecution(
        TerminateWorkflowExecutionRequest.newBuilder()
            .setNamespace(service.namespace())
            .setWorkflowExecution(migration.execution())
            .setReason("test")
            .build());
    assertThat(migration.status())
        .isEqualTo(WorkflowExecutionStatus.WORKFLOW_EXECUTION_STATUS_TERMINATED);
  }

  private Cli.Result rollback() {
    return service
        .cli(folder)
        .run("rollback", "resumed", "--from-archive", "--reason", "it was terminated");
  }

  private void refused(String said) {
    Cli.Result result = rollback();
    assertThat(result.exitCode()).as("%s", result).isEqualTo(1);
    assertThat(result.err()).startsWith("vecferry: " + said);
  }

  private boolean isGone() {
    try {
      migration.describe();
      return false;
    } catch (StatusRuntimeException e) {
      return e.getStatus().getCode() == Status.Code.NOT_FOUND;
    }
  }
}
