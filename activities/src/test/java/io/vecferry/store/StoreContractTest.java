package io.vecferry.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.vecferry.plan.FailureClass;
import io.vecferry.plan.Finding;
import io.vecferry.plan.NameSwitch;
import io.vecferry.record.DenseVectors;
import io.vecferry.record.IdColumn;
import io.vecferry.record.IdKind;
import io.vecferry.record.RecordBatch;
import io.vecferry.record.TextColumn;
import io.vecferry.verify.RecordComparator;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.opentest4j.TestAbortedException;

/**
 * What every store promises; the guide for adding one. A subclass says how to open a store on a
 * clean place and which of the records below it can hold; everything else must pass as it is.
 */
public abstract class StoreContractTest {
  protected static final int DIMENSION = 4;
  protected static final LoadStamp STAMP = new LoadStamp("products", "load-1");
  static final LoadStamp FOREIGN = new LoadStamp("somebody-else", "load-9");

  private NameSwitch planned;

  /** One record of the test. */
  protected record Sample(
      IdKind kind, String id, float[] vector, String document, String metadata) {}

  /** The provider under test. */
  protected abstract StoreProvider provider();

  /** Settings of a target collection that is not there; the same for each call in one test. */
  protected abstract StoreSettings settings();

  /** The schema to load. */
  protected LoadSchema schema(long rows) {
    return new LoadSchema(
        List.of(new VectorFieldInfo("", DIMENSION, metric(), 0, "", Map.of())),
        Set.of(IdKind.STRING),
        "test",
        rows);
  }

  /** How vectors are compared: l2, ip or cosine. */
  protected Metric metric() {
    return Metric.L2;
  }

  /** Whether the store can hold this record so that it comes back as it was. */
  protected boolean holds(Sample sample) {
    return true;
  }

  /** Records that have broken somebody's migration. */
  protected List<Sample> samples() {
    float[] plain = {0.1f, 0.2f, 0.3f, 0.4f};
    String longText = "0123456789abcdef".repeat(60 * 64);
    List<Sample> all = new ArrayList<>();
    all.add(new Sample(IdKind.STRING, "007", plain, "leading zeros", "{}"));
    all.add(new Sample(IdKind.STRING, "", new float[] {1, 0, 0, 0}, "empty id", "{\"a\":1}"));
    all.add(new Sample(IdKind.UINT64, "18446744073709551615", plain, "unsigned", "{\"a\":1.0}"));
    all.add(new Sample(IdKind.INT64, "-9223372036854775808", plain, "signed", "{\"a\":\"1\"}"));
    all.add(new Sample(IdKind.INT64, "1", plain, null, null));
    all.add(
        new Sample(IdKind.UUID, "4d1d1a65-5215-4078-b025-e8d1dcc21d3c", plain, "", "{\"u\":null}"));
    all.add(
        new Sample(IdKind.STRING, "4D1D1A65-5215-4078-B025-E8D1DCC21D3C", plain, "capitals", null));
    all.add(new Sample(IdKind.STRING, "q\"uo'te\\\n\tend", plain, "line\nbreak\r\n", "{}"));
    all.add(new Sample(IdKind.STRING, "emoji \uD83D\uDE80 é", plain, "\uD83D\uDE00", "{}"));
    all.add(new Sample(IdKind.STRING, "nul\0id", plain, "a\0b", "{\"n\":\"a\\u0000b\"}"));
    all.add(
        new Sample(IdKind.STRING, "negative-zero", new float[] {-0.0f, 0, -0.0f, 1}, "-0.0", "{}"));
    all.add(
        new Sample(
            IdKind.STRING,
            "denormals",
            new float[] {Float.MIN_VALUE, -Float.MIN_VALUE, 1e-42f, Float.MIN_NORMAL},
            null,
            "{}"));
    all.add(
        new Sample(
            IdKind.STRING,
            "huge",
            new float[] {Float.MAX_VALUE, -Float.MAX_VALUE, 1e38f, 3},
            null,
            "{}"));
    all.add(new Sample(IdKind.STRING, "zero", new float[4], "zero vector", "{}"));
    String[] metadata = {
      "{\"max\":9223372036854775807,\"min\":-9223372036854775808}",
      "{\"huge\":123456789012345678901234567890,\"unsigned\":18446744073709551615}",
      "{\"one\":1,\"float\":1.0,\"exponent\":1e5,\"capital\":1E+05,\"digits\":1.10,\"z\":-0}",
      "{\"far\":1e400,\"tiny\":5e-324,\"third\":0.3333333333333333}",
      "{\"nested\":{\"a\":[1,[2.5,{\"b\":null}],{}],\"empty\":[]},\"t\":true,\"f\":false}",
      "{\"a.b\":1,\"$set\":2,\"\":3,\" \":4,\"é\":5,\"\uD83D\uDE00\":6}",
      "{\"_vecferry_id_kind\":\"int64\",\"_vecferry_no_document\":true,\"kept\":1}",
      "{\"z\":1,\"a\":2,\"m\":\"\\\"\\\\ \\n\"}",
      "{\"text\":\"" + longText + "\"}",
    };
    for (int i = 0; i < metadata.length; i++) {
      all.add(new Sample(IdKind.STRING, "metadata-" + i, plain, longText, metadata[i]));
    }
    return all.stream().filter(this::holds).toList();
  }

