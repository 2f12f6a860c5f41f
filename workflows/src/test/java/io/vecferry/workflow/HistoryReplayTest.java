package io.vecferry.workflow;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.temporal.client.WorkflowClientOptions;
import io.temporal.common.WorkflowExecutionHistory;
import io.temporal.testing.TestEnvironmentOptions;
import io.temporal.testing.TestWorkflowEnvironment;
import io.temporal.testing.WorkflowReplayer;
import io.temporal.worker.Worker;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Migrations that were running when a worker is replaced must go on: today's code has to take every
 * step of these histories in the same order.
 */
class HistoryReplayTest {
  private static final Path FOLDER = Path.of("src/test/resources/histories");
  private static TestWorkflowEnvironment environment;
  private static Worker worker;

  @BeforeAll
  static void start() {
    environment =
        TestWorkflowEnvironment.newInstance(
            TestEnvironmentOptions.newBuilder()
                .setWorkflowClientOptions(
                    WorkflowClientOptions.newBuilder()
                        .setDataConverter(Payloads.converter())
                        .build())
                .build());
    worker = Scenario.worker(environment);
  }

  @AfterAll
  static void stop() {
    environment.close();
  }

  @Test
  void allHistoriesAreThere() throws IOException {
    assertThat(histories())
        .extracting(file -> file.getFileName().toString())
        .contains(
            "archive-moved.json",
            "caught-up.json",
            "caught-up-and-proved.json",
            "children.json",
            "children-paused.json",
            "interrupted-and-tuned.json",
            "merged-and-rolled-back.json",
            "lease.json",
            "lease-given-back.json",
            "notified.json",
            "migrated.json",
            "partition-continued.json",
            "partition-continued-paused.json",
            "partition-paused.json",
            "rehearsed.json",
            "repaired.json",
            "replaced.json",
            "retention.json",
            "partition.json",
            "retried-after-failure.json",
            "retried-while-others-go-on.json",
            "partition-with-failure.json",
            "rolled-back-by-cancel.json",
            "state-listed.json",
            "switched-in-window.json");
  }

  @ParameterizedTest
  @MethodSource("histories")
  void replays(Path history) throws Exception {
    replay(Files.readString(history));
  }

  @ParameterizedTest
  @MethodSource("histories")
  void namesNoMachine(Path history) throws IOException {
    assertThat(Files.readString(history)).doesNotContainPattern("\\d+@(?!worker)");
  }

  @Test
  void historyOfOtherStepsIsRefused() throws IOException {
    String history = Files.readString(FOLDER.resolve("migrated.json"));
    String tampered = history.replace("\"PrepareTarget\"", "\"FinishLoad\"");
    assertThat(tampered).isNotEqualTo(history);
    assertThatThrownBy(() -> replay(tampered)).hasStackTraceContaining("[TMPRL1100]");
  }

  static List<Path> histories() throws IOException {
    try (Stream<Path> files = Files.list(FOLDER)) {
      return files.filter(file -> file.toString().endsWith(".json")).sorted().toList();
    }
  }

  private static void replay(String json) throws Exception {
    WorkflowReplayer.replayWorkflowExecution(
        WorkflowExecutionHistory.fromJson(json, MigrationWorkflow.workflowId("m")), worker);
  }
}
