package io.vecferry.phase;

import io.temporal.activity.Activity;
import io.temporal.activity.ActivityExecutionContext;
import io.temporal.activity.ActivityInfo;
import io.temporal.client.ActivityCompletionException;
import io.temporal.client.ActivityWorkerShutdownException;
import io.temporal.common.converter.DataConverterException;
import io.temporal.failure.ApplicationErrorCategory;
import io.temporal.failure.ApplicationFailure;
import io.vecferry.activity.Attempts;
import io.vecferry.activity.StepProgress;
import io.vecferry.plan.FailureClass;
import io.vecferry.store.Secrets;
import io.vecferry.store.StoreException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The edge between Temporal and the rest: heartbeats, and exceptions as failures with a class that
 * decides what happens next.
 */
final class Calls {
  private static final Logger LOG = LoggerFactory.getLogger(Calls.class);

  private static final int BEAT_SECONDS = 3;

  /** A step that a worker gives up because it stops goes on elsewhere after this time. */
  private static final Duration HANDOVER = Duration.ofSeconds(1);

  /** A step that a worker has no memory for is tried again after this time, where there is some. */
  private static final Duration HELD_BACK = Duration.ofSeconds(10);

  private static final ScheduledExecutorService BEATS =
      Executors.newScheduledThreadPool(
          1,
          task -> {
            Thread thread = new Thread(task, "heartbeats");
            thread.setDaemon(true);
            return thread;
          });

  private static final ThreadLocal<Beating> CURRENT = new ThreadLocal<>();

  /** What is told how the work of this thread has ended. */
  private static final ThreadLocal<List<Consumer<Optional<FailureClass>>>> ENDINGS =
      new ThreadLocal<>();

  private final Patience patience;

  Calls(Patience patience) {
    this.patience = patience;
  }

  /** Runs the work of an activity that takes no time. */
  static <T> T run(Supplier<T> work) {
    List<Consumer<Optional<FailureClass>>> endings = new ArrayList<>();
    ENDINGS.set(endings);
    Optional<FailureClass> failed = Optional.empty();
    try {
      return work.get();
    } catch (ActivityCompletionException | ApplicationFailure e) {
      throw e;
    } catch (HeldBack e) {
      throw heldBack(e);
    } catch (StoreException e) {
      failed = Optional.of(e.failureClass());
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
    } finally {
      ENDINGS.remove();
      for (Consumer<Optional<FailureClass>> ending : endings) {
        ending.accept(failed);
      }
    }
  }

  /** Has somebody told what the work of this thread has failed with, if it is a step. */
  static void atEnd(Consumer<Optional<FailureClass>> ending) {
    List<Consumer<Optional<FailureClass>>> endings = ENDINGS.get();
    if (endings != null) {
      endings.add(ending);
    }
  }

  /**
   * Runs the work of an activity and beats for it, also while it waits for a store. When the
   * activity is cancelled, the work is interrupted. When the worker stops, the work is told by
   * {@link #beat} and interrupted later. A hang is noticed by the time limit of the attempt only.
   */
  <T> T runBeating(Supplier<T> work) {
    return runBeating("", work);
  }

  /**
   * Does the same for work on a part.
   *
   * @param subject name of the part
   */
  <T> T runBeating(String subject, Supplier<T> work) {
    Beating beating =
        new Beating(
            Activity.getExecutionContext(),
            Thread.currentThread(),
            lastProgress(Activity.getExecutionContext(), subject));
    CURRENT.set(beating);
    ScheduledFuture<?> beats =
        BEATS.scheduleAtFixedRate(beating, BEAT_SECONDS, BEAT_SECONDS, TimeUnit.SECONDS);
    try {
      T result = run(work);
      if (Thread.interrupted()) {
        // Work that was interrupted may have taken what it met for a fact about a store.
        beating.throwIfCancelled();
        throw stopping();
      }
      return result;
    } catch (RuntimeException e) {
      // What an interrupted store or file says about it is no failure of the step.
      beating.throwIfCancelled();
      if (beating.stopping) {
        throw stopping();
      }
      throw e instanceof ApplicationFailure failure ? beating.failed(failure, patience) : e;
    } finally {
      beats.cancel(false);
      beating.end();
      CURRENT.remove();
    }
  }

  /** Says that rows of a part are done, and stops the work when it was cancelled. */
  static boolean beat(long rows) {
    return beat(rows, 0);
  }

  /**
   * Says that rows of a part are done, and stops the work when it was cancelled.
   *
   * @param cursor rows that another attempt can leave out
   * @return whether to go on; false when the worker is about to stop, which leaves a few seconds
   */
  static boolean beat(long rows, long cursor) {
    Beating beating = CURRENT.get();
    beating.moveTo(rows, cursor);
    return beating.beat();
  }

  /** Says the same where the work may also be done outside of an activity. */
  static void stillRunning(long rows) {
    if (CURRENT.get() != null) {
      beat(rows);
    }
  }

  /** Rows that an earlier attempt of this step has left to be left out; 0 when that is unknown. */
  static long cursor() {
    return CURRENT.get().progress.cursor();
  }

