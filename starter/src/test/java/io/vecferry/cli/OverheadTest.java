package io.vecferry.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.util.Timestamps;
import io.temporal.api.common.v1.WorkflowExecution;
import io.temporal.api.workflow.v1.WorkflowExecutionInfo;
import io.temporal.api.workflowservice.v1.DescribeWorkflowExecutionRequest;
import io.vecferry.testing.RunningServer;
import io.vecferry.testing.Server;
import io.vecferry.testing.WithServer;
import io.vecferry.workflow.MigrationWorkflow;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * What the workflow on a real Temporal service costs against {@link BareLoop}, in turn, each in a
 * fresh process. Numbers go to standard output; {@code vecferry.overhead.rows} and {@code
 * .dimension} and {@code .rounds} make them worth reading. Asserts on results, not on time.
 */
@Tag("slow")
@WithServer(Server.TEMPORAL)
@Timeout(value = 2, unit = TimeUnit.HOURS)
class OverheadTest {
  private static final int ROWS = Integer.getInteger("vecferry.overhead.rows", 10_000);
  private static final int DIMENSION = Integer.getInteger("vecferry.overhead.dimension", 16);
  private static final int ROUNDS = Integer.getInteger("vecferry.overhead.rounds", 1);
  private static final int PART_ROWS = Math.min(50_000, ROWS / 10);

  @TempDir Path folder;

  @Test
  void workflowAgainstBareLoop(@WithServer(Server.TEMPORAL) RunningServer temporal)
      throws IOException {
    FaissFolder.writeLarge(folder.resolve("source"), ROWS, DIMENSION);
    List<Cost> workflow = new ArrayList<>();
    List<Cost> loop = new ArrayList<>();
    try (Service service = Service.at(temporal, folder)) {
      for (int round = 0; round < ROUNDS; round++) {
        loop.add(timed(this::bareLoop));
        String name = "overhead-" + round;
        workflow.add(timed(() -> workflow(service, name)));
      }
    }
    System.out.printf(
        "%,d x %d in parts of %,d, bare loop and workflow, %d rounds%n",
        ROWS, DIMENSION, PART_ROWS, ROUNDS);
    report("wall", loop.stream().map(Cost::millis), workflow.stream().map(Cost::millis));
    report("CPU", loop.stream().map(Cost::cpuMillis), workflow.stream().map(Cost::cpuMillis));
  }

  private static void report(String what, Stream<Long> loop, Stream<Long> workflow) {
    List<Long> bare = loop.toList();
    List<Long> with = workflow.toList();
    double more = 100.0 * median(with) / median(bare) - 100;
    System.out.printf(
        "%s ms: bare loop %,d %s, workflow %,d %s: %+.1f %%%n",
        what, median(bare), bare, median(with), with, more);
  }

  /**
   * What one run took.
   *
   * @param cpuMillis of the process that did the work, from its start
   */
  private record Cost(long millis, long cpuMillis) {}

  private interface Job {
    Cost run() throws IOException;
  }

  private Cost timed(Job job) throws IOException {
    Cost cost = job.run();
    FaissFolder.assertSame(folder.resolve("source"), folder.resolve("target"));
    delete(folder.resolve("target"));
    delete(folder.resolve("archives"));
    return cost;
  }

  private Cost bareLoop() {
    Path spec = spec("bare");
    Cli.Result result =
        cli(Cli.in(folder))
            .startMain(
                BareLoop.class.getName(), spec.toString(), folder.resolve("archives").toString())
            .await();
    assertThat(result.exitCode()).as("%s", result).isZero();
    String[] numbers = result.out().strip().split(" ");
    return new Cost(Long.parseLong(numbers[0]), Long.parseLong(numbers[1]));
  }

  /** From the start to the end of the workflow, as the service says. */
  private Cost workflow(Service service, String name) {
    Path spec = spec(name);
    try (Cli.Running worker = service.startWorker(cli(service.cli(folder)))) {
      Cli.Result result = service.cli(folder).run("run", spec.toString());
      assertThat(result.exitCode()).as("%s", result).isZero();
      WorkflowExecutionInfo info =
          service
              .stubs()
              .blockingStub()
              .describeWorkflowExecution(
                  DescribeWorkflowExecutionRequest.newBuilder()
                      .setNamespace(service.namespace())
                      .setExecution(
                          WorkflowExecution.newBuilder()
                              .setWorkflowId(MigrationWorkflow.workflowId(name)))
                      .build())
              .getWorkflowExecutionInfo();
      assertThat(worker.isAlive()).isTrue();
      long millis =
          Timestamps.toMillis(info.getCloseTime()) - Timestamps.toMillis(info.getStartTime());
      return new Cost(millis, worker.cpu().toMillis());
    }
  }

  /** All of the compiler, for what the launcher lets it compile. */
  private static Cli cli(Cli cli) {
    return cli.with(
        "_JAVA_OPTIONS",
        "-XX:TieredStopAtLevel=4 -XX:Tier4InvocationThreshold=50000"
            + " -XX:Tier4MinInvocationThreshold=6000 -XX:Tier4CompileThreshold=150000"
            + " -XX:Tier4BackEdgeThreshold=400000 -Xmx1g");
  }

  private Path spec(String name) {
    return Specs.writeText(
        folder.resolve("spec.json"),
        """
        {"name": "%s", "source": {"type": "faiss", "path": "%s"},
         "target": {"type": "faiss", "path": "%s"},
         "export": {"partRows": %d, "parallelism": 2}}
        """
            .formatted(name, folder.resolve("source"), folder.resolve("target"), PART_ROWS));
  }

  private static long median(List<Long> values) {
    return values.stream().sorted().toList().get(values.size() / 2);
  }

  private static void delete(Path path) throws IOException {
    try (Stream<Path> files = Files.walk(path)) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(file);
      }
    }
  }
}