  /** Many ordinary records. */
  private static List<Sample> ordinary(int count) {
    return IntStream.range(0, count)
        .mapToObj(
            i ->
                new Sample(
                    IdKind.STRING,
                    "row-" + i,
                    new float[] {i, i % 7, -i, 0.5f},
                    "document " + i,
                    "{\"row\":" + i + "}"))
        .toList();
  }

  protected static RecordBatch batch(List<Sample> samples) {
    TextColumn.Builder ids = new TextColumn.Builder(samples.size());
    TextColumn.Builder documents = new TextColumn.Builder(samples.size());
    TextColumn.Builder metadata = new TextColumn.Builder(samples.size());
    IdKind[] kinds = new IdKind[samples.size()];
    float[] vectors = new float[samples.size() * DIMENSION];
    for (int i = 0; i < samples.size(); i++) {
      Sample sample = samples.get(i);
      ids.add(sample.id());
      kinds[i] = sample.kind();
      documents.add(sample.document());
      metadata.add(sample.metadata());
      System.arraycopy(sample.vector(), 0, vectors, i * DIMENSION, DIMENSION);
    }
    return new RecordBatch(
        samples.isEmpty()
            ? IdColumn.of(IdKind.STRING, ids.build())
            : new IdColumn(ids.build(), kinds),
        List.of(new DenseVectors("", DIMENSION, vectors)),
        documents.build(),
        metadata.build());
  }

  /**
   * Largest deviation of a component that the store is known for, relative to its size above 1; 0
   * when it gives every bit back.
   */
  protected double tolerance() {
    return 0;
  }

  /** So that a changed bit is found in every store that gives all bits back. */
  @Test
  void saysHowFarComponentsMayBe() {
    try (VectorStore store = provider().open(loadSettings())) {
      double said = store.deviation(schema(10));
      assertThat(said == 0).as("%s", said).isEqualTo(tolerance() == 0);
      assertThat(said).isLessThanOrEqualTo(1e-3);
    }
  }

  /** Every record as it was; the order of metadata keys does not count. */
  protected void assertSame(RecordBatch actual, List<Sample> expected) {
    RecordComparator comparator = new RecordComparator(tolerance(), true, true);
    comparator.compare(batch(expected), actual);
    RecordComparator.Result result = comparator.result();
    assertThat(result.differences()).isEmpty();
    assertThat(result.rows()).isEqualTo(expected.size());
    if (tolerance() == 0) {
      assertThat(result.bitExactRows()).isEqualTo(expected.size());
    }
  }

  private StoreSettings loadSettings() {
    return provider().loadSettings(settings(), STAMP.migration());
  }

  private List<Reject> writePart(VectorStore store, String part, List<Sample> samples) {
    try (BatchWriter writer = store.write(part, STAMP)) {
      int step = Math.max(1, samples.size() / 3);
      for (int i = 0; i < samples.size(); i += step) {
        writer.write(batch(samples.subList(i, Math.min(samples.size(), i + step))));
      }
      List<Reject> rejects = writer.finish();
      assertThat(writer.acknowledged()).isEqualTo(samples.size());
      return rejects;
    }
  }

  /** Loads these parts and publishes them. */
  private void load(List<List<Sample>> parts) {
    long rows = parts.stream().mapToLong(List::size).sum();
    List<String> names =
        IntStream.range(0, parts.size()).mapToObj(StoreContractTest::part).toList();
    try (VectorStore store = provider().open(loadSettings())) {
      store.create(schema(rows), STAMP);
      for (int i = 0; i < parts.size(); i++) {
        assertThat(writePart(store, part(i), parts.get(i))).isEmpty();
      }
      store.finishLoad(names, STAMP);
      store.awaitIndexes(STAMP);
    }
    publish();
  }

  private static String part(int number) {
    return String.format("p%04d", number);
  }

  private void publish() {
    try (VectorStore store = provider().open(settings());
        VectorStore load = provider().open(loadSettings())) {
      if (planned == null) {
        planned = store.planSwitch(load, STAMP);
      }
      store.switchTo(planned, STAMP);
    }
  }

  private List<RecordBatch> readAll(VectorStore store, int ranges, int batchSize) {
    List<RecordBatch> batches = new ArrayList<>();
    for (SourceRange range : store.split(ranges)) {
      try (BatchReader reader = store.read(range, null, batchSize)) {
        for (RecordBatch batch = reader.next(); batch != null; batch = reader.next()) {
          batches.add(batch);
        }
      }
    }
    return batches;
  }

  private static List<String> ids(List<RecordBatch> batches) {
    List<String> ids = new ArrayList<>();
    for (RecordBatch batch : batches) {
      for (int i = 0; i < batch.rows(); i++) {
        ids.add(batch.ids().get(i));
      }
    }
    return ids;
  }

