package io.vecferry.workflow;

import io.vecferry.plan.Phase;
import java.time.Instant;
import java.util.List;

/** A status as Markdown, for the page of a migration in the Temporal UI. */
final class Details {
  /** The service takes 20,000 bytes. */
  private static final int LONGEST = 15_000;

  private static final int MOST_FAILURES = 5;
  private static final int MOST_ACTIONS = 5;

  private Details() {}

  static String of(MigrationStatus status) {
    StringBuilder text = new StringBuilder();
    text.append("**").append(status.migration()).append("**: ");
    text.append(status.outcome() == null ? status.state() : status.outcome());
    if (!status.waitingFor().isEmpty()) {
      text.append(" - ").append(line(status.waitingFor()));
    }
    if (!status.verdict().isEmpty()) {
      text.append("\n\n").append(line(status.verdict()));
    }
    text.append("\n\n| phase | state | parts | records |\n|---|---|---|---|\n");
    for (PhaseProgress progress : status.phases()) {
      if (progress.phase() != Phase.ROLLBACK || progress.state() != PhaseProgress.State.WAITING) {
        text.append("| ").append(progress.phase()).append(" | ").append(progress.state());
        text.append(" | ").append(progress.partsDone()).append(" | ").append(progress.rowsDone());
        text.append(" |\n");
      }
    }
    failures(text, status.failures());
    List<String> undelivered = status.notifications().undelivered();
    if (!undelivered.isEmpty()) {
      text.append("\n\nNotifications that were not delivered: ")
          .append(undelivered.size())
          .append(". The last: ")
          .append(line(undelivered.get(undelivered.size() - 1)));
    }
    if (!status.choices().isEmpty()) {
      text.append("\n\nUpdates that are possible now, each with a reason:\n");
      status
          .choices()
          .forEach(
              choice ->
                  text.append("\n- `")
                      .append(choice.verb().word())
                      .append("` ")
                      .append(choice.effect()));
    }
    if (status.tuning() != null && status.outcome() == null) {
      text.append("\n\nSpeed: ").append(status.tuning());
    }
    List<OperatorAction> actions = status.actions();
    if (!actions.isEmpty()) {
      text.append("\n\nWhat people did last:\n");
      for (OperatorAction action :
          actions.subList(Math.max(0, actions.size() - MOST_ACTIONS), actions.size())) {
        text.append("\n- ").append(Instant.ofEpochMilli(action.atMillis())).append(' ');
        text.append(line(action.toString()));
      }
    }
    return text.length() > LONGEST ? text.substring(0, LONGEST) : text.toString();
  }

  private static void failures(StringBuilder text, List<StepFailure> failures) {
    for (StepFailure failure : failures.subList(0, Math.min(MOST_FAILURES, failures.size()))) {
      text.append("\n- ").append(line(failure.toString()));
      if (!failure.where().isEmpty()) {
        text.append("\n  - where: ").append(line(failure.where()));
      }
      for (String cause : failure.causes()) {
        text.append("\n  - because: ").append(line(cause));
      }
      text.append("\n  - tried: ").append(failure.tried());
    }
    if (failures.size() > MOST_FAILURES) {
      text.append("\n- and ")
          .append(failures.size() - MOST_FAILURES)
          .append(" more, see `failures`");
    }
  }

  private static String line(String text) {
    return text.replaceAll("\\s*\\R\\s*", " ");
  }
}
