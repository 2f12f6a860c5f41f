package io.vecferry.worker;

import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.temporal.client.WorkflowClient;
import io.vecferry.workflow.MigrationStatus;
import io.vecferry.workflow.MigrationWorkflow;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * When the migrations that run will have done their work, and how many of them will have missed
 * their cutover window by then. They are asked themselves, when somebody looks and not more often
 * than each half minute, and nobody waits for that: what is shown is the answer before. Not a
 * number before the first answer, and when no migration can tell.
 */
final class MigrationForecasts {
  private static final Logger LOG = LoggerFactory.getLogger(MigrationForecasts.class);
  private static final long FRESH_NANOS = TimeUnit.SECONDS.toNanos(30);

  /** Each question costs a worker a task. */
  private static final int MOST_ASKED = 100;

  private final WorkflowClient client;
  private final AtomicBoolean asking = new AtomicBoolean();
  private volatile long askedNanos = System.nanoTime() - FRESH_NANOS;
  private volatile Forecast last = new Forecast(Double.NaN, Double.NaN);

  /**
   * @param late migrations that miss their window
   * @param end when the last one ends, in seconds since 1970
   */
  private record Forecast(double late, double end) {}

  private MigrationForecasts(WorkflowClient client) {
    this.client = client;
  }

  static void bind(MeterRegistry registry, WorkflowClient client) {
    MigrationForecasts forecasts = new MigrationForecasts(client);
    Gauge.builder("vecferry.migrations.late", forecasts, it -> it.current().late)
        .strongReference(true)
        .register(registry);
    Gauge.builder("vecferry.expected.end.timestamp", forecasts, it -> it.current().end)
        .baseUnit("seconds")
        .strongReference(true)
        .register(registry);
  }

  private Forecast current() {
    if (System.nanoTime() - askedNanos >= FRESH_NANOS && asking.compareAndSet(false, true)) {
      askedNanos = System.nanoTime();
      Thread thread = new Thread(this::ask, "forecasts");
      thread.setDaemon(true);
      thread.start();
    }
    return last;
  }

  private void ask() {
    try {
      List<MigrationStatus> running = running();
      long now = System.currentTimeMillis();
      last =
          new Forecast(
              running.stream().filter(status -> status.missesWindow(now)).count(),
              running.stream()
                  .flatMapToLong(status -> status.expectedEnd(now).stream())
                  .mapToDouble(millis -> millis / 1000.0)
                  .max()
                  .orElse(Double.NaN));
    } catch (RuntimeException e) {
      LOG.debug("the migrations that run are not known", e);
      last = new Forecast(Double.NaN, Double.NaN);
    } finally {
      asking.set(false);
    }
  }

  private List<MigrationStatus> running() {
    List<MigrationStatus> answers = new ArrayList<>();
    client
        .listExecutions(MigrationGauges.RUNNING)
        .limit(MOST_ASKED)
        .map(execution -> execution.getExecution().getWorkflowId())
        .forEach(
            id -> {
              try {
                answers.add(client.newWorkflowStub(MigrationWorkflow.class, id).status());
              } catch (RuntimeException e) {
                LOG.debug("{} does not answer", id, e);
              }
            });
    return answers;
  }
}
