package io.vecferry.search;

import io.vecferry.plan.FailureClass;
import io.vecferry.store.StoreException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/** The same work in several threads at once. */
public final class InParallel {
  private InParallel() {}

  /**
   * Runs the work once in each thread.
   *
   * @return what each run has returned
   * @throws RuntimeException what one of the runs has thrown; the others are interrupted then
   */
  public static <T> List<T> run(int threads, Callable<T> work) {
    ExecutorService executor = Executors.newFixedThreadPool(threads);
    try {
      List<Future<T>> runs = new ArrayList<>();
      for (int i = 0; i < threads; i++) {
        runs.add(executor.submit(work));
      }
      return runs.stream().map(InParallel::result).toList();
    } finally {
      executor.shutdownNow();
    }
  }

  /**
   * Waits for work that was given to another thread.
   *
   * @throws RuntimeException what the work has thrown
   * @throws StoreException TRANSIENT when this thread is interrupted
   */
  public static <T> T result(Future<T> run) {
    try {
      return run.get();
    } catch (ExecutionException e) {
      if (e.getCause() instanceof Error error) {
        throw error;
      }
      throw e.getCause() instanceof RuntimeException cause
          ? cause
          : new IllegalStateException(e.getCause());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new StoreException(FailureClass.TRANSIENT, "interrupted", e);
    }
  }
}
