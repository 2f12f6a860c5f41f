package io.vecferry.worker;

import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.binder.BaseUnits;
import io.temporal.client.WorkflowClient;
import io.temporal.client.WorkflowClientOptions;
import io.temporal.common.interceptors.WorkerInterceptor;
import io.temporal.serviceclient.WorkflowServiceStubs;
import io.temporal.worker.Worker;
import io.temporal.worker.WorkerDeploymentOptions;
import io.temporal.worker.WorkerFactory;
import io.temporal.worker.WorkerFactoryOptions;
import io.temporal.worker.WorkerOptions;
import io.vecferry.activity.TaskQueues;
import io.vecferry.archive.place.ArchiveRoot;
import io.vecferry.phase.Activities;
import io.vecferry.phase.Connections;
import io.vecferry.report.MigrationReport.ResourceSample;
import io.vecferry.workflow.MigrationWorkflowImpl;
import io.vecferry.workflow.PartitionWorkflowImpl;
import io.vecferry.workflow.Payloads;
import io.vecferry.workflow.RetentionWorkflowImpl;
import io.vecferry.workflow.TargetLeaseImpl;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.function.ToDoubleFunction;
import java.util.function.ToLongFunction;
import java.util.stream.Stream;

/** A worker that is polling. */
public final class MigrationWorker implements AutoCloseable {
  /**
   * Activities learn of a cancel with a heartbeat, and the SDK holds heartbeats back for up to this
   * long: a rollback should not have to wait for a minute.
   */
  private static final Duration LONGEST_SILENCE = Duration.ofSeconds(2);

  /**
   * The SDK takes a workflow that does not run on for one second for stuck; on a machine that has
   * too much to do it is not. Its task has ten seconds.
   */
  private static final Duration STUCK = Duration.ofSeconds(8);

  private final WorkerFactory factory;
  private final Activities activities;
  private final Optional<Traces> traces;

  private MigrationWorker(WorkerFactory factory, Activities activities, Optional<Traces> traces) {
    this.factory = factory;
    this.activities = activities;
    this.traces = traces;
  }

  /**
   * Starts polling. The environment says whether steps are traced.
   *
   * @param options namespace and what else a client has; a data converter without a codec is
   *     replaced
   * @param archiveRoot where all archives are
   * @param connections stores that specs may name
   * @param searchAttributes whether the service knows the migration's search attributes
   * @param limits what the worker takes on
   * @param deployment worker versioning; empty for none
   * @param metrics where steps are counted; empty for nowhere
   * @throws IllegalStateException when traces cannot be sent as the environment asks
   */
  public static MigrationWorker start(
      WorkflowServiceStubs stubs,
      WorkflowClientOptions options,
      ArchiveRoot archiveRoot,
      Connections connections,
      boolean searchAttributes,
      WorkerLimits limits,
      Optional<WorkerDeploymentOptions> deployment,
      Optional<? extends MeterRegistry> metrics) {
    Activities activities =
        new Activities(archiveRoot, connections, searchAttributes, limits.patience());
    WorkflowClient client = WorkflowClient.newInstance(stubs, Payloads.in(options));
    Optional<Traces> traces = Traces.ofEnvironment(System.getenv(), stubs);
    WorkerInterceptor[] interceptors =
        Stream.of(
                Stream.of(new StepLog()),
                metrics.stream().map(registry -> new StepMetrics(registry, activities::store)),
                traces.stream())
            .flatMap(all -> all)
            .toArray(WorkerInterceptor[]::new);
    WorkerFactory factory =
        WorkerFactory.newInstance(
            client, WorkerFactoryOptions.newBuilder().setWorkerInterceptors(interceptors).build());
    for (WorkerLimits.Kind kind : limits.serves()) {
      Worker worker = factory.newWorker(taskQueue(kind), options(kind, limits, deployment));
      if (kind == WorkerLimits.Kind.WORKFLOWS) {
        worker.registerWorkflowImplementationTypes(
            MigrationWorkflowImpl.class,
            PartitionWorkflowImpl.class,
            TargetLeaseImpl.class,
            RetentionWorkflowImpl.class);
      }
      worker.registerActivitiesImplementations(activities.implementations());
    }
    factory.start();
    return new MigrationWorker(factory, activities, traces);
  }

  private static String taskQueue(WorkerLimits.Kind kind) {
    return switch (kind) {
      case WORKFLOWS -> TaskQueues.MIGRATION;
      case SOURCE -> TaskQueues.SOURCE;
      case TARGET -> TaskQueues.TARGET;
    };
  }

  private static WorkerOptions options(
      WorkerLimits.Kind kind, WorkerLimits limits, Optional<WorkerDeploymentOptions> deployment) {
    WorkerLimits.Rate rate =
        switch (kind) {
          case WORKFLOWS -> WorkerLimits.Rate.UNLIMITED;
          case SOURCE -> limits.source();
          case TARGET -> limits.target();
        };
    WorkerOptions.Builder options =
        WorkerOptions.newBuilder()
            .setMaxConcurrentActivityExecutionSize(limits.parallelActivities())
            .setMaxTaskQueueActivitiesPerSecond(rate.together())
            .setMaxWorkerActivitiesPerSecond(rate.alone())
            .setMaxHeartbeatThrottleInterval(LONGEST_SILENCE)
            .setDefaultHeartbeatThrottleInterval(LONGEST_SILENCE)
            .setDefaultDeadlockDetectionTimeout(STUCK.toMillis());
    deployment.ifPresent(options::setDeploymentOptions);
    return options.build();
  }

  /** Shows what this process uses. */
  void bindResources(MeterRegistry registry) {
    Gauge.builder("vecferry.archive.disk.free", activities, bytes(ResourceSample::diskFreeBytes))
        .baseUnit(BaseUnits.BYTES)
        .register(registry);
    Gauge.builder("vecferry.resident.memory", activities, bytes(ResourceSample::rssBytes))
        .baseUnit(BaseUnits.BYTES)
        .register(registry);
  }

  private static ToDoubleFunction<Activities> bytes(ToLongFunction<ResourceSample> of) {
    return activities ->
        activities
            .latestUse()
            .map(of::applyAsLong)
            .filter(bytes -> bytes >= 0)
            .map(Long::doubleValue)
            .orElse(Double.NaN);
  }

  /**
   * Stops: takes no new work; a part that is exported is closed where it is, one that is imported
   * goes on elsewhere behind what the target has; what runs after the grace is interrupted.
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
    traces.ifPresent(Traces::close);
  }
}
