package io.vecferry.cli;

import io.vecferry.plan.Phase;
import io.vecferry.workflow.MigrationStatus;
import io.vecferry.workflow.PhaseProgress;
import io.vecferry.workflow.StepFailure;
import java.io.PrintStream;
import java.util.EnumSet;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;

/**
 * Shows a running migration: one line that is drawn again on a terminal; in a log a line for each
 * step, and in between, ever less often, one that says how far it is.
 */
final class Progress {
  private static final int WIDTH = 24;
  private static final String NO_WORKER =
      "  No worker answers, or its machine has too much to do. The migration goes on when one runs:"
          + " vecferry worker";
  private static final List<Phase> BY_PARTS =
      List.of(Phase.EXPORT, Phase.VALIDATE_EXPORT, Phase.IMPORT, Phase.VALIDATE_IMPORT);

  private static final long FIRST_LINE_MILLIS = 15_000;
  private static final long MOST_BETWEEN_LINES_MILLIS = 600_000;

  private final PrintStream out;
  private final boolean terminal;
  private final boolean colours;
  private final Set<Phase> finished = EnumSet.noneOf(Phase.class);
  private final Set<StepFailure> told = new HashSet<>();
  private final Set<String> toldOfTrying = new HashSet<>();
  private final Set<String> toldOfNotifications = new HashSet<>();
  private String state = "";
  private long nextLineMillis = FIRST_LINE_MILLIS;
  private int drawn;

  /**
   * @param terminal whether a line can be drawn again
   * @param colours whether failures are in colour
   */
  Progress(PrintStream out, boolean terminal, boolean colours) {
    this.out = out;
    this.terminal = terminal;
    this.colours = colours;
  }

  /** On the standard error of this process. */
  static Progress here() {
    return new Progress(System.err, Colour.canDraw(), Colour.inProgress());
  }

  void show(MigrationStatus status) {
    for (PhaseProgress phase : status.phases()) {
      if (phase.state() == PhaseProgress.State.DONE && finished.add(phase.phase())) {
        line(finishedLine(phase));
      }
    }
    for (StepFailure failure : status.failures()) {
      if (told.add(failure)) {
        line(Colour.RED.of("  ! " + failure, colours));
      }
    }
    for (StepFailure failure : status.retrying()) {
      if (toldOfTrying.add(failure.phase() + failure.subject() + failure.sinceMillis())) {
        line(Colour.YELLOW.of("  ~ " + failure + " (tried again)", colours));
      }
    }
    for (String undelivered : status.notifications().undelivered()) {
      if (toldOfNotifications.add(undelivered)) {
        line(Colour.YELLOW.of("  ! not delivered: " + undelivered, colours));
      }
    }
    String now =
        status.waitingFor().isEmpty() ? "" : status.state() + ": waits for " + status.waitingFor();
    if (!now.equals(state)) {
      state = now;
      if (!now.isEmpty()) {
        line("  " + now);
      }
    }
    if (status.state() == MigrationStatus.State.RUNNING) {
      if (terminal) {
        draw(status);
      } else if (millis(status) >= nextLineMillis) {
        line(String.format(Locale.ROOT, "  %4d s: %s", millis(status) / 1000, howFar(status)));
        nextLineMillis = millis(status) + Math.min(millis(status), MOST_BETWEEN_LINES_MILLIS);
      }
    }
  }

  private static long millis(MigrationStatus status) {
    return status.atMillis() - status.startedMillis();
  }

  /** Says, once, that nobody works on the migration. */
  void noWorker() {
    if (!state.equals(NO_WORKER)) {
      state = NO_WORKER;
      line(NO_WORKER);
    }
  }

  /** Ends the line that was being drawn. */
  void end() {
    line("");
  }

  private void draw(MigrationStatus status) {
    int filled = (int) (share(status) * WIDTH);
    String text =
        String.format(
            Locale.ROOT,
            "  %-15s [%s%s] %s",
            status.phase().name().toLowerCase(Locale.ROOT).replace('_', ' '),
            "#".repeat(filled),
            "-".repeat(WIDTH - filled),
            howFar(status));
    out.print("\r" + text + " ".repeat(Math.max(0, drawn - text.length())));
    out.flush();
    drawn = text.length();
  }

  /** Share of the work with records that is done. */
  static double share(MigrationStatus status) {
    return Math.min(1, (double) rows(status) / Math.max(1, status.rowsExpected()));
  }

  /** Records that went through all phases that work by parts, on average. */
  private static long rows(MigrationStatus status) {
    return status.phases().stream().mapToLong(PhaseProgress::rowsDone).sum() / BY_PARTS.size();
  }

  private static String howFar(MigrationStatus status) {
    String speed =
        String.format(
            Locale.ROOT,
            "%3.0f %%  %,.0f records/s",
            share(status) * 100,
            1000.0 * rows(status) / Math.max(1, millis(status)));
    return status.secondsLeft() == null ? speed : speed + "  " + left(status) + " left";
  }

  /** How long a migration still works. */
  static String left(MigrationStatus status) {
    long seconds = status.secondsLeft();
    if (seconds < 120) {
      return "about " + seconds + " s";
    }
    long minutes = (seconds + 59) / 60;
    return minutes < 120
        ? "about " + minutes + " min"
        : String.format(Locale.ROOT, "about %d h %02d min", minutes / 60, minutes % 60);
  }

  private void line(String text) {
    if (drawn > 0) {
      out.print("\r" + " ".repeat(drawn) + "\r");
      drawn = 0;
    }
    if (!text.isEmpty()) {
      out.println(text);
    }
    out.flush();
  }

  private static String finishedLine(PhaseProgress phase) {
    StringBuilder text = new StringBuilder("  ");
    text.append(
        String.format(
            Locale.ROOT, "%-16s", phase.phase().name().toLowerCase(Locale.ROOT).replace('_', ' ')));
    text.append(
        String.format(
            Locale.ROOT, "%7.1f s", (phase.finishedMillis() - phase.startedMillis()) / 1000.0));
    if (phase.rowsDone() > 0) {
      text.append(String.format(Locale.ROOT, "  %,d records", phase.rowsDone()));
    }
    if (phase.rowsReused() > 0) {
      text.append(String.format(Locale.ROOT, " (%,d done by an earlier run)", phase.rowsReused()));
    }
    if (!phase.summary().isEmpty()) {
      text.append("  ").append(phase.summary());
    }
    return text.toString();
  }
}
