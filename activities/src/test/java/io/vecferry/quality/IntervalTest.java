package io.vecferry.quality;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;

class IntervalTest {
  @Test
  void boundsAreThoseOfWilson() {
    Interval half = Interval.of(0.5, 100);
    assertThat(half.low()).isEqualTo(0.40383, within(1e-5));
    assertThat(half.high()).isEqualTo(0.59617, within(1e-5));
    Interval most = Interval.of(0.95, 1000);
    assertThat(most.low()).isEqualTo(0.93469, within(1e-5));
    assertThat(most.high()).isEqualTo(0.96187, within(1e-5));
  }

  @Test
  void queriesThatAreAllRightProveNoMoreThanTheirNumber() {
    // 1 / (1 + 1.96^2 / n)
    assertThat(Interval.of(1, 25)).isEqualTo(new Interval(Interval.of(1, 25).low(), 1));
    assertThat(Interval.of(1, 25).low()).isEqualTo(0.86681, within(1e-5));
    assertThat(Interval.of(1, 1000).low()).isEqualTo(0.99617, within(1e-5));
    assertThat(Interval.of(0, 25).low()).isZero();
    assertThat(Interval.of(0, 25).high()).isEqualTo(0.13319, within(1e-5));
    assertThat(Interval.of(1, 0)).isEqualTo(new Interval(0, 1));
  }
}
