package io.vecferry.quality;

import static org.assertj.core.api.Assertions.assertThat;

import io.vecferry.archive.ArchiveSearch;
import io.vecferry.record.IdColumn;
import io.vecferry.record.IdKind;
import io.vecferry.record.TextColumn;
import io.vecferry.search.ExactSearch;
import io.vecferry.store.Metric;
import io.vecferry.store.Neighbours;
import java.util.Map;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class RecallTest {
  private static final String[] IDS = {"near", "far", "double"};

  /** Recall of an answer to the first of four queries, which all are the same. */
  private static double recall(Metric metric, float size, int answer) {
    float[] near = {size, 0};
    float[] far = {size / 2, size / 2};
    float[] records = {near[0], near[1], far[0], far[1], near[0], near[1]};
    float[] queries = {size, 0, size, 0, size, 0, size, 0};
    ExactSearch found = new ExactSearch(metric, 0, 2, queries, 4, 1);
    found.offer(records, 0, 3, 0);
    ExactSearch all = new ExactSearch(metric, 0, 2, queries, 4, 3);
    all.offer(records, 0, 3, 0);
    // A server that computes with floats is a little off.
    float score = 0;
    for (int i = 0; i < 3; i++) {
      score = all.rows(0)[i] == answer ? all.scores(0)[i] * (1 + 1e-6f) : score;
    }
    TextColumn.Builder ids = new TextColumn.Builder(1);
    ids.add(IDS[answer]);
    return new Recall(
            new Reference.Answers(found, Map.of(0L, new ArchiveSearch.Id(IdKind.STRING, IDS[0]))),
            metric,
            metric)
        .of(
            new Neighbours(
                1, new int[] {1}, IdColumn.of(IdKind.STRING, ids.build()), new float[] {score}),
            metric,
            0);
  }

  @ParameterizedTest
  @CsvSource({"L2,1", "L2,1e-4", "L2,1e4", "IP,1", "IP,1e-4", "IP,1e4"})
  void shortVectorsAreNoTies(Metric metric, float size) {
    assertThat(recall(metric, size, 0)).isEqualTo(1);
    assertThat(recall(metric, size, 1)).isEqualTo(0);
    assertThat(recall(metric, size, 2)).as("the same vector").isEqualTo(1);
  }
}
