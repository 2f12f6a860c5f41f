package io.vecferry.phase;

import io.vecferry.plan.CanaryResult;
import io.vecferry.plan.FailureClass;
import io.vecferry.plan.Finding;
import io.vecferry.plan.RecordProfile;
import io.vecferry.record.DenseVectors;
import io.vecferry.record.IdColumn;
import io.vecferry.record.RecordBatch;
import io.vecferry.record.VectorKind;
import io.vecferry.spec.MigrationSpec;
import io.vecferry.store.BatchWriter;
import io.vecferry.store.CollectionInfo;
import io.vecferry.store.LoadSchema;
import io.vecferry.store.LoadStamp;
import io.vecferry.store.Metric;
import io.vecferry.store.Neighbours;
import io.vecferry.store.Reject;
import io.vecferry.store.StoreException;
import io.vecferry.store.StoreProvider;
import io.vecferry.store.StoreSettings;
import io.vecferry.store.Stores;
import io.vecferry.store.VectorFieldInfo;
import io.vecferry.store.VectorStore;
import io.vecferry.verify.Difference;
import io.vecferry.verify.RecordComparator;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Moves a few records to a scratch collection on the target, as the migration would, and removes it
 * again: what goes wrong is known before anything is exported. The collection carries a stamp; one
 * that a killed process has left is removed by the next canary of the same migration.
 */
final class Canary {
  private static final String OFF = "Correct that, or set canary: false to plan without.";
  private static final String LOAD = "canary-";
  private static final List<String> PARTS = List.of("p000-000000", "p001-000000", "p002-000000");
  private static final int SEARCHES = 20;
  private static final int SEARCH_ROUNDS = 3;
  private static final int NEAREST = 10;
  private static final double SCORE_TOLERANCE = 1e-3;

  private final MigrationSpec spec;
  private final CollectionInfo source;
  private final RecordProfile profile;
  private final LoadStamp stamp;
  private final StoreProvider provider;
  private final StoreSettings settings;

  Canary(MigrationSpec spec, CollectionInfo source, RecordProfile profile) {
    this.spec = spec;
    this.source = source;
    this.profile = profile;
    // Attempts that overlap must not remove what the other one has made.
    this.stamp = new LoadStamp(spec.name(), LOAD + UUID.randomUUID());
    this.provider = Stores.get(spec.target().type());
    this.settings =
        provider.loadBesideSettings(
            new StoreSettings("target", spec.target().settings()), spec.name() + "-canary");
  }

  /**
   * Runs it.
   *
   * @param sample real records of the source, at least one
   * @param readRowsPerSecond speed at which they were read
   * @param findings where to add what is found
   * @return what was measured; null when the canary did not come to its end
   * @throws StoreException when trying again may help
   */
  CanaryResult run(List<RecordBatch> sample, double readRowsPerSecond, List<Finding> findings) {
    if (settings.values().equals(spec.target().settings())) {
      // Without a name of its own nothing is tried.
      return null;
    }
    try (VectorStore scratch = provider.open(settings)) {
      scratch
          .stamp()
          .filter(found -> found.migration().equals(spec.name()) && found.loadId().startsWith(LOAD))
          .ifPresent(scratch::drop);
      try {
        return tryOut(scratch, sample, readRowsPerSecond, findings);
      } finally {
        remove(scratch);
      }
    } catch (StoreException e) {
      if (e.failureClass().retryable()) {
        throw e;
      }
      findings.add(blocking("records cannot be tried on the target: " + e.getMessage()));
      return null;
    }
  }

