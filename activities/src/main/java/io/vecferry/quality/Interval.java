package io.vecferry.quality;

/**
 * Where the recall of all queries that could be asked lies, with a confidence of 95 percent.
 *
 * @param low lower bound, 0 to 1
 * @param high upper bound, 0 to 1
 */
public record Interval(double low, double high) {
  /** Quantile of the normal distribution that leaves 2.5 percent on either side. */
  private static final double QUANTILE = 1.959964;

  /**
   * Wilson's score interval, with each query as one trial. The answers to a query fail together, so
   * they are no trials of their own; that a query may be partly right makes the interval wider than
   * it need be, and never narrower.
   *
   * @param recall mean recall of the queries
   */
  public static Interval of(double recall, int queries) {
    if (queries == 0) {
      return new Interval(0, 1);
    }
    double z2 = QUANTILE * QUANTILE / queries;
    double middle = (recall + z2 / 2) / (1 + z2);
    double half =
        QUANTILE / (1 + z2) * Math.sqrt(recall * (1 - recall) / queries + z2 / (4 * queries));
    return new Interval(
        recall == 0 ? 0 : Math.max(0, middle - half), recall == 1 ? 1 : Math.min(1, middle + half));
  }
}
