package io.vecferry.phase;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.temporal.activity.ActivityExecutionContext;
import io.temporal.activity.ActivityInterface;
import io.temporal.client.ActivityCanceledException;
import io.temporal.common.interceptors.ActivityExecutionContextBase;
import io.temporal.common.interceptors.ActivityInboundCallsInterceptor;
import io.temporal.common.interceptors.ActivityInboundCallsInterceptorBase;
import io.temporal.common.interceptors.WorkerInterceptorBase;
import io.temporal.failure.ActivityFailure;
import io.temporal.failure.ApplicationFailure;
import io.temporal.testing.TestActivityEnvironment;
import io.temporal.testing.TestEnvironmentOptions;
import io.temporal.worker.WorkerFactoryOptions;
import io.vecferry.plan.FailureClass;
import io.vecferry.store.StoreException;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

class CallsTest {
  private final Calls calls = new Calls(new Patience(Duration.ofMinutes(30)));

  /** An activity that does what the test says. */
  @ActivityInterface
  public interface Step {
    String run();
  }

  @Test
  @Timeout(60)
  void cancelInterruptsWorkThatWaits() {
    CountDownLatch started = new CountDownLatch(1);
    AtomicReference<Throwable> thrown = new AtomicReference<>();
    Step step =
        () -> {
          try {
            return calls.runBeating(() -> waitForever(started));
          } catch (RuntimeException e) {
            thrown.set(e);
            assertThat(Thread.currentThread().isInterrupted()).isFalse();
            throw e;
          }
        };
    TestActivityEnvironment environment = TestActivityEnvironment.newInstance();
    try {
      environment.registerActivitiesImplementations(step);
      Step stub = environment.newActivityStub(Step.class);
      Thread canceller =
          new Thread(
              () -> {
                try {
                  started.await();
                } catch (InterruptedException e) {
                  return;
                }
                environment.requestCancelActivity();
              });
      canceller.start();
      assertThatThrownBy(stub::run);
      assertThat(thrown.get()).isInstanceOf(ActivityCanceledException.class);
    } finally {
      environment.close();
    }
  }

  @Test
  void aStoreFailureKeepsItsClass() {
    ApplicationFailure failure =
        failure(
            TestEnvironmentOptions.getDefaultInstance(),
            () ->
                calls.runBeating(
                    () -> {
                      throw new StoreException(FailureClass.PERMISSION, "not allowed");
                    }));
    assertThat(failure.getType()).isEqualTo("PERMISSION");
    assertThat(failure.isNonRetryable()).isTrue();
  }

  @Test
  void whatInterruptedWorkSaysIsNoResult() {
    ApplicationFailure failure =
        failure(
            TestEnvironmentOptions.getDefaultInstance(),
            () ->
                calls.runBeating(
                    () -> {
                      Thread.currentThread().interrupt();
                      return "the store is not there";
                    }));
    assertThat(failure.getType()).isEqualTo("TRANSIENT");
    assertThat(failure.isNonRetryable()).isFalse();
  }

  /** What the SDK does when a worker begins to stop while a heartbeat is on its way. */
  @Test
  void aHeartbeatThatTheStoppingWorkerRefusesIsNoFailure() {
    AtomicReference<Boolean> goOn = new AtomicReference<>();
    ApplicationFailure failure =
        failure(
            TestEnvironmentOptions.newBuilder()
                .setWorkerFactoryOptions(
                    WorkerFactoryOptions.newBuilder()
                        .setWorkerInterceptors(new RefusingHeartbeats())
                        .build())
                .build(),
            () ->
                calls.runBeating(
                    () -> {
                      goOn.set(Calls.beat(1));
                      throw new StoreException(
                          FailureClass.PERMISSION, "the connection was closed");
                    }));
    assertThat(failure.getOriginalMessage()).contains("another one goes on");
    assertThat(failure.isNonRetryable()).isFalse();
    assertThat(goOn.get()).isFalse();
  }

  /** What a step has failed with. */
  private static ApplicationFailure failure(TestEnvironmentOptions options, Step step) {
    TestActivityEnvironment environment = TestActivityEnvironment.newInstance(options);
    try {
      environment.registerActivitiesImplementations(step);
      Step stub = environment.newActivityStub(Step.class);
      return (ApplicationFailure) catchThrowableOfType(ActivityFailure.class, stub::run).getCause();
    } finally {
      environment.close();
    }
  }

  private static final class RefusingHeartbeats extends WorkerInterceptorBase {
    @Override
    public ActivityInboundCallsInterceptor interceptActivity(ActivityInboundCallsInterceptor next) {
      return new ActivityInboundCallsInterceptorBase(next) {
        @Override
        public void init(ActivityExecutionContext context) {
          super.init(
              new ActivityExecutionContextBase(context) {
                @Override
                public <V> void heartbeat(V details) {
                  throw new RejectedExecutionException("shut down");
                }
              });
        }
      };
    }
  }

  private static String waitForever(CountDownLatch started) {
    started.countDown();
    try {
      new CountDownLatch(1).await();
      return "";
    } catch (InterruptedException e) {
      throw new StoreException(FailureClass.TRANSIENT, "interrupted", e);
    }
  }
}
