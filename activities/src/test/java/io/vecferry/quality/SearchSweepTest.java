package io.vecferry.quality;

import static org.assertj.core.api.Assertions.assertThat;

import io.vecferry.plan.FailureClass;
import io.vecferry.quality.SearchSweep.Step;
import io.vecferry.store.SearchWidth;
import io.vecferry.store.StoreException;
import java.util.ArrayList;
import java.util.List;
import java.util.function.LongToDoubleFunction;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SearchSweepTest {
  private final List<Long> asked = new ArrayList<>();

  private SearchSweep sweep(
      double required, long used, long largest, long most, LongToDoubleFunction recall) {
    return SearchSweep.find(
        new SearchWidth("nprobe", used, largest),
        required,
        new Step(used, recall.applyAsDouble(used), 0.1),
        most,
        value -> {
          asked.add(value);
          return new Step(value, recall.applyAsDouble(value), 0.1);
        });
  }

  @ParameterizedTest
  @ValueSource(longs = {17, 18, 31, 32, 33, 50, 64, 700, 1000})
  void theSmallestValueThatPassesIsFound(long smallest) {
    SearchSweep sweep = sweep(0.99, 16, 1000, 5000, value -> value >= smallest ? 0.995 : 0.9);
    assertThat(sweep.passing().orElseThrow().value()).isEqualTo(smallest);
    assertThat(sweep.steps()).extracting(Step::value).isSorted().contains(16L, smallest - 1);
    assertThat(asked).doesNotHaveDuplicates().hasSizeLessThan(17);
  }

  @Test
  void whatIsNeverEnoughSaysHowFarItWasTried() {
    SearchSweep sweep = sweep(0.99, 16, 100, 5000, value -> 0.5 + value / 1000.0);
    assertThat(sweep.passing()).isEmpty();
    assertThat(sweep.best()).isEqualTo(new Step(100, 0.6, 0.1));
    assertThat(asked).containsExactly(32L, 64L, 100L);
  }

  @Test
  void moreThanThereAreRecordsIsNotTried() {
    assertThat(sweep(0.99, 64, 10_000, 60, value -> 0.5).steps()).hasSize(1);
    assertThat(asked).isEmpty();
    sweep(0.99, 16, 10_000, 60, value -> 0.5);
    assertThat(asked).containsExactly(32L, 60L);
  }

  @Test
  void aSearchThatTakesLongIsNotRepeatedForEver() {
    SearchSweep sweep =
        SearchSweep.find(
            new SearchWidth("ef", 16, 10_000),
            0.99,
            new Step(16, 0.5, 1),
            1_000_000,
            value -> new Step(value, 0.5, 40));
    assertThat(sweep.steps()).extracting(Step::value).containsExactly(16L, 32L);
    assertThat(sweep.ended()).contains("beyond the minute");
  }

  @Test
  void aSearchThatIsNotAnsweredEndsTheSweepWithWhatWasMeasured() {
    SearchSweep sweep =
        SearchSweep.find(
            new SearchWidth("ef", 16, 10_000),
            0.99,
            new Step(16, 0.5, 1),
            1_000_000,
            value -> {
              if (value > 32) {
                throw new StoreException(FailureClass.TRANSIENT, "no answer in 60 seconds.");
              }
              return new Step(value, 0.6, 1);
            });
    assertThat(sweep.best()).isEqualTo(new Step(32, 0.6, 1));
    assertThat(sweep.ended()).isEqualTo("no answer in 60 seconds.");
  }
}
