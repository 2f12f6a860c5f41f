package io.vecferry.quality;

import io.vecferry.archive.PartSchema;
import io.vecferry.store.Metric;
import io.vecferry.store.Neighbours;
import io.vecferry.store.SearchWidth;
import io.vecferry.store.StoreException;
import io.vecferry.store.TextFilter;
import io.vecferry.store.VectorStore;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Asks both sides the same queries, and the records themselves by exact search; a side that answers
 * the first ones all right is not asked the others. Queries are dense vectors of the records, from
 * places all over them, or those of a file; records without a vector are left out. Memory: the
 * queries and their answers, and what the reference needs.
 */
public final class QualityCheck {
  private static final int MOST_QUERIES = 1000;

  /**
   * Queries that are asked at least: ten answers to each make two thousand, and the recall of an
   * index is known to less than half a hundredth.
   */
  private static final int FEWEST_QUERIES = 200;

  /** Products that exact search may take; some seconds of one processor. */
  private static final double PRODUCTS = 1e10;

  /**
   * Comparisons of a query with a vector where both sides search exactly. Such sides are asked to
   * see that they answer at all, with the right ids and scores: their vectors were compared one by
   * one.
   */
  private static final long EXACT_COMPARISONS = 25_000_000;

  private static final int FEWEST_EXACT_QUERIES = 25;

  /**
   * Queries that a side is asked first. One that answers all of them right, a thousand answers, is
   * not asked the others: they are to tell how many an index misses, and each costs a comparison
   * with every vector where there is none.
   */
  private static final int FIRST_QUERIES = 100;

  private static final int WORST = 10;

  /** Filters that are compared, and queries asked with each. */
  private static final int FILTERS = 2;

  private static final int FILTERED_QUERIES = 20;

  /** The same where both sides answer these right. */
  private static final int FIRST_FILTERED = 5;

  private final Reference reference;
  private final PartSchema.VectorField field;

  /**
   * @param reference the records that both sides should have
   * @param field the dense vector field that is searched, as the source has it
   */
  public QualityCheck(Reference reference, PartSchema.VectorField field) {
    this.reference = reference;
    this.field = field;
  }

  /**
   * What is asked.
   *
   * @param sampleSize queries wanted; fewer when there are fewer vectors; null for as many as are
   *     worth their time, or all of the file
   * @param file where queries are read from; null for vectors of the records
   * @param k answers wanted per query
   * @param target who will be asked the same; what it is decides how many queries are worth their
   *     time
   */
  public record Question(Integer sampleSize, Path file, int k, Side target) {}

  /**
   * What is measured.
   *
   * @param iterations single searches timed on each side
   * @param latencyNanos time of them on each side after which no more are started
   * @param minRecall recall that the target has to reach; null for a little less than the source
   * @param clients most clients that search at once; 0 for no such measurement
   * @param clientNanos how long each side is searched by each number of clients
   */
  public record Measures(
      int iterations, long latencyNanos, Double minRecall, int clients, long clientNanos) {}

  /** A store, and how it calls and compares the field that is searched. */
  public record Side(VectorStore store, String field, Metric metric) {}

  /**
   * Asks the source and the records, which is what can be done before the target answers.
   *
   * @return empty when no record has a vector to ask for
   */
  public Optional<SourceAnswers> askSource(VectorStore store, Question question) {
    Queries queries = queries(store, question);
    if (queries.count() == 0) {
      return Optional.empty();
    }
    boolean all = question.file() != null || question.sampleSize() != null;
    Side source = side(store);
    Reference.Answers right = reference.nearest(queries, question.k());
    Recall recall = new Recall(right, field.metric(), question.target().metric());
    return Optional.of(
        new SourceAnswers(
            queries,
            question.k(),
            all,
            right,
            ask(source, queries, question.k(), all, null, recall)));
  }

  private Side side(VectorStore source) {
    return new Side(source, field.name(), field.metric());
  }

  /** Asks a side all queries, or only the first ones where it answers those right. */
  private static Given ask(
      Side side, Queries queries, int k, boolean all, Double minRecall, Recall recall) {
    int first = all ? queries.count() : Math.min(queries.count(), telling(side, minRecall));
    Given given = ask(side, queries, 0, first, k, null);
    return recall.isWhole(given.answers(), side.metric(), first)
        ? given
        : askTheOthers(side, queries, k, null, given);
  }