  /**
   * Makes sure, before a step publishes what others build on, that the service counts on this
   * attempt. It will not begin another one before the heartbeat limit has passed once more.
   *
   * @throws ActivityCompletionException when another attempt has taken over
   */
  static void confirm() {
    Beating beating = CURRENT.get();
    beating
        .context
        .getWorkflowClient()
        .newActivityCompletionClient()
        .heartbeat(beating.context.getTaskToken(), beating.progress);
  }

  /** What a step ends with that another worker has to go on with. */
  static ApplicationFailure stopping() {
    return ApplicationFailure.newBuilder()
        .setType(FailureClass.TRANSIENT.name())
        .setMessage("the worker stops; another one goes on")
        .setNextRetryDelay(HANDOVER)
        .setCategory(ApplicationErrorCategory.BENIGN)
        .build();
  }

  /** What a step ends with that waits for others on this worker; it uses up no patience. */
  private static ApplicationFailure heldBack(HeldBack reason) {
    LOG.warn("{}", reason.getMessage());
    return ApplicationFailure.newBuilder()
        .setType(reason.failureClass().name())
        .setMessage(reason.getMessage())
        .setDetails(attempts())
        .setNextRetryDelay(HELD_BACK)
        .setCategory(ApplicationErrorCategory.BENIGN)
        .build();
  }

  private static StepProgress lastProgress(ActivityExecutionContext context, String subject) {
    StepProgress none = StepProgress.none(subject);
    try {
      return context.getLastHeartbeatDetails(StepProgress.class).orElse(none);
    } catch (DataConverterException e) {
      // Of another version; without it the step starts from its beginning.
      return none;
    }
  }

  /** Beats for one running step. */
  private static final class Beating implements Runnable {
    private final ActivityExecutionContext context;
    private final Thread worker;
    private volatile StepProgress progress;
    private long furtherNanos = System.nanoTime();
    private volatile boolean stopping;
    private ActivityCompletionException cancelled;
    private boolean ended;

    Beating(ActivityExecutionContext context, Thread worker, StepProgress progress) {
      this.context = context;
      this.worker = worker;
      this.progress = progress;
    }

    void moveTo(long rows, long cursor) {
      if (rows > progress.furthest()) {
        furtherNanos = System.nanoTime();
      }
      progress = progress.at(rows, cursor);
    }

    /** What a failure comes to, which the next attempt is told of. */
    ApplicationFailure failed(ApplicationFailure failure, Patience patience) {
      if (failure.isNonRetryable()) {
        return failure;
      }
      if (failure.getCategory() == ApplicationErrorCategory.BENIGN) {
        beat();
        return failure;
      }
      Patience.Verdict verdict =
          patience.judge(
              progress,
              failure,
              Duration.ofNanos(System.nanoTime() - furtherNanos),
              System.currentTimeMillis());
      progress = verdict.progress();
      beat();
      return verdict.failure().isNonRetryable()
          ? verdict.failure()
          : withoutTraces(verdict.failure());
    }

    /** The service keeps 2 KB of what a step that is tried again has failed with. */
    private static ApplicationFailure withoutTraces(ApplicationFailure failure) {
      for (Throwable link = failure; link != null; link = link.getCause()) {
        link.setStackTrace(new StackTraceElement[0]);
      }
      return failure;
    }

    /** False when the worker is about to stop. */
    boolean beat() {
      try {
        context.heartbeat(progress);
      } catch (ActivityWorkerShutdownException | RejectedExecutionException e) {
        // The latter when the worker began to stop while the service was told.
        stopping = true;
      }
      return !stopping;
    }

    @Override
    public void run() {
      try {
        beat();
      } catch (ActivityCompletionException e) {
        interrupt(e);
      } catch (RuntimeException | OutOfMemoryError e) {
        // Thrown on, it would end the beats, and the step would be taken for dead.
        LOG.warn("the service cannot be told that a step goes on", e);
      }
    }

    private synchronized void interrupt(ActivityCompletionException reason) {
      if (!ended && cancelled == null) {
        cancelled = reason;
        worker.interrupt();
      }
    }

    private synchronized void throwIfCancelled() {
      if (cancelled != null) {
        throw cancelled;
      }
    }

    /** The thread belongs to the next step from here on. */
    private synchronized void end() {
      ended = true;
      if (cancelled != null) {
        Thread.interrupted();
      }
    }
  }

  private static ApplicationFailure failure(
      FailureClass failureClass, String message, Throwable cause) {
    String shown = Secrets.hidden(message);
    Throwable why = Secrets.hidden(cause);
    LOG.warn("{}: {}", failureClass, shown, failureClass == FailureClass.BUG ? why : null);
    return ApplicationFailure.newBuilder()
        .setType(failureClass.name())
        .setMessage(shown)
        .setCause(why)
        .setDetails(attempts())
        .setNonRetryable(!failureClass.retryable())
        .build();
  }

  private static Attempts attempts() {
    ActivityInfo info = Activity.getExecutionContext().getInfo();
    return new Attempts(info.getAttempt(), info.getScheduledTimestamp());
  }
}
