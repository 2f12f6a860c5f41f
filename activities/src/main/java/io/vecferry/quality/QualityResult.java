package io.vecferry.quality;

import io.vecferry.store.SearchWidth;
import java.util.List;
import java.util.Locale;

/**
 * What a quality check found. Recall is measured against exact search over the archive, which says
 * which side is right.
 *
 * @param queries queries that the target was asked
 * @param sourceQueries queries that the source was asked; a side that answers the first ones all
 *     right may not have been asked the others
 * @param k answers per query
 * @param sourceRecall share of the right answers that the source gave
 * @param targetRecall share of the right answers that the target gave
 * @param sourceInterval where the recall of the source lies, as far as so many queries can tell
 * @param targetInterval the same of the target
 * @param agreement share of the source's answers that the target gave too, to the queries that both
 *     were asked
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
 * @param sourceBatchSeconds time of the source's queries in requests of many
 * @param targetBatchSeconds the same of the target
 * @param worst queries with the lowest recall on the target
 * @param targetWidth how far searches of the target look; null where they cannot be told
 * @param sweep what other widths of the target's searches reach; null when that was not asked for,
 *     because the recall is enough or there is no width
 * @param throughput searches by several clients; empty when that was not measured
 * @param filters searches among the records with a text in their metadata; empty when no key has
 *     few different texts
 */
public record QualityResult(
    int queries,
    int sourceQueries,
    int k,
    double sourceRecall,
    double targetRecall,
    Interval sourceInterval,
    Interval targetInterval,
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
    List<Worst> worst,
    SearchWidth targetWidth,
    SearchSweep sweep,
    List<Throughput> throughput,
    List<Filtered> filters) {

  /**
   * How much worse than the source the target may answer when nobody has said what is wanted. Where
   * so few answers are compared that one of them is a greater share, it may miss that one: an
   * approximate index misses one now and then, and one says nothing about the others.
   */
  private static final double WORSE = 0.01;

  /** Share from which on a single answer that is missed is too much. */
  private static final double TOO_MUCH = 0.05;

  /** Means of the same recalls in another order differ by less. */
  private static final double ROUNDING = 1e-9;

  /** A side that misses no more than this share of the right answers counts as right. */
  private static final double MISSED = 0.001;

  public QualityResult {
    // Results written before this was told apart.
    sourceQueries = sourceQueries == 0 ? queries : sourceQueries;
    throughput = throughput == null ? List.of() : List.copyOf(throughput);
    filters = filters == null ? List.of() : List.copyOf(filters);
  }

  /**
   * The recall that the target has to reach. A source that answers by an approximate index is not
   * always right either, and a target that is as good as it has lost nothing.
   *
   * @param wanted what the spec asks for; null when it asks for nothing
   */
  public double requiredRecall(Double wanted) {
    return requiredRecall(wanted, sourceRecall, (long) queries * k);
  }

  static double requiredRecall(Double wanted, double sourceRecall, long answers) {
    double one = 1.0 / Math.max(1, answers);
    return wanted == null
        ? Math.max(0, sourceRecall - (one > TOO_MUCH ? WORSE : Math.max(WORSE, one)))
        : wanted;
  }

  private boolean answersEnough(Double wantedRecall) {
    return targetRecall >= requiredRecall(wantedRecall) - ROUNDING;
  }

  /**
   * Whether the target answers well enough. The mean recall decides, not the bounds of its
   * interval.
   *
   * @param wantedRecall as for {@link #requiredRecall}
   * @param scoreTolerance largest score difference allowed
   */
  public boolean passes(Double wantedRecall, double scoreTolerance) {
    return answersEnough(wantedRecall) && largestScoreDifference <= scoreTolerance;
  }

  /** How many queries were asked, and of whom where the sides were asked different numbers. */
  public String asked() {
    return queries
        + " queries"
        + (sourceQueries == queries ? "" : " of the target, " + sourceQueries + " of the source");
  }

  /** The figures in one line. */
  public String summary() {
    return String.format(
        Locale.ROOT,
        "%s: recall@%d source %.4f, target %.4f%s%s; largest score difference %.2g",
        asked(),
        k,
        sourceRecall,
        targetRecall,
        targetInterval == null
            ? ""
            : String.format(
                Locale.ROOT, " (%.4f to %.4f)", targetInterval.low(), targetInterval.high()),
        targetWidth == null ? "" : " with " + targetWidth.parameter() + " " + targetWidth.used(),
        largestScoreDifference);
  }

  /**
   * Says which side is right, and what would make the target right enough where it is not.
   *
   * @param wantedRecall as for {@link #requiredRecall}
   */
  public String explanation(Double wantedRecall) {
    String side = whoIsRight();
    if (answersEnough(wantedRecall)) {
      return side;
    }
    if (sweep == null) {
      return side
          + " Its searches have no parameter that lets them look at more: choose another index, or"
          + " other parameters to build it with.";
    }
    String name = sweep.parameter();
    SearchSweep.Step used = sweep.steps().get(0);
    String now =
        String.format(
            Locale.ROOT, " Target recall %.4f with %s %d", used.recall(), name, used.value());
    return side
        + now
        + sweep
            .passing()
            .map(
                step ->
                    String.format(
                        Locale.ROOT,
                        "; %.4f at %s %d, the smallest value measured that passes. Let readers"
                            + " search with it (target.index.params.%s).",
                        step.recall(),
                        name,
                        step.value(),
                        name))
            .orElseGet(
                () ->
                    String.format(
                        Locale.ROOT,
                        "; %.4f at %s %d, the best of %d values tried.%s Choose another index, or"
                            + " other parameters to build it with.",
                        sweep.best().recall(),
                        name,
                        sweep.best().value(),
                        sweep.steps().size(),
                        sweep.ended() == null
                            ? ""
                            : " No more were: " + sweep.ended().replaceFirst("\\.?$", ".")));
  }

  private String whoIsRight() {
    boolean source = sourceRecall >= 1 - MISSED;
    boolean target = targetRecall >= 1 - MISSED;
    if (source && target) {
      return "Both sides give the right answers.";
    }
    if (source || target) {
      return source
          ? "The target misses right answers, the source does not."
          : "The source misses right answers, the target does not.";
    }
    return Math.abs(sourceRecall - targetRecall) <= MISSED
        ? "Both sides miss right answers, and as many."
        : "Both sides miss right answers, the "
            + (sourceRecall < targetRecall ? "source" : "target")
            + " more.";
  }

  /**
   * A query whose answers on the target are poor.
   *
   * @param id the record whose vector was the query, or its name in a file of queries
   * @param sourceRecall null where the source was not asked
   */
  public record Worst(String id, Double sourceRecall, double targetRecall) {}

  /**
   * Searches among the records that have a text in their metadata. They are reported and do not
   * decide.
   *
   * @param sourceRecall share of the right answers that the source gave; null where its store has
   *     no filters, or does not filter by this key
   * @param targetRecall the same of the target
   * @param sourceNotMeasured why the source, which filters, has no recall; null otherwise
   * @param targetNotMeasured the same of the target
   */
  public record Filtered(
      String key,
      String text,
      int queries,
      Double sourceRecall,
      Double targetRecall,
      String sourceNotMeasured,
      String targetNotMeasured) {}

  /**
   * Searches in a second.
   *
   * @param clients clients that search at once, each with one query at a time
   */
  public record Throughput(int clients, double source, double target) {}
}