  /**
   * Queries that say enough when they are all answered right.
   *
   * @param minRecall recall that they should show; null for none in particular
   */
  private static int telling(Side side, Double minRecall) {
    if (searchesExactly(side)) {
      return FEWEST_EXACT_QUERIES;
    }
    return minRecall != null && minRecall > Interval.of(1, FIRST_QUERIES).low()
        ? Integer.MAX_VALUE
        : FIRST_QUERIES;
  }

  private static boolean searchesExactly(Side side) {
    return side.store().searchesExactly(side.field());
  }

  /**
   * Asks a side some queries.
   *
   * @param only the records that are searched; null for all
   */
  private static Given ask(
      Side side, Queries queries, int first, int many, int k, TextFilter only) {
    float[] vectors = queries.range(first, many);
    long start = System.nanoTime();
    Neighbours answers =
        only == null
            ? side.store().search(side.field(), vectors, many, k)
            : side.store().search(side.field(), vectors, many, k, only);
    return new Given(answers, (System.nanoTime() - start) / 1e9);
  }

  /** What a side has answered already, and its answers to all other queries. */
  private static Given askTheOthers(
      Side side, Queries queries, int k, TextFilter only, Given given) {
    int rest = queries.count() - given.queries();
    if (rest == 0) {
      return given;
    }
    Given others = ask(side, queries, given.queries(), rest, k, only);
    return new Given(
        given.answers().followedBy(others.answers()), given.seconds() + others.seconds());
  }

  /**
   * What a side has answered.
   *
   * @param answers of the first queries, or of all
   * @param seconds that it took
   */
  private record Given(Neighbours answers, double seconds) {
    int queries() {
      return answers.counts().length;
    }
  }

  private Queries queries(VectorStore source, Question question) {
    Side target = question.target();
    boolean cosine = field.metric() == Metric.COSINE || target.metric() == Metric.COSINE;
    if (question.file() != null) {
      return new QueryFile(question.file(), field.dimension(), field.element(), cosine)
          .read(question.sampleSize());
    }
    long rows = reference.rows();
    long wanted =
        question.sampleSize() != null
            ? question.sampleSize()
            : searchesExactly(side(source)) && searchesExactly(target)
                ? worthwhileExact(rows)
                : worthwhile(rows, field.dimension());
    return reference.sample((int) Math.min(wanted, rows), cosine).shuffled();
  }

  /** Queries that are worth their time where an index is searched. */
  public static long worthwhile(long rows, int dimension) {
    long affordable = (long) (PRODUCTS / Math.max(1, rows) / Math.max(1, dimension));
    return Math.min(MOST_QUERIES, Math.max(FEWEST_QUERIES, affordable));
  }

  /** The same where both sides search exactly: so many as an index is asked at least, or fewer. */
  static long worthwhileExact(long rows) {
    return Math.min(
        FEWEST_QUERIES, Math.max(FEWEST_EXACT_QUERIES, EXACT_COMPARISONS / Math.max(1, rows)));
  }

  /** Asks the target the same, compares and measures. */
  public QualityResult compare(
      SourceAnswers asked, VectorStore source, Side target, Measures measures) {
    Queries queries = asked.queries;
    VectorStore store = target.store();
    Recall recall = new Recall(asked.right, field.metric(), target.metric());
    Given given = ask(target, queries, asked.k, asked.all, measures.minRecall(), recall);
    Comparison comparison = compare(asked, source, given, recall, measures.minRecall());
    Benchmark benchmark =
        new Benchmark(source, field.name(), store, target.field(), queries, asked.k);
    double[][] millis = benchmark.latencies(measures.iterations(), measures.latencyNanos());
    Optional<SearchWidth> width = store.searchWidth(target.field(), asked.k);
    double required = comparison.requiredRecall(measures.minRecall());
    SearchSweep sweep =
        width
            .filter(ignored -> comparison.targetRecall() < required)
            .map(
                known ->
                    SearchSweep.find(
                        known,
                        required,
                        new SearchSweep.Step(
                            known.used(), comparison.targetRecall(), given.seconds()),
                        reference.rows(),
                        value -> step(target, asked, recall, value)))
            .orElse(null);
    List<QualityResult.Throughput> throughput =
        measures.clients() == 0
            ? List.of()
            : benchmark.throughput(measures.clients(), measures.clientNanos());
    return comparison.result(
        millis, width.orElse(null), sweep, throughput, filtered(asked, source, target));
  }

