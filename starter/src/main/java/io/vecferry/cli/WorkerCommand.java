package io.vecferry.cli;

import io.vecferry.worker.TemporalSettings;
import io.vecferry.worker.WorkerProcess;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParentCommand;

@Command(
    name = "worker",
    mixinStandardHelpOptions = true,
    description = {
      "Runs a worker against the configured Temporal service until it is asked to end.",
      "Address, namespace, TLS and API key come from Temporal's standard environment (TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE, TEMPORAL_API_KEY, TEMPORAL_TLS_...) or profile file."
    })
final class WorkerCommand implements Callable<Integer> {
  @ParentCommand Vecferry root;

  @Option(
      names = "--activities",
      paramLabel = "N",
      description = "Activities that may run at once (default: two per core, at least 4).")
  Integer activities;

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
                        "worker needs a Temporal service: set TEMPORAL_ADDRESS, for example 127.0.0.1:7233."));
    int parallel =
        activities == null
            ? Math.max(4, 2 * Runtime.getRuntime().availableProcessors())
            : activities;
    try {
      new WorkerProcess(settings, root.archiveRoot, parallel, address()).run();
    } catch (IllegalStateException e) {
      throw new UserError(e.getMessage());
    }
    return ExitCode.OK;
  }

  private InetSocketAddress address() {
    if (http == null) {
      return null;
    }
    int colon = http.lastIndexOf(':');
    try {
      return new InetSocketAddress(
          http.substring(0, colon), Integer.parseInt(http.substring(colon + 1)));
    } catch (RuntimeException e) {
      throw new UserError(
          "--http must be HOST:PORT, for example 127.0.0.1:9090, got '" + http + "'.");
    }
  }
}
