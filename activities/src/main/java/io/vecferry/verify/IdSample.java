package io.vecferry.verify;

import io.vecferry.record.RecordBatch;
import java.math.BigDecimal;
import java.math.RoundingMode;
import java.util.Locale;
import java.util.stream.IntStream;

/**
 * Some records of a collection, drawn by a hash of their ids: each is drawn with the same
 * probability, and whoever draws again draws the same.
 *
 * @param share probability of a record to be drawn, above 0; all are drawn at 1
 */
public record IdSample(double share) {
  /** Faults are spoken of that are in one of so many records. */
  private static final long ONE_OF = 1_000;

  private static final BigDecimal LEAST = new BigDecimal("0.001");
  private static final BigDecimal CERTAIN = new BigDecimal(100);

  /** The records of a batch that are in the sample. */
  public RecordBatch of(RecordBatch batch) {
    return share >= 1
        ? batch
        : batch.select(
            IntStream.range(0, batch.rows())
                .filter(row -> isDrawn(IdUniqueness.hash(batch.ids(), row)))
                .toArray());
  }

  private boolean isDrawn(long hash) {
    return (hash >>> 11) * 0x1.0p-53 < share;
  }

  /**
   * The probability that at least one of some records is in the sample.
   *
   * @param faulty number of records
   */
  public double finds(long faulty) {
    return share >= 1 ? 1 : -Math.expm1(faulty * Math.log1p(-share));
  }

  /**
   * What a comparison of the sample would find, for a person.
   *
   * @param rows records of the collection
   */
  public String meaning(long rows) {
    String one = percent(finds(1));
    return rows < ONE_OF
        ? "a fault in one record would be found with probability " + one
        : String.format(
            Locale.ROOT,
            "a fault in 0.1 %% of the records (%,d of %,d) would be found with probability %s, one"
                + " in a single record with %s",
            rows / ONE_OF,
            rows,
            percent(finds(rows / ONE_OF)),
            one);
  }

  /** Never rounded up, but for the noise of doubles: what is not certain is not said to be. */
  private String percent(double probability) {
    BigDecimal percent =
        BigDecimal.valueOf(probability)
            .movePointRight(2)
            .setScale(9, RoundingMode.HALF_UP)
            .setScale(3, RoundingMode.DOWN);
    if (percent.compareTo(LEAST) < 0) {
      return "less than 0.001 %";
    }
    return percent.compareTo(CERTAIN) == 0 && share < 1
        ? "more than 99.999 %"
        : percent.stripTrailingZeros().toPlainString() + " %";
  }
}
