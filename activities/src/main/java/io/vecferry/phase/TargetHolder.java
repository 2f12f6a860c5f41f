package io.vecferry.phase;

import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.temporal.api.common.v1.WorkflowExecution;
import io.temporal.api.enums.v1.WorkflowExecutionStatus;
import io.temporal.client.WorkflowClient;
import io.temporal.client.WorkflowExecutionDescription;
import io.temporal.client.WorkflowNotFoundException;
import io.temporal.client.WorkflowServiceException;
import io.temporal.client.WorkflowStub;
import java.util.Optional;

/** Finds out which migration holds the lease of a target. */
final class TargetHolder {
  private final WorkflowClient client;

  TargetHolder(WorkflowClient client) {
    this.client = client;
  }

  /**
   * The migration that holds a lease.
   *
   * @return its workflow id; empty when there is no lease any more. The service ends a lease with
   *     its migration; one that it has forgotten, because it failed in between, is ended here
   */
  String of(String leaseId) {
    WorkflowStub lease = client.newUntypedWorkflowStub(leaseId);
    Optional<WorkflowExecutionDescription> held = running(lease);
    if (held.isEmpty()) {
      return "";
    }
    WorkflowExecution migration = held.get().getParentExecution();
    if (running(client.newUntypedWorkflowStub(migration, Optional.empty())).isPresent()) {
      return migration.getWorkflowId();
    }
    client
        .newUntypedWorkflowStub(held.get().getExecution(), Optional.empty())
        .terminate("its migration " + migration.getWorkflowId() + " has ended");
    return "";
  }

  private static Optional<WorkflowExecutionDescription> running(WorkflowStub workflow) {
    try {
      return Optional.of(workflow.describe())
          .filter(
              description ->
                  description.getStatus()
                      == WorkflowExecutionStatus.WORKFLOW_EXECUTION_STATUS_RUNNING);
    } catch (WorkflowNotFoundException e) {
      return Optional.empty();
    } catch (WorkflowServiceException e) {
      if (e.getCause() instanceof StatusRuntimeException status
          && status.getStatus().getCode() == Status.Code.NOT_FOUND) {
        return Optional.empty();
      }
      throw e;
    }
  }
}
