package io.vecferry.phase;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.vecferry.activity.Pace;
import io.vecferry.store.StoreException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class ThrottleTest {
  @Test
  void holdsBackToTheRate() {
    Throttle throttle = new Throttle(new Pace(0, 1000));
    long start = System.nanoTime();
    for (int i = 0; i < 3; i++) {
      throttle.done(100);
    }
    // 300 records at 1000 a second are not done before 0.3 s have passed.
    assertThat(System.nanoTime() - start).isGreaterThanOrEqualTo(300_000_000L);
  }

  @Test
  void endsAtOnceWhenTheStepIsCancelled() {
    Throttle throttle = new Throttle(new Pace(0, 0.001));
    Thread.currentThread().interrupt();
    assertThatThrownBy(() -> throttle.done(1_000)).isInstanceOf(StoreException.class);
    assertThat(Thread.interrupted()).isTrue();
  }

  @Test
  void aRequestHasNoMoreThanASecondMayHave() {
    assertThat(new Throttle(new Pace(0, 50)).atMost(5_000)).isEqualTo(50);
    assertThat(new Throttle(new Pace(0, 0.5)).atMost(5_000)).isEqualTo(1);
    assertThat(new Throttle(new Pace(0, 1e12)).atMost(5_000)).isEqualTo(5_000);
    assertThat(new Throttle(null).atMost(5_000)).isEqualTo(5_000);
  }

  @Test
  void withoutAPaceTheSpecCounts() {
    new Throttle(null).done(Integer.MAX_VALUE);
    new Throttle(new Pace(10, 0)).done(Integer.MAX_VALUE);
    assertThat(Throttle.batchSize(null, 1000)).isEqualTo(1000);
    assertThat(Throttle.batchSize(new Pace(0, 5), 1000)).isEqualTo(1000);
    assertThat(Throttle.batchSize(new Pace(7, 0), 1000)).isEqualTo(7);
    assertThat(Throttle.batchSize(new Pace(7, 0), 0, 600)).isEqualTo(7);
    assertThat(Throttle.batchSize(null, 5_000, 1 << 20)).isEqualTo(5_000);
    assertThat(Throttle.batchSize(null, 0, 600)).isEqualTo(1_000);
    assertThat(Throttle.batchSize(null, 0, 1 << 20)).isEqualTo(4);
    assertThat(Throttle.batchSize(null, 0, 1 << 30)).isEqualTo(1);
  }
}