  /** Also for a step that was interrupted. */
  private void remove(VectorStore scratch) {
    boolean interrupted = Thread.interrupted();
    try {
      scratch.drop(stamp);
    } catch (StoreException e) {
      if (e.failureClass() != FailureClass.TARGET_CHANGED) {
        throw e;
      }
    } finally {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  private CanaryResult tryOut(
      VectorStore scratch,
      List<RecordBatch> sample,
      double readRowsPerSecond,
      List<Finding> findings) {
    LoadSchema schema = Planner.loadSchema(spec, source, profile);
    CanaryRows made = new CanaryRows(schema, sample);
    long rows = sample.stream().mapToLong(RecordBatch::rows).sum();
    long madeRows = made.batch().rows();
    scratch.create(ofRows(schema, rows + madeRows), stamp);

    Speed writing = new Speed();
    List<Reject> refused = new ArrayList<>();
    int half = sample.size() / 2;
    refused.addAll(write(scratch, PARTS.get(0), sample.subList(0, half), writing));
    refused.addAll(write(scratch, PARTS.get(1), sample.subList(half, sample.size()), writing));
    List<Reject> refusedMade = write(scratch, PARTS.get(2), List.of(made.batch()), new Speed());
    long loaded = System.nanoTime();
    scratch.finishLoad(PARTS, stamp);
    scratch.awaitIndexes(stamp);
    double finishing = (System.nanoTime() - loaded) / 1e9;
    Speed fetching = new Speed();
    RecordComparator.Result compared = compare(scratch, schema, sample, fetching);
    RecordComparator.Result comparedMade =
        compare(scratch, schema, List.of(made.batch()), new Speed());
    Speed searching = new Speed();
    Searched searched = new Searched(0, 0);
    for (int i = 0; i < SEARCH_ROUNDS; i++) {
      long start = System.nanoTime();
      searched = search(scratch, schema.vectors(), sample);
      searching.add(searched.asked(), start);
    }

    report(refused, compared, findings);
    reportMade(refusedMade, comparedMade, made.descriptions(), findings);
    report(searched, findings);
    return new CanaryResult(
        Planner.nameOf(settings.values()),
        rows,
        madeRows,
        compared.bitExactRows() + comparedMade.bitExactRows(),
        compared.withinToleranceRows() + comparedMade.withinToleranceRows(),
        Math.max(compared.largestRelative(), comparedMade.largestRelative()),
        searched.asked(),
        searched.found(),
        readRowsPerSecond,
        writing.perSecond,
        fetching.perSecond,
        searched.asked() == 0 ? 0 : 1000 / searching.perSecond,
        finishing);
  }

  /**
   * The fastest of several measurements: the first of them opens connections and loads classes,
   * which a long run does once.
   */
  private static final class Speed {
    private double perSecond;

    void add(long count, long startNanos) {
      perSecond = Math.max(perSecond, count * 1e9 / Math.max(1, System.nanoTime() - startNanos));
    }
  }

  private static LoadSchema ofRows(LoadSchema whole, long rows) {
    return new LoadSchema(
        whole.vectors(),
        whole.idKinds(),
        whole.sourceStore(),
        rows,
        whole.profile(),
        whole.configuration(),
        whole.sourceVectors());
  }

  private List<Reject> write(
      VectorStore scratch, String part, List<RecordBatch> batches, Speed speed) {
    long start = System.nanoTime();
    try (BatchWriter writer = scratch.write(part, stamp)) {
      batches.forEach(writer::write);
      List<Reject> refused = writer.finish();
      speed.add(batches.stream().mapToLong(RecordBatch::rows).sum(), start);
      return refused;
    }
  }

  private RecordComparator.Result compare(
      VectorStore scratch, LoadSchema schema, List<RecordBatch> batches, Speed speed) {
    RecordComparator comparator =
        new RecordComparator(
            Workspace.tolerance(spec, scratch, schema),
            spec.validation().checkVectors(),
            spec.validation().checkMetadata());
    for (RecordBatch batch : batches) {
      long start = System.nanoTime();
      comparator.compare(batch, scratch.fetch(batch.ids()));
      speed.add(batch.rows(), start);
    }
    return comparator.result();
  }

  private void report(
      List<Reject> refused, RecordComparator.Result compared, List<Finding> findings) {
    if (!refused.isEmpty()) {
      String message =
          String.format(
              Locale.ROOT,
              "of %,d records of the source the target refuses %,d, import.maxRejects is %,d. The"
                  + " first: \"%s\": %s",
              compared.rows(),
              refused.size(),
              spec.load().maxRejects(),
              refused.get(0).id(),
              refused.get(0).reason());
      findings.add(
          refused.size() > spec.load().maxRejects()
              ? blocking(message)
              : Finding.warning("canary", message, ""));
    }
    if (compared.differentRows() > 0 || compared.missingRows() != refused.size()) {
      findings.add(
          blocking(
              String.format(
                  Locale.ROOT,
                  "of %,d records of the source %,d come back different from the target and %,d"
                      + " not at all, %,d of which were refused.%s",
                  compared.rows(),
                  compared.differentRows(),
                  compared.missingRows(),
                  refused.size(),
                  differences(compared, refused)
                      .findFirst()
                      .map(first -> " The first: " + words(first))
                      .orElse(""))));
    }
  }

  /** In what records differ that the target has not refused. */
  private static Stream<Difference> differences(
      RecordComparator.Result compared, List<Reject> refused) {
    Set<String> refusedIds = refused.stream().map(Reject::id).collect(Collectors.toSet());
    return compared.differences().stream()
        .filter(difference -> !refusedIds.contains(difference.id()));
  }

  private static void reportMade(
      List<Reject> refused,
      RecordComparator.Result compared,
      Map<String, String> descriptions,
      List<Finding> findings) {
    for (Reject reject : refused) {
      findings.add(
          Finding.warning(
              "canary",
              "the target would refuse a record with "
                  + descriptions.get(reject.id())
                  + ": "
                  + reject.reason(),
              ""));
    }
    differences(compared, refused)
        .forEach(
            difference ->
                findings.add(
                    blocking(
                        "a made-up record with "
                            + descriptions.get(difference.id())
                            + " comes back different from the target: "
                            + words(difference))));
  }

  private static void report(Searched searched, List<Finding> findings) {
    if (searched.found() < searched.asked()) {
      findings.add(
          Finding.warning(
              "canary",
              String.format(
                  Locale.ROOT,
                  "of %d records that were searched for by their own vectors the target finds %d"
                      + " among the %d nearest.",
                  searched.asked(),
                  searched.found(),
                  NEAREST),
              "Another index, or other parameters of it, may find more."));
    }
  }

  private static String words(Difference difference) {
    return String.format(
        Locale.ROOT,
        "\"%s\", %s%s: expected %s, got %s.",
        difference.id(),
        difference.kind().name().toLowerCase(Locale.ROOT),
        difference.field().isEmpty() ? "" : " " + difference.field(),
        difference.expected(),
        difference.actual());
  }

  private static Finding blocking(String message) {
    return Finding.blocking("canary", message, OFF);
  }

  private record Searched(int asked, int found) {}

  /** Asks for records by their own vectors, in the first dense field. */
  private static Searched search(
      VectorStore scratch, List<VectorFieldInfo> fields, List<RecordBatch> sample) {
    RecordBatch batch = sample.get(0);
    for (int i = 0; i < fields.size(); i++) {
      if (fields.get(i).kind() == VectorKind.DENSE) {
        DenseVectors column = (DenseVectors) batch.vectors().get(i);
        int[] rows = new int[Math.min(SEARCHES, batch.rows())];
        int count = 0;
        for (int row = 0; row < batch.rows() && count < rows.length; row++) {
          if (!column.isNull(row)) {
            rows[count++] = row;
          }
        }
        rows = Arrays.copyOf(rows, count);
        return count == 0
            ? new Searched(0, 0)
            : search(scratch, fields.get(i), column.select(rows), batch.ids().select(rows));
      }
    }
    return new Searched(0, 0);
  }

  private static Searched search(
      VectorStore scratch, VectorFieldInfo field, DenseVectors queries, IdColumn ids) {
    Neighbours answers = scratch.search(field.name(), queries.values(), queries.rows(), NEAREST);
    int found = 0;
    for (int query = 0; query < queries.rows(); query++) {
      boolean itself = false;
      int first = query * answers.k();
      for (int answer = 0; answer < answers.counts()[query]; answer++) {
        itself |= ids.texts().sameAt(query, answers.ids().texts(), first + answer);
      }
      itself |=
          answers.counts()[query] > 0
              && isAsNear(field.metric(), answers.scores()[first], queries, query);
      found += itself ? 1 : 0;
    }
    return new Searched(queries.rows(), found);
  }

  /** Whether a score is at least as good as that of a vector with itself. */
  private static boolean isAsNear(Metric metric, float score, DenseVectors queries, int query) {
    double own =
        switch (metric) {
          case COSINE -> 1;
          case IP -> {
            double sum = 0;
            for (int i = 0; i < queries.dimension(); i++) {
              double component = queries.values()[query * queries.dimension() + i];
              sum += component * component;
            }
            yield sum;
          }
          case L2, L1, LINF, LP, CANBERRA, BRAY_CURTIS, JENSEN_SHANNON, HAMMING, JACCARD -> 0;
        };
    double better = metric.largerIsNearer() ? score - own : own - score;
    return better >= -SCORE_TOLERANCE * Math.max(1, Math.abs(own));
  }
}
