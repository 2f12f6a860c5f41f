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
import io.vecferry.plan.FailureClass;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.Timeout;

/**
 * Random sequences of verbs, cancels, failures and progress against {@link ModelMigration}: after
 * each, the workflow runs the steps that the model runs, is in its state, and has taken or refused
 * what the model takes or refuses. In the end nothing hangs and the outcome is the model's.
 *
 * <p>{@code -Dvecferry.model.sequences=1000} for more of them, {@code -Dvecferry.model.seed=N} for
 * the one that a failure names.
 */
@Timeout(3600)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class OperatorModelTest {
  private static final int SEQUENCES = Integer.getInteger("vecferry.model.sequences", 25);
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
    Set<Long> cancelled = new TreeSet<>();
    for (HistoryEvent event : environment.getWorkflowClient().fetchHistory(id(seed)).getEvents()) {
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
    assertThat(stub.status().outcome()).isEqualTo(model.outcome());
    assertThat(stub.status().choices()).isEmpty();
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
    boolean taken = model.give(verb, interrupt);
    String what = verb + (interrupt ? " interrupt" : "") + (taken ? "" : " refused");
    Verb given = verb;
    CompletableFuture<Void> answer =
        CompletableFuture.runAsync(() -> give(stub, given, interrupt), CALLS);
    try {
      answer.get(LIMIT.toSeconds(), TimeUnit.SECONDS);
      assertThat(taken).as("%s was taken, model: %s", what, model).isTrue();
    } catch (ExecutionException e) {
      assertThat(e).hasCauseInstanceOf(WorkflowUpdateException.class);
      Throwable refusal = e.getCause().getCause();
      assertThat(taken).as("%s: %s, model: %s", what, refusal, model).isFalse();
      assertThat(refusal).hasMessageContaining(verb.word() + " is not possible: ");
    }
    return what;
  }

  private static void give(MigrationWorkflow stub, Verb verb, boolean interrupt) {
    VerbRequest request = VerbRequest.of("model", "random");
    switch (verb) {
      case PAUSE -> stub.pause(interrupt ? request.interrupting() : request);
      case RESUME -> stub.resume(request);
      case RETRY -> stub.retry(request);
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
      MigrationStatus.State state = stub.status().state();
      if (running.equals(model.running()) && state == model.state()) {
        return;
      }
      if (System.nanoTime() > deadline) {
        throw new AssertionError(
            "model: " + model + "; workflow: " + stub.status() + ", running " + running);
      }
      Thread.sleep(2);
    }
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
    ToldActivities() {
      super(1, 2, false);
    }

    @Override
    void call(String what) {
      String migration =
          Activity.getExecutionContext().getInfo().getWorkflowId().substring("migration-".length());
      String step = migration + " " + what.replace("p000-00000", "");
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
