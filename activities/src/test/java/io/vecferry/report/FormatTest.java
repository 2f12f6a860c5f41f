package io.vecferry.report;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

final class FormatTest {
  @Test
  void countsAreGroupedThinly() {
    assertThat(Format.count(1_234_567)).isEqualTo("1\u202f234\u202f567");
    assertThat(Format.count(999)).isEqualTo("999");
    assertThat(Format.count(-1)).isEqualTo("\u2013");
    assertThat(Format.number(-123_456.0)).isEqualTo("-123\u202f456");
  }

  @Test
  void nearlyAllIsNeverShownAsAll() {
    assertThat(Format.percent(999_999, 1_000_000)).isEqualTo(">\u202f99.99\u202f%");
    assertThat(Format.percent(1_000_000, 1_000_000)).isEqualTo("100\u202f%");
    assertThat(Format.percent(1, 1_000_000)).isEqualTo("<\u202f0.01\u202f%");
    assertThat(Format.recall(0.99999)).isEqualTo("0.9999");
    assertThat(Format.recall(0.99)).isEqualTo("0.9900");
    assertThat(Format.recall(1.0)).isEqualTo("1.0000");
  }

  @Test
  void spansUseTheirTwoLargestUnits() {
    assertThat(Format.duration(250)).isEqualTo("250\u202fms");
    assertThat(Format.duration(9_400)).isEqualTo("9.4\u202fs");
    assertThat(Format.duration(7_500_000)).isEqualTo("2\u202fh 5\u202fmin");
    assertThat(Format.duration(180_000_000)).isEqualTo("2\u202fd 2\u202fh");
  }

  @Test
  void smallNumbersAreScientific() {
    assertThat(Format.number(5.96e-8)).isEqualTo("5.96 \u00d7 10\u207b\u2078");
    assertThat(Format.number(0.001)).isEqualTo("0.001");
    assertThat(Format.bytes(4_812_000_000.0)).isEqualTo("4.48\u202fGiB");
  }

  @Test
  void axesHaveFewRoundMarks() {
    for (double largest : new double[] {0, 0.3, 1, 7, 42, 999, 1_001, 123_456_789}) {
      assertThat(Axis.count(largest).marks()).hasSizeBetween(2, 6);
      assertThat(Axis.bytes(largest).marks()).hasSizeBetween(2, 6);
      assertThat(Axis.count(largest).maximum()).isGreaterThanOrEqualTo(largest);
      assertThat(Axis.time((long) largest * 1000).marks()).hasSizeBetween(1, 6);
    }
    assertThat(Axis.logarithmic(0.4, 900).marks()).hasSizeBetween(2, 6);
    assertThat(Axis.time(400L * 86_400_000).marks()).hasSizeBetween(2, 6);
  }
}
