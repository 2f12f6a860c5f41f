package io.vecferry.phase;

import io.temporal.activity.Activity;
import io.temporal.activity.ActivityExecutionContext;
import io.temporal.client.ActivityCompletionException;
import io.temporal.failure.ApplicationFailure;
import io.vecferry.plan.FailureClass;
import io.vecferry.store.StoreException;
import java.time.Duration;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The edge between Temporal and the rest: heartbeats, and exceptions as failures with a class that
 * decides what happens next.
 */
final class Calls {
  private static final Logger LOG = LoggerFactory.getLogger(Calls.class);

  /** A store that asks to slow down is left alone for this long. */
  private static final Duration RATE_LIMIT_PAUSE = Duration.ofSeconds(15);

  private static final int BEAT_SECONDS = 5;

  private static final ScheduledExecutorService BEATS =
      Executors.newScheduledThreadPool(
          1,
          task -> {
            Thread thread = new Thread(task, "heartbeats");
            thread.setDaemon(true);
            return thread;
          });

  private Calls() {}

  /** Runs the work of an activity that reports progress by itself. */
  static <T> T run(Supplier<T> work) {
    try {
      return work.get();
    } catch (ActivityCompletionException | ApplicationFailure e) {
      throw e;
    } catch (StoreException e) {
      throw failure(e.failureClass(), e.getMessage(), e);
    } catch (OutOfMemoryError e) {
      throw failure(
          FailureClass.RESOURCE_EXHAUSTED,
          "the worker has too little memory: "
              + e.getMessage()
              + ". Start it with a larger -Xmx or set smaller batches.",
          e);
    } catch (RuntimeException e) {
      throw failure(FailureClass.BUG, e.toString(), e);
    }
  }

  /**
   * Runs the work of an activity that cannot report progress, and beats for it. A hang is noticed
   * by the time limit of the attempt only.
   */
  static <T> T runBeating(Supplier<T> work) {
    ActivityExecutionContext context = Activity.getExecutionContext();
    ScheduledFuture<?> beats =
        BEATS.scheduleAtFixedRate(
            () -> {
              try {
                context.heartbeat(null);
              } catch (ActivityCompletionException e) {
                LOG.debug("the step was cancelled; it ends at its next boundary", e);
              }
            },
            BEAT_SECONDS,
            BEAT_SECONDS,
            TimeUnit.SECONDS);
    try {
      return run(work);
    } finally {
      beats.cancel(false);
    }
  }

  /** Says that rows of a part are done, and stops the work when it was cancelled. */
  static void beat(long rows) {
    Activity.getExecutionContext().heartbeat(rows);
  }

  private static ApplicationFailure failure(
      FailureClass failureClass, String message, Throwable cause) {
    LOG.warn("{}: {}", failureClass, message, failureClass == FailureClass.BUG ? cause : null);
    ApplicationFailure.Builder builder =
        ApplicationFailure.newBuilder()
            .setType(failureClass.name())
            .setMessage(message)
            .setCause(cause)
            .setNonRetryable(!failureClass.retryable());
    if (failureClass == FailureClass.RATE_LIMITED) {
      builder.setNextRetryDelay(RATE_LIMIT_PAUSE);
    }
    return builder.build();
  }
}
