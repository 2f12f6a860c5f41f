package io.vecferry.quality;

import io.vecferry.archive.ArchiveSearch;
import io.vecferry.archive.ArtifactStore;
import io.vecferry.archive.PartReader;
import io.vecferry.archive.PartSchema;
import io.vecferry.record.DenseVectors;
import io.vecferry.record.RecordBatch;
import io.vecferry.search.ExactSearch;
import io.vecferry.store.Metric;
import io.vecferry.store.Neighbours;
import io.vecferry.store.VectorStore;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Asks both sides the same queries, and the archive by exact search. Queries are dense vectors of
 * the archive, spread evenly over it; records without one are left out. Memory: the queries, their
 * answers, and a few blocks of vectors.
 */
public final class QualityCheck {
  private static final int BLOCK_ROWS = 4096;

  /** Places of the archive that queries are taken from; each costs the reading of a row group. */
  private static final int PLACES = 16;

  /** Answers within this of the last right one are as right as that one. */
  private static final double TIE = 1e-6;

  private static final int MOST_QUERIES = 1000;

  /**
   * Queries that are asked at least: ten answers to each make two thousand, and the recall of an
   * index is known to less than half a hundredth.
   */
  private static final int FEWEST_QUERIES = 200;

  /** Products that exact search over the archive may take; some seconds of one processor. */
  private static final double PRODUCTS = 1e10;

  /**
   * Comparisons of a query with a vector where both sides search exactly. Such sides are asked to
   * see that they answer at all, with the right ids and scores: their vectors were compared one by
   * one.
   */
  private static final long EXACT_COMPARISONS = 25_000_000;

  private static final int FEWEST_EXACT_QUERIES = 25;

  private static final long BENCHMARK_NANOS = 250_000_000L;
  private static final int WORST = 10;

  private final ArtifactStore artifacts;
  private final List<String> parts;
  private final ArchiveSearch search;
  private final PartSchema.VectorField field;

  /**
   * @param parts all parts of the archive, in order
   * @param field the dense vector field that is searched
   */
  public QualityCheck(ArtifactStore artifacts, List<String> parts, PartSchema.VectorField field) {
    this.artifacts = artifacts;
    this.parts = parts;
    this.field = field;
    this.search = new ArchiveSearch(artifacts, parts, field);
  }

  /** Records in the archive. */
  public long rows() {
    return search.rows();
  }

  /**
   * Asks the source and the archive, which is what can be done before the target answers.
   *
   * @param sampleSize queries wanted; fewer when the archive has fewer vectors; null for as many as
   *     are worth their time
   * @param exact whether both sides search exactly, which makes fewer queries worth their time
   * @return empty when no record has a vector to ask for
   */
  public Optional<SourceAnswers> askSource(
      VectorStore source, boolean exact, Integer sampleSize, int k) {
    long wanted = sampleSize == null ? worthwhile(exact) : sampleSize;
    Queries queries = sample((int) Math.min(wanted, rows()));
    if (queries.count == 0) {
      return Optional.empty();
    }
    ExactSearch truth = search.nearest(queries.vectors, queries.count, k);
    Map<Long, ArchiveSearch.Id> ids = search.ids(truth, queries.count);
    long start = System.nanoTime();
    Neighbours answers = source.search(field.name(), queries.vectors(), queries.count, k);
    double seconds = (System.nanoTime() - start) / 1e9;
    return Optional.of(new SourceAnswers(queries, k, truth, ids, answers, seconds));
  }

  /**
   * Asks the target the same and compares.
   *
   * @param targetMetric how the target compares; where that is not as the source does, scores are
   *     compared as cosines, which is right for vectors of unit length
   * @param iterations single queries timed on each side, as far as a quarter of a second a side
   *     allows
   */
  public QualityResult compare(
      SourceAnswers asked,
      VectorStore source,
      VectorStore target,
      Metric targetMetric,
      int iterations) {
    Queries queries = asked.queries;
    long start = System.nanoTime();
    Neighbours answers = target.search(field.name(), queries.vectors(), queries.count, asked.k);
    double seconds = (System.nanoTime() - start) / 1e9;

    Comparison comparison = new Comparison(asked, answers, targetMetric);
    for (int query = 0; query < queries.count; query++) {
      comparison.add(query, queries.ids[query]);
    }
    double[][] millis =
        benchmark(source, target, queries, asked.k, Math.min(iterations, queries.count));
    return comparison.result(queries.count, millis, asked.seconds, seconds);
  }