  @Test
  void absentCollectionDoesNotExist() {
    try (VectorStore store = provider().open(settings())) {
      assertThat(store.exists()).isFalse();
      assertThat(store.stamp()).isEmpty();
      assertThat(store.drop(STAMP)).isFalse();
    }
  }

  @Test
  void holdsAdversarialRecordsExactly() {
    List<Sample> samples = samples();
    load(List.of(samples.subList(0, 5), samples.subList(5, samples.size())));
    try (VectorStore store = provider().open(settings())) {
      assertThat(store.exists()).isTrue();
      assertThat(store.stamp()).contains(STAMP);
      CollectionInfo info = store.describe();
      assertThat(info.rows()).isEqualTo(samples.size());
      assertThat(info.vectors().get(0).dimension()).isEqualTo(DIMENSION);
      assertThat(info.vectors().get(0).metric()).isEqualTo(metric());
      assertThat(store.assess())
          .filteredOn(finding -> finding.severity() == Finding.Severity.BLOCKING)
          .isEmpty();
      List<RecordBatch> all = readAll(store, 1, 1000);
      assertThat(all).hasSize(1);
      assertSame(store.fetch(batch(samples).ids()), samples);
      List<Sample> backwards = new ArrayList<>(samples);
      java.util.Collections.reverse(backwards);
      assertSame(store.fetch(batch(backwards).ids()), backwards);
      assertThat(ids(all)).containsExactlyInAnyOrderElementsOf(ids(List.of(batch(samples))));
      assertSame(store.fetch(all.get(0).ids()), inOrder(all.get(0), samples));
      assertSame(all.get(0), inOrder(all.get(0), samples));
    }
  }

  private static List<Sample> inOrder(RecordBatch order, List<Sample> samples) {
    List<Sample> ordered = new ArrayList<>();
    for (int i = 0; i < order.rows(); i++) {
      String id = order.ids().get(i);
      ordered.add(samples.stream().filter(sample -> sample.id().equals(id)).findFirst().get());
    }
    return ordered;
  }

  @Test
  void fetchLeavesOutAbsentIdsAndOtherKinds() {
    List<Sample> samples = ordinary(50);
    load(List.of(samples));
    try (VectorStore store = provider().open(settings())) {
      IdColumn wanted = IdColumn.ofStrings("row-3", "absent", "row-49", "row-4", "row-5", "");
      assertSame(
          store.fetch(wanted),
          List.of(samples.get(3), samples.get(49), samples.get(4), samples.get(5)));
      assertThat(store.fetch(IdColumn.ofStrings("absent")).rows()).isZero();
      assertThat(store.fetch(IdColumn.ofStrings()).rows()).isZero();
    }
  }

  @Test
  void writingAPartTwiceIsWritingItOnce() {
    List<Sample> first = ordinary(40).subList(0, 20);
    List<Sample> second = ordinary(40).subList(20, 40);
    try (VectorStore store = provider().open(loadSettings())) {
      store.create(schema(40), STAMP);
      store.create(schema(40), STAMP);
      writePart(store, part(1), second);
      try (BatchWriter abandoned = store.write(part(0), STAMP)) {
        abandoned.write(batch(first.subList(0, 7)));
      }
      writePart(store, part(0), first);
      writePart(store, part(0), first);
      try (BatchWriter one = store.write(part(1), STAMP);
          BatchWriter other = store.write(part(1), STAMP)) {
        one.write(batch(second));
        other.write(batch(second));
        assertThat(other.finish()).isEmpty();
        assertThat(one.finish()).isEmpty();
      }
      store.finishLoad(List.of(part(0), part(1)), STAMP);
      store.finishLoad(List.of(part(0), part(1)), STAMP);
      store.awaitIndexes(STAMP);
    }
    publish();
    publish();
    try (VectorStore store = provider().open(settings())) {
      assertThat(store.describe().rows()).isEqualTo(40);
      assertThat(ids(readAll(store, 3, 7)))
          .containsExactlyInAnyOrderElementsOf(ids(List.of(batch(ordinary(40)))));
    }
  }

