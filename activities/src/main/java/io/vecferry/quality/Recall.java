package io.vecferry.quality;

import io.vecferry.archive.ArchiveSearch;
import io.vecferry.search.ExactSearch;
import io.vecferry.store.Metric;
import io.vecferry.store.Neighbours;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;

/**
 * Compares answers with the right ones.
 *
 * @param metric how the records are compared
 * @param otherMetric how the target compares; where it is another, scores are compared as cosines,
 *     which is right for vectors of unit length
 */
record Recall(Reference.Answers right, Metric metric, Metric otherMetric) {
  /** Answers within this of the last right one, relative above 1, are as right as that one. */
  private static final double TIE = 1e-6;

  /** What rounding to floats makes of scores of short vectors, relative to what is added up. */
  private static final double ROUNDING = 1e-5;

  /** A score of a side on the one scale that both sides are compared on. */
  double scaled(Metric of, double score) {
    return metric == otherMetric ? score : cosine(of, score);
  }

  private static double cosine(Metric metric, double score) {
    return switch (metric) {
      case COSINE, IP -> score;
      case L2 -> 1 - score / 2;
      default ->
          throw new IllegalArgumentException("a score of " + metric.spelling() + " is no cosine");
    };
  }

  /** Share of the right answers to a query that were given. */
  double of(Neighbours answers, Metric of, int query) {
    ExactSearch found = right.found();
    long[] rows = found.rows(query);
    if (rows.length == 0) {
      return 1;
    }
    float[] scores = found.scores(query);
    double last = scaled(metric, scores[scores.length - 1]);
    double tie = tie(query, last);
    Map<Long, ArchiveSearch.Id> ids = right.ids();
    Set<String> wanted = new HashSet<>();
    for (long row : rows) {
      wanted.add(ids.get(row).text());
    }
    int hits = 0;
    for (int i = 0; i < answers.counts()[query]; i++) {
      int at = query * answers.k() + i;
      double score = scaled(of, answers.scores()[at]);
      boolean tied = Math.abs(score - last) <= tie;
      if (tied || wanted.contains(answers.ids().get(at))) {
        hits++;
      }
    }
    return Math.min(1, (double) hits / rows.length);
  }

  /**
   * How far a score may be from the last right one to be equal to it. All distances of short
   * vectors are small; there it is what the vectors allow.
   */
  private double tie(int query, double last) {
    double norm = right.found().queryNorm(query);
    double terms =
        switch (metric) {
          case L2 -> norm * norm + Math.abs(last);
          case IP -> norm * right.found().largestNorm();
          default -> Double.POSITIVE_INFINITY;
        };
    double tie = TIE * Math.max(1, Math.abs(last));
    return metric == otherMetric && terms > 0 ? Math.min(tie, ROUNDING * terms) : tie;
  }

  /** Whether a side answered the first queries all right. */
  boolean isWhole(Neighbours answers, Metric of, int queries) {
    for (int query = 0; query < queries; query++) {
      if (of(answers, of, query) < 1) {
        return false;
      }
    }
    return true;
  }

  /** Mean recall of a side's answers to some queries. */
  double mean(Neighbours answers, Metric of, int queries) {
    double sum = 0;
    for (int query = 0; query < queries; query++) {
      sum += of(answers, of, query);
    }
    return queries == 0 ? 1 : sum / queries;
  }
}
