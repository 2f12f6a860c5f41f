package io.vecferry.workflow;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.temporal.api.common.v1.WorkflowExecution;
import io.temporal.api.enums.v1.EventType;
import io.temporal.api.history.v1.HistoryEvent;
import io.temporal.api.sdk.v1.WorkflowMetadata;
import io.temporal.client.WorkflowClient;
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
import java.time.Instant;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.LinkedList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;
import java.util.function.Supplier;

/** A migration with {@link FakeActivities} on the in-memory service, and the history it leaves. */
final class Scenario implements AutoCloseable {
  private static final String ID = MigrationWorkflow.workflowId("m");
  private static final Duration LIMIT = Duration.ofSeconds(60);
  private static final WorkerOptions OPTIONS =
      WorkerOptions.newBuilder()
          .setMaxHeartbeatThrottleInterval(Duration.ofMillis(100))
          // A busy machine is no deadlock.
          .setDefaultDeadlockDetectionTimeout(30_000)
          .build();

  final FakeActivities activities;
  private final TestWorkflowEnvironment environment;

  Scenario(FakeActivities activities) {
    this(activities, Instant.now());
  }

  /**
   * @param start what time it is in the beginning
   */
  Scenario(FakeActivities activities, Instant start) {
    this.activities = activities;
    this.environment =
        TestWorkflowEnvironment.newInstance(
            TestEnvironmentOptions.newBuilder()
                .setInitialTime(start)
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
        MigrationWorkflowImpl.class,
        PartitionWorkflowImpl.class,
        TargetLeaseImpl.class,
        RetentionWorkflowImpl.class);
    return worker;
  }

  /** Starts the migration. */
  WorkflowStub begin() {
    return begin("");
  }

  /**
   * Starts the migration.
   *
   * @param more further keys of the spec, with a comma in front
   */
  WorkflowStub begin(String more) {
    return beginAs(ID, more);
  }

  /** Starts the migration under another workflow id than its name asks for. */
  WorkflowStub beginAs(String id, String more) {
    WorkflowStub workflow =
        environment
            .getWorkflowClient()
            .newUntypedWorkflowStub(
                "MigrationWorkflow",
                WorkflowOptions.newBuilder()
                    .setTaskQueue(MigrationWorkflow.TASK_QUEUE)
                    .setWorkflowId(id)
                    .build());
    workflow.start(spec(more));
    return workflow;
  }

  /** What time it is for the service. */
  Instant now() {
    return Instant.ofEpochMilli(environment.currentTimeMillis());
  }

  /** Lets time go by. */
  void sleep(Duration time) {
    environment.sleep(time);
  }

  MigrationWorkflow stub() {
    return environment.getWorkflowClient().newWorkflowStub(MigrationWorkflow.class, ID);
  }

  WorkflowClient client() {
    return environment.getWorkflowClient();
  }

  /** What the Temporal UI shows on the page of the migration. */
  String details() {
    return client()
        .newUntypedWorkflowStub(ID)
        .query("__temporal_workflow_metadata", WorkflowMetadata.class)
        .getCurrentDetails();
  }

  void awaitCall(String call) throws InterruptedException {
    long deadline = System.nanoTime() + LIMIT.toNanos();
    while (!activities.calls().contains(call)) {
      if (System.nanoTime() > deadline) {
        throw new IllegalStateException(call + " is not among " + activities.calls());
      }
      Thread.sleep(10);
    }
  }

  void awaitCallTimes(String call, int times) throws InterruptedException {
    long deadline = System.nanoTime() + LIMIT.toNanos();
    while (activities.calls().stream().filter(call::equals).count() < times) {
      if (System.nanoTime() > deadline) {
        throw new IllegalStateException(call + " is too rare in " + activities.calls());
      }
      Thread.sleep(10);
    }
  }