  @Test
  void removesRecordsOfItsOwnLoadOnly() {
    List<Sample> adversarial = samples();
    List<Sample> ordinary = ordinary(2100);
    // Every other one, more than one request holds.
    List<Sample> removed =
        Stream.concat(
                IntStream.range(0, adversarial.size() / 2).mapToObj(i -> adversarial.get(2 * i)),
                IntStream.range(0, ordinary.size() / 2).mapToObj(i -> ordinary.get(2 * i)))
            .toList();
    List<Sample> all = new ArrayList<>(adversarial);
    all.addAll(ordinary);
    List<Sample> kept = new ArrayList<>(all);
    kept.removeAll(removed);
    try (VectorStore store = provider().open(loadSettings())) {
      store.create(schema(all.size()), STAMP);
      assertThat(writePart(store, part(0), all)).isEmpty();
      if (!provider().removesRecords()) {
        assertThatThrownBy(() -> store.remove(batch(removed).ids(), STAMP))
            .isInstanceOfSatisfying(
                StoreException.class,
                e -> assertThat(e.failureClass()).isEqualTo(FailureClass.INCOMPATIBLE));
        store.drop(STAMP);
        return;
      }
      store.finishLoad(List.of(part(0)), STAMP);
      assertThatThrownBy(() -> store.remove(batch(removed).ids(), FOREIGN))
          .isInstanceOfSatisfying(
              StoreException.class,
              e -> assertThat(e.failureClass()).isEqualTo(FailureClass.TARGET_CHANGED));
      assertThat(store.describe().rows()).isEqualTo(all.size());
      store.remove(batch(removed).ids(), STAMP);
      assertThat(store.fetch(batch(removed).ids()).rows()).isZero();
      // Absent ones are passed over; nothing is nothing.
      store.remove(batch(removed.subList(0, 2)).ids(), STAMP);
      store.remove(IdColumn.ofStrings(), STAMP);
      store.finishLoad(List.of(part(0)), STAMP);
      assertThat(store.describe().rows()).isEqualTo(kept.size());
      assertSame(store.fetch(batch(all).ids()), kept);
      // What comes again is there as it comes, and nothing is left of what it was.
      Sample old = removed.get(removed.size() - 1);
      Sample again = new Sample(old.kind(), old.id(), new float[] {9, 8, 7, 6}, null, "{\"x\":1}");
      assertThat(writePart(store, part(1), List.of(again))).isEmpty();
      store.finishLoad(List.of(part(0), part(1)), STAMP);
      assertSame(store.fetch(batch(List.of(old)).ids()), List.of(again));
      assertThat(store.describe().rows()).isEqualTo(kept.size() + 1);
      store.drop(STAMP);
    }
  }

  @Test
  void readsOnFromACursorInAnotherProcess() {
    load(List.of(ordinary(100), ordinary(230).subList(100, 230)));
    List<String> all;
    List<SourceRange> ranges;
    try (VectorStore store = provider().open(settings())) {
      ranges = store.split(3);
      assertThat(ranges.stream().mapToLong(SourceRange::rows).sum()).isEqualTo(230);
      all = ids(readAll(store, 3, 1000));
      assertThat(all).hasSize(230).doesNotHaveDuplicates();
      assertThat(store.split(1000)).hasSizeLessThanOrEqualTo(1000);
      assertThat(ids(readAll(store, 1000, 1))).containsExactlyInAnyOrderElementsOf(all);
    }
    List<String> resumed = new ArrayList<>();
    for (SourceRange range : ranges) {
      String cursor = null;
      boolean more = true;
      while (more) {
        try (VectorStore store = provider().open(settings());
            BatchReader reader = store.read(range, cursor, 11)) {
          RecordBatch batch = reader.next();
          more = batch != null;
          if (more) {
            assertThat(batch.rows()).isBetween(1, 11);
            resumed.addAll(ids(List.of(batch)));
            cursor = reader.cursor();
          }
        }
      }
    }
    assertThat(resumed).isEqualTo(all);
  }

  @Test
  void severalThreadsFetchDifferentParts() {
    List<Sample> samples = ordinary(4000);
    load(List.of(samples.subList(0, 1500), samples.subList(1500, 4000)));
    try (VectorStore store = provider().open(settings())) {
      List<CompletableFuture<Void>> fetches = new ArrayList<>();
      for (int thread = 0; thread < 4; thread++) {
        List<Sample> mine = samples.subList(thread * 1000, thread * 1000 + 1000);
        fetches.add(
            CompletableFuture.runAsync(
                () -> {
                  for (int i = 0; i < mine.size(); i += 100) {
                    List<Sample> some = mine.subList(i, i + 100);
                    assertSame(store.fetch(batch(some).ids()), some);
                  }
                },
                task -> new Thread(task).start()));
      }
      fetches.forEach(CompletableFuture::join);
    }
  }

  @Test
  void searchFindsTheNearest() {
    List<Sample> samples = ordinary(100);
    load(List.of(samples.subList(0, 60), samples.subList(60, 100)));
    try (VectorStore store = provider().open(settings())) {
      float[] queries = {10, 10 % 7, -10, 0.5f, 77, 77 % 7, -77, 0.5f};
      Neighbours found = store.search("", queries, 2, 3);
      assertThat(found.counts()).containsExactly(3, 3);
      for (int query = 0; query < 2; query++) {
        Sample nearest = nearest(samples, Arrays.copyOfRange(queries, 4 * query, 4 * query + 4));
        assertThat(found.ids().get(3 * query)).isEqualTo(nearest.id());
      }
      float[] scores = found.scores();
      switch (metric()) {
        case L2 -> {
          assertThat(scores[0]).isBetween(0f, (float) tolerance());
          assertThat(scores[1]).isGreaterThan(0).isLessThanOrEqualTo(scores[2]);
        }
        case COSINE -> {
          assertThat(scores[0]).isCloseTo(1, within(1e-6f));
          assertThat(scores[1]).isLessThanOrEqualTo(1).isGreaterThanOrEqualTo(scores[2]);
        }
        default -> {
          assertThat(scores[0]).isEqualTo((float) score(queries, nearest(samples, queries)));
          assertThat(scores[0]).isGreaterThan(scores[1]);
        }
      }
      int all = store.search("", new float[] {1, 1, 1, 1}, 1, 200).counts()[0];
      // A graph does not lead to every vector.
      assertThat(all).isBetween(store.searchesExactly("") ? 100 : 80, 100);
    }
  }

