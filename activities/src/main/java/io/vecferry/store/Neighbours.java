package io.vecferry.store;

import io.vecferry.record.IdColumn;
import io.vecferry.record.IdKind;
import io.vecferry.record.TextColumn;
import java.util.Arrays;

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
    int rows = counts.length * k;
    int more = others.counts.length * k;
    TextColumn.Builder texts = new TextColumn.Builder(rows + more);
    IdKind[] kinds = new IdKind[rows + more];
    for (int row = 0; row < rows + more; row++) {
      IdColumn from = row < rows ? ids : others.ids;
      int at = row < rows ? row : row - rows;
      texts.add(from.texts(), at);
      kinds[row] = from.kind(at);
    }
    int[] allCounts = Arrays.copyOf(counts, counts.length + others.counts.length);
    System.arraycopy(others.counts, 0, allCounts, counts.length, others.counts.length);
    float[] allScores = Arrays.copyOf(scores, rows + more);
    System.arraycopy(others.scores, 0, allScores, rows, more);
    return new Neighbours(k, allCounts, new IdColumn(texts.build(), kinds), allScores);
  }
}
