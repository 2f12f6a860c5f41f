package io.vecferry.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import io.vecferry.plan.FailureClass;
import io.vecferry.workflow.MigrationStatus.State;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The alerts, as far as that needs no worker; {@link MetricsTest} asks one for what they look at.
 * What needs Prometheus' own {@code promtool} is skipped where that is not installed.
 */
@Tag("slow")
@Timeout(120)
class AlertsTest {
  private static final Pattern HEADING = Pattern.compile("(?m)^#{2,3} (.+)$");
  private static final Pattern TESTED = Pattern.compile("alertname: (\\w+)(})?");

  @TempDir Path folder;

  @ParameterizedTest
  @ValueSource(
      strings = {
        "check rules alerts.yaml",
        "test rules alerts-test.yaml",
        "check config prometheus.yaml"
      })
  void promtoolAgrees(String command) throws Exception {
    Path promtool = Prometheus.program("promtool").orElse(null);
    assumeTrue(promtool != null, "no promtool on the PATH");
    List<String> words = new ArrayList<>(List.of(promtool.toString()));
    words.addAll(List.of(command.split(" ")));
    Path log = folder.resolve("log");
    Process process =
        new ProcessBuilder(words)
            .directory(Prometheus.FILES.toFile())
            .redirectErrorStream(true)
            .redirectOutput(log.toFile())
            .start();
    assertThat(process.waitFor(60, TimeUnit.SECONDS)).as(command).isTrue();
    assertThat(process.exitValue()).as("%s", Files.readString(log)).isZero();
  }

  @Test
  void eachIsTestedWhenItFiresAndWhenNot() throws IOException {
    Set<String> fires = new TreeSet<>();
    Set<String> fireNot = new TreeSet<>();
    Matcher tested = TESTED.matcher(Files.readString(Prometheus.FILES.resolve("alerts-test.yaml")));
    while (tested.find()) {
      (tested.group(2) == null ? fires : fireNot).add(tested.group(1));
    }
    assertThat(fires).isEqualTo(names());
    assertThat(fireNot).isEqualTo(names());
  }

  @Test
  void eachHasASectionInTheRunbook() throws IOException {
    Set<String> sections = sections();
    for (JsonNode alert : Expression.alerts()) {
      String name = alert.path("alert").asText();
      assertThat(sections).contains(name);
      assertThat(alert.path("annotations").path("runbook_url").asText())
          .isEqualTo("docs/runbook.md#" + name.toLowerCase(Locale.ROOT));
    }
    assertThat(sections.stream().filter(section -> section.startsWith("Vecferry")))
        .containsExactlyInAnyOrderElementsOf(names());
  }

  @Test
  void allThatWaitsForAPersonHasASectionInTheRunbook() throws IOException {
    Set<String> sections = sections();
    for (FailureClass failure : FailureClass.values()) {
      assertThat(sections).contains(failure.name());
    }
    for (State state : State.values()) {
      switch (state) {
        case RUNNING, ROLLING_BACK, FINISHED -> {}
        case PAUSED,
            WAITING_FOR_START,
            WAITING_FOR_WINDOW,
            WAITING_FOR_APPROVAL,
            NEEDS_ATTENTION,
            ROLLBACK_INCOMPLETE ->
            assertThat(sections).contains(state.name());
      }
    }
  }

  private static Set<String> names() throws IOException {
    Set<String> names = new TreeSet<>();
    Expression.ofAlerts().forEach(alert -> names.add(alert.where()));
    return names;
  }

  private static Set<String> sections() throws IOException {
    Set<String> sections = new TreeSet<>();
    Matcher heading = HEADING.matcher(Files.readString(Cli.home().resolve("docs/runbook.md")));
    while (heading.find()) {
      sections.addAll(List.of(heading.group(1).split(", ")));
    }
    return sections;
  }
}
