package io.vecferry.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.vecferry.workflow.MigrationStatus;
import io.vecferry.workflow.Payloads;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import org.junit.jupiter.api.Test;

class ProgressTest {
  private static final String ESCAPE = "\u001b";

  private static MigrationStatus status(long seconds, long rows, String failures) throws Exception {
    ObjectNode status =
        (ObjectNode)
            Payloads.MAPPER.readTree(
                """
                {"migration": "products", "state": "RUNNING", "phase": "EXPORT",
                 "rowsExpected": 1000, "waitingFor": "", "verdict": "", "archive": "",
                 "phases": [], "skipped": [], "undo": [], "actions": [],
                 "startedMillis": 0, "secondsLeft": 90, "failures": [%s]}
                """
                    .formatted(failures));
    status.put("atMillis", seconds * 1000);
    for (String phase : new String[] {"EXPORT", "VALIDATE_EXPORT", "IMPORT", "VALIDATE_IMPORT"}) {
      status
          .withArrayProperty("phases")
          .addObject()
          .put("phase", phase)
          .put("state", "RUNNING")
          .put("rowsDone", rows)
          .put("summary", "");
    }
    return Payloads.MAPPER.treeToValue(status, MigrationStatus.class);
  }

  private static String shown(boolean terminal, boolean colours, MigrationStatus... statuses) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    Progress progress =
        new Progress(new PrintStream(out, true, StandardCharsets.UTF_8), terminal, colours);
    for (MigrationStatus status : statuses) {
      progress.show(status);
    }
    progress.end();
    return out.toString(StandardCharsets.UTF_8);
  }

  @Test
  void aTerminalShowsOneLineWithShareRateAndTimeLeft() throws Exception {
    assertThat(shown(true, false, status(1, 100, ""), status(2, 500, "")))
        .contains("\r  export          [############------------]")
        .contains(" 50 %  250 records/s  about 90 s left")
        .doesNotContain("\n", ESCAPE);
  }

  @Test
  void aLogGetsWholeLinesEverLessOften() throws Exception {
    String log =
        shown(
            false,
            false,
            status(1, 10, ""),
            status(20, 100, ""),
            status(21, 110, ""),
            status(60, 300, ""));
    assertThat(log.lines())
        .containsExactly(
            "    20 s:  10 %  5 records/s  about 90 s left",
            "    60 s:  30 %  5 records/s  about 90 s left");
    assertThat(log).doesNotContain("\r", ESCAPE);
  }

  @Test
  void failuresAreRedWhereColoursAreWanted() throws Exception {
    MigrationStatus failed =
        status(
            1,
            1,
            """
            {"phase": "IMPORT", "subject": "p000-000001", "partition": 0, "part": 1,
             "failureClass": "PERMISSION", "message": "not allowed", "atMillis": 1,
             "attempts": 1, "sinceMillis": 1, "skippable": false}
            """);
    assertThat(shown(true, true, failed)).contains(ESCAPE + "[31m  ! ", "not allowed");
    assertThat(shown(true, false, failed)).contains("  ! ", "not allowed").doesNotContain(ESCAPE);
    assertThat(Guide.to(failed)).containsExactly("docs/runbook.md#permission");
  }

  @Test
  void coloursAreForTerminalsOfPeopleWhoWantThem() {
    assertThat(Colour.areShown(true, Map.of("TERM", "xterm", "NO_COLOR", ""))).isTrue();
    assertThat(Colour.areShown(false, Map.of("TERM", "xterm"))).isFalse();
    assertThat(Colour.areShown(true, Map.of("NO_COLOR", "1"))).isFalse();
    assertThat(Colour.areShown(true, Map.of("TERM", "dumb"))).isFalse();
  }
}