  private Comparison compare(
      SourceAnswers asked, VectorStore source, Given target, Recall recall, Double minRecall) {
    Comparison comparison = new Comparison(asked, asked.given, target, recall);
    if (comparison.targetRecall() >= comparison.requiredRecall(minRecall)) {
      return comparison;
    }
    // A source that misses some too, but none of the first, is not better than the target.
    Given ofSource = askTheOthers(side(source), asked.queries, asked.k, null, asked.given);
    return new Comparison(asked, ofSource, target, recall);
  }

  private List<QualityResult.Filtered> filtered(
      SourceAnswers asked, VectorStore source, Side target) {
    List<TextFilter> filters = reference.filters(FILTERS);
    Queries queries = asked.queries.some(FILTERED_QUERIES).shuffled();
    List<TextFilter> possible =
        filters.stream()
            .filter(only -> canFilter(source, only) || canFilter(target.store(), only))
            .toList();
    List<Reference.Answers> right =
        possible.isEmpty() ? List.of() : reference.nearest(queries, asked.k, possible);
    List<QualityResult.Filtered> results = new ArrayList<>();
    for (TextFilter only : filters) {
      int number = possible.indexOf(only);
      Recall recall =
          number < 0 ? null : new Recall(right.get(number), field.metric(), target.metric());
      FilteredRecall ofSource = filtered(side(source), queries, asked.k, only, recall, null);
      FilteredRecall ofTarget = filtered(target, queries, asked.k, only, recall, null);
      int asking = Math.min(FIRST_FILTERED, queries.count());
      if (ofSource.misses() || ofTarget.misses()) {
        ofSource = filtered(side(source), queries, asked.k, only, recall, ofSource);
        ofTarget = filtered(target, queries, asked.k, only, recall, ofTarget);
        asking = queries.count();
      }
      results.add(
          new QualityResult.Filtered(
              only.key(),
              only.text(),
              asking,
              ofSource.recall(),
              ofTarget.recall(),
              ofSource.notMeasured(),
              ofTarget.notMeasured()));
    }
    return results;
  }

  private static boolean canFilter(VectorStore store, TextFilter only) {
    try {
      return store.canFilter(only);
    } catch (StoreException e) {
      throwIfInterrupted(e);
      return false;
    }
  }

  /**
   * Recall of one side, null where it has no such filter; or why a search that does not decide was
   * not measured.
   */
  private record FilteredRecall(Given given, Double recall, String notMeasured) {
    boolean misses() {
      return recall != null && recall < 1;
    }
  }

  /**
   * @param first what came of the first queries; null to ask those
   */
  private static FilteredRecall filtered(
      Side side, Queries queries, int k, TextFilter only, Recall recall, FilteredRecall first) {
    if (first != null && first.given() == null) {
      return first;
    }
    try {
      if (recall == null || !side.store().canFilter(only)) {
        return new FilteredRecall(null, null, null);
      }
      Given given =
          first == null
              ? ask(side, queries, 0, Math.min(FIRST_FILTERED, queries.count()), k, only)
              : askTheOthers(side, queries, k, only, first.given());
      return new FilteredRecall(
          given, recall.mean(given.answers(), side.metric(), given.queries()), null);
    } catch (StoreException e) {
      throwIfInterrupted(e);
      return new FilteredRecall(null, null, e.getMessage());
    }
  }

  /** What a store says when the work is interrupted is nothing to report about it. */
  static void throwIfInterrupted(StoreException e) {
    if (Thread.currentThread().isInterrupted()) {
      throw e;
    }
  }

  private static SearchSweep.Step step(
      Side target, SourceAnswers asked, Recall recall, long width) {
    Queries queries = asked.queries;
    long start = System.nanoTime();
    Neighbours answers =
        target.store().search(target.field(), queries.vectors(), queries.count(), asked.k, width);
    double seconds = (System.nanoTime() - start) / 1e9;
    return new SearchSweep.Step(
        width, recall.mean(answers, target.metric(), queries.count()), seconds);
  }

  /** Queries, and what the source and exact search answer. Immutable. */
  public static final class SourceAnswers {
    private final Queries queries;
    private final int k;
    private final boolean all;
    private final Reference.Answers right;
    private final Given given;

