package io.vecferry.worker;

import io.temporal.client.WorkflowClient;
import io.temporal.client.WorkflowClientOptions;
import io.temporal.serviceclient.WorkflowServiceStubs;
import io.temporal.worker.Worker;
import io.temporal.worker.WorkerFactory;
import io.temporal.worker.WorkerOptions;
import io.vecferry.phase.Activities;
import io.vecferry.workflow.MigrationWorkflow;
import io.vecferry.workflow.MigrationWorkflowImpl;
import io.vecferry.workflow.PartitionWorkflowImpl;
import io.vecferry.workflow.Payloads;
import io.vecferry.workflow.TargetLeaseImpl;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.TimeUnit;

/** A worker that is polling. */
public final class MigrationWorker implements AutoCloseable {
  /**
   * Activities learn of a cancel with a heartbeat, and the SDK holds heartbeats back for up to this
   * long: a rollback should not have to wait for a minute.
   */
  private static final Duration LONGEST_SILENCE = Duration.ofSeconds(2);

  private final WorkerFactory factory;
  private final Activities activities;

  private MigrationWorker(WorkerFactory factory, Activities activities) {
    this.factory = factory;
    this.activities = activities;
  }

  /**
   * Starts polling.
   *
   * @param options namespace and what else a client has; the data converter is set here
   * @param archiveRoot folder of all archives
   * @param searchAttributes whether the service knows the migration's search attributes
   * @param parallelActivities activities that may run at once in this process
   */
  public static MigrationWorker start(
      WorkflowServiceStubs stubs,
      WorkflowClientOptions options,
      Path archiveRoot,
      boolean searchAttributes,
      int parallelActivities) {
    WorkflowClient client =
        WorkflowClient.newInstance(
            stubs,
            WorkflowClientOptions.newBuilder(options)
                .setDataConverter(Payloads.converter())
                .build());
    WorkerFactory factory = WorkerFactory.newInstance(client);
    Worker worker =
        factory.newWorker(
            MigrationWorkflow.TASK_QUEUE,
            WorkerOptions.newBuilder()
                .setMaxConcurrentActivityExecutionSize(parallelActivities)
                .setMaxHeartbeatThrottleInterval(LONGEST_SILENCE)
                .setDefaultHeartbeatThrottleInterval(LONGEST_SILENCE)
                .build());
    Activities activities = new Activities(archiveRoot, searchAttributes);
    worker.registerWorkflowImplementationTypes(
        MigrationWorkflowImpl.class, PartitionWorkflowImpl.class, TargetLeaseImpl.class);
    worker.registerActivitiesImplementations(activities.implementations());
    factory.start();
    return new MigrationWorker(factory, activities);
  }

  /**
   * Stops: takes no new work, lets running work reach its next heartbeat, and then ends it.
   *
   * @param grace how long running work may take to end
   */
  public void stop(Duration grace) {
    factory.shutdown();
    factory.awaitTermination(grace.toMillis(), TimeUnit.MILLISECONDS);
    close();
  }

  @Override
  public void close() {
    factory.shutdownNow();
    factory.awaitTermination(5, TimeUnit.SECONDS);
    activities.close();
  }
}