  private long worthwhile(boolean exact) {
    long rows = Math.max(1, rows());
    long affordable =
        exact
            ? Math.max(FEWEST_EXACT_QUERIES, EXACT_COMPARISONS / rows)
            : Math.max(FEWEST_QUERIES, (long) (PRODUCTS / rows / field.dimension()));
    return Math.min(MOST_QUERIES, affordable);
  }

  /** Fewer than asked for when there are fewer vectors where they are looked for. */
  private Queries sample(int count) {
    Queries queries = new Queries(count, field.dimension());
    int places = Math.min(PLACES, count);
    for (int place = 0; place < places; place++) {
      int until = (int) ((long) count * (place + 1) / places);
      sample(queries, until, rows() * place / places, rows() * (place + 1) / places);
    }
    return queries;
  }

  /** Takes vectors from some rows until there are so many in all. */
  private void sample(Queries queries, int until, long from, long to) {
    int wanted = Math.max(1, until - queries.count);
    int stride = (int) Math.max(1, Math.min((to - from) / wanted, BLOCK_ROWS / wanted));
    long next = from;
    for (int part = search.partOf(from); queries.count < until && next < to; part++) {
      try (PartReader reader = PartReader.open(artifacts, parts.get(part))) {
        long row = Math.max(from, search.firstRow(part));
        PartReader.Batches batches =
            reader.vectors(row - search.firstRow(part), BLOCK_ROWS, field.name(), true);
        for (RecordBatch batch = batches.next();
            batch != null && queries.count < until && next < to;
            batch = batches.next()) {
          DenseVectors column = batch.onlyVectors();
          for (int i = 0; i < batch.rows() && queries.count < until && row + i < to; i++) {
            if (row + i >= next && !column.isNull(i)) {
              queries.add(column, i, batch.ids().get(i));
              next = row + i + stride;
            }
          }
          row += batch.rows();
          next = Math.max(next, row);
        }
      }
    }
  }

  /**
   * Latencies in milliseconds, ascending: of the source, of the target. The sides take turns, so
   * that noise hits both.
   */
  private double[][] benchmark(
      VectorStore source, VectorStore target, Queries queries, int k, int iterations) {
    double[][] millis = new double[2][iterations];
    long spent = 0;
    int done = 0;
    while (done < iterations && (done < 1 || spent < 2 * BENCHMARK_NANOS)) {
      int from = done * field.dimension();
      float[] query = Arrays.copyOfRange(queries.vectors, from, from + field.dimension());
      for (int side = 0; side < 2; side++) {
        long start = System.nanoTime();
        (side == 0 ? source : target).search(field.name(), query, 1, k);
        long nanos = System.nanoTime() - start;
        millis[side][done] = nanos / 1e6;
        spent += nanos;
      }
      done++;
    }
    for (int side = 0; side < 2; side++) {
      millis[side] = Arrays.copyOf(millis[side], done);
      Arrays.sort(millis[side]);
    }
    return millis;
  }

  /** Queries, and what the source and exact search over the archive answer. Immutable. */
  public static final class SourceAnswers {
    private final Queries queries;
    private final int k;
    private final ExactSearch truth;
    private final Map<Long, ArchiveSearch.Id> ids;
    private final Neighbours answers;
    private final double seconds;

    private SourceAnswers(
        Queries queries,
        int k,
        ExactSearch truth,
        Map<Long, ArchiveSearch.Id> ids,
        Neighbours answers,
        double seconds) {
      this.queries = queries;
      this.k = k;
      this.truth = truth;
      this.ids = ids;
      this.answers = answers;
      this.seconds = seconds;
    }
  }

  /** Queries and the ids of the records that they were taken from. */
  private static final class Queries {
    private final int dimension;
    private final float[] vectors;
    private final String[] ids;
    private int count;

    Queries(int most, int dimension) {
      this.dimension = dimension;
      this.vectors = new float[Math.multiplyExact(most, dimension)];
      this.ids = new String[most];
    }

    void add(DenseVectors column, int row, String id) {
      System.arraycopy(column.values(), row * dimension, vectors, count * dimension, dimension);
      ids[count++] = id;
    }

    float[] vectors() {
      return Arrays.copyOf(vectors, count * dimension);
    }
  }

  /** A score as the cosine of vectors of unit length. */
  private static double cosine(Metric metric, double score) {
    return switch (metric) {
      case COSINE, IP -> score;
      case L2 -> 1 - score / 2;
      default ->
          throw new IllegalArgumentException("a score of " + metric.spelling() + " is no cosine");
    };
  }