  /**
   * Waits until a workflow has one open step and nothing else to do. The in-memory service, unlike
   * a real one, loses its way when a step ends in the moment of a cancel.
   */
  void awaitOneOpenStep(Supplier<WorkflowExecutionHistory> workflow) throws InterruptedException {
    long deadline = System.nanoTime() + LIMIT.toNanos();
    while (!hasOneOpenStep(workflow.get().getEvents())) {
      if (System.nanoTime() > deadline) {
        throw new IllegalStateException("there is more or less than one open step");
      }
      Thread.sleep(20);
    }
  }

  private static boolean hasOneOpenStep(List<HistoryEvent> events) {
    long open =
        events.stream()
            .mapToInt(
                event ->
                    switch (event.getEventType()) {
                      case EVENT_TYPE_ACTIVITY_TASK_SCHEDULED -> 1;
                      case EVENT_TYPE_ACTIVITY_TASK_COMPLETED,
                          EVENT_TYPE_ACTIVITY_TASK_FAILED,
                          EVENT_TYPE_ACTIVITY_TASK_CANCELED ->
                          -1;
                      default -> 0;
                    })
            .sum();
    // The start of a step is written when it ends.
    EventType last = events.get(events.size() - 1).getEventType();
    return open == 1
        && (last == EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED
            || last == EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED
            || last == EventType.EVENT_TYPE_ACTIVITY_TASK_STARTED);
  }

  /** The run that the first partition workflow has come to. */
  WorkflowExecutionHistory latestRunOfPartition() {
    WorkflowExecutionHistory run = childHistories().get(0);
    for (Optional<WorkflowExecutionHistory> next = next(run); next.isPresent(); next = next(run)) {
      run = next.get();
    }
    return run;
  }

  /** Waits until the first partition workflow has continued as new. */
  void awaitNewRunOfPartition() throws InterruptedException {
    long deadline = System.nanoTime() + LIMIT.toNanos();
    while (next(childHistories().get(0)).isEmpty()) {
      if (System.nanoTime() > deadline) {
        throw new IllegalStateException("the partition does not continue as new");
      }
      Thread.sleep(20);
    }
  }

  /** Waits until all partition workflows were told something. */
  void awaitSignalsOfPartitions() throws InterruptedException {
    long deadline = System.nanoTime() + LIMIT.toNanos();
    while (!childHistories().stream()
        .allMatch(
            run ->
                run.getEvents().stream()
                    .anyMatch(HistoryEvent::hasWorkflowExecutionSignaledEventAttributes))) {
      if (System.nanoTime() > deadline) {
        throw new IllegalStateException("a partition was told nothing");
      }
      Thread.sleep(20);
    }
  }

  /** A lease of a target that something else holds. */
  WorkflowStub lease(String address, String holder) {
    WorkflowStub lease =
        client()
            .newUntypedWorkflowStub(
                "TargetLease",
                WorkflowOptions.newBuilder()
                    .setTaskQueue(MigrationWorkflow.TASK_QUEUE)
                    .setWorkflowId("target-lease/" + address)
                    .build());
    lease.start(holder);
    return lease;
  }

  MigrationStatus awaitState(MigrationStatus.State state) throws InterruptedException {
    return awaitStatus(status -> status.state() == state);
  }

  MigrationStatus awaitStatus(Predicate<MigrationStatus> condition) throws InterruptedException {
    long deadline = System.nanoTime() + LIMIT.toNanos();
    MigrationStatus status = stub().status();
    while (!condition.test(status)) {
      if (System.nanoTime() > deadline) {
        throw new IllegalStateException("deadline, last status " + status);
      }
      Thread.sleep(20);
      status = stub().status();
    }
    return status;
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
        .filter(child -> !child.getWorkflowId().startsWith("target-lease/"))
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

  private static JsonNode spec(String more) {
    try {
      return new ObjectMapper()
          .readTree(
              """
              {"name": "m", "source": {"type": "faiss", "path": "a"},
               "target": {"type": "faiss", "path": "b"} %s}
              """
                  .formatted(more));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
