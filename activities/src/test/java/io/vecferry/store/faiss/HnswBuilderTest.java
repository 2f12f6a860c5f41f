package io.vecferry.store.faiss;

import static org.assertj.core.api.Assertions.assertThat;

import io.vecferry.search.ExactSearch;
import io.vecferry.store.Metric;
import java.util.Arrays;
import java.util.Random;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The graph is right by itself: same links again, valid links, answers as exact search has them.
 */
class HnswBuilderTest {
  private static final int DIMENSION = 19;
  private static final int ROWS = 3000;

  private static FloatRows rows(int count) {
    FloatRows rows = new FloatRows(count, DIMENSION);
    Random random = new Random(5);
    for (int row = 0; row < count; row++) {
      for (int d = 0; d < DIMENSION; d++) {
        rows.block(row)[rows.at(row) + d] = (float) random.nextGaussian();
      }
    }
    return rows;
  }

  private static int[] links(HnswGraph graph) {
    int[] all = new int[0];
    for (int node = 0; node < graph.nodes(); node++) {
      for (int level = 0; level <= graph.top(node); level++) {
        int at = graph.at(node, level);
        int[] some = Arrays.copyOfRange(graph.block(node, level), at, at + graph.width(level));
        int from = all.length;
        all = Arrays.copyOf(all, from + some.length);
        System.arraycopy(some, 0, all, from, some.length);
      }
    }
    return all;
  }

  @Test
  void oneThreadAndOneSeedMakeOneGraph() {
    FloatRows rows = rows(400);
    int[] first = links(HnswBuilder.build(rows, false, 5, 20, 7, 1));
    assertThat(links(HnswBuilder.build(rows, false, 5, 20, 7, 1))).isEqualTo(first);
    assertThat(links(HnswBuilder.build(rows, false, 5, 20, 8, 1))).isNotEqualTo(first);
  }

  @ParameterizedTest
  @CsvSource({"false,1", "false,4", "true,1", "true,4"})
  void findsWhatExactSearchFinds(boolean innerProduct, int threads) {
    FloatRows rows = rows(ROWS);
    HnswGraph graph = HnswBuilder.build(rows, innerProduct, 16, 60, 1, threads);
    assertValid(graph);
    float[] queries = Arrays.copyOf(rows.block(0), 100 * DIMENSION);
    ExactSearch exact =
        new ExactSearch(innerProduct ? Metric.IP : Metric.L2, 0, DIMENSION, queries, 100, 10);
    exact.offer(rows.block(0), 0, ROWS, 0);
    IndexSearch.Found found =
        new GraphSearch(graph, rows, innerProduct, 100).search(queries, 100, 10);
    int right = 0;
    for (int query = 0; query < 100; query++) {
      Set<Long> wanted = Arrays.stream(exact.rows(query)).boxed().collect(Collectors.toSet());
      right += (int) Arrays.stream(found.rows()[query]).filter(wanted::contains).count();
      if (found.rows()[query][0] == exact.rows(query)[0]) {
        assertThat(found.scores()[query][0])
            .isCloseTo(exact.scores(query)[0], org.assertj.core.data.Offset.offset(1e-4f));
      }
    }
    assertThat(right).isGreaterThan(980);
  }

  private static void assertValid(HnswGraph graph) {
    for (int node = 0; node < graph.nodes(); node++) {
      assertThat(graph.top(node)).isLessThanOrEqualTo(graph.top(graph.entry()));
      for (int level = 0; level <= graph.top(node); level++) {
        int at = graph.at(node, level);
        boolean free = false;
        for (int slot = at; slot < at + graph.width(level); slot++) {
          int other = graph.block(node, level)[slot];
          free |= other < 0;
          assertThat(other).isBetween(-1, graph.nodes() - 1).isNotEqualTo(node);
          assertThat(free && other >= 0).as("free slots come last").isFalse();
          assertThat(other < 0 || graph.top(other) >= level).isTrue();
        }
      }
    }
  }

  @Test
  void levelsThinOutAsTheySay() {
    HnswGraph graph = HnswBuilder.build(rows(ROWS), false, 16, 1, 1, 2);
    long above = 0;
    for (int node = 0; node < ROWS; node++) {
      above += graph.top(node) > 0 ? 1 : 0;
    }
    assertThat(above).isBetween(ROWS / 16 - 60L, ROWS / 16 + 60L);
    double[] shares = HnswBuilder.levelShares(16);
    assertThat(shares[0]).isCloseTo(15 / 16.0, org.assertj.core.data.Offset.offset(1e-12));
    assertThat(Arrays.stream(shares).sum()).isCloseTo(1, org.assertj.core.data.Offset.offset(1e-7));
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 2, 3})
  void hasAGraphOfFewNodes(int count) {
    FloatRows rows = rows(count);
    HnswGraph graph = HnswBuilder.build(rows, false, 2, 4, 1, 2);
    IndexSearch.Found found =
        new GraphSearch(graph, rows, false, 4).search(new float[DIMENSION], 1, 5);
    assertThat(found.rows()[0]).hasSize(count);
  }

  @Test
  void vectorsThatAreAllEqualOrHugeDoNotHang() {
    FloatRows equal = new FloatRows(500, DIMENSION);
    assertValid(HnswBuilder.build(equal, false, 4, 10, 1, 2));
    FloatRows huge = rows(500);
    for (int i = 0; i < 500 * DIMENSION; i++) {
      huge.block(0)[i] *= 1e38f;
    }
    assertValid(HnswBuilder.build(huge, false, 4, 10, 1, 2));
    assertValid(HnswBuilder.build(huge, true, 4, 10, 1, 2));
  }

  @Test
  void keysOrderByDistanceThenNode() {
    float[] distances = {
      Float.NEGATIVE_INFINITY, -3.5f, -0f, 0f, Float.MIN_VALUE, 1, 2, Float.POSITIVE_INFINITY
    };
    for (int i = 0; i < distances.length; i++) {
      long key = HnswWalk.key(distances[i], Integer.MAX_VALUE);
      assertThat(HnswWalk.distance(key)).isEqualTo(distances[i]);
      assertThat(HnswWalk.node(key)).isEqualTo(Integer.MAX_VALUE);
      assertThat(HnswWalk.key(distances[i], 3)).isLessThan(HnswWalk.key(distances[i], 4));
      if (i > 0) {
        assertThat(HnswWalk.key(distances[i - 1], 9)).isLessThan(HnswWalk.key(distances[i], 0));
      }
    }
  }
}
