package io.vecferry.worker;

import io.grpc.StatusRuntimeException;
import io.temporal.activity.ActivityInfo;
import io.temporal.api.common.v1.WorkflowExecution;
import io.temporal.api.workflowservice.v1.DescribeWorkflowExecutionRequest;
import io.temporal.serviceclient.WorkflowServiceStubs;
import io.vecferry.workflow.MigrationWorkflow;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Which run of which migration a step is for. A step of a child, such as a partition, does not know
 * it; the service is asked once for each run of a child.
 */
final class MigrationRuns {
  private static final Logger LOG = LoggerFactory.getLogger(MigrationRuns.class);

  private static final int LONGEST_SECONDS = 5;
  private static final int REMEMBERED = 1000;

  private final WorkflowServiceStubs stubs;

  private final Map<String, String> parents =
      new LinkedHashMap<>() {
        @Override
        protected boolean removeEldestEntry(Map.Entry<String, String> eldest) {
          return size() > REMEMBERED;
        }
      };

  MigrationRuns(WorkflowServiceStubs stubs) {
    this.stubs = stubs;
  }

  /** Run id of the migration; of the step's own workflow where the service does not answer. */
  String of(ActivityInfo info) {
    String run = info.getWorkflowRunId();
    if (info.getWorkflowType().equals(MigrationWorkflow.class.getSimpleName())) {
      return run;
    }
    synchronized (parents) {
      if (parents.containsKey(run)) {
        return parents.get(run);
      }
    }
    try {
      String parent = parent(info);
      String migration = parent.isEmpty() ? run : parent;
      synchronized (parents) {
        parents.put(run, migration);
      }
      return migration;
    } catch (StatusRuntimeException e) {
      LOG.debug("the migration of {} is not known", info.getWorkflowId(), e);
      return run;
    }
  }

  private String parent(ActivityInfo info) {
    return stubs
        .blockingStub()
        .withDeadlineAfter(LONGEST_SECONDS, TimeUnit.SECONDS)
        .describeWorkflowExecution(
            DescribeWorkflowExecutionRequest.newBuilder()
                .setNamespace(info.getWorkflowNamespace())
                .setExecution(
                    WorkflowExecution.newBuilder()
                        .setWorkflowId(info.getWorkflowId())
                        .setRunId(info.getWorkflowRunId()))
                .build())
        .getWorkflowExecutionInfo()
        .getParentExecution()
        .getRunId();
  }
}