  @Test
  void searchesLookAsFarAsTheyAreTold() {
    List<Sample> samples = ordinary(100);
    load(List.of(samples));
    try (VectorStore store = provider().open(settings())) {
      float[] query = {10, 10 % 7, -10, 0.5f};
      Optional<SearchWidth> width = store.searchWidth("", 3);
      assertThat(width.isEmpty() || !store.searchesExactly("")).isTrue();
      width.ifPresent(
          known -> {
            assertThat(known.used()).isBetween(1L, known.largest());
            for (long value : new long[] {known.used(), Math.min(100, known.largest())}) {
              Neighbours found = store.search("", query, 1, 3, value);
              assertThat(found.counts()).containsExactly(3);
              assertThat(found.ids().get(0)).isEqualTo(nearest(samples, query).id());
            }
          });
    }
  }

  @Test
  void searchesKeepToAFilterWhereTheyTakeOne() {
    String[] colours = {"it's \\\"red\\\"", "blue \u00e9\u4e2d", "red"};
    List<Sample> samples =
        ordinary(60).stream()
            .map(
                sample -> {
                  int row = Integer.parseInt(sample.id().substring("row-".length()));
                  return new Sample(
                      sample.kind(),
                      sample.id(),
                      sample.vector(),
                      sample.document(),
                      "{\"row\":" + row + ",\"colour\":\"" + colours[row % 3] + "\"}");
                })
            .toList();
    load(List.of(samples));
    try (VectorStore store = provider().open(settings())) {
      for (int colour = 0; colour < colours.length; colour++) {
        int rest = colour;
        TextFilter only = new TextFilter("colour", colours[colour].replace("\\", ""));
        if (store.canFilter(only)) {
          List<Sample> allowed =
              IntStream.range(0, 60).filter(i -> i % 3 == rest).mapToObj(samples::get).toList();
          float[] query = {10, 10 % 7, -10, 0.5f};
          Neighbours found = store.search("", query, 1, 5, only);
          assertThat(found.counts()).containsExactly(5);
          List<String> ids = IntStream.range(0, 5).mapToObj(found.ids()::get).toList();
          assertThat(allowed.stream().map(Sample::id)).containsAll(ids);
          assertThat(ids.get(0)).isEqualTo(nearest(allowed, query).id());
        }
      }
    }
  }

  private Sample nearest(List<Sample> samples, float[] query) {
    return samples.stream()
        .max(Comparator.comparingDouble(sample -> score(query, sample)))
        .orElseThrow();
  }

  /** Larger is nearer, whatever the metric. */
  private double score(float[] query, Sample sample) {
    double product = 0;
    double distance = 0;
    double squares = 0;
    for (int i = 0; i < DIMENSION; i++) {
      float component = sample.vector()[i];
      product += query[i] * component;
      distance += (query[i] - component) * (query[i] - component);
      squares += component * component;
    }
    return switch (metric()) {
      case L2 -> -distance;
      case COSINE -> product / Math.sqrt(squares);
      default -> product;
    };
  }

  @Test
  void holdsAnEmptyCollection() {
    load(List.of());
    try (VectorStore store = provider().open(settings())) {
      assertThat(store.describe().rows()).isZero();
      assertThat(readAll(store, 4, 10)).isEmpty();
      assertThat(store.fetch(IdColumn.ofStrings("x")).rows()).isZero();
    }
  }

  @Test
  void rejectsVectorsThatAreNotFinite() {
    List<Sample> samples = new ArrayList<>(ordinary(10));
    samples.set(4, new Sample(IdKind.STRING, "bad", new float[] {1, Float.NaN, 0, 0}, null, null));
    try (VectorStore store = provider().open(loadSettings())) {
      store.create(schema(10), STAMP);
      List<Reject> rejects = writePart(store, part(0), samples);
      assertThat(rejects).singleElement().extracting(Reject::id).isEqualTo("bad");
      assertThat(rejects.get(0).reason()).contains("1").contains("NaN");
      store.finishLoad(List.of(part(0)), STAMP);
    }
    publish();
    try (VectorStore store = provider().open(settings())) {
      assertThat(store.describe().rows()).isEqualTo(9);
    }
  }

