package io.vecferry.quality;

import static org.assertj.core.api.Assertions.assertThat;

import io.vecferry.record.DenseVectors;
import org.junit.jupiter.api.Test;

class QueriesTest {
  @Test
  void whatAStoreWouldRefuseIsNotAsked() {
    float[] values = {1, 0, 0, 0, Float.NaN, 1, 1, Float.POSITIVE_INFINITY, 0, 0};
    DenseVectors column =
        new DenseVectors("v", 2, values, new boolean[] {false, false, false, false, true});
    boolean[][] expected = {{true, true}, {true, false}, {false, false}, {false, false}};
    for (int row = 0; row < 4; row++) {
      assertThat(Queries.canAsk(column, row, false)).as("row " + row).isEqualTo(expected[row][0]);
      assertThat(Queries.canAsk(column, row, true)).as("row " + row).isEqualTo(expected[row][1]);
    }
    assertThat(Queries.canAsk(column, 4, false)).isFalse();
  }
}
