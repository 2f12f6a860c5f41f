package io.vecferry.quality;

import static org.assertj.core.api.Assertions.assertThat;

import io.vecferry.archive.ArchiveSearch;
import io.vecferry.archive.PartSchema;
import io.vecferry.plan.FailureClass;
import io.vecferry.record.ElementType;
import io.vecferry.record.IdColumn;
import io.vecferry.record.IdKind;
import io.vecferry.record.TextColumn;
import io.vecferry.record.VectorKind;
import io.vecferry.search.ExactSearch;
import io.vecferry.store.Metric;
import io.vecferry.store.Neighbours;
import io.vecferry.store.SearchWidth;
import io.vecferry.store.StoreException;
import io.vecferry.store.TextFilter;
import io.vecferry.store.VectorStore;
import java.lang.reflect.Proxy;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.IntPredicate;
import org.junit.jupiter.api.Test;

/** Sides that do not answer all that they are asked. */
class QualityCheckTest {
  private static final TextFilter RED = new TextFilter("colour", "red");

  /** Two records on a line; the query is the first. */
  private static final class Line implements Reference {
    private static final float[] VECTORS = {1, 2};

    @Override
    public long rows() {
      return 2;
    }

    @Override
    public Queries sample(int count, boolean cosine) {
      return new Queries(1, new float[] {1}, List.of("a"));
    }

    @Override
    public Answers nearest(Queries queries, int k) {
      ExactSearch found = new ExactSearch(Metric.L2, 0, 1, queries.vectors(), queries.count(), k);
      found.offer(VECTORS, 0, 2, 0);
      return new Answers(
          found,
          Map.of(
              0L,
              new ArchiveSearch.Id(IdKind.STRING, "a"),
              1L,
              new ArchiveSearch.Id(IdKind.STRING, "b")));
    }

    @Override
    public List<TextFilter> filters(int most) {
      return List.of(RED);
    }

    @Override
    public List<Answers> nearest(Queries queries, int k, List<TextFilter> filters) {
      return filters.stream().map(only -> nearest(queries, k)).toList();
    }
  }

  /** Answers with one record; searches by a filter or by another width fail where it is said. */
  private static VectorStore store(String answer, float score, String filters, String width) {
    return (VectorStore)
        Proxy.newProxyInstance(
            QualityCheckTest.class.getClassLoader(),
            new Class<?>[] {VectorStore.class},
            (proxy, method, arguments) -> {
              switch (method.getName()) {
                case "canFilter":
                  return filters != null;
                case "searchWidth":
                  return width == null
                      ? Optional.empty()
                      : Optional.of(new SearchWidth("ef", 1, 100));
                case "search":
                  Class<?>[] types = method.getParameterTypes();
                  Class<?> last = types[types.length - 1];
                  String refusal =
                      last == TextFilter.class ? filters : last == long.class ? width : "";
                  if (!refusal.isEmpty()) {
                    throw new StoreException(FailureClass.TRANSIENT, refusal);
                  }
                  return new Neighbours(
                      1,
                      new int[] {1},
                      IdColumn.of(IdKind.STRING, new TextColumn.Builder(1).add(answer).build()),
                      new float[] {score});
                default:
                  throw new UnsupportedOperationException(method.getName());
              }
            });
  }

  private static QualityResult compare(VectorStore source, VectorStore target) {
    return compare(new Line(), 1, source, target, new QualityCheck.Measures(1, 0, null, 0, 0));
  }

  private static QualityResult compare(
      Reference reference,
      Integer sampleSize,
      VectorStore source,
      VectorStore target,
      QualityCheck.Measures measures) {
    QualityCheck check =
        new QualityCheck(
            reference,
            new PartSchema.VectorField(
                "v", VectorKind.DENSE, ElementType.FLOAT32, 1, Metric.L2, 0, false));
    QualityCheck.Side searched = new QualityCheck.Side(target, "v", Metric.L2);
    return check.compare(
        check
            .askSource(source, new QualityCheck.Question(sampleSize, null, 1, searched))
            .orElseThrow(),
        source,
        searched,
        measures);
  }