  @Test
  void neverTouchesWhatAnotherMigrationMade() {
    load(List.of(ordinary(10)));
    try (VectorStore store = provider().open(settings())) {
      assertThatThrownBy(() -> store.drop(FOREIGN))
          .isInstanceOfSatisfying(
              StoreException.class,
              e -> assertThat(e.failureClass()).isEqualTo(FailureClass.TARGET_CHANGED));
      assertThatThrownBy(() -> store.create(schema(1), FOREIGN))
          .isInstanceOfSatisfying(
              StoreException.class,
              e -> assertThat(e.failureClass()).isEqualTo(FailureClass.TARGET_CHANGED));
    }
    try (VectorStore store = provider().open(settings())) {
      assertThatThrownBy(() -> store.switchTo(planned, FOREIGN))
          .isInstanceOfSatisfying(
              StoreException.class,
              e -> assertThat(e.failureClass()).isEqualTo(FailureClass.TARGET_CHANGED));
      assertThat(store.exists()).isTrue();
      assertThat(store.describe().rows()).isEqualTo(10);
    }
  }

  @Test
  void dropRemovesWhatWasMade() {
    load(List.of(ordinary(10)));
    try (VectorStore store = provider().open(settings())) {
      assertThat(store.drop(STAMP)).isTrue();
      assertThat(store.exists()).isFalse();
      assertThat(store.drop(STAMP)).isFalse();
    }
    try (VectorStore load = provider().open(loadSettings())) {
      load.create(schema(1), STAMP);
      writePart(load, part(0), ordinary(1));
      assertThat(load.drop(STAMP)).isTrue();
      assertThat(load.exists()).isFalse();
    }
  }

  /** What has a name before a switch. */
  protected enum Taken {
    COLLECTION,
    ALIAS
  }

  /** The migration that made what is replaced. */
  protected static final LoadStamp EARLIER = new LoadStamp("earlier", "load-0");

  /** Makes an alias, or makes it lead elsewhere; stores without aliases leave this as it is. */
  protected void alias(String alias, String collection) {
    Assumptions.abort("this store has no aliases");
  }

  /** The key of the settings that names a collection. */
  protected String nameKey() {
    return "collection";
  }

  /** All that is set up around a collection; what cannot be the same again is left out. */
  protected Object setup(String collection, CollectionInfo info) {
    return info;
  }

  /**
   * States in which a killed worker may leave a switch, in words, with what makes each of them
   * where nothing has been switched. Empty where there is one call only.
   */
  protected Map<String, Runnable> interruptions(NameSwitch planned) {
    return Map.of();
  }

  /** The same for the way back, where a switch was made. */
  protected Map<String, Runnable> interruptionsOfTheWayBack(NameSwitch planned) {
    return Map.of();
  }

  /** Gives a collection what else there may be around one, as other aliases. */
  protected void decorate(String collection) {}

  protected static List<Sample> labelled(String label) {
    return IntStream.range(0, 60)
        .mapToObj(
            i ->
                new Sample(
                    IdKind.STRING,
                    "row-" + i,
                    new float[] {i + 1, i % 7, -i, 0.5f},
                    label + " " + i,
                    "{\"row\":" + i + "}"))
        .toList();
  }

  protected StoreSettings named(String collection) {
    return settings().with(nameKey(), collection);
  }

  protected String name() {
    return settings().text(nameKey()).orElseThrow();
  }

  StoreSettings besideSettings() {
    return provider().loadBesideSettings(settings(), STAMP.migration());
  }

  protected void make(StoreSettings where, LoadStamp stamp, List<Sample> samples) {
    try (VectorStore store = provider().open(where)) {
      store.create(schema(samples.size()), stamp);
      try (BatchWriter writer = store.write(part(0), stamp)) {
        writer.write(batch(samples));
        assertThat(writer.finish()).isEmpty();
      }
      store.finishLoad(List.of(part(0)), stamp);
    }
  }

  /** What is replaced; for an alias, under a name of its own. */
  protected final void makeOld(Taken taken) {
    String own = taken == Taken.ALIAS ? name() + "_old" : name();
    make(named(own), EARLIER, labelled("old"));
    if (taken == Taken.ALIAS) {
      alias(name(), own);
    }
  }

  /** All that can be told of what a name leads to. */
  private Object state() {
    try (VectorStore store =
        provider().open(new StoreSettings("source", settings().values().deepCopy()))) {
      assertReads("old");
      return setup(name(), store.describe());
    }
  }

  protected final void assertReads(String label) {
    try (VectorStore store = provider().open(settings())) {
      List<Sample> samples = labelled(label);
      assertThat(store.describe().rows()).isEqualTo(samples.size());
      assertSame(store.fetch(batch(samples).ids()), samples);
    }
  }

  NameSwitch plan() {
    try (VectorStore store = provider().open(settings());
        VectorStore load = provider().open(besideSettings())) {
      // A plan is kept as JSON.
      JsonMapper mapper = JsonMapper.builder().build();
      return mapper.readValue(
          mapper.writeValueAsString(store.planSwitch(load, STAMP)), NameSwitch.class);
    } catch (JsonProcessingException e) {
      throw new AssertionError(e);
    }
  }

  private void switchTo(NameSwitch planned) {
    try (VectorStore store = provider().open(settings())) {
      store.switchTo(planned, STAMP);
    }
  }

  private void switchBack(NameSwitch planned) {
    try (VectorStore store = provider().open(settings())) {
      store.switchBack(planned, STAMP);
    }
  }

