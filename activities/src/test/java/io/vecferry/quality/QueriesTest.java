package io.vecferry.quality;

import static org.assertj.core.api.Assertions.assertThat;

import io.vecferry.record.DenseVectors;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

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

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 2, 3, 7, 100, 260, 1000})
  void shuffledQueriesAreAllThereAndTheFirstOnesAreFromEverywhere(int count) {
    float[] vectors = new float[count];
    List<String> names = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      vectors[i] = i;
      names.add("q" + i);
    }
    Queries shuffled = new Queries(1, vectors, names).shuffled();
    assertThat(shuffled.names()).containsExactlyInAnyOrderElementsOf(names);
    for (int i = 0; i < count; i++) {
      assertThat(shuffled.names().get(i)).isEqualTo("q" + (int) shuffled.one(i)[0]);
    }
    int tenth = count / 10;
    for (int part = 0; part < 10 && tenth >= 10; part++) {
      int from = part * tenth;
      assertThat(IntStream.range(0, count / 4).mapToObj(i -> shuffled.one(i)[0]))
          .as("from tenth %d, of %d", part, count)
          .filteredOn(number -> number >= from && number < from + tenth)
          .hasSizeBetween(tenth / 5, tenth * 2 / 5);
    }
  }
}
