package io.vecferry.worker;

import static org.assertj.core.api.Assertions.assertThat;

import io.temporal.activity.Activity;
import io.temporal.activity.ActivityInterface;
import io.temporal.activity.ActivityOptions;
import io.temporal.client.WorkflowClient;
import io.temporal.client.WorkflowOptions;
import io.temporal.serviceclient.WorkflowServiceStubs;
import io.temporal.worker.Worker;
import io.temporal.worker.WorkerFactory;
import io.temporal.workflow.Workflow;
import io.temporal.workflow.WorkflowInterface;
import io.temporal.workflow.WorkflowMethod;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;

class MigrationRunsTest {
  private static final String QUEUE = "runs";

  /** Bears the name of the workflow of a migration. */
  @WorkflowInterface
  public interface MigrationWorkflow {
    @WorkflowMethod
    List<String> run();
  }

  @WorkflowInterface
  public interface Partition {
    @WorkflowMethod
    String run(int runs);
  }

  @ActivityInterface
  public interface Step {
    String migrationRun();
  }

  public static final class Migration implements MigrationWorkflow {
    @Override
    public List<String> run() {
      return List.of(
          Workflow.getInfo().getRunId(),
          step().migrationRun(),
          Workflow.newChildWorkflowStub(Partition.class).run(0));
    }
  }

  public static final class ContinuingPartition implements Partition {
    @Override
    public String run(int runs) {
      return runs < 2
          ? Workflow.newContinueAsNewStub(Partition.class).run(runs + 1)
          : step().migrationRun();
    }
  }

  private static Step step() {
    return Workflow.newActivityStub(
        Step.class,
        ActivityOptions.newBuilder().setStartToCloseTimeout(Duration.ofMinutes(1)).build());
  }

  @Test
  void stepsOfPartitionsBelongToTheRunOfTheirMigration() {
    try (EmbeddedTemporal temporal = EmbeddedTemporal.start()) {
      TemporalSettings settings = TemporalSettings.of(temporal.address());
      WorkflowServiceStubs stubs = settings.connect();
      WorkflowClient client = WorkflowClient.newInstance(stubs, settings.client());
      WorkerFactory factory = WorkerFactory.newInstance(client);
      Worker worker = factory.newWorker(QUEUE);
      worker.registerWorkflowImplementationTypes(Migration.class, ContinuingPartition.class);
      MigrationRuns runs = new MigrationRuns(stubs);
      Step step = () -> runs.of(Activity.getExecutionContext().getInfo());
      worker.registerActivitiesImplementations(step);
      factory.start();
      List<String> seen =
          client
              .newWorkflowStub(
                  MigrationWorkflow.class, WorkflowOptions.newBuilder().setTaskQueue(QUEUE).build())
              .run();
      assertThat(seen).hasSize(3).containsOnly(seen.get(0));
      factory.shutdownNow();
      stubs.shutdownNow();
    }
  }
}
