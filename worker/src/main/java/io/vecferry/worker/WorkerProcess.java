package io.vecferry.worker;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import com.uber.m3.tally.RootScopeBuilder;
import com.uber.m3.tally.Scope;
import io.micrometer.core.instrument.binder.jvm.JvmMemoryMetrics;
import io.micrometer.core.instrument.binder.system.ProcessorMetrics;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import io.temporal.client.WorkflowClient;
import io.temporal.common.reporter.MicrometerClientStatsReporter;
import io.temporal.serviceclient.WorkflowServiceStubs;
import io.temporal.worker.WorkerDeploymentOptions;
import io.vecferry.archive.place.ArchiveRoot;
import io.vecferry.phase.Connections;
import io.vecferry.workflow.Payloads;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The worker as a process of its own: metrics and health over HTTP ({@code /metrics}, {@code
 * /healthz}, {@code /readyz}), graceful shutdown on SIGTERM.
 */
public final class WorkerProcess {
  private static final Logger LOG = LoggerFactory.getLogger(WorkerProcess.class);

  /**
   * How long running work may take to end when the process is asked to. Shorter than the time after
   * which a worker that says nothing is taken for dead.
   */
  public static final Duration GRACE = Duration.ofSeconds(10);

  private static final int PIECE = 8 << 10;

  private final TemporalSettings settings;
  private final ArchiveRoot archiveRoot;
  private final Connections connections;
  private final WorkerLimits limits;
  private final InetSocketAddress http;

  /**
   * @param archiveRoot where all archives are, the same for all workers
   * @param connections stores that specs may name
   * @param limits what the worker takes on
   * @param http where metrics and health are served; null for nowhere
   */
  public WorkerProcess(
      TemporalSettings settings,
      ArchiveRoot archiveRoot,
      Connections connections,
      WorkerLimits limits,
      InetSocketAddress http) {
    this.settings = settings;
    this.archiveRoot = archiveRoot;
    this.connections = connections;
    this.limits = limits;
    this.http = http;
  }

  /** Runs until the process is asked to end. */
  public void run() throws IOException, InterruptedException {
    Optional<WorkerDeploymentOptions> deployment = Deployment.ofEnvironment(System.getenv());
    // Nobody sees metrics that are not served.
    Optional<PrometheusMeterRegistry> metrics =
        http == null ? Optional.empty() : Optional.of(registry());
    WorkflowServiceStubs stubs =
        metrics.map(WorkerProcess::scope).map(settings::withMetrics).orElse(settings).connect();
    boolean searchAttributes = settings.knowsSearchAttributes();
    MigrationWorker worker =
        MigrationWorker.start(
            stubs,
            settings.client(),
            archiveRoot,
            connections,
            searchAttributes,
            limits,
            deployment,
            metrics);
    HttpServer server = null;
    if (metrics.isPresent()) {
      MigrationGauges.bind(
          metrics.get(), stubs, settings.client().getNamespace(), searchAttributes);
      MigrationForecasts.bind(
          metrics.get(), WorkflowClient.newInstance(stubs, Payloads.in(settings.client())));
      worker.bindResources(metrics.get());
      server = serve(metrics.get(), stubs);
    }
    HttpServer served = server;
    CountDownLatch stopped = new CountDownLatch(1);
    Runtime.getRuntime()
        .addShutdownHook(
            new Thread(
                () -> {
                  LOG.info("Stopping: running steps close their part or go on elsewhere.");
                  worker.stop(GRACE);
                  stubs.shutdown();
                  if (served != null) {
                    served.stop(0);
                  }
                  stopped.countDown();
                },
                "shutdown"));
    LOG.info(
        "Worker for {} in namespace {}, archives in {}, {} activities at once of each of {}.",
        settings.stubs().getTarget(),
        settings.client().getNamespace(),
        archiveRoot,
        limits.parallelActivities(),
        limits.serves());
    stopped.await();
  }

  private static PrometheusMeterRegistry registry() {
    PrometheusMeterRegistry registry = new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
    registry.config().meterFilter(new FewBuckets());
    new JvmMemoryMetrics().bindTo(registry);
    new ProcessorMetrics().bindTo(registry);
    return registry;
  }

  private static Scope scope(PrometheusMeterRegistry registry) {
    return new RootScopeBuilder()
        .reporter(new MicrometerClientStatsReporter(registry))
        .reportEvery(com.uber.m3.util.Duration.ofSeconds(10));
  }

  private HttpServer serve(PrometheusMeterRegistry registry, WorkflowServiceStubs stubs)
      throws IOException {
    HttpServer server = HttpServer.create(http, 0);
    server.createContext("/metrics", exchange -> answer(exchange, 200, registry.scrape()));
    server.createContext("/healthz", exchange -> answer(exchange, 200, "ok\n"));
    server.createContext(
        "/readyz",
        exchange -> {
          boolean ready = isServing(stubs);
          answer(
              exchange,
              ready ? 200 : 503,
              ready ? "ok\n" : "the Temporal service does not answer\n");
        });
    server.start();
    LOG.info(
        "Metrics and health on http://{}:{}", http.getHostString(), server.getAddress().getPort());
    return server;
  }

  private static boolean isServing(WorkflowServiceStubs stubs) {
    try {
      stubs.healthCheck();
      return true;
    } catch (RuntimeException e) {
      LOG.debug("not ready", e);
      return false;
    }
  }

  private static void answer(HttpExchange exchange, int status, String text) throws IOException {
    byte[] body = text.getBytes(StandardCharsets.UTF_8);
    exchange.getResponseHeaders().set("Content-Type", "text/plain; charset=utf-8");
    exchange.sendResponseHeaders(status, body.length);
    // The server keeps a buffer per connection that is as large as the largest write.
    for (int at = 0; at < body.length; at += PIECE) {
      exchange.getResponseBody().write(body, at, Math.min(PIECE, body.length - at));
    }
    exchange.close();
  }
}
