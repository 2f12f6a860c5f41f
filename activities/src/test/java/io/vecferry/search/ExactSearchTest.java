package io.vecferry.search;

import static org.assertj.core.api.Assertions.assertThat;

import io.vecferry.store.Metric;
import java.util.Arrays;
import java.util.Comparator;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Compares every metric with the plain definition in double precision. */
class ExactSearchTest {

  @ParameterizedTest
  @EnumSource(Metric.class)
  void agreesWithTheDefinition(Metric metric) {
    for (int seed = 0; seed < 60; seed++) {
      Random random = new Random(seed);
      int dimension = 1 + random.nextInt(37);
      int rows = random.nextInt(seed % 10 == 0 ? 3000 : 200);
      int count = 1 + random.nextInt(5);
      int k = seed % 7 == 0 ? 1000 : 1 + random.nextInt(20);
      int flavour = metric == Metric.JENSEN_SHANNON && seed % 6 == 1 ? 0 : seed % 6;
      float[] values = values(random, rows * dimension, flavour, metric);
      float[] queries = values(random, count * dimension, flavour, metric);
      for (int copy = 0; copy < rows / 4; copy++) {
        int from = random.nextInt(rows) * dimension;
        System.arraycopy(values, from, values, random.nextInt(rows) * dimension, dimension);
      }
      int cut = rows == 0 ? 0 : random.nextInt(rows);
      ExactSearch search = new ExactSearch(metric, 3, dimension, queries, count, k);
      search.offer(values, cut * dimension, rows - cut, 100 + cut);
      ExactSearch other = search.another();
      other.offer(values, 0, cut, 100);
      search.merge(other);
      for (int query = 0; query < count; query++) {
        check(metric, values, rows, queries, query, dimension, k, search);
      }
    }
  }

  /** What is found among some rows with others left out is what is found among those rows alone. */
  @ParameterizedTest
  @EnumSource(Metric.class)
  void leavesOutAbsentRows(Metric metric) {
    for (int seed = 0; seed < 20; seed++) {
      Random random = new Random(seed);
      int dimension = 1 + random.nextInt(20);
      int rows = 1 + random.nextInt(2500);
      int count = 1 + random.nextInt(5);
      int absentOf = 1 + random.nextInt(4);
      float[] values = values(random, rows * dimension, 0, metric);
      float[] queries = values(random, count * dimension, 0, metric);
      boolean[] nulls = new boolean[rows];
      long[] numbers = new long[rows];
      float[] present = new float[rows * dimension];
      int left = 0;
      for (int row = 0; row < rows; row++) {
        nulls[row] = random.nextInt(absentOf) == 0;
        if (nulls[row]) {
          Arrays.fill(values, row * dimension, (row + 1) * dimension, 0);
        } else {
          System.arraycopy(values, row * dimension, present, left * dimension, dimension);
          numbers[left++] = row;
        }
      }
      ExactSearch some = new ExactSearch(metric, 3, dimension, queries, count, 10);
      ExactSearch all = new ExactSearch(metric, 3, dimension, queries, count, 10);
      some.offer(present, 0, left, 0);
      all.offer(values, nulls, 0, rows, 0);
      for (int query = 0; query < count; query++) {
        long[] expected = some.rows(query);
        for (int i = 0; i < expected.length; i++) {
          expected[i] = numbers[(int) expected[i]];
        }
        assertThat(all.rows(query)).isEqualTo(expected);
        assertThat(all.scores(query)).isEqualTo(some.scores(query));
      }
    }
  }

