package io.vecferry.worker;

import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.temporal.api.workflowservice.v1.CountWorkflowExecutionsRequest;
import io.temporal.serviceclient.WorkflowServiceStubs;
import io.vecferry.workflow.SearchAttributes;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * How many migrations of the namespace run, and how many of them wait for a person. Every worker
 * says the same; the service is asked when somebody looks, and not more often than each ten
 * seconds. Not a number when the service does not answer.
 */
final class MigrationGauges {
  private static final Logger LOG = LoggerFactory.getLogger(MigrationGauges.class);
  static final String RUNNING =
      "WorkflowType = 'MigrationWorkflow' AND ExecutionStatus = 'Running'";
  private static final long FRESH_NANOS = TimeUnit.SECONDS.toNanos(10);
  private static final long LIMIT_SECONDS = 2;

  private final WorkflowServiceStubs stubs;
  private final String namespace;

  private MigrationGauges(WorkflowServiceStubs stubs, String namespace) {
    this.stubs = stubs;
    this.namespace = namespace;
  }

  /**
   * @param attention whether the service knows the migrations' search attributes; without them
   *     nobody can count those that wait
   */
  static void bind(
      MeterRegistry registry, WorkflowServiceStubs stubs, String namespace, boolean attention) {
    MigrationGauges gauges = new MigrationGauges(stubs, namespace);
    gauges.bind(registry, "vecferry.migrations.running", RUNNING);
    if (attention) {
      gauges.bind(
          registry,
          "vecferry.migrations.attention",
          RUNNING + " AND " + SearchAttributes.ATTENTION.getName() + " = true");
    }
  }

  private void bind(MeterRegistry registry, String name, String query) {
    Count count = new Count(query);
    Gauge.builder(name, count, Count::get).strongReference(true).register(registry);
  }

  private final class Count {
    private final String query;
    private double last = Double.NaN;
    private long askedNanos = System.nanoTime() - FRESH_NANOS;

    Count(String query) {
      this.query = query;
    }

    synchronized double get() {
      if (System.nanoTime() - askedNanos >= FRESH_NANOS) {
        last = ask();
        askedNanos = System.nanoTime();
      }
      return last;
    }

    private double ask() {
      try {
        return stubs
            .blockingStub()
            .withDeadlineAfter(LIMIT_SECONDS, TimeUnit.SECONDS)
            .countWorkflowExecutions(
                CountWorkflowExecutionsRequest.newBuilder()
                    .setNamespace(namespace)
                    .setQuery(query)
                    .build())
            .getCount();
      } catch (RuntimeException e) {
        LOG.debug("the service does not count migrations", e);
        return Double.NaN;
      }
    }
  }
}
