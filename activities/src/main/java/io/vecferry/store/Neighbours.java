package io.vecferry.store;

import io.vecferry.record.IdColumn;
import java.util.Arrays;
import java.util.List;

/**
 * Answers to some queries. Answer {@code a} of query {@code q} is row {@code q * k + a}; nearest
 * first.
 *
 * @param k answers asked for per query
 * @param counts answers found per query; rows beyond are padding with an empty id
 * @param ids ids of the answers, {@code queries x k}
 * @param scores scores on the scale of {@link Metric}, {@code queries x k}
 */
public record Neighbours(int k, int[] counts, IdColumn ids, float[] scores) {

  /** Answers to these queries and to the others, asked with the same {@code k}. */
  public Neighbours followedBy(Neighbours others) {
    int[] allCounts = Arrays.copyOf(counts, counts.length + others.counts.length);
    System.arraycopy(others.counts, 0, allCounts, counts.length, others.counts.length);
    float[] allScores = Arrays.copyOf(scores, scores.length + others.scores.length);
    System.arraycopy(others.scores, 0, allScores, scores.length, others.scores.length);
    return new Neighbours(k, allCounts, IdColumn.concat(List.of(ids, others.ids)), allScores);
  }
}