    private SourceAnswers(
        Queries queries, int k, boolean all, Reference.Answers right, Given given) {
      this.queries = queries;
      this.k = k;
      this.all = all;
      this.right = right;
      this.given = given;
    }
  }

  /** Compares the answers query by query. */
  private final class Comparison {
    private final int k;
    private final Given source;
    private final Given target;
    private final Recall recall;
    private final List<Double> sourceRecalls = new ArrayList<>();
    private final List<Double> targetRecalls = new ArrayList<>();
    private final List<QualityResult.Worst> missed = new ArrayList<>();
    private final List<Double> scoreDifferences = new ArrayList<>();
    private final int both;
    private double agreement;
    private long sameOrder;
    private long otherOrder;

    Comparison(SourceAnswers asked, Given source, Given target, Recall recall) {
      this.k = asked.k;
      this.source = source;
      this.target = target;
      this.recall = recall;
      this.both = Math.min(source.queries(), target.queries());
      for (int query = 0; query < source.queries(); query++) {
        sourceRecalls.add(recall.of(source.answers(), recall.metric(), query));
      }
      for (int query = 0; query < target.queries(); query++) {
        double found = recall.of(target.answers(), recall.otherMetric(), query);
        targetRecalls.add(found);
        if (found < 1) {
          missed.add(
              new QualityResult.Worst(
                  asked.queries.names().get(query),
                  query < source.queries() ? sourceRecalls.get(query) : null,
                  found));
        }
      }
      for (int query = 0; query < both; query++) {
        compare(query);
      }
    }

    private void compare(int query) {
      Neighbours ofSource = source.answers();
      Neighbours ofTarget = target.answers();
      Map<String, Integer> ranks = new HashMap<>();
      for (int i = 0; i < ofTarget.counts()[query]; i++) {
        ranks.put(ofTarget.ids().get(query * k + i), i);
      }
      List<Integer> common = new ArrayList<>();
      for (int i = 0; i < ofSource.counts()[query]; i++) {
        Integer rank = ranks.get(ofSource.ids().get(query * k + i));
        if (rank == null) {
          continue;
        }
        double score = recall.scaled(recall.metric(), ofSource.scores()[query * k + i]);
        double other = recall.scaled(recall.otherMetric(), ofTarget.scores()[query * k + rank]);
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
          ofSource.counts()[query] == 0 ? 1 : (double) common.size() / ofSource.counts()[query];
    }

    double requiredRecall(Double minRecall) {
      return QualityResult.requiredRecall(
          minRecall, mean(sourceRecalls), (long) target.queries() * k);
    }

    double targetRecall() {
      return mean(targetRecalls);
    }

    private static double mean(List<Double> recalls) {
      return recalls.stream().mapToDouble(Double::doubleValue).average().orElse(1);
    }

    QualityResult result(
        double[][] millis,
        SearchWidth width,
        SearchSweep sweep,
        List<QualityResult.Throughput> throughput,
        List<QualityResult.Filtered> filtered) {
      scoreDifferences.sort(null);
      long pairs = sameOrder + otherOrder;
      return new QualityResult(
          target.queries(),
          source.queries(),
          k,
          mean(sourceRecalls),
          targetRecall(),
          Interval.of(mean(sourceRecalls), source.queries()),
          Interval.of(targetRecall(), target.queries()),
          both == 0 ? 1 : agreement / both,
          pairs == 0 ? 1 : (double) (sameOrder - otherOrder) / pairs,
          quantile(scoreDifferences, 0.5),
          quantile(scoreDifferences, 0.99),
          quantile(scoreDifferences, 1),
          sourceRecalls.stream().sorted().toList(),
          targetRecalls.stream().sorted().toList(),
          Arrays.stream(millis[0]).boxed().toList(),
          Arrays.stream(millis[1]).boxed().toList(),
          source.seconds(),
          target.seconds(),
          missed.stream()
              .sorted((a, b) -> Double.compare(a.targetRecall(), b.targetRecall()))
              .limit(WORST)
              .toList(),
          width,
          sweep,
          throughput,
          filtered);
    }
  }

  /** A quantile of ascending values; 0 when there are none. */
  public static double quantile(List<Double> ascending, double share) {
    return ascending.isEmpty()
        ? 0
        : ascending.get((int) Math.round(share * (ascending.size() - 1)));
  }
}
