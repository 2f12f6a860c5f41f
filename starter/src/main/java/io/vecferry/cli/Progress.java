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
 * Shows a running migration: one line that is drawn again on a terminal, a line for each step in a
 * log.
 */
final class Progress {
  private static final int WIDTH = 24;
  private static final String NO_WORKER =
      "  No worker answers. The migration goes on when one runs: vecferry worker";
  private static final List<Phase> BY_PARTS =
      List.of(Phase.EXPORT, Phase.VALIDATE_EXPORT, Phase.IMPORT, Phase.VALIDATE_IMPORT);

  private final PrintStream out;
  private final boolean terminal;
  private final Set<Phase> finished = EnumSet.noneOf(Phase.class);
  private final Set<StepFailure> told = new HashSet<>();
  private final Set<String> toldOfTrying = new HashSet<>();
  private String state = "";
  private int drawn;

  Progress(PrintStream out, boolean terminal) {
    this.out = out;
    this.terminal = terminal;
  }

  void show(MigrationStatus status) {
    for (PhaseProgress phase : status.phases()) {
      if (phase.state() == PhaseProgress.State.DONE && finished.add(phase.phase())) {
        line(finishedLine(phase));
      }
    }
    for (StepFailure failure : status.failures()) {
      if (told.add(failure)) {
        line("  ! " + failure);
      }
    }
    for (StepFailure failure : status.retrying()) {
      if (toldOfTrying.add(failure.phase() + failure.subject() + failure.sinceMillis())) {
        line("  ~ " + failure + " (tried again)");
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
    if (terminal && status.state() == MigrationStatus.State.RUNNING) {
      draw(status);
    }
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
    long done = 0;
    double millis = Math.max(1, status.atMillis() - status.startedMillis());
    for (PhaseProgress phase : status.phases()) {
      done += phase.rowsDone();
    }
    long all = Math.max(1, status.rowsExpected() * BY_PARTS.size());
    double share = Math.min(1, (double) done / all);
    int filled = (int) (share * WIDTH);
    String text =
        String.format(
            Locale.ROOT,
            "  %-15s [%s%s] %3.0f %%  %,.0f records/s%s",
            status.phase().name().toLowerCase(Locale.ROOT).replace('_', ' '),
            "#".repeat(filled),
            "-".repeat(WIDTH - filled),
            share * 100,
            done / BY_PARTS.size() / millis * 1000,
            share > 0.02
                ? String.format(
                    Locale.ROOT, "  about %,.0f s left", millis / share * (1 - share) / 1000)
                : "");
    out.print("\r" + text + " ".repeat(Math.max(0, drawn - text.length())));
    out.flush();
    drawn = text.length();
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
