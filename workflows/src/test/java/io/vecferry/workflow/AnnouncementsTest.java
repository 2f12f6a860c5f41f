package io.vecferry.workflow;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.temporal.api.enums.v1.EventType;
import io.temporal.client.WorkflowFailedException;
import io.temporal.client.WorkflowStub;
import io.temporal.failure.ApplicationFailure;
import io.temporal.testing.WorkflowReplayer;
import io.vecferry.activity.Notification;
import io.vecferry.activity.NotificationTask;
import io.vecferry.plan.FailureClass;
import io.vecferry.plan.Finding;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Who is told what and when, and that a migration does not depend on it. */
@Timeout(120)
class AnnouncementsTest {
  /** The first is told everything, the second what is told when nothing is said. */
  static final String NOTIFY =
      """
      , "notify": [
        {"type": "webhook", "url": "http://127.0.0.1/hook",
         "on": ["start", "phase", "attention", "approval", "window", "cutover", "verdict"]},
        {"type": "slack", "url": "env:SLACK"}]
      """;

  private static final Instant SATURDAY = Instant.parse("2026-12-05T12:00:00Z");

  private final FakeActivities activities = new FakeActivities(1, 2, false);
  private final Scenario scenario = new Scenario(activities, SATURDAY);

  @AfterEach
  void stop() {
    scenario.close();
  }

  @Test
  void eachIsToldWhatTheyWantInOrder() {
    assertThat(run(NOTIFY).outcome()).isEqualTo(Outcome.MIGRATED);

    assertThat(toldTo(0))
        .containsExactly(
            "m: started",
            "m: phase EXPORT",
            "m: phase VALIDATE_EXPORT",
            "m: phase IMPORT",
            "m: phase VALIDATE_IMPORT",
            "m: phase QUALITY_CHECK",
            "m: phase CUTOVER",
            "m: cut over",
            "m: phase FINALIZE",
            "m: MIGRATED");
    assertThat(toldTo(1)).containsExactly("m: started", "m: cut over", "m: MIGRATED");
    List<Notification> all = received(0);
    assertThat(all).extracting(Notification::sequence).isSorted();
    assertThat(all).extracting(Notification::id).doesNotHaveDuplicates();
    assertThat(received(1)).allMatch(all::contains);
    assertThat(all.get(0).text()).isEqualTo("From faiss a to faiss b.");
    Notification last = all.get(all.size() - 1);
    assertThat(last.text()).isEqualTo("Migrated: every record is on the target and was compared.");
    assertThat(last.report()).isEqualTo("report.html");
    assertThat(last.outcome()).isEqualTo("MIGRATED");
    assertThat(scenario.stub().status().notifications())
        .isEqualTo(new NotificationStatus(13, 0, List.of()));
  }

  @Test
  void whoeverDoesNotDecideIsReminded() throws Exception {
    activities.failing.add("import p000-000000");
    WorkflowStub workflow = scenario.begin(NOTIFY);
    scenario.awaitState(MigrationStatus.State.NEEDS_ATTENTION);
    awaitTold(1, "m: needs attention");

    scenario.sleep(Duration.ofMinutes(61));
    awaitTold(1, "m: needs attention (reminder 1)");
    scenario.sleep(Duration.ofHours(25));
    awaitTold(1, "m: needs attention (reminder 2)");

    Notification asked = received(1).get(1);
    assertThat(asked.text())
        .contains("It waits for: retry or rollback: IMPORT p000-000000 [ARCHIVE_DAMAGED]")
        .contains("- retry: does the failed step again", "- rollback: ");
    assertThat(received(1).get(2).state()).isEqualTo("NEEDS_ATTENTION");
    activities.failing.clear();
    scenario.stub().retry(VerbRequest.of("ada", "mended"));
    assertThat(workflow.getResult(MigrationResult.class).outcome()).isEqualTo(Outcome.MIGRATED);
    assertThat(toldTo(1))
        .containsExactly(
            "m: started",
            "m: needs attention",
            "m: needs attention (reminder 1)",
            "m: needs attention (reminder 2)",
            "m: cut over",
            "m: MIGRATED");
  }