  /** Compares the answers query by query. */
  private final class Comparison {
    private final ExactSearch truth;
    private final Map<Long, ArchiveSearch.Id> ids;
    private final int k;
    private final Neighbours source;
    private final Neighbours target;
    private final Metric targetMetric;
    private final List<QualityResult.Worst> all = new ArrayList<>();
    private final List<Double> scoreDifferences = new ArrayList<>();
    private double agreement;
    private long sameOrder;
    private long otherOrder;

    Comparison(SourceAnswers asked, Neighbours target, Metric targetMetric) {
      this.truth = asked.truth;
      this.ids = asked.ids;
      this.k = asked.k;
      this.source = asked.answers;
      this.target = target;
      this.targetMetric = targetMetric;
    }

    /** A score on the one scale that both sides are compared on. */
    private double scaled(Metric metric, double score) {
      return targetMetric == field.metric() ? score : cosine(metric, score);
    }

    private double score(Neighbours side, int answer) {
      return scaled(side == source ? field.metric() : targetMetric, side.scores()[answer]);
    }

    void add(int query, String id) {
      all.add(new QualityResult.Worst(id, recall(source, query), recall(target, query)));
      Map<String, Integer> ranks = new HashMap<>();
      for (int i = 0; i < target.counts()[query]; i++) {
        ranks.put(target.ids().get(query * k + i), i);
      }
      List<Integer> common = new ArrayList<>();
      for (int i = 0; i < source.counts()[query]; i++) {
        Integer rank = ranks.get(source.ids().get(query * k + i));
        if (rank == null) {
          continue;
        }
        double score = score(source, query * k + i);
        double other = score(target, query * k + rank);
        // Two scores beyond the range of a float are equal, and have no difference.
        scoreDifferences.add(
            Double.compare(score, other) == 0
                ? 0
                : Math.abs(score - other) / Math.max(1, Math.abs(score)));
        for (int earlier : common) {
          if (earlier < rank) {
            sameOrder++;
          } else {
            otherOrder++;
          }
        }
        common.add(rank);
      }
      agreement +=
          source.counts()[query] == 0 ? 1 : (double) common.size() / source.counts()[query];
    }

    private double recall(Neighbours side, int query) {
      long[] rows = truth.rows(query);
      if (rows.length == 0) {
        return 1;
      }
      float[] scores = truth.scores(query);
      double last = scaled(field.metric(), scores[scores.length - 1]);
      Set<String> right = new HashSet<>();
      for (long row : rows) {
        right.add(ids.get(row).text());
      }
      int hits = 0;
      for (int i = 0; i < side.counts()[query]; i++) {
        boolean tied =
            Math.abs(score(side, query * k + i) - last) <= TIE * Math.max(1, Math.abs(last));
        if (tied || right.contains(side.ids().get(query * k + i))) {
          hits++;
        }
      }
      return Math.min(1, (double) hits / rows.length);
    }

    QualityResult result(int count, double[][] millis, double sourceSeconds, double targetSeconds) {
      List<Double> sourceRecalls =
          all.stream().map(QualityResult.Worst::sourceRecall).sorted().toList();
      List<Double> targetRecalls =
          all.stream().map(QualityResult.Worst::targetRecall).sorted().toList();
      scoreDifferences.sort(null);
      long pairs = sameOrder + otherOrder;
      return new QualityResult(
          count,
          k,
          mean(sourceRecalls),
          mean(targetRecalls),
          count == 0 ? 1 : agreement / count,
          pairs == 0 ? 1 : (double) (sameOrder - otherOrder) / pairs,
          quantile(scoreDifferences, 0.5),
          quantile(scoreDifferences, 0.99),
          quantile(scoreDifferences, 1),
          sourceRecalls,
          targetRecalls,
          Arrays.stream(millis[0]).boxed().toList(),
          Arrays.stream(millis[1]).boxed().toList(),
          sourceSeconds,
          targetSeconds,
          all.stream()
              .filter(query -> query.targetRecall() < 1)
              .sorted((a, b) -> Double.compare(a.targetRecall(), b.targetRecall()))
              .limit(WORST)
              .toList());
    }
  }

  private static double mean(List<Double> values) {
    return values.stream().mapToDouble(Double::doubleValue).average().orElse(1);
  }

  /** A quantile of ascending values; 0 when there are none. */
  public static double quantile(List<Double> ascending, double share) {
    return ascending.isEmpty()
        ? 0
        : ascending.get((int) Math.round(share * (ascending.size() - 1)));
  }
}
