package io.vecferry.phase;

import io.vecferry.plan.Forecast.PhaseTime;
import io.vecferry.plan.NameSwitch;
import io.vecferry.plan.Phase;
import io.vecferry.spec.CutoverWindow;
import io.vecferry.spec.MigrationSpec;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/** When what happens in a migration, in words. */
final class Timeline {
  private static final Map<Phase, String> WORDS = new EnumMap<>(Phase.class);

  static {
    WORDS.put(Phase.EXPORT, "export");
    WORDS.put(Phase.VALIDATE_EXPORT, "check of the archive");
    WORDS.put(Phase.IMPORT, "import");
    WORDS.put(Phase.QUALITY_CHECK, "quality check");
    WORDS.put(Phase.CUTOVER, "cutover");
  }

  private final MigrationSpec spec;
  private final List<PhaseTime> times;

  private Timeline(MigrationSpec spec, List<PhaseTime> times) {
    this.spec = spec;
    this.times = times;
  }

  /**
   * The timeline.
   *
   * @param times empty when nothing was measured
   * @param seconds from the first step to the last
   * @param overlaps whether parts are imported while later ones are exported
   * @param nameSwitch null when it could not be planned
   */
  static List<String> of(
      MigrationSpec spec,
      List<PhaseTime> times,
      long seconds,
      boolean overlaps,
      NameSwitch nameSwitch,
      long nowMillis) {
    Timeline timeline = new Timeline(spec, times);
    List<String> lines = new ArrayList<>();
    long start = Math.max(nowMillis, spec.schedule().startAfterMillis());
    lines.add(
        "Start: "
            + (start > nowMillis
                ? "not before " + Instant.ofEpochMilli(start) + " (schedule.startAfter)."
                : "at once."));
    lines.addAll(timeline.work(seconds, overlaps));
    if (spec.rehearsal()) {
      lines.add("Rehearsal: what was loaded is removed again; readers are not switched over.");
      return List.copyOf(lines);
    }
    lines.add(timeline.cutover(start + 1000 * seconds));
    if (nameSwitch != null && nameSwitch.possible()) {
      lines.add(downtime(nameSwitch));
      lines.add(timeline.noReturn(nameSwitch));
    }
    return List.copyOf(lines);
  }

  private String words(Phase phase) {
    if (phase != Phase.VALIDATE_IMPORT) {
      return WORDS.get(phase);
    }
    return spec.validation().samples() ? "comparison of a sample" : "comparison of every record";
  }

  private List<String> work(long seconds, boolean overlaps) {
    List<String> lines = new ArrayList<>();
    for (PhaseTime time : times) {
      if (time.phase() == Phase.IMPORT && spec.approval().beforeImport()) {
        lines.add("Then it waits until somebody approves the import.");
      }
      if (time.phase() != Phase.CUTOVER) {
        lines.add(
            String.format(
                Locale.ROOT,
                "%s: about %s%s.",
                capital(words(time.phase())),
                words(time.seconds()),
                time.phase() == Phase.IMPORT && overlaps ? ", beside the export" : ""));
      }
    }
    lines.add("Together: about " + words(seconds) + ".");
    return lines;
  }

  private String cutover(long readyMillis) {
    String approved = spec.approval().beforeCutover() ? " when somebody has approved it, and" : "";
    Optional<CutoverWindow.Opening> opening = spec.schedule().opening(readyMillis);
    if (opening.isEmpty()) {
      return "Cutover:"
          + (approved.isEmpty()
              ? " at once, seconds."
              : " when somebody has approved it, seconds.");
    }
    return "Cutover:"
        + approved
        + " inside of a window; expected in the one from "
        + opening.get().startWords()
        + " to "
        + opening.get().endWords()
        + ". What is not ready then waits for the next.";
  }

  private static String downtime(NameSwitch nameSwitch) {
    return switch (nameSwitch.gap()) {
      case NONE -> "Downtime: none. Readers get the one or the other.";
      case SHORT ->
          "Downtime: the moment between two calls of the cutover: " + nameSwitch.words() + ".";
    };
  }

  private String noReturn(NameSwitch nameSwitch) {
    if (nameSwitch.before().isEmpty()) {
      return "Point of no return: none. A rollback takes the new collection away again.";
    }
    if (spec.archive().deletesOldCollection()) {
      return "Point of no return: "
          + TargetPlanner.words(Duration.ofMillis(spec.archive().deleteOldCollectionAfterMillis()))
          + " after the cutover, when what was replaced is dropped.";
    }
    return "Point of no return: when `finalize` ends the time in which rollback works.";
  }

  private static String capital(String text) {
    return Character.toUpperCase(text.charAt(0)) + text.substring(1);
  }

  /** A time for people: two units at most. */
  static String words(long seconds) {
    if (seconds < 120) {
      return seconds + " s";
    }
    return seconds < 7200
        ? (seconds + 30) / 60 + " minutes"
        : String.format(Locale.ROOT, "%d h %d min", seconds / 3600, seconds % 3600 / 60);
  }
}