  private void assertChanged(ThrowingCallable call) {
    assertThatThrownBy(call)
        .isInstanceOfSatisfying(
            StoreException.class,
            e ->
                assertThat(e.failureClass())
                    .as(e.getMessage())
                    .isEqualTo(FailureClass.TARGET_CHANGED));
  }

  private boolean dropLoad() {
    try (VectorStore load = provider().open(besideSettings())) {
      return load.drop(STAMP);
    }
  }

  /** What readers may be told where the switch of a name has a short gap. */
  protected List<FailureClass> failuresInTheGap() {
    return List.of(FailureClass.MISSING);
  }

  /** Whether a collection can be renamed while somebody reads it. */
  protected boolean survivesReadersInTheGap() {
    return true;
  }

  /** Reads by the user's name all the time, and keeps what went wrong. */
  private final class Reader implements AutoCloseable {
    private final List<String> wrong = new CopyOnWriteArrayList<>();
    private final List<StoreException> errors = new CopyOnWriteArrayList<>();
    private final AtomicLong reads = new AtomicLong();
    private volatile boolean stopped;
    private final Thread thread = new Thread(this::run);

    /**
     * @param reads whether it reads at all
     */
    Reader(boolean reads) {
      stopped = !reads;
      thread.start();
      await(1);
    }

    private void run() {
      while (!stopped) {
        try (VectorStore store = provider().open(settings())) {
          RecordBatch read = store.fetch(IdColumn.ofStrings("row-7"));
          String document = read.rows() == 1 ? read.documents().get(0) : read.rows() + " rows";
          if (!document.equals("old 7") && !document.equals("new 7")) {
            wrong.add(document);
          }
        } catch (StoreException e) {
          errors.add(e);
        } catch (RuntimeException e) {
          wrong.add(e.toString());
        }
        reads.incrementAndGet();
      }
    }

    /** Waits until that many more reads were made. */
    private void await(int more) {
      long until = reads.get() + more;
      long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
      while (!stopped && reads.get() < until) {
        assertThat(System.nanoTime()).as("%s reads", reads).isLessThan(deadline);
        LockSupport.parkNanos(1_000_000);
      }
    }

    @Override
    public void close() {
      stopped = true;
      try {
        thread.join(60_000);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }
  }

  @ParameterizedTest
  @EnumSource(Taken.class)
  void readersAreSwitchedAndSwitchedBack(Taken taken) {
    makeOld(taken);
    decorate(taken == Taken.ALIAS ? name() + "_old" : name());
    Object before = state();
    NameSwitch planned = plan();
    assertThat(planned.words()).contains("`");
    if (!planned.possible()) {
      assertThatThrownBy(() -> switchTo(planned))
          .isInstanceOfSatisfying(
              StoreException.class,
              e -> assertThat(e.failureClass()).isEqualTo(FailureClass.INCOMPATIBLE));
      assertThat(state()).isEqualTo(before);
      return;
    }
    assertThat(planned.details()).containsEntry(NameSwitch.ROWS, "60");
    make(besideSettings(), STAMP, labelled("new"));
    assertThat(plan()).isEqualTo(planned);
    boolean reads = planned.gap() == NameSwitch.Gap.NONE || survivesReadersInTheGap();
    try (Reader reader = new Reader(reads)) {
      switchTo(planned);
      reader.await(3);
      switchTo(planned);
      assertReads("new");
      assertChanged(this::plan);
      switchBack(planned);
      reader.await(3);
      switchBack(planned);
      reader.close();
      assertThat(reader.wrong).isEmpty();
      if (planned.gap() == NameSwitch.Gap.NONE) {
        assertThat(reader.errors).isEmpty();
      }
      assertThat(reader.errors)
          .extracting(StoreException::failureClass)
          .isSubsetOf(failuresInTheGap());
    }
    assertThat(state()).isEqualTo(before);
    interruptions(planned)
        .forEach(
            (words, interruption) -> {
              NameSwitch first = plan();
              interruption.run();
              switchBack(first);
              assertThat(state()).as("back, " + words).isEqualTo(before);
              NameSwitch second = plan();
              interruption.run();
              switchTo(second);
              assertReads("new");
              switchBack(second);
              assertThat(state()).as("to and back, " + words).isEqualTo(before);
            });
    interruptionsOfTheWayBack(planned)
        .forEach(
            (words, interruption) -> {
              NameSwitch again = plan();
              switchTo(again);
              interruption.run();
              switchBack(again);
              assertThat(state()).as("back, " + words).isEqualTo(before);
            });
    assertThat(dropLoad()).isTrue();
    assertThat(state()).isEqualTo(before);
    switchBack(planned);
    assertThat(dropLoad()).isFalse();
    assertThat(state()).isEqualTo(before);
  }

