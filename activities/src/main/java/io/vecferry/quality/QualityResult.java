package io.vecferry.quality;

import java.util.List;

/**
 * What a quality check found. Recall is measured against exact search over the archive, which says
 * which side is right.
 *
 * @param queries queries asked
 * @param k answers per query
 * @param sourceRecall share of the right answers that the source gave
 * @param targetRecall share of the right answers that the target gave
 * @param agreement share of the source's answers that the target gave too
 * @param rankAgreement share of pairs of common answers that both sides put in the same order, from
 *     -1 to 1
 * @param medianScoreDifference of common answers, on the scale of the metric, or of the cosine
 *     where the sides have different metrics; relative to scores above 1
 * @param percentile99ScoreDifference the same, 99th percentile
 * @param largestScoreDifference the same, largest
 * @param sourceRecalls recall of the source per query, ascending
 * @param targetRecalls recall of the target per query, ascending
 * @param sourceMillis latencies of single queries to the source, ascending
 * @param targetMillis latencies of single queries to the target, ascending
 * @param sourceBatchSeconds time of all queries in one request to the source
 * @param targetBatchSeconds time of all queries in one request to the target
 * @param worst queries with the lowest recall on the target
 */
public record QualityResult(
    int queries,
    int k,
    double sourceRecall,
    double targetRecall,
    double agreement,
    double rankAgreement,
    double medianScoreDifference,
    double percentile99ScoreDifference,
    double largestScoreDifference,
    List<Double> sourceRecalls,
    List<Double> targetRecalls,
    List<Double> sourceMillis,
    List<Double> targetMillis,
    double sourceBatchSeconds,
    double targetBatchSeconds,
    List<Worst> worst) {

  /** How much worse than the source the target may answer when nobody has said what is wanted. */
  private static final double WORSE = 0.01;

  /**
   * The recall that the target has to reach. A source that answers by an approximate index is not
   * always right either, and a target that is as good as it has lost nothing.
   *
   * @param wanted what the spec asks for; null when it asks for nothing
   */
  public double requiredRecall(Double wanted) {
    return wanted == null ? Math.max(0, sourceRecall - WORSE) : wanted;
  }

  /**
   * Whether the target answers well enough.
   *
   * @param wantedRecall as for {@link #requiredRecall}
   * @param scoreTolerance largest score difference allowed
   */
  public boolean passes(Double wantedRecall, double scoreTolerance) {
    return targetRecall >= requiredRecall(wantedRecall) && largestScoreDifference <= scoreTolerance;
  }

  /**
   * A query whose answers on the target are poor.
   *
   * @param id the record whose vector was the query
   */
  public record Worst(String id, double sourceRecall, double targetRecall) {}
}