  @Test
  void whatFailsWhileOthersGoOnIsSaidOnceAndAgainWhenItFailsAgain() throws Exception {
    activities.failing.add("import p000-000000");
    CountDownLatch held = new CountDownLatch(1);
    activities.holding.put("export p000-000001", held);
    WorkflowStub workflow = scenario.begin(NOTIFY);
    awaitTold(1, "m: needs attention");
    assertThat(received(1).get(1).text()).contains("; other parts go on");
    held.countDown();
    scenario.awaitState(MigrationStatus.State.NEEDS_ATTENTION);
    scenario.stub().retry(VerbRequest.of("ada", "again"));
    scenario.awaitCallTimes("import p000-000000", 2);
    awaitTimes(1, "m: needs attention", 2);
    activities.failing.clear();
    scenario.stub().retry(VerbRequest.of("ada", "mended"));
    workflow.getResult(MigrationResult.class);

    assertThat(toldTo(1))
        .containsExactly(
            "m: started", "m: needs attention", "m: needs attention", "m: cut over", "m: MIGRATED");
  }

  @Test
  void approvalAndWindowAreSaid() throws Exception {
    WorkflowStub workflow =
        scenario.begin(
            NOTIFY + CutoverWindowsTest.SUNDAYS + ", \"approval\": {\"beforeCutover\": true}");
    awaitTold(1, "m: needs approval");
    scenario.sleep(Duration.ofMinutes(61));
    awaitTold(1, "m: needs approval (reminder 1)");
    scenario.stub().approve(VerbRequest.of("bob", "reviewed"));
    workflow.getResult(MigrationResult.class);

    assertThat(toldTo(1))
        .containsExactly(
            "m: started",
            "m: needs approval",
            "m: needs approval (reminder 1)",
            "m: waits for a window",
            "m: cut over",
            "m: MIGRATED");
    assertThat(received(1).get(1).text())
        .contains("approve the cutover to target", "- approve: goes on", "- reject: ");
    assertThat(received(1).get(3).text())
        .contains("the cutover window that opens on Sunday 2026-12-06 02:30 CET");
  }

  @Test
  void aReceiverThatHangsHoldsNothingUp() throws Exception {
    CountDownLatch held = new CountDownLatch(1);
    activities.receivers.put(0, task -> await(held));
    WorkflowStub workflow = scenario.begin(NOTIFY);
    scenario.awaitCall("writeReport");
    awaitTold(1, "m: MIGRATED");
    assertThat(scenario.stub().status().notifications().pending()).isPositive();
    held.countDown();

    assertThat(workflow.getResult(MigrationResult.class).outcome()).isEqualTo(Outcome.MIGRATED);
    assertThat(toldTo(0)).contains("m: started", "m: MIGRATED").hasSize(10);
  }

  @Test
  void whatIsRefusedIsInStatusAndReport() {
    activities.receivers.put(
        0,
        task -> {
          throw ApplicationFailure.newNonRetryableFailure(
              "notify[0] answered 404.", FailureClass.MISSING.name());
        });
    assertThat(run(NOTIFY).outcome()).isEqualTo(Outcome.MIGRATED);

    assertThat(activities.reported.notifications().undelivered())
        .startsWith("notify[0] of start, 1: notify[0] answered 404.");
    assertThat(scenario.stub().status().notifications().undelivered())
        .hasSize(10)
        .endsWith("notify[0] of verdict, 10: notify[0] answered 404.");
    assertThat(scenario.details())
        .contains("Notifications that were not delivered: 10. The last: notify[0] of verdict");
    assertThat(toldTo(1)).containsExactly("m: started", "m: cut over", "m: MIGRATED");
  }

  @Test
  void aReceiverThatIsAwayIsGivenUp() {
    activities.receivers.put(0, task -> fail("notify[0] answered 503."));
    assertThat(run(NOTIFY).outcome()).isEqualTo(Outcome.MIGRATED);

    assertThat(scenario.stub().status().notifications().undelivered())
        .hasSize(10)
        .endsWith("notify[0] of verdict, 10: the migration has ended");
  }