  @ParameterizedTest
  @EnumSource(Taken.class)
  void whatOthersChangedIsNotOverwritten(Taken taken) {
    makeOld(taken);
    NameSwitch planned = plan();
    if (!planned.possible()) {
      return;
    }
    assertThatThrownBy(() -> switchTo(planned))
        .isInstanceOfSatisfying(
            StoreException.class,
            e -> assertThat(e.failureClass()).isEqualTo(FailureClass.MISSING));
    assertReads("old");
    make(besideSettings(), new LoadStamp("somebody-else", "load-9"), labelled("foreign"));
    assertChanged(() -> switchTo(planned));
    assertReads("old");
    try (VectorStore foreign = provider().open(besideSettings())) {
      foreign.drop(FOREIGN);
    }
    make(besideSettings(), STAMP, labelled("new"));
    if (taken == Taken.ALIAS) {
      String third = name() + "_third";
      make(named(third), new LoadStamp("earlier", "load-3"), labelled("third"));
      alias(name(), third);
      assertChanged(() -> switchTo(planned));
      assertChanged(() -> switchBack(planned));
      assertReads("third");
      alias(name(), planned.before());
      switchTo(planned);
      alias(name(), third);
      assertChanged(() -> switchBack(planned));
      assertChanged(
          () -> {
            try (VectorStore store = provider().open(settings())) {
              store.dropReplaced(planned, STAMP);
            }
          });
      assertReads("third");
      alias(name(), planned.before());
    }
    changeOld(planned);
    assertChanged(() -> switchTo(planned));
    try (VectorStore store = provider().open(settings())) {
      assertThat(store.describe().rows()).isEqualTo(61);
      assertChanged(() -> store.dropReplaced(planned, STAMP));
    }
    NameSwitch anew = plan();
    switchTo(anew);
    assertReads("new");
    try (VectorStore store = provider().open(settings())) {
      assertThat(store.dropReplaced(anew, STAMP)).isTrue();
      assertThat(store.dropReplaced(anew, STAMP)).isFalse();
    }
    assertReads("new");
    assertChanged(() -> switchBack(anew));
    assertReads("new");
    try (VectorStore kept = provider().open(named(anew.kept()))) {
      assertThat(kept.exists()).isFalse();
    }
  }

  /**
   * How many random sequences of switches run, for each kind of name. Names know nothing of
   * metrics.
   */
  protected int sequences() {
    return Integer.getInteger("vecferry.switch.sequences", metric() == Metric.L2 ? 1 : 0);
  }

  /** Whether a collection that gives up its name is copied, and is another one when it is back. */
  protected boolean clones() {
    return false;
  }

  /** Whether what is kept of a collection under another name can be read there as it is. */
  protected boolean readsWhatIsKept() {
    return true;
  }

  /** Removes all that a test has made, so that another can begin. */
  protected abstract void clear();

  /**
   * {@code -Dvecferry.switch.sequences=N} for more of them, {@code -Dvecferry.switch.seed=N} for
   * the one that a failure names.
   */
  @ParameterizedTest
  @EnumSource(Taken.class)
  void randomSwitchesDoWhatTheModelSays(Taken taken) {
    Integer only = Integer.getInteger("vecferry.switch.seed");
    int end = only == null ? sequences() : only + 1;
    int done = 0;
    for (int seed = only == null ? 0 : only; seed < end; seed++) {
      SwitchSequence sequence = new SwitchSequence(this, taken, seed);
      try {
        done += sequence.run();
      } catch (AssertionError | RuntimeException e) {
        if (e instanceof TestAbortedException) {
          throw e;
        }
        throw new AssertionError("-Dvecferry.switch.seed=" + seed + ": " + sequence, e);
      }
      clear();
    }
    System.out.println(taken + ": " + done + " things done");
  }

  /** A record that somebody adds. */
  protected static Sample late() {
    return new Sample(IdKind.STRING, "late", new float[] {1, 2, 3, 4}, "late", "{}");
  }

  /** Adds a record to what is to be replaced. */
  protected void changeOld(NameSwitch planned) {
    try (VectorStore old = provider().open(named(planned.before()))) {
      try (BatchWriter writer = old.write(part(1), EARLIER)) {
        writer.write(batch(List.of(late())));
        assertThat(writer.finish()).isEmpty();
      }
      old.finishLoad(List.of(part(0), part(1)), EARLIER);
    }
  }

  @Test
  void aNameThatWasFreeIsFreeAgain() {
    NameSwitch free = plannedFree();
    assertThat(free.before()).isEmpty();
    assertThat(free.kept()).isEmpty();
    assertThat(free.gap()).isEqualTo(NameSwitch.Gap.NONE);
    load(List.of(ordinary(10)));
    switchBack(free);
    switchBack(free);
    try (VectorStore load = provider().open(loadSettings())) {
      assertThat(load.stamp()).contains(STAMP);
      assertThat(load.describe().rows()).isEqualTo(10);
      assertThat(load.drop(STAMP)).isTrue();
    }
    switchBack(free);
    absentCollectionDoesNotExist();
    make(settings(), EARLIER, labelled("old"));
    assertChanged(() -> switchBack(free));
    assertChanged(() -> switchTo(free));
    assertReads("old");
  }

  private NameSwitch plannedFree() {
    try (VectorStore store = provider().open(settings());
        VectorStore load = provider().open(loadSettings())) {
      return store.planSwitch(load, STAMP);
    }
  }
}
