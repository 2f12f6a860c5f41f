package io.vecferry.worker;

import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tags;
import io.micrometer.core.instrument.Timer;
import io.temporal.activity.ActivityExecutionContext;
import io.temporal.activity.ActivityInfo;
import io.temporal.client.ActivityCompletionException;
import io.temporal.common.interceptors.ActivityExecutionContextBase;
import io.temporal.common.interceptors.ActivityInboundCallsInterceptor;
import io.temporal.common.interceptors.ActivityInboundCallsInterceptorBase;
import io.temporal.common.interceptors.WorkerInterceptorBase;
import io.temporal.failure.ApplicationFailure;
import io.vecferry.activity.PartResult;
import io.vecferry.activity.PartTask;
import io.vecferry.activity.ReportRequest;
import io.vecferry.activity.StepProgress;
import io.vecferry.plan.FailureClass;
import io.vecferry.plan.Phase;
import io.vecferry.workflow.MigrationStatus;
import io.vecferry.workflow.Outcome;
import io.vecferry.workflow.PhaseProgress;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BiFunction;

/**
 * Counts and times the steps that a worker runs. Labels are names of steps, types of stores and
 * classes of failures, never names of migrations: a worker that runs for a year has as many series
 * as on its first day.
 */
final class StepMetrics extends WorkerInterceptorBase {
  private static final String STEP = "step";
  private static final String STORE = "store";
  private static final String NO_STORE = "none";

  private final MeterRegistry registry;
  private final BiFunction<Phase, PartTask, Optional<String>> stores;
  private final Map<String, AtomicInteger> running = new ConcurrentHashMap<>();

  /**
   * @param stores type of the store that a step on a part reads or writes, where there is one
   */
  StepMetrics(MeterRegistry registry, BiFunction<Phase, PartTask, Optional<String>> stores) {
    this.registry = registry;
    this.stores = stores;
    for (Outcome outcome : Outcome.values()) {
      migrations(outcome);
    }
    for (Phase phase : Phase.values()) {
      phases(phase);
    }
  }

  @Override
  public ActivityInboundCallsInterceptor interceptActivity(ActivityInboundCallsInterceptor next) {
    return new Calls(next);
  }

  private final class Calls extends ActivityInboundCallsInterceptorBase {
    private ActivityInfo info;
    private String step = "";
    private Object argument;

    Calls(ActivityInboundCallsInterceptor next) {
      super(next);
    }

    @Override
    public void init(ActivityExecutionContext context) {
      info = context.getInfo();
      step = name(info.getActivityType());
      super.init(new CountingBatches(context, this));
    }

    @Override
    public ActivityOutput execute(ActivityInput input) {
      argument = input.getArguments().length == 0 ? null : input.getArguments()[0];
      AtomicInteger now = running.computeIfAbsent(step, StepMetrics.this::gauge);
      now.incrementAndGet();
      Timer.Sample sample = Timer.start(registry);
      String result = "cancelled";
      try {
        ActivityOutput output = super.execute(input);
        result = "done";
        if (output.getResult() instanceof PartResult part) {
          count(part);
        }
        if (argument instanceof ReportRequest request) {
          countMigration(request.status());
        }
        return output;
      } catch (ActivityCompletionException e) {
        throw e;
      } catch (RuntimeException e) {
        result = "failed";
        registry
            .counter("vecferry.step.failures", tags().and("class", failureClass(e).name()))
            .increment();
        throw e;
      } finally {
        now.decrementAndGet();
        Tags tags = tags();
        sample.stop(registry.timer("vecferry.step", tags.and("result", result)));
        registry.counter("vecferry.step.retries", tags).increment(info.getAttempt() > 1 ? 1 : 0);
      }
    }

    /** Step and store, which is known once the step has opened it. */
    private Tags tags() {
      Optional<String> store =
          argument instanceof PartTask task
              ? StepPlace.phase(info.getActivityType()).flatMap(phase -> stores.apply(phase, task))
              : Optional.empty();
      return Tags.of(STEP, step, STORE, store.orElse(NO_STORE));
    }

    private void count(PartResult part) {
      Tags tags = tags();
      registry
          .counter("vecferry.records", tags.and("how", part.reused() ? "reused" : "worked_on"))
          .increment(part.rows());
      registry.counter("vecferry.archive.bytes", tags).increment(part.bytes());
      registry.counter("vecferry.rejects", tags).increment(part.rejects());
    }
  }

  /** Counts the batches that a step says it has done. */
  private final class CountingBatches extends ActivityExecutionContextBase {
    private final Calls call;
    private long rows;

    CountingBatches(ActivityExecutionContext next, Calls call) {
      super(next);
      this.call = call;
    }

    @Override
    public <V> void heartbeat(V details) {
      if (details instanceof StepProgress progress) {
        countBatch(progress.rows());
      }
      super.heartbeat(details);
    }

    private synchronized void countBatch(long rowsNow) {
      if (rowsNow > rows) {
        rows = rowsNow;
        registry.counter("vecferry.batches", call.tags()).increment();
      }
    }
  }

  /** A migration ends with its report. */
  private void countMigration(MigrationStatus status) {
    migrations(status.outcome())
        .record(status.atMillis() - status.startedMillis(), TimeUnit.MILLISECONDS);
    for (PhaseProgress phase : status.phases()) {
      if (phase.startedMillis() > 0 && phase.finishedMillis() > 0) {
        phases(phase.phase())
            .record(phase.finishedMillis() - phase.startedMillis(), TimeUnit.MILLISECONDS);
      }
    }
  }

  private Timer migrations(Outcome outcome) {
    return registry.timer("vecferry.migration", "outcome", outcome.name());
  }

  private Timer phases(Phase phase) {
    return registry.timer("vecferry.phase", "phase", phase.name());
  }

  private AtomicInteger gauge(String step) {
    return registry.gauge("vecferry.steps.running", Tags.of(STEP, step), new AtomicInteger());
  }

  /** {@code ImportPart}, the name of an activity, as {@code import_part}. */
  private static String name(String activity) {
    return activity.replaceAll("(?<=[a-z])([A-Z])", "_$1").toLowerCase(Locale.ROOT);
  }

  /** The class of what a step has failed with. */
  static FailureClass failureClass(RuntimeException failure) {
    return failure instanceof ApplicationFailure application
        ? FailureClass.named(application.getType())
        : FailureClass.BUG;
  }
}
