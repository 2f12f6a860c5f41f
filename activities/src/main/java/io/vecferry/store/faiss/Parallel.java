package io.vecferry.store.faiss;

import io.vecferry.plan.FailureClass;
import io.vecferry.store.StoreException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;

/** Cuts a range of numbers into steps that several threads take one after the other. */
final class Parallel {

  /** Works on numbers from, inclusive, to, exclusive. Used by one thread. */
  interface Step {
    void run(int from, int to);
  }

  private Parallel() {}

  /** As many threads as there are processors. */
  static int threads() {
    return Math.max(1, Runtime.getRuntime().availableProcessors());
  }

  /**
   * Runs all steps. One thread runs them in order, in the thread of the caller. When a step fails
   * or the caller is interrupted, no new step is started, and nothing runs any more on return.
   *
   * @param workers makes what one thread works with
   */
  static void run(int threads, int from, int to, int step, Supplier<Step> workers) {
    AtomicInteger next = new AtomicInteger(from);
    AtomicBoolean stopped = new AtomicBoolean();
    int used = (int) Math.min(threads, Math.max(1, ((long) to - from + step - 1) / step));
    Runnable work =
        () -> {
          Step worker = workers.get();
          while (!stopped.get()) {
            int start = next.getAndUpdate(at -> at >= to - step ? to : at + step);
            if (start >= to) {
              return;
            }
            if (used == 1 && Thread.currentThread().isInterrupted()) {
              throw interrupted();
            }
            boolean done = false;
            try {
              worker.run(start, start >= to - step ? to : start + step);
              done = true;
            } finally {
              if (!done) {
                stopped.set(true);
              }
            }
          }
        };
    if (used == 1) {
      work.run();
      return;
    }
    ExecutorService executor = Executors.newFixedThreadPool(used);
    try {
      List<Future<?>> futures = new ArrayList<>();
      for (int thread = 0; thread < used; thread++) {
        futures.add(executor.submit(work));
      }
      for (Future<?> future : futures) {
        future.get();
      }
    } catch (ExecutionException e) {
      if (e.getCause() instanceof RuntimeException cause) {
        throw cause;
      }
      if (e.getCause() instanceof Error cause) {
        throw cause;
      }
      throw new IllegalStateException(e.getCause());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw interrupted();
    } finally {
      stopped.set(true);
      executor.shutdown();
      awaitEnd(executor);
    }
  }

  private static void awaitEnd(ExecutorService executor) {
    boolean interrupted = false;
    while (!executor.isTerminated()) {
      try {
        executor.awaitTermination(1, java.util.concurrent.TimeUnit.SECONDS);
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  static StoreException interrupted() {
    return new StoreException(FailureClass.TRANSIENT, "building the index was interrupted");
  }
}