  @Test
  void sidesThatSearchExactlyAreAskedNoMoreThanAnIndex() {
    assertThat(QualityCheck.worthwhile(2_000, 768)).isEqualTo(1000);
    assertThat(QualityCheck.worthwhileExact(2_000)).isEqualTo(200);
    assertThat(QualityCheck.worthwhile(50_000, 768)).isEqualTo(260);
    assertThat(QualityCheck.worthwhileExact(50_000)).isEqualTo(200);
    assertThat(QualityCheck.worthwhileExact(250_000)).isEqualTo(100);
    assertThat(QualityCheck.worthwhileExact(1_000_000)).isEqualTo(25);
    assertThat(QualityCheck.worthwhileExact(1_000_000_000)).isEqualTo(25);
  }

  /** A thousand numbers, each the nearest to itself. */
  private static final class Numbers implements Reference {
    private static final int COUNT = 1000;

    private final List<TextFilter> filters;

    Numbers(TextFilter... filters) {
      this.filters = List.of(filters);
    }

    @Override
    public long rows() {
      return COUNT;
    }

    @Override
    public Queries sample(int count, boolean cosine) {
      float[] vectors = new float[count];
      List<String> names = new ArrayList<>();
      for (int i = 0; i < count; i++) {
        vectors[i] = i;
        names.add("r" + i);
      }
      return new Queries(1, vectors, names);
    }

    @Override
    public Answers nearest(Queries queries, int k) {
      ExactSearch found = new ExactSearch(Metric.L2, 0, 1, queries.vectors(), queries.count(), k);
      float[] all = sample(COUNT, false).vectors();
      found.offer(all, 0, COUNT, 0);
      Map<Long, ArchiveSearch.Id> ids = new HashMap<>();
      for (long row = 0; row < COUNT; row++) {
        ids.put(row, new ArchiveSearch.Id(IdKind.STRING, "r" + row));
      }
      return new Answers(found, ids);
    }

    @Override
    public List<TextFilter> filters(int most) {
      return filters;
    }

    @Override
    public List<Answers> nearest(Queries queries, int k, List<TextFilter> filters) {
      return filters.stream().map(only -> nearest(queries, k)).toList();
    }
  }

  /**
   * Answers a number with itself, or with another one where that is what it misses.
   *
   * @param missed the query that is answered wrong; -1 for none
   * @param asked takes the number of queries of each search of many
   */
  private static VectorStore numbers(boolean exact, int missed, List<Integer> asked) {
    return numbers(exact, query -> query == missed, asked);
  }

  private static VectorStore numbers(boolean exact, IntPredicate missed, List<Integer> asked) {
    return (VectorStore)
        Proxy.newProxyInstance(
            QualityCheckTest.class.getClassLoader(),
            new Class<?>[] {VectorStore.class},
            (proxy, method, arguments) -> {
              switch (method.getName()) {
                case "searchesExactly":
                  return exact;
                case "canFilter":
                  return true;
                case "searchWidth":
                  return Optional.empty();
                case "search":
                  float[] queries = (float[]) arguments[1];
                  int count = (int) arguments[2];
                  asked.add(count);
                  TextColumn.Builder ids = new TextColumn.Builder(count);
                  float[] scores = new float[count];
                  for (int i = 0; i < count; i++) {
                    boolean wrong = missed.test((int) queries[i]);
                    ids.add("r" + (int) (queries[i] + (wrong ? 7 : 0)));
                    scores[i] = wrong ? 49 : 0;
                  }
                  int[] counts = new int[count];
                  Arrays.fill(counts, 1);
                  return new Neighbours(1, counts, IdColumn.of(IdKind.STRING, ids.build()), scores);
                default:
                  throw new UnsupportedOperationException(method.getName());
              }
            });
  }