  @Test
  void waitsForOneAnHourAndTellsTheNext() throws Exception {
    activities.receivers.put(0, task -> fail("notify[0] answered 503."));
    WorkflowStub workflow = scenario.begin(NOTIFY + ", \"approval\": {\"beforeCutover\": true}");
    scenario.awaitState(MigrationStatus.State.WAITING_FOR_APPROVAL);
    scenario.sleep(Duration.ofMinutes(59));
    activities.receivers.clear();
    scenario.sleep(Duration.ofMinutes(30));
    awaitTold(0, "m: needs approval (reminder 1)");
    assertThat(toldTo(0)).contains("m: started");
    scenario.stub().approve(VerbRequest.of("bob", "reviewed"));
    workflow.getResult(MigrationResult.class);

    assertThat(scenario.stub().status().notifications().undelivered()).isEmpty();
  }

  @Test
  void whatIsSentAgainBearsTheSameId() {
    AtomicInteger attempts = new AtomicInteger();
    List<NotificationTask> arrived = new CopyOnWriteArrayList<>();
    activities.receivers.put(
        1,
        task -> {
          arrived.add(task);
          if (attempts.incrementAndGet() % 2 == 1) {
            fail("the answer got lost");
          }
        });
    run(NOTIFY);

    assertThat(arrived).hasSize(6);
    assertThat(arrived.stream().map(task -> task.notification().id()).distinct()).hasSize(3);
    assertThat(arrived.stream().distinct()).hasSize(3);
  }

  @Test
  void aReplaySendsNothing() throws Exception {
    run(NOTIFY);
    int told = activities.told.size();
    WorkflowReplayer.replayWorkflowExecution(scenario.history(), MigrationWorkflowImpl.class);

    assertThat(activities.told).hasSize(told);
  }

  @Test
  void whoeverWantsNothingCostsNothing() {
    run("");

    assertThat(activities.told).isEmpty();
    assertThat(scenario.history().getEvents())
        .filteredOn(event -> event.getEventType() == EventType.EVENT_TYPE_TIMER_STARTED)
        .as("only the limit for the end of the lease")
        .hasSizeLessThanOrEqualTo(1);
  }

  @Test
  void whatCannotStartIsSaid() {
    activities.findings = List.of(Finding.blocking("target", "is there.", "Choose another."));
    WorkflowStub workflow = scenario.begin(NOTIFY);
    assertThatThrownBy(() -> workflow.getResult(MigrationResult.class))
        .isInstanceOf(WorkflowFailedException.class);

    assertThat(toldTo(1)).containsExactly("m: started", "m: has not started");
    assertThat(received(1).get(1).text()).contains("target: is there. Choose another.");
  }

  @Test
  void aCancelledMigrationSaysHowItEnded() throws Exception {
    activities.holding.put("import p000-000000", new CountDownLatch(1));
    WorkflowStub workflow = scenario.begin(NOTIFY);
    scenario.awaitCall("import p000-000000");
    scenario.awaitOneOpenStep(scenario::history);
    workflow.cancel("wrong target");
    assertThatThrownBy(() -> workflow.getResult(MigrationResult.class))
        .isInstanceOf(WorkflowFailedException.class);

    assertThat(toldTo(0)).contains("m: phase ROLLBACK").endsWith("m: ROLLED_BACK");
  }

  private MigrationResult run(String more) {
    return scenario.begin(more).getResult(MigrationResult.class);
  }

  private List<Notification> received(int target) {
    return activities.told.stream()
        .filter(task -> task.number() == target)
        .map(NotificationTask::notification)
        .toList();
  }

  private List<String> toldTo(int target) {
    return received(target).stream().map(Notification::title).toList();
  }

  private void awaitTold(int target, String title) throws InterruptedException {
    awaitTimes(target, title, 1);
  }

  private void awaitTimes(int target, String title, int times) throws InterruptedException {
    scenario.awaitStatus(status -> toldTo(target).stream().filter(title::equals).count() == times);
  }

  private static void fail(String message) {
    throw ApplicationFailure.newFailure(message, FailureClass.TRANSIENT.name());
  }

  private static void await(CountDownLatch latch) {
    try {
      if (!latch.await(60, TimeUnit.SECONDS)) {
        throw new IllegalStateException("nobody has let go");
      }
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }
}
