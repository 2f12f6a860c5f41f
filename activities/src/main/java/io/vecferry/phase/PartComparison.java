package io.vecferry.phase;

import io.vecferry.activity.PartTask;
import io.vecferry.archive.Archive;
import io.vecferry.archive.PartReader;
import io.vecferry.archive.PartSidecar;
import io.vecferry.record.IdColumn;
import io.vecferry.record.RecordBatch;
import io.vecferry.search.InParallel;
import io.vecferry.spec.MigrationSpec;
import io.vecferry.store.Reject;
import io.vecferry.store.SlowDown;
import io.vecferry.store.VectorStore;
import io.vecferry.verify.Difference;
import io.vecferry.verify.IdSample;
import io.vecferry.verify.RecordComparator;
import io.vecferry.workflow.Payloads;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.Consumer;
import java.util.stream.IntStream;

/**
 * Compares the records of a part, as they are loaded, with those on the target. The next ones are
 * fetched while the last ones are compared.
 */
final class PartComparison {
  private static final int FETCHES_AT_ONCE = 2;

  private final VectorStore loaded;
  private final Throttle throttle;
  private final int batchSize;
  private final double tolerance;
  private final RecordComparator comparator;
  private final Wrong wrong;
  private final ExecutorService fetching = Executors.newFixedThreadPool(FETCHES_AT_ONCE);
  private final Deque<Asked> asked = new ArrayDeque<>();
  private final List<RecordBatch> drawn = new ArrayList<>();
  private int drawnRows;
  private long expected;
  private long refused;

  /** Gets what is not on the target as it is archived. */
  interface Wrong {
    /**
     * @param records as archived, those that are missing or differ
     * @param there ids of those among them that differ
     */
    void accept(RecordBatch records, IdColumn there);
  }

  /** Records of the archive, and what the target has under their ids. */
  private record Asked(RecordBatch archived, Future<RecordBatch> found) {}

  private PartComparison(
      Workspace workspace, PartTask task, Consumer<Difference> differences, Wrong wrong) {
    MigrationSpec spec = workspace.spec();
    this.loaded = workspace.loaded();
    this.throttle = new Throttle(task.pace());
    this.batchSize =
        Throttle.batchSize(task.pace(), spec.load().batchSize(), workspace.bytesPerRow());
    this.tolerance = workspace.tolerance(loaded, workspace.loadSchema());
    this.comparator =
        new RecordComparator(
            tolerance,
            spec.validation().checkVectors(),
            spec.validation().checkMetadata(),
            differences);
    this.wrong = wrong;
  }

  /**
   * Compares a part.
   *
   * @param sample which of its records
   * @param differences gets every difference
   * @param wrong gets the records that are missing or differ
   */
  static PartProof run(
      Workspace workspace,
      PartTask task,
      IdSample sample,
      Consumer<Difference> differences,
      Wrong wrong) {
    PartComparison comparison = new PartComparison(workspace, task, differences, wrong);
    String path = workspace.partPath(task.partition().index(), task.part());
    try (PartReader reader = PartReader.open(workspace.archive().store(), path)) {
      comparison.read(workspace, task, sample, reader);
    } finally {
      comparison.fetching.shutdownNow();
    }
    return PartProof.of(
        comparison.comparator.result(),
        comparison.tolerance,
        comparison.expected,
        comparison.refused);
  }

  private void read(Workspace workspace, PartTask task, IdSample sample, PartReader reader) {
    Set<String> notLoaded = refused(workspace, task.partName(), reader.sidecar());
    MergeView view = MergeView.of(workspace, task, reader.sidecar());
    PartReader.Batches batches = reader.batches(batchSize);
    long position = 0;
    for (RecordBatch batch = batches.next(); batch != null; batch = batches.next()) {
      RecordBatch meant = view.loaded(batch, position);
      RecordBatch taken = without(meant, notLoaded);
      expected += meant.rows();
      refused += meant.rows() - taken.rows();
      RecordBatch some = sample.of(taken);
      if (drawnRows + some.rows() > batchSize) {
        fetchDrawn();
        compareAllBut(FETCHES_AT_ONCE);
      }
      if (some.rows() > 0) {
        drawn.add(some);
        drawnRows += some.rows();
      }
      position += batch.rows();
      Calls.stillRunning(position);
    }
    fetchDrawn();
    compareAllBut(0);
  }

  private void fetchDrawn() {
    if (drawnRows == 0) {
      return;
    }
    RecordBatch archived = RecordBatch.concat(drawn);
    asked.add(
        new Asked(
            archived, fetching.submit(() -> SlowDown.obey(() -> loaded.fetch(archived.ids())))));
    drawn.clear();
    drawnRows = 0;
  }

  private void compareAllBut(int waiting) {
    while (asked.size() > waiting) {
      Asked next = asked.remove();
      compare(next.archived(), InParallel.result(next.found()));
    }
  }

  private void compare(RecordBatch archived, RecordBatch found) {
    int[] rows = comparator.compare(archived, found);
    if (rows.length > 0) {
      Set<String> there = new HashSet<>();
      for (int row = 0; row < found.rows(); row++) {
        there.add(found.ids().get(row));
      }
      RecordBatch records = archived.select(rows);
      int[] differing =
          IntStream.range(0, records.rows())
              .filter(row -> there.contains(records.ids().get(row)))
              .toArray();
      wrong.accept(records, records.select(differing).ids());
    }
    throttle.done(archived.rows());
  }

  /** A batch without the records that have one of some ids. */
  static RecordBatch without(RecordBatch batch, Set<String> ids) {
    return ids.isEmpty()
        ? batch
        : batch.select(
            IntStream.range(0, batch.rows())
                .filter(row -> !ids.contains(batch.ids().get(row)))
                .toArray());
  }

  /** Ids of a part that the target has refused when it was loaded. */
  static Set<String> refused(Workspace workspace, String part, PartSidecar sidecar) {
    ImportMarker marker =
        ImportMarker.find(workspace.archive(), part, workspace.plan().loadId(), sidecar);
    return marker == null || marker.rejects() == 0 ? Set.of() : refused(workspace.archive(), part);
  }

  /** Ids of a part that the archive says the target has refused. */
  static Set<String> refused(Archive archive, String part) {
    String name = Archive.REJECTS + "/" + part + ".json";
    Set<String> refused = new HashSet<>();
    if (archive.exists(name)) {
      for (Reject reject : archive.readJson(name, Payloads.MAPPER, Reject[].class)) {
        refused.add(reject.id());
      }
    }
    return refused;
  }
}
