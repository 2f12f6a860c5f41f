package io.vecferry.workflow;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.temporal.activity.Activity;
import io.temporal.api.history.v1.HistoryEvent;
import io.temporal.client.WorkflowClientOptions;
import io.temporal.client.WorkflowFailedException;
import io.temporal.client.WorkflowOptions;
import io.temporal.client.WorkflowStub;
import io.temporal.client.WorkflowUpdateException;
import io.temporal.failure.ApplicationFailure;
import io.temporal.testing.TestEnvironmentOptions;
import io.temporal.testing.TestWorkflowEnvironment;
import io.vecferry.activity.Compensation;
import io.vecferry.plan.FailureClass;
import io.vecferry.plan.MigrationPlan;
import io.vecferry.plan.Phase;
import io.vecferry.spec.MigrationSpec;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.Timeout;

/**
 * Random sequences of verbs, cancels, failures and progress against {@link ModelMigration}: after
 * each, the workflow runs the steps that the model runs, is in its state, has the same failures,
 * offers the same verbs, and has taken or refused what the model takes or refuses. What it refuses
 * changes nothing. In the end nothing hangs, the outcome is the model's, and what was undone was
 * undone newest first and while nothing else ran.
 *
 * <p>{@code -Dvecferry.model.sequences=1000} for more of them, {@code -Dvecferry.model.seed=N} for
 * the one that a failure names.
 */
