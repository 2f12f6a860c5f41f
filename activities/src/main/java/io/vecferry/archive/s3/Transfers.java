package io.vecferry.archive.s3;

import io.vecferry.plan.FailureClass;
import io.vecferry.store.StoreException;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;

/** Sends and fetches while others compute. */
final class Transfers {
  private static final AtomicInteger COUNT = new AtomicInteger();
  private static final ExecutorService THREADS =
      Executors.newCachedThreadPool(
          task -> {
            Thread thread = new Thread(task, "s3-" + COUNT.incrementAndGet());
            thread.setDaemon(true);
            return thread;
          });

  private Transfers() {}

  static <T> Future<T> start(Callable<T> transfer) {
    return THREADS.submit(transfer);
  }

  /**
   * The result of a transfer.
   *
   * @throws StoreException what it has failed with; TRANSIENT when this thread is interrupted
   */
  static <T> T await(Future<T> transfer) {
    try {
      return transfer.get();
    } catch (ExecutionException e) {
      if (e.getCause() instanceof StoreException failure) {
        throw failure;
      }
      throw new StoreException(
          FailureClass.TRANSIENT, "a transfer to or from S3 has failed: " + e.getCause(), e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new StoreException(FailureClass.TRANSIENT, "interrupted", e);
    }
  }
}
