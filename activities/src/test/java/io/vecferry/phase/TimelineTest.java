package io.vecferry.phase;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.vecferry.plan.CanaryResult;
import io.vecferry.plan.Forecast.PhaseTime;
import io.vecferry.plan.NameSwitch;
import io.vecferry.spec.MigrationSpec;
import io.vecferry.spec.SpecReader;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class TimelineTest {
  private static final long NOW = Instant.parse("2026-12-01T12:00:00Z").toEpochMilli();
  private static final NameSwitch FREE =
      NameSwitch.ofFreeName("products", "load", "the name is taken", Map.of());
  private static final NameSwitch RENAMES =
      new NameSwitch(
          "products", "load", "products", "old", NameSwitch.Gap.SHORT, true, "renames", Map.of());

  /** Reads 1,000, writes 500, and fetches 2,000 records a second. */
  private static final CanaryResult CANARY =
      new CanaryResult("scratch", 1000, 17, 1017, 0, 0, 20, 20, 1000, 500, 2000, 5, 3);

  private static MigrationSpec spec(String more) throws Exception {
    SpecReader.Result read =
        SpecReader.read(
            new ObjectMapper()
                .readTree(
                    """
                    {"name": "m", "source": {"type": "memory", "collection": "a"},
                     "target": {"type": "memory", "collection": "b"} %s}
                    """
                        .formatted(more)));
    assertThat(read.problems()).isEmpty();
    return read.spec();
  }

  private static List<String> timeline(String more, NameSwitch nameSwitch) throws Exception {
    MigrationSpec spec = spec(more);
    List<PhaseTime> times = PhaseTimes.of(spec, CANARY, 60_000, 60_000, 1000, 128);
    boolean overlaps = spec.importsWhileExporting();
    return Timeline.of(spec, times, PhaseTimes.total(times, overlaps), overlaps, nameSwitch, NOW);
  }

  @Test
  void followsThePhases() throws Exception {
    assertThat(timeline("", FREE))
        .containsExactly(
            "Start: at once.",
            // 60,000 records at 1,000/s; 60 MB at 60 MB/s; 60,000 at 500/s and 3 s; 60,000 at
            // 2,000/s; 2 x 1,100 searches of 5 ms.
            "Export: about 60 s.",
            "Check of the archive: about 1 s.",
            "Import: about 2 minutes, beside the export.",
            "Comparison of every record: about 30 s.",
            "Quality check: about 11 s.",
            // 123 + 30 + 11 + 1
            "Together: about 3 minutes.",
            "Cutover: at once, seconds.",
            "Downtime: none. Readers get the one or the other.",
            "Point of no return: none. A rollback takes the new collection away again.");
  }

  @Test
  void saysWhatItWaitsForAndWhatReadersNotice() throws Exception {
    assertThat(
            timeline(
                """
                , "approval": {"beforeImport": true, "beforeCutover": true},
                "schedule": {"startAfter": "2026-12-05T20:00:00Z", "cutoverWindows":
                  [{"timeZone": "Europe/Berlin", "weekdays": ["sun"], "start": "02:00", "duration": "4h"}]},
                "archive": {"deleteOldCollectionAfter": "7d"}
                """,
                RENAMES))
        .startsWith("Start: not before 2026-12-05T20:00:00Z (schedule.startAfter).")
        .contains(
            "Then it waits until somebody approves the import.",
            "Import: about 2 minutes.",
            "Cutover: when somebody has approved it, and inside of a window; expected in the one"
                + " from Sunday 2026-12-06 02:00 CET to Sunday 2026-12-06 06:00 CET. What is not"
                + " ready then waits for the next.",
            "Downtime: the moment between two calls of the cutover: renames.",
            "Point of no return: 7 days after the cutover, when what was replaced is dropped.");
    assertThat(timeline(", \"rehearsal\": true", RENAMES))
        .endsWith("Rehearsal: what was loaded is removed again; readers are not switched over.");
  }
}
