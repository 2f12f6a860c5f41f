package io.vecferry.workflow;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.temporal.api.common.v1.WorkflowExecution;
import io.temporal.client.WorkflowClientOptions;
import io.temporal.client.WorkflowOptions;
import io.temporal.client.WorkflowStub;
import io.temporal.common.WorkflowExecutionHistory;
import io.temporal.testing.TestEnvironmentOptions;
import io.temporal.testing.TestWorkflowEnvironment;
import io.temporal.worker.Worker;
import io.temporal.worker.WorkerOptions;
import io.vecferry.activity.TaskQueues;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.reflect.Field;
import java.time.Duration;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.LinkedList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;

/** A migration with {@link FakeActivities} on the in-memory service, and the history it leaves. */
final class Scenario implements AutoCloseable {
  private static final String ID = MigrationWorkflow.workflowId("m");
  private static final Duration LIMIT = Duration.ofSeconds(60);
  private static final WorkerOptions OPTIONS =
      WorkerOptions.newBuilder().setMaxHeartbeatThrottleInterval(Duration.ofMillis(100)).build();

  final FakeActivities activities;
  private final TestWorkflowEnvironment environment;

  Scenario(FakeActivities activities) {
    this.activities = activities;
    this.environment =
        TestWorkflowEnvironment.newInstance(
            TestEnvironmentOptions.newBuilder()
                .setWorkflowClientOptions(
                    WorkflowClientOptions.newBuilder()
                        .setDataConverter(Payloads.converter())
                        .build())
                .build());
    serve(environment, activities);
    environment.start();
  }

  /**
   * Frees the in-memory service of a list that it searches from the start at every step and that
   * grows with the number of steps: a diagnostic aid, which makes a long migration quadratic.
   */
  void forgetDiagnostics() throws ReflectiveOperationException {
    Object server = field(environment, "inProcessServer");
    Object timer = field(field(server, "testServicesStarter"), "selfAdvancingTimer");
    Field events = timer.getClass().getDeclaredField("lockEvents");
    events.setAccessible(true);
    events.set(timer, new UnorderedList());
  }

  private static Object field(Object owner, String name) throws ReflectiveOperationException {
    Field field = owner.getClass().getDeclaredField(name);
    field.setAccessible(true);
    return field.get(owner);
  }

  /** Adds and removes by identity, and keeps no order. */
  private static final class UnorderedList extends LinkedList<Object> {
    private final transient Set<Object> elements =
        Collections.newSetFromMap(new IdentityHashMap<>());

    UnorderedList() {}

    @Override
    public boolean add(Object element) {
      return elements.add(element);
    }

    @Override
    public boolean remove(Object element) {
      // One from before the exchange is not known here.
      elements.remove(element);
      return true;
    }

    @Override
    public void clear() {
      elements.clear();
    }
  }

  /** Workers for the workflows and for all activities. */
  static void serve(TestWorkflowEnvironment environment, FakeActivities activities) {
    worker(environment).registerActivitiesImplementations(activities);
    for (String queue : List.of(TaskQueues.SOURCE, TaskQueues.TARGET)) {
      environment.newWorker(queue, OPTIONS).registerActivitiesImplementations(activities);
    }
  }

  /** A worker that knows the workflows. */
  static Worker worker(TestWorkflowEnvironment environment) {
    Worker worker = environment.newWorker(TaskQueues.MIGRATION, OPTIONS);
    worker.registerWorkflowImplementationTypes(
        MigrationWorkflowImpl.class, PartitionWorkflowImpl.class);
    return worker;
  }

  /** Starts the migration. */
  WorkflowStub begin() {
    WorkflowStub workflow =
        environment
            .getWorkflowClient()
            .newUntypedWorkflowStub(
                "MigrationWorkflow",
                WorkflowOptions.newBuilder()
                    .setTaskQueue(MigrationWorkflow.TASK_QUEUE)
                    .setWorkflowId(ID)
                    .build());
    workflow.start(spec());
    return workflow;
  }

  MigrationWorkflow stub() {
    return environment.getWorkflowClient().newWorkflowStub(MigrationWorkflow.class, ID);
  }

  void awaitStatus(Predicate<MigrationStatus> condition) throws InterruptedException {
    long deadline = System.nanoTime() + LIMIT.toNanos();
    MigrationStatus status = stub().status();
    while (!condition.test(status)) {
      if (System.nanoTime() > deadline) {
        throw new IllegalStateException("deadline, last status " + status);
      }
      Thread.sleep(20);
      status = stub().status();
    }
  }

  /** History of the migration. */
  WorkflowExecutionHistory history() {
    return environment.getWorkflowClient().fetchHistory(ID);
  }

  /** History of one run of a workflow. */
  WorkflowExecutionHistory history(WorkflowExecution execution) {
    return environment
        .getWorkflowClient()
        .fetchHistory(execution.getWorkflowId(), execution.getRunId());
  }

  /** Histories of the partition workflows that a migration started: their first runs. */
  List<WorkflowExecutionHistory> childHistories() {
    return history().getEvents().stream()
        .filter(event -> event.hasChildWorkflowExecutionStartedEventAttributes())
        .map(
            event -> event.getChildWorkflowExecutionStartedEventAttributes().getWorkflowExecution())
        .map(this::history)
        .toList();
  }

  /** The run in which a workflow went on. */
  Optional<WorkflowExecutionHistory> next(WorkflowExecutionHistory run) {
    return run.getEvents().stream()
        .filter(event -> event.hasWorkflowExecutionContinuedAsNewEventAttributes())
        .map(
            event ->
                WorkflowExecution.newBuilder()
                    .setWorkflowId(run.getWorkflowExecution().getWorkflowId())
                    .setRunId(
                        event
                            .getWorkflowExecutionContinuedAsNewEventAttributes()
                            .getNewExecutionRunId())
                    .build())
        .findFirst()
        .map(this::history);
  }

  @Override
  public void close() {
    environment.close();
  }

  private static JsonNode spec() {
    try {
      return new ObjectMapper()
          .readTree(
              """
              {"name": "m", "source": {"type": "faiss", "path": "a"},
               "target": {"type": "faiss", "path": "b"}}
              """);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