  private static QualityResult compareNumbers(
      Integer sampleSize, VectorStore source, VectorStore target, TextFilter... filters) {
    return compareNumbers(null, sampleSize, source, target, filters);
  }

  private static QualityResult compareNumbers(
      Double minRecall,
      Integer sampleSize,
      VectorStore source,
      VectorStore target,
      TextFilter... filters) {
    return compare(
        new Numbers(filters),
        sampleSize,
        source,
        target,
        new QualityCheck.Measures(0, 0, minRecall, 0, 0));
  }

  @Test
  void sidesThatAnswerTheFirstQueriesRightAreNotAskedTheOthers() {
    List<Integer> ofSource = new ArrayList<>();
    List<Integer> ofTarget = new ArrayList<>();
    QualityResult result =
        compareNumbers(null, numbers(true, -1, ofSource), numbers(false, -1, ofTarget));
    assertThat(ofSource).containsExactly(25);
    assertThat(ofTarget).containsExactly(100);
    assertThat(result.sourceQueries()).isEqualTo(25);
    assertThat(result.queries()).isEqualTo(100);
    assertThat(result.sourceRecalls()).hasSize(25);
    assertThat(result.targetRecalls()).hasSize(100);
    assertThat(result.targetInterval()).isEqualTo(Interval.of(1, 100));
    assertThat(result.agreement()).isEqualTo(1);
    assertThat(result.passes(null, 0)).isTrue();
  }

  @Test
  void aSideThatMissesOneOfTheFirstIsAskedAll() {
    List<Integer> ofSource = new ArrayList<>();
    List<Integer> ofTarget = new ArrayList<>();
    // The query 0 is the first one in any order.
    QualityResult result =
        compareNumbers(null, numbers(true, -1, ofSource), numbers(false, 0, ofTarget));
    assertThat(ofSource).containsExactly(25);
    assertThat(ofTarget).containsExactly(100, 900);
    assertThat(result.queries()).isEqualTo(1000);
    assertThat(result.targetRecall()).isEqualTo(0.999);
    assertThat(result.agreement()).isEqualTo(24 / 25.0);
    assertThat(result.worst()).containsExactly(new QualityResult.Worst("r0", 1.0, 0));
  }

  @Test
  void whatIsMissedBehindTheFirstIsFoundWhereSomethingIsMissedThereToo() {
    VectorStore target = numbers(false, 0, new ArrayList<>());
    VectorStore source = numbers(false, 0, new ArrayList<>());
    QualityResult both = compareNumbers(null, source, target);
    assertThat(both.sourceQueries()).isEqualTo(1000);
    assertThat(both.sourceRecall()).isEqualTo(both.targetRecall()).isEqualTo(0.999);
    assertThat(both.agreement()).isEqualTo(1);
  }

  @Test
  void aWorstQueryThatTheSourceWasNotAskedHasNoRecallThere() {
    String late = new Numbers().sample(1000, false).shuffled().names().get(500);
    VectorStore source = numbers(false, -1, new ArrayList<>());
    VectorStore target =
        numbers(false, query -> query == 0 || late.equals("r" + query), new ArrayList<>());
    QualityResult result = compareNumbers(null, source, target);
    assertThat(result.sourceQueries()).isEqualTo(100);
    assertThat(result.targetRecall()).isEqualTo(0.998);
    assertThat(result.passes(null, 0)).isTrue();
    assertThat(result.worst())
        .extracting(QualityResult.Worst::sourceRecall)
        .containsExactly(1.0, null);
  }

  @Test
  void aSourceIsAskedTheOthersWhereTheTargetFallsShortOfIt() {
    List<String> order = new Numbers().sample(1000, false).shuffled().names();
    Set<String> ofSource = Set.copyOf(order.subList(980, 1000));
    Set<String> ofTarget = Set.copyOf(order.subList(0, 20));
    List<Integer> asked = new ArrayList<>();
    QualityResult result =
        compareNumbers(
            null,
            numbers(false, query -> ofSource.contains("r" + query), asked),
            numbers(false, query -> ofTarget.contains("r" + query), new ArrayList<>()));
    assertThat(asked).containsExactly(100, 900);
    assertThat(result.sourceQueries()).isEqualTo(1000);
    assertThat(result.sourceRecall()).isEqualTo(result.targetRecall()).isEqualTo(0.98);
    assertThat(result.passes(null, 0)).isTrue();
    assertThat(result.agreement()).isEqualTo(0.96);
  }

