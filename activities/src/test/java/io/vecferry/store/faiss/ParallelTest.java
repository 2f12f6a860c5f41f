package io.vecferry.store.faiss;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.vecferry.plan.FailureClass;
import io.vecferry.store.StoreException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Work on several threads that can be stopped. */
class ParallelTest {

  @AfterEach
  void clearInterrupt() {
    Thread.interrupted();
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 3})
  void everyNumberIsWorkedOnOnce(int threads) {
    AtomicIntegerArray seen = new AtomicIntegerArray(1000);
    Parallel.run(
        threads,
        3,
        1000,
        7,
        () ->
            (from, to) -> {
              for (int i = from; i < to; i++) {
                seen.incrementAndGet(i);
              }
            });
    for (int i = 0; i < 1000; i++) {
      assertThat(seen.get(i)).isEqualTo(i < 3 ? 0 : 1);
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 3})
  void aFailureStopsTheOthers(int threads) {
    AtomicInteger steps = new AtomicInteger();
    assertThatThrownBy(
            () ->
                Parallel.run(
                    threads,
                    0,
                    1 << 30,
                    1,
                    () ->
                        (from, to) -> {
                          if (steps.incrementAndGet() == 100) {
                            throw FileErrors.bad("hundredth");
                          }
                        }))
        .hasMessage("hundredth");
    int stopped = steps.get();
    assertThat(stopped).isLessThan(1 << 29);
    assertThat(steps.get()).isEqualTo(stopped);
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 3})
  void anInterruptStopsAll(int threads) throws InterruptedException {
    CountDownLatch running = new CountDownLatch(1);
    AtomicReference<Throwable> end = new AtomicReference<>();
    Thread caller =
        new Thread(
            () -> {
              try {
                Parallel.run(
                    threads, 0, Integer.MAX_VALUE, 1, () -> (from, to) -> running.countDown());
              } catch (StoreException e) {
                end.set(e);
              }
            });
    caller.start();
    running.await();
    caller.interrupt();
    caller.join(60_000);
    assertThat(end.get())
        .isInstanceOfSatisfying(
            StoreException.class,
            e -> assertThat(e.failureClass()).isEqualTo(FailureClass.TRANSIENT))
        .hasMessage("building the index was interrupted");
  }

  @Test
  void nothingToDoIsDone() {
    Parallel.run(4, 5, 5, 10, () -> (from, to) -> assertThat(to).isGreaterThan(from));
  }
}
