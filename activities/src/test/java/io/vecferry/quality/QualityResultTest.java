package io.vecferry.quality;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import org.junit.jupiter.api.Test;

class QualityResultTest {
  private static QualityResult result(double source, double target, double scoreDifference) {
    return result(100, source, target, scoreDifference);
  }

  private static QualityResult result(
      int queries, double source, double target, double scoreDifference) {
    List<Double> none = List.of();
    return new QualityResult(
        queries,
        queries,
        10,
        source,
        target,
        Interval.of(source, queries),
        Interval.of(target, queries),
        1,
        1,
        0,
        0,
        scoreDifference,
        none,
        none,
        none,
        none,
        0,
        0,
        List.of(),
        null,
        null,
        List.of(),
        List.of());
  }

  @Test
  void aTargetMayBeAHundredthWorseThanTheSource() {
    assertThat(result(1, 0.991, 0).passes(null, 0.01)).isTrue();
    assertThat(result(1, 0.989, 0).passes(null, 0.01)).isFalse();
    assertThat(result(0.95, 0.945, 0).passes(null, 0.01)).isTrue();
    assertThat(result(0.95, 0.93, 0).passes(null, 0.01)).isFalse();
    assertThat(result(0.005, 0, 0).requiredRecall(null)).isZero();
    assertThat(result(0.95, 0.9, 0).requiredRecall(null)).isEqualTo(0.94, within(1e-9));
  }

  @Test
  void oneAnswerOfFewMayBeMissed() {
    assertThat(result(5, 1, (1 + 1 + 1 + 1 + 0.9) / 5, 0).passes(null, 0.01)).isTrue();
    assertThat(result(5, 1, (1 + 1 + 1 + 1 + 0.8) / 5, 0).passes(null, 0.01)).isFalse();
    assertThat(result(5, 0.96, 0.94, 0).passes(null, 0.01)).isTrue();
    assertThat(result(5, 0.96, 0.92, 0).passes(null, 0.01)).isFalse();
    assertThat(result(5, 1, 0.98, 0).passes(0.99, 0.01)).isFalse();
    assertThat(result(1, 1, 0.9, 0).passes(null, 0.01)).isFalse();
    assertThat(result(25, 1, 0.988, 0).passes(null, 0.01)).isFalse();
  }

  @Test
  void whatTheSpecAsksForHoldsWhateverTheSourceReaches() {
    assertThat(result(0.95, 0.95, 0).passes(0.99, 0.01)).isFalse();
    assertThat(result(1, 0.6, 0).passes(0.5, 0.01)).isTrue();
  }

  @Test
  void scoresMustAgreeToo() {
    assertThat(result(1, 1, 0.02).passes(null, 0.01)).isFalse();
  }
}
