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

  /**
   * A query whose answers on the target are poor.
   *
   * @param id the record whose vector was the query
   */
  public record Worst(String id, double sourceRecall, double targetRecall) {}
}