  private static void check(
      Metric metric,
      float[] values,
      int rows,
      float[] queries,
      int query,
      int dimension,
      int k,
      ExactSearch search) {
    double[] scores = new double[rows];
    for (int row = 0; row < rows; row++) {
      scores[row] = score(metric, queries, query * dimension, values, row * dimension, dimension);
    }
    double sign = metric.largerIsNearer() ? -1 : 1;
    double[] best =
        IntStream.range(0, rows)
            .boxed()
            .sorted(
                Comparator.<Integer>comparingDouble(
                        row -> Double.isNaN(scores[row]) ? Double.NaN : sign * scores[row])
                    .thenComparing(row -> row))
            .limit(k)
            .mapToDouble(row -> scores[row])
            .toArray();
    long[] found = search.rows(query);
    float[] foundScores = search.scores(query);
    assertThat(found).hasSize(best.length).doesNotHaveDuplicates();
    for (int i = 0; i < best.length; i++) {
      double exact = scores[(int) found[i] - 100];
      assertThat(close(exact, best[i]))
          .as("%s rank %d: %s instead of %s", metric, i, exact, best[i])
          .isTrue();
      assertThat(close(foundScores[i], (float) exact))
          .as("%s: %s instead of %s", metric, foundScores[i], exact)
          .isTrue();
      if (metric != Metric.JENSEN_SHANNON
          && i > 0
          && Float.compare(foundScores[i], foundScores[i - 1]) == 0) {
        assertThat(
                found[i] > found[i - 1]
                    || scores[(int) found[i] - 100] != scores[(int) found[i - 1] - 100])
            .isTrue();
      }
    }
  }

  private static boolean close(double actual, double expected) {
    return Double.compare(actual, expected) == 0
        || Math.abs(actual - expected) <= 1e-6 * Math.max(1e-30, Math.abs(expected))
        || Math.abs(actual - expected) <= 1e-12;
  }

  private static float[] values(Random random, int length, int flavour, Metric metric) {
    float[] values = new float[length];
    if (metric == Metric.HAMMING || metric == Metric.JACCARD) {
      for (int i = 0; i < length; i++) {
        values[i] = random.nextInt(2);
      }
      return values;
    }
    for (int i = 0; i < length; i++) {
      float value = random.nextFloat() - (metric == Metric.JENSEN_SHANNON ? 0 : 0.5f);
      values[i] =
          switch (flavour) {
            case 1 -> value * 1e30f;
            case 2 -> value * 1e-42f;
            case 3 -> Math.round(value * 2);
            case 4 -> metric == Metric.JENSEN_SHANNON ? value : value * 1e-3f + 100;
            case 5 -> random.nextInt(2000) == 0 ? Float.NaN : value;
            default -> value;
          };
    }
    return values;
  }

  private static double score(
      Metric metric, float[] left, int leftStart, float[] right, int rightStart, int dimension) {
    double sum = 0;
    double extra = 0;
    double third = 0;
    for (int d = 0; d < dimension; d++) {
      double a = left[leftStart + d];
      double b = right[rightStart + d];
      double difference = Math.abs(a - b);
      switch (metric) {
        case L2 -> sum += difference * difference;
        case IP -> sum += a * b;
        case COSINE -> {
          sum += a * b;
          extra += a * a;
          third += b * b;
        }
        case L1, HAMMING -> sum += difference;
        case JACCARD -> {
          sum += Math.min(a, b);
          extra += Math.max(a, b);
        }
        case LINF -> sum = Math.max(sum, difference);
        case LP -> sum += difference * difference * difference;
        case CANBERRA -> sum += difference == 0 ? 0 : difference / (Math.abs(a) + Math.abs(b));
        case BRAY_CURTIS -> {
          sum += difference;
          extra += Math.abs(a + b);
        }
        case JENSEN_SHANNON -> {
          double mean = (a + b) / 2;
          sum +=
              0.5 * ((a == 0 ? 0 : a * Math.log(a / mean)) + (b == 0 ? 0 : b * Math.log(b / mean)));
        }
      }
    }
    return switch (metric) {
      case COSINE -> extra * third == 0 ? 0 : sum / Math.sqrt(extra) / Math.sqrt(third);
      case BRAY_CURTIS -> sum == 0 ? 0 : sum / extra;
      case JACCARD -> extra == 0 ? 0 : 1 - sum / extra;
      default -> sum;
    };
  }
}