  @Test
  void aRecallThatSoFewQueriesCannotShowHasAllAskedOfTheTarget() {
    List<Integer> ofSource = new ArrayList<>();
    List<Integer> ofTarget = new ArrayList<>();
    List<Integer> ofExact = new ArrayList<>();
    compareNumbers(0.97, null, numbers(false, -1, ofSource), numbers(false, -1, ofTarget));
    compareNumbers(0.97, null, numbers(false, -1, ofSource), numbers(true, -1, ofExact));
    assertThat(ofSource).containsExactly(100, 100);
    assertThat(ofTarget).containsExactly(1000);
    assertThat(ofExact).containsExactly(25);
  }

  @Test
  void searchesWithAFilterAreRepeatedWithMoreQueriesWhereOneOfThemIsMissed() {
    List<Integer> ofSource = new ArrayList<>();
    List<Integer> ofTarget = new ArrayList<>();
    QualityResult right =
        compareNumbers(100, numbers(true, -1, ofSource), numbers(false, -1, ofTarget), RED);
    assertThat(ofSource).containsExactly(100, 5);
    assertThat(ofTarget).containsExactly(100, 5);
    assertThat(right.filters())
        .containsExactly(new QualityResult.Filtered("colour", "red", 5, 1.0, 1.0, null, null));

    ofSource.clear();
    ofTarget.clear();
    QualityResult missed =
        compareNumbers(100, numbers(true, -1, ofSource), numbers(false, 0, ofTarget), RED);
    assertThat(ofSource).containsExactly(100, 5, 15);
    assertThat(ofTarget).containsExactly(100, 5, 15);
    assertThat(missed.filters())
        .containsExactly(new QualityResult.Filtered("colour", "red", 20, 1.0, 0.95, null, null));
  }

  @Test
  void whoSaysHowManyQueriesGetsThem() {
    List<Integer> ofSource = new ArrayList<>();
    List<Integer> ofTarget = new ArrayList<>();
    QualityResult result =
        compareNumbers(400, numbers(true, -1, ofSource), numbers(false, -1, ofTarget));
    assertThat(ofSource).containsExactly(400);
    assertThat(ofTarget).containsExactly(400);
    assertThat(result.queries()).isEqualTo(400);
    assertThat(result.sourceQueries()).isEqualTo(400);
  }

  @Test
  void aFilterThatAStoreRefusesIsReportedAndDoesNotDecide() {
    QualityResult result =
        compare(store("a", 0, "", null), store("a", 0, "the key has no index", null));
    assertThat(result.passes(null, 0)).isTrue();
    assertThat(result.filters())
        .containsExactly(
            new QualityResult.Filtered(
                "colour", "red", 1, 1.0, null, null, "the key has no index"));
  }

  @Test
  void aStoreWithoutFiltersIsNotAsked() {
    assertThat(compare(store("a", 0, null, null), store("a", 0, "", null)).filters())
        .containsExactly(new QualityResult.Filtered("colour", "red", 1, null, 1.0, null, null));
  }

  @Test
  void aWiderSearchThatIsNotAnsweredLeavesTheResultAsItIs() {
    QualityResult result =
        compare(store("a", 0, null, null), store("b", 1, null, "no answer in 60 seconds"));
    assertThat(result.passes(null, 1)).isFalse();
    assertThat(result.explanation(null))
        .contains(
            "Target recall 0.0000 with ef 1",
            "the best of 1 values tried. No more were: no answer in 60 seconds. Choose");
  }
}
