package io.vecferry.workflow;

import io.temporal.failure.TemporalFailure;
import io.temporal.workflow.Async;
import io.temporal.workflow.Promise;
import io.temporal.workflow.Workflow;
import io.vecferry.activity.Notification;
import io.vecferry.activity.NotificationTask;
import io.vecferry.plan.Phase;
import io.vecferry.spec.MigrationSpec;
import io.vecferry.spec.NotificationTarget;
import io.vecferry.spec.NotificationTarget.Event;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * Tells people how a migration goes: looks at the board whenever that changes, and sends what is
 * new to those that the spec names. A migration waits for none of it, but for a moment at its end.
 */
final class Announcements {
  /** Whoever has missed the first word gets another one soon, and then one a day. */
  private static final Duration FIRST_REMINDER = Duration.ofHours(1);

  private static final Duration NEXT_REMINDER = Duration.ofDays(1);

  /** How long a notification waits for the one before it, so that they arrive in order. */
  private static final Duration TURN = Duration.ofSeconds(30);

  /** How long a migration that has ended waits for what is on its way. */
  private static final Duration FAREWELL = Duration.ofMinutes(1);

  private static final int MOST_SHOWN = 20;
  private static final int LONGEST_TEXT = 3_000;

  private final StatusBoard board;
  private final List<NotificationTarget> targets;
  private final MigrationSpec spec;
  private final List<Promise<Void>> latest = new ArrayList<>();
  private final List<String> onTheirWay = new ArrayList<>();
  private final List<String> undelivered = new ArrayList<>();
  private final Set<Phase> phasesTold = EnumSet.of(Phase.PLANNING);
  private int sequence;
  private int delivered;
  private boolean cutoverTold;
  private Event asked;
  private int questions;

  /** Begins to watch. Specs from before there were notifications name nobody to be told. */
  Announcements(MigrationSpec spec, StatusBoard board) {
    this.spec = spec;
    this.board = board;
    this.targets = spec.notifications();
    board.notifications(this::status);
    if (!targets.isEmpty()) {
      targets.forEach(target -> latest.add(null));
      uncancelled(
          () -> {
            tell(
                Event.START,
                0,
                "started",
                "From " + spec.source().address() + " to " + spec.target().address() + ".");
            Async.procedure(this::watch);
          });
    }
  }

  /** Says how it ended, and waits a little for everything to arrive. */
  void conclude(String title, String verdict) {
    if (targets.isEmpty()) {
      return;
    }
    uncancelled(
        () -> {
          tellNews();
          tell(Event.VERDICT, 0, title, verdict);
          if (!onTheirWay.isEmpty()) {
            Workflow.await(FAREWELL, onTheirWay::isEmpty);
          }
          onTheirWay.forEach(what -> giveUp(what, "the migration has ended"));
          onTheirWay.clear();
        });
  }

  private NotificationStatus status() {
    return new NotificationStatus(
        delivered,
        onTheirWay.size(),
        undelivered.subList(0, Math.min(MOST_SHOWN, undelivered.size())));
  }

  private void watch() {
    while (true) {
      tellNews();
      long seen = board.changes();
      Workflow.await(() -> board.changes() != seen);
    }
  }

  private void tellNews() {
    if (!cutoverTold && board.isCutOver()) {
      cutoverTold = true;
      tell(
          Event.CUTOVER,
          0,
          "cut over",
          ("Readers are switched to "
                  + spec.target().address()
                  + ". "
                  + board.summary(Phase.CUTOVER))
              .strip());
    }
    Phase phase = board.phase();
    if (phasesTold.add(phase)) {
      tell(Event.PHASE, 0, "phase " + phase, "It has come to " + phase + ".");
    }
    Event event = question();
    if (event != asked) {
      asked = event;
      questions++;
      if (event != null) {
        ask(0);
        if (event != Event.WINDOW && targets.stream().anyMatch(target -> target.wants(event))) {
          int question = questions;
          Async.procedure(() -> remind(question));
        }
      }
    }
  }

  /** What is waited for; null when that is nothing. */
  private Event question() {
    return switch (board.state()) {
      case NEEDS_ATTENTION, ROLLBACK_INCOMPLETE -> Event.ATTENTION;
      case WAITING_FOR_APPROVAL -> Event.APPROVAL;
      case WAITING_FOR_WINDOW -> Event.WINDOW;
      case RUNNING, PAUSED -> board.isAsking() ? Event.ATTENTION : null;
      case WAITING_FOR_START, ROLLING_BACK, FINISHED -> null;
    };
  }

  /** Says again what is waited for, until that is another thing or nothing. */
  private void remind(int question) {
    Duration pause = FIRST_REMINDER;
    for (int reminder = 1; !Workflow.await(pause, () -> questions != question); reminder++) {
      ask(reminder);
      pause = NEXT_REMINDER;
    }
  }

  private void ask(int reminder) {
    MigrationStatus now = board.snapshot();
    String title =
        switch (asked) {
          case APPROVAL -> "needs approval";
          case WINDOW -> "waits for a window";
          default -> "needs attention";
        };
    String choices =
        now.choices().stream()
            .map(choice -> "\n- " + choice.verb().word() + ": " + choice.effect())
            .collect(Collectors.joining());
    tell(
        asked,
        reminder,
        title,
        "It waits for: "
            + now.waitingFor()
            + (choices.isEmpty() ? "" : "\nPossible now:" + choices));
  }

  private void tell(Event event, int reminder, String what, String text) {
    sequence++;
    MigrationStatus now = board.snapshot();
    String title =
        now.migration() + ": " + what + (reminder == 0 ? "" : " (reminder " + reminder + ")");
    Notification notification =
        new Notification(
            Workflow.getInfo().getRunId() + "-" + sequence,
            sequence,
            event,
            reminder,
            now.atMillis(),
            now.migration(),
            Workflow.getInfo().getWorkflowId(),
            now.phase().name(),
            now.state().name(),
            now.outcome() == null ? "" : now.outcome().name(),
            title,
            text.length() <= LONGEST_TEXT ? text : text.substring(0, LONGEST_TEXT) + " ...",
            now.report() == null ? "" : now.report().html());
    for (int number = 0; number < targets.size(); number++) {
      if (targets.get(number).wants(event)) {
        send(new NotificationTask(number, targets.get(number), notification));
      }
    }
  }

  private void send(NotificationTask task) {
    Promise<Void> before = latest.get(task.number());
    onTheirWay.add(name(task));
    latest.set(task.number(), Async.procedure(() -> deliver(task, before)));
  }

  private void deliver(NotificationTask task, Promise<Void> before) {
    if (before != null && !before.isCompleted()) {
      Workflow.await(TURN, before::isCompleted);
    }
    try {
      Steps.notification("tell " + name(task)).sendNotification(task);
      delivered++;
      onTheirWay.remove(name(task));
    } catch (TemporalFailure failure) {
      onTheirWay.remove(name(task));
      giveUp(name(task), Failures.message(failure));
    }
  }

  private void giveUp(String what, String reason) {
    undelivered.add(what + ": " + reason);
    board.show();
    Workflow.getLogger(Announcements.class).warn("not delivered: {}: {}", what, reason);
  }

  private static String name(NotificationTask task) {
    Notification notification = task.notification();
    return task.field() + " of " + notification.event().word() + ", " + notification.sequence();
  }

  /** People are told of a rollback too, for which work is cancelled. */
  private static void uncancelled(Runnable work) {
    Workflow.newDetachedCancellationScope(work).run();
  }
}
