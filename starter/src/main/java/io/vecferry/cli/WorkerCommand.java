package io.vecferry.cli;

import io.vecferry.worker.TemporalSettings;
import io.vecferry.worker.WorkerLimits;
import io.vecferry.worker.WorkerProcess;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.EnumSet;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParentCommand;

@Command(
    name = "worker",
    footer = {
      "  vecferry worker --http 127.0.0.1:9090",
      "  vecferry worker --serve target --activities 8"
    },
    mixinStandardHelpOptions = true,
    description = {
      "Runs a worker against the configured Temporal service until it is asked to end.",
      "Address, namespace, TLS and API key come from Temporal's standard environment"
          + " (TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE, TEMPORAL_API_KEY, TEMPORAL_TLS_...) or profile"
          + " file."
    })
final class WorkerCommand implements Callable<Integer> {
  @ParentCommand Vecferry root;

  @Option(
      names = "--activities",
      paramLabel = "N",
      description =
          "Activities of each kind that may run at once (default: two per core, at least 4).")
  Integer activities;

  @Option(
      names = "--serve",
      paramLabel = "KIND",
      split = ",",
      defaultValue = "${env:VECFERRY_SERVE:-workflows,source,target}",
      description =
          "Kinds of work: workflows, source (parts that are read), target (parts that are written"
              + " or compared) (default: VECFERRY_SERVE, or all).")
  List<WorkerLimits.Kind> serve;

  @Option(
      names = "--source-rate",
      paramLabel = "PARTS",
      defaultValue = "${env:VECFERRY_SOURCE_RATE:-0}",
      description =
          "Parts per second that all workers together begin to read (default: VECFERRY_SOURCE_RATE,"
              + " or no limit).")
  double sourceRate;

  @Option(
      names = "--target-rate",
      paramLabel = "PARTS",
      defaultValue = "${env:VECFERRY_TARGET_RATE:-0}",
      description =
          "Parts per second that all workers together begin to write or compare (default:"
              + " VECFERRY_TARGET_RATE, or no limit).")
  double targetRate;

  @Option(
      names = "--source-worker-rate",
      paramLabel = "PARTS",
      defaultValue = "${env:VECFERRY_SOURCE_WORKER_RATE:-0}",
      description =
          "The same for this worker alone (default: VECFERRY_SOURCE_WORKER_RATE, or no limit).")
  double sourceWorkerRate;

  @Option(
      names = "--target-worker-rate",
      paramLabel = "PARTS",
      defaultValue = "${env:VECFERRY_TARGET_WORKER_RATE:-0}",
      description =
          "The same for this worker alone (default: VECFERRY_TARGET_WORKER_RATE, or no limit).")
  double targetWorkerRate;

  @Option(
      names = "--patience",
      paramLabel = "MINUTES",
      defaultValue = "${env:VECFERRY_PATIENCE:-30}",
      description =
          "How long a step that gets no further is tried again before a person is asked; 0 for ever"
              + " (default: VECFERRY_PATIENCE, or 30).")
  double patience;

  @Option(
      names = "--http",
      paramLabel = "HOST:PORT",
      description = "Serve /metrics, /healthz and /readyz there (default: not at all).")
  String http;

  @Override
  public Integer call() throws IOException, InterruptedException {
    TemporalSettings settings =
        TemporalSettings.load()
            .orElseThrow(
                () ->
                    new UserError(
                        "worker needs a Temporal service: set TEMPORAL_ADDRESS, for example"
                            + " 127.0.0.1:7233."));
    WorkerLimits limits =
        new WorkerLimits(
            EnumSet.copyOf(serve),
            atLeast(
                "--activities",
                1,
                activities == null ? WorkerLimits.defaultActivities() : activities),
            rate("source", sourceRate, sourceWorkerRate),
            rate("target", targetRate, targetWorkerRate),
            Duration.ofMillis((long) (atLeast("--patience", 0, patience) * 60_000)));
    InetSocketAddress address = http == null ? null : HostAndPort.parse("--http", http);
    try {
      new WorkerProcess(settings, root.archiveRoot, root.connections(), limits, address).run();
    } catch (IllegalStateException e) {
      throw new UserError(e.getMessage());
    }
    return ExitCode.OK;
  }

  private static WorkerLimits.Rate rate(String side, double together, double alone) {
    return new WorkerLimits.Rate(
        atLeast("--" + side + "-rate", 0, together),
        atLeast("--" + side + "-worker-rate", 0, alone));
  }

  private static <T extends Number> T atLeast(String option, int least, T value) {
    if (!(value.doubleValue() >= least) || Double.isInfinite(value.doubleValue())) {
      throw new UserError(option + " must be at least " + least + ", got " + value + ".");
    }
    return value;
  }
}
