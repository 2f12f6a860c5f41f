package io.vecferry.worker;

import io.temporal.activity.ActivityExecutionContext;
import io.temporal.activity.ActivityInfo;
import io.temporal.common.interceptors.ActivityInboundCallsInterceptor;
import io.temporal.common.interceptors.ActivityInboundCallsInterceptorBase;
import io.temporal.common.interceptors.WorkerInterceptorBase;
import io.vecferry.activity.CheckResult;
import io.vecferry.activity.PartResult;
import java.util.List;
import java.util.Locale;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.MDC;

/**
 * Logs each step when it is done, and gives all that is logged during a step its migration, phase
 * and part.
 */
final class StepLog extends WorkerInterceptorBase {
  /** The places that a line of the log may have, in order. */
  static final List<String> PLACES = List.of("migration", "phase", "part");

  private static final Logger LOG = LoggerFactory.getLogger(StepLog.class);

  @Override
  public ActivityInboundCallsInterceptor interceptActivity(ActivityInboundCallsInterceptor next) {
    return new Calls(next);
  }

  private static final class Calls extends ActivityInboundCallsInterceptorBase {
    private ActivityInfo info;

    Calls(ActivityInboundCallsInterceptor next) {
      super(next);
    }

    @Override
    public void init(ActivityExecutionContext context) {
      info = context.getInfo();
      super.init(context);
    }

    @Override
    public ActivityOutput execute(ActivityInput input) {
      String step = info.getActivityType();
      StepPlace place = StepPlace.of(info, input.getArguments()[0]);
      put("migration", place.migration());
      put("phase", place.phase());
      put("part", place.part());
      long started = System.nanoTime();
      try {
        ActivityOutput output = super.execute(input);
        LOG.info(
            "{} done in {} s{}",
            step,
            String.format(Locale.ROOT, "%.1f", (System.nanoTime() - started) / 1e9),
            words(output.getResult()));
        return output;
      } finally {
        PLACES.forEach(MDC::remove);
      }
    }

    private static void put(String place, String value) {
      if (!value.isEmpty()) {
        MDC.put(place, value);
      }
    }

    private static String words(Object result) {
      if (result instanceof PartResult part) {
        return ": %d records%s%s"
            .formatted(
                part.rows(),
                part.rejects() == 0 ? "" : ", " + part.rejects() + " of them refused",
                part.reused() ? ", done before" : "");
      }
      return result instanceof CheckResult check && !check.summary().isEmpty()
          ? ": " + check.summary()
          : "";
    }
  }
}
