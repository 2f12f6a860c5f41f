package io.vecferry.worker;

import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tags;
import io.micrometer.core.instrument.Timer;
import io.temporal.activity.ActivityExecutionContext;
import io.temporal.client.ActivityCompletionException;
import io.temporal.common.interceptors.ActivityInboundCallsInterceptor;
import io.temporal.common.interceptors.ActivityInboundCallsInterceptorBase;
import io.temporal.common.interceptors.WorkerInterceptorBase;
import io.temporal.failure.ApplicationFailure;
import io.vecferry.activity.PartResult;
import io.vecferry.plan.FailureClass;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Counts and times the steps that a worker runs. Labels are names of steps and classes of failures,
 * never names of migrations: a worker that runs for a year has as many series as on its first day.
 */
final class StepMetrics extends WorkerInterceptorBase {
  private static final String STEP = "step";

  private final MeterRegistry registry;
  private final Map<String, AtomicInteger> running = new ConcurrentHashMap<>();

  StepMetrics(MeterRegistry registry) {
    this.registry = registry;
  }

  @Override
  public ActivityInboundCallsInterceptor interceptActivity(ActivityInboundCallsInterceptor next) {
    return new Calls(next);
  }

  private final class Calls extends ActivityInboundCallsInterceptorBase {
    private String step = "";

    Calls(ActivityInboundCallsInterceptor next) {
      super(next);
    }

    @Override
    public void init(ActivityExecutionContext context) {
      step = name(context.getInfo().getActivityType());
      super.init(context);
    }

    @Override
    public ActivityOutput execute(ActivityInput input) {
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
        return output;
      } catch (ActivityCompletionException e) {
        throw e;
      } catch (RuntimeException e) {
        result = "failed";
        registry
            .counter("vecferry.step.failures", STEP, step, "class", failureClass(e).name())
            .increment();
        throw e;
      } finally {
        now.decrementAndGet();
        sample.stop(registry.timer("vecferry.step", STEP, step, "result", result));
      }
    }

    private void count(PartResult part) {
      Tags tags = Tags.of(STEP, step);
      registry
          .counter("vecferry.records", tags.and("how", part.reused() ? "reused" : "worked_on"))
          .increment(part.rows());
      registry.counter("vecferry.archive.bytes", tags).increment(part.bytes());
      registry.counter("vecferry.rejects", tags).increment(part.rejects());
    }
  }

  private AtomicInteger gauge(String step) {
    return registry.gauge("vecferry.steps.running", Tags.of(STEP, step), new AtomicInteger());
  }

  /** {@code ImportPart}, the name of an activity, as {@code import_part}. */
  private static String name(String activity) {
    return activity.replaceAll("(?<=[a-z])([A-Z])", "_$1").toLowerCase(Locale.ROOT);
  }

  private static FailureClass failureClass(RuntimeException failure) {
    return failure instanceof ApplicationFailure application
        ? FailureClass.named(application.getType())
        : FailureClass.BUG;
  }
}
