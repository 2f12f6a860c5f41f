package io.vecferry.quality;

import io.vecferry.store.SearchWidth;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.function.LongFunction;

/**
 * How recall of the target grows with how far its searches look.
 *
 * @param parameter name of the parameter in {@code index.params}
 * @param required recall that was looked for
 * @param steps what was measured, by value; the first is what is used otherwise
 */
public record SearchSweep(String parameter, double required, List<Step> steps) {
  /** Measurements between a value that fails and one that passes; each halves what is between. */
  private static final int HALVINGS = 10;

  private static final double LONGEST_SECONDS = 60;

  public SearchSweep {
    steps =
        steps == null
            ? List.of()
            : steps.stream().sorted(Comparator.comparingLong(Step::value)).toList();
  }

  /**
   * A measurement.
   *
   * @param seconds time of all queries in one request
   */
  public record Step(long value, double recall, double seconds) {}

  /** The smallest value that reaches what is required; empty when none that was tried does. */
  public Optional<Step> passing() {
    return steps.stream().filter(step -> step.recall() >= required).findFirst();
  }

  /** The value with the best recall. */
  public Step best() {
    return steps.stream().max(Comparator.comparingDouble(Step::recall)).orElseThrow();
  }

  /**
   * Doubles the value until the recall is enough, then looks for the smallest one between that and
   * the one before. Stops after a minute of searching.
   *
   * @param used what was measured with the value that is used otherwise, and is not enough
   * @param most a larger value makes no difference
   * @param measure asks the target with a value
   */
  static SearchSweep find(
      SearchWidth width, double required, Step used, long most, LongFunction<Step> measure) {
    List<Step> steps = new ArrayList<>(List.of(used));
    long largest = Math.min(width.largest(), most);
    long low = used.value();
    long high = 0;
    double seconds = 0;
    while (high == 0 && low < largest && seconds < LONGEST_SECONDS) {
      Step step = measure.apply(Math.min(largest, 2 * low));
      steps.add(step);
      seconds += step.seconds();
      if (step.recall() >= required) {
        high = step.value();
      } else {
        low = step.value();
      }
    }
    for (int i = 0; i < HALVINGS && high - low > 1 && seconds < LONGEST_SECONDS; i++) {
      Step step = measure.apply(low + (high - low) / 2);
      steps.add(step);
      seconds += step.seconds();
      if (step.recall() >= required) {
        high = step.value();
      } else {
        low = step.value();
      }
    }
    return new SearchSweep(width.parameter(), required, steps);
  }
}