@Timeout(3600)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class OperatorModelTest {
  private static final int SEQUENCES = Integer.getInteger("vecferry.model.sequences", 100);
  private static final int LONGEST = 60;
  private static final Duration LIMIT = Duration.ofSeconds(60);

  /** An answer that never comes must not hold a thread that others need. */
  private static final Executor CALLS =
      task -> {
        Thread thread = new Thread(task, "verb");
        thread.setDaemon(true);
        thread.start();
      };

  /** Steps of all migrations that run and wait to be told how to end. */
  private final Map<String, String> open = new ConcurrentHashMap<>();

  /** Steps that began, with what else of their migration ran then. */
  private final Queue<String> begun = new ConcurrentLinkedQueue<>();

  private static final Map<Verb, String> SIGNALS =
      Map.of(
          Verb.PAUSE, "requestPause",
          Verb.RESUME, "requestResume",
          Verb.ROLLBACK, "requestRollback");

  private TestWorkflowEnvironment environment;

  @BeforeAll
  void start() {
    environment =
        TestWorkflowEnvironment.newInstance(
            TestEnvironmentOptions.newBuilder()
                .setWorkflowClientOptions(
                    WorkflowClientOptions.newBuilder()
                        .setDataConverter(Payloads.converter())
                        .build())
                .build());
    Scenario.serve(environment, new ToldActivities());
    environment.start();
  }

  @AfterAll
  void stop() {
    environment.close();
  }

  @Test
  void doesWhatTheModelDoes() throws Exception {
    Integer only = Integer.getInteger("vecferry.model.seed");
    int lost = 0;
    for (int seed = only == null ? 0 : only; seed < (only == null ? SEQUENCES : only + 1); seed++) {
      List<String> told = new ArrayList<>();
      try {
        sequence(seed, told);
      } catch (AssertionError | RuntimeException | TimeoutException e) {
        if (!serviceLostItsWay(seed)) {
          throw new AssertionError("-Dvecferry.model.seed=" + seed + " after " + told, e);
        }
        lost++;
        environment.getWorkflowClient().newUntypedWorkflowStub(id(seed)).terminate("lost");
      }
    }
    System.out.println("sequences that the in-memory service has spoiled: " + lost);
    assertThat(lost).isLessThanOrEqualTo(1 + SEQUENCES / 50);
  }

  /**
   * The in-memory service, unlike a real one, at times writes that a step has been cancelled which
   * nobody has cancelled; no workflow can go on after that.
   */
  private boolean serviceLostItsWay(int seed) {
    List<HistoryEvent> events = environment.getWorkflowClient().fetchHistory(id(seed)).getEvents();
    return lostItsWay(events)
        || events.stream()
            .filter(HistoryEvent::hasChildWorkflowExecutionStartedEventAttributes)
            .map(
                event ->
                    event.getChildWorkflowExecutionStartedEventAttributes().getWorkflowExecution())
            .anyMatch(
                child ->
                    lostItsWay(
                        environment
                            .getWorkflowClient()
                            .fetchHistory(child.getWorkflowId(), child.getRunId())
                            .getEvents()));
  }

  private static boolean lostItsWay(List<HistoryEvent> events) {
    Set<Long> cancelled = new TreeSet<>();
    for (HistoryEvent event : events) {
      if (event.hasActivityTaskCancelRequestedEventAttributes()) {
        cancelled.add(event.getActivityTaskCancelRequestedEventAttributes().getScheduledEventId());
      }
      if (event.hasActivityTaskCanceledEventAttributes()
          && !cancelled.contains(
              event.getActivityTaskCanceledEventAttributes().getScheduledEventId())) {
        return true;
      }
    }
    return false;
  }

  /** Every third migration has a workflow for its partition. */
  private static boolean hasChildren(String name) {
    return Integer.parseInt(name.substring(1)) % 3 == 0;
  }

  private static String id(int seed) {
    return MigrationWorkflow.workflowId("m" + seed);
  }

  private void sequence(int seed, List<String> told) throws Exception {
    Random random = new Random(seed);
    boolean automatic = random.nextInt(4) == 0;
    boolean approval = random.nextBoolean();
    String name = "m" + seed;
    WorkflowStub workflow = begin(name, automatic, approval);
    MigrationWorkflow stub =
        environment
            .getWorkflowClient()
            .newWorkflowStub(MigrationWorkflow.class, workflow.getExecution().getWorkflowId());
    ModelMigration model = new ModelMigration(automatic, approval);
    awaitSame(name, stub, model);
    while (!model.isClosed()) {
      // In the end it has to be possible to finish.
      boolean finish = told.size() > LONGEST;
      told.add(act(random, finish, name, workflow, stub, model));
      awaitSame(name, stub, model);
    }
    try {
      workflow.getResult(LIMIT.toSeconds(), TimeUnit.SECONDS, MigrationResult.class);
    } catch (WorkflowFailedException cancelled) {
      assertThat(told).contains("cancel");
    }
    MigrationStatus end = stub.status();
    assertThat(end.outcome()).isEqualTo(model.outcome());
    assertThat(end.choices()).isEmpty();
    assertUndone(name, end);
    open.clear();
    begun.clear();
  }

  /** What was armed was undone, or nothing of it; newest first, and when no writer ran. */
  private void assertUndone(String name, MigrationStatus end) {
    List<String> steps = begun.stream().filter(step -> step.startsWith(name + " ")).toList();
    List<String> undone =
        steps.stream().filter(step -> step.contains("compensate")).distinct().toList();
    assertThat(undone)
        .allSatisfy(step -> assertThat(step).endsWith("[]"))
        .isSubsetOf(
            name + " compensate SWITCH_BACK beside []", name + " compensate DROP_LOAD beside []");
    Set<UndoStep.State> expected =
        switch (end.outcome()) {
          case MIGRATED, MIGRATED_WITH_SKIPS -> EnumSet.of(UndoStep.State.ARMED);
          case ROLLED_BACK, REHEARSED -> EnumSet.of(UndoStep.State.DONE);
          case ROLLBACK_INCOMPLETE -> EnumSet.of(UndoStep.State.DONE, UndoStep.State.SKIPPED);
        };
    assertThat(end.undo()).extracting(UndoStep::state).isSubsetOf(expected);
    if (!expected.contains(UndoStep.State.ARMED)) {
      assertThat(undone)
          .containsExactlyElementsOf(
              end.undo().stream()
                  .map(step -> name + " compensate " + step.compensation().kind() + " beside []")
                  .toList());
    }
    if (steps.stream().anyMatch(step -> step.startsWith(name + " prepareTarget"))) {
      assertThat(end.undo())
          .extracting(step -> step.compensation().kind())
          .contains(Compensation.Kind.DROP_LOAD);
    }
  }

  /** Does one thing to both, and says which. */
  private String act(
      Random random,
      boolean finish,
      String name,
      WorkflowStub workflow,
      MigrationWorkflow stub,
      ModelMigration model)
      throws Exception {
    List<String> running = List.copyOf(model.running());
    if (!running.isEmpty() && (finish || random.nextInt(100) < 60)) {
      String step = running.get(random.nextInt(running.size()));
      boolean fails = !finish && random.nextInt(8) == 0;
      if (fails) {
        model.fail(step);
      } else {
        model.succeed(step);
      }
      open.put(name + " " + step, fails ? "fail" : "succeed");
      return (fails ? "fail " : "succeed ") + step;
    }
    if (!finish && model.outcome() == null && random.nextInt(40) == 0) {
      model.cancel();
      workflow.cancel("model");
      return "cancel";
    }
    Verb verb = Verb.values()[random.nextInt(Verb.values().length)];
    boolean interrupt = verb == Verb.PAUSE && random.nextBoolean();
    if (verb == Verb.ROLLBACK && random.nextInt(3) > 0) {
      // Else most sequences would end soon.
      verb = Verb.RETRY;
    }
    boolean aPart = (verb == Verb.RETRY || verb == Verb.SKIP) && random.nextInt(3) == 0;
    String part = aPart ? String.valueOf(random.nextInt(2)) : "";
    boolean taken = model.give(verb, interrupt, part);
    String what =
        (verb + " " + part).strip() + (interrupt ? " interrupt" : "") + (taken ? "" : " refused");
    Verb given = verb;
    if (SIGNALS.containsKey(verb) && random.nextInt(4) == 0) {
      workflow.signal(
          SIGNALS.get(verb),
          Map.of("who", "model", "reason", "random", "mode", interrupt ? "interrupt" : "drain"));
      return what + " by signal";
    }
    MigrationStatus before = stub.status();
    CompletableFuture<Void> answer =
        CompletableFuture.runAsync(() -> give(stub, given, interrupt, part), CALLS);
    try {
      answer.get(LIMIT.toSeconds(), TimeUnit.SECONDS);
      assertThat(taken).as("%s was taken, model: %s", what, model).isTrue();
    } catch (ExecutionException e) {
      assertThat(e).hasCauseInstanceOf(WorkflowUpdateException.class);
      Throwable refusal = e.getCause().getCause();
      assertThat(taken).as("%s: %s, model: %s", what, refusal, model).isFalse();
      assertThat(refusal.getMessage())
          .containsAnyOf(
              verb.word() + " is not possible: ",
              verb.word() + ": part '" + partName(part) + "' is not among the failed ones: ");
      assertThat(stub.status())
          .usingRecursiveComparison()
          // What is counted and noted of steps that have just ended may come later.
          .ignoringFields("atMillis", "secondsLeft", "phase", "phases", "undo")
          .isEqualTo(before);
    }
    return what;
  }

  private static String partName(String part) {
    return part.isEmpty() ? "" : "p000-00000" + part;
  }

  private static void give(MigrationWorkflow stub, Verb verb, boolean interrupt, String part) {
    VerbRequest request = VerbRequest.of("model", "random").forPart(partName(part));
    switch (verb) {
      case PAUSE -> stub.pause(interrupt ? request.interrupting() : request);
      case RESUME -> stub.resume(request);
      case RETRY -> stub.retry(request);
      case REPAIR -> stub.repair(request);
      case SKIP -> stub.skip(request);
      case APPROVE -> stub.approve(request);
      case REJECT -> stub.reject(request);
      case ROLLBACK -> stub.rollback(request);
      case TUNE -> stub.tune(new TuneRequest("model", "random", 2, 4, 10, 0L));
    }
  }

  private void awaitSame(String name, MigrationWorkflow stub, ModelMigration model)
      throws InterruptedException {
    long deadline = System.nanoTime() + LIMIT.toNanos();
    while (true) {
      Set<String> running = running(name);
      MigrationStatus status = stub.status();
      if (running.equals(model.running())
          && status.state() == model.state()
          && failed(status).equals(model.failed())
          && offered(status).equals(model.offered())) {
        assertConsistent(status);
        return;
      }
      if (System.nanoTime() > deadline) {
        throw new AssertionError(
            "model: "
                + model
                + ", offers "
                + model.offered()
                + "; workflow: "
                + status
                + ", running "
                + running);
      }
      Thread.sleep(2);
    }
  }

  private static Set<String> failed(MigrationStatus status) {
    return status.failures().stream()
        .map(failure -> step(failure.message().replace(" does not work", "")))
        .collect(Collectors.toCollection(TreeSet::new));
  }

  private static Set<Verb> offered(MigrationStatus status) {
    return status.choices().stream()
        .map(VerbChoice::verb)
        .collect(Collectors.toCollection(() -> EnumSet.noneOf(Verb.class)));
  }

  /** What a status says in one place it does not deny in another. */
  private static void assertConsistent(MigrationStatus status) {
    boolean asks =
        switch (status.state()) {
          case NEEDS_ATTENTION, ROLLBACK_INCOMPLETE, WAITING_FOR_APPROVAL, PAUSED -> true;
          case RUNNING, ROLLING_BACK, WAITING_FOR_START, WAITING_FOR_WINDOW, FINISHED -> false;
        };
    if (asks) {
      assertThat(status.waitingFor()).as("%s", status).isNotEmpty();
      assertThat(status.choices()).as("%s", status).isNotEmpty();
    }
    if (status.state() == MigrationStatus.State.FINISHED) {
      assertThat(status.outcome()).as("%s", status).isNotNull();
      assertThat(status.verdict()).as("%s", status).isNotEmpty();
    }
    if (status.outcome() == null) {
      assertThat(status.verdict()).as("%s", status).isEmpty();
    }
    boolean rolls =
        status.state() == MigrationStatus.State.ROLLING_BACK
            || status.state() == MigrationStatus.State.ROLLBACK_INCOMPLETE;
    assertThat(status.phase() == Phase.ROLLBACK).as("%s", status).isEqualTo(rolls);
    assertThat(status.failures()).doesNotHaveDuplicates();
  }

  /** A step by the name that the model has for it. */
  private static String step(String call) {
    return call.replace("p000-00000", "");
  }

  private Set<String> running(String name) {
    Set<String> running = new TreeSet<>();
    open.forEach(
        (step, end) -> {
          if (step.startsWith(name + " ")) {
            running.add(step.substring(name.length() + 1));
          }
        });
    return running;
  }

  private WorkflowStub begin(String name, boolean automatic, boolean approval) throws IOException {
    WorkflowStub workflow =
        environment
            .getWorkflowClient()
            .newUntypedWorkflowStub(
                "MigrationWorkflow",
                WorkflowOptions.newBuilder()
                    .setTaskQueue(MigrationWorkflow.TASK_QUEUE)
                    .setWorkflowId(MigrationWorkflow.workflowId(name))
                    .build());
    workflow.start(
        new ObjectMapper()
            .readTree(
                """
                {"name": "%s", "source": {"type": "faiss", "path": "a"},
                 "target": {"type": "faiss", "path": "%s"},
                 "rollback": {"onFailure": "%s"}, "approval": {"beforeCutover": %b}}
                """
                    .formatted(name, name, automatic ? "automatic" : "ask", approval)));
    return workflow;
  }

  /** Steps that run until they are told how to end. */
  private final class ToldActivities extends FakeActivities {
    private final FakeActivities withChildren = new FakeActivities(1, 2, true);

    ToldActivities() {
      super(1, 2, false);
    }

    @Override
    public MigrationPlan plan(MigrationSpec spec) {
      MigrationPlan plan = super.plan(spec);
      return hasChildren(spec.name()) ? withChildren.plan(spec) : plan;
    }

    @Override
    void call(String what) {
      String migration =
          Activity.getExecutionContext()
              .getInfo()
              .getWorkflowId()
              .substring("migration-".length())
              .replaceFirst("/.*", "");
      String step = migration + " " + step(what);
      begun.add(step + " beside " + running(migration));
      open.put(step, "");
      try {
        while (open.get(step).isEmpty()) {
          Activity.getExecutionContext().heartbeat(null);
          TimeUnit.MILLISECONDS.sleep(2);
        }
        if (open.get(step).equals("fail")) {
          throw ApplicationFailure.newNonRetryableFailure(
              what + " does not work", FailureClass.ARCHIVE_DAMAGED.name());
        }
      } catch (InterruptedException e) {
        throw new IllegalStateException(e);
      } finally {
        open.remove(step);
      }
    }
  }
}
