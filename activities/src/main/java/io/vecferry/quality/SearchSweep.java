package io.vecferry.quality;

import io.vecferry.store.SearchWidth;
import io.vecferry.store.StoreException;
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
 * @param ended why it ended with more values to try, a sentence; null where it did not
 */
public record SearchSweep(String parameter, double required, List<Step> steps, String ended) {
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
   * the one before. Stops when the next search could last beyond a minute of searching, and when
   * the target does not answer one: what was measured is worth more than another attempt, which
   * would end the same way.
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
    int halvings = 0;
    double seconds = 0;
    String ended = null;
    try {
      while (high == 0 ? low < largest : high - low > 1 && halvings < HALVINGS) {
        if (2 * steps.get(steps.size() - 1).seconds() > LONGEST_SECONDS - seconds) {
          ended = "a search with another value could last beyond the minute that is spent on them.";
          break;
        }
        halvings += high == 0 ? 0 : 1;
        Step step = measure.apply(high == 0 ? Math.min(largest, 2 * low) : low + (high - low) / 2);
        steps.add(step);
        seconds += step.seconds();
        if (step.recall() >= required) {
          high = step.value();
        } else {
          low = step.value();
        }
      }
    } catch (StoreException e) {
      QualityCheck.throwIfInterrupted(e);
      ended = e.getMessage();
    }
    return new SearchSweep(width.parameter(), required, steps, ended);
  }
}
