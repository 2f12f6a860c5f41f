package io.vecferry.phase;

import io.vecferry.archive.Archive;
import io.vecferry.archive.ArtifactStore;
import io.vecferry.archive.PartSchema;
import io.vecferry.plan.FailureClass;
import io.vecferry.plan.MigrationPlan;
import io.vecferry.quality.QualityCheck;
import io.vecferry.record.ElementType;
import io.vecferry.record.IdKind;
import io.vecferry.record.VectorKind;
import io.vecferry.report.MigrationReport.ThroughputSample;
import io.vecferry.spec.MigrationSpec;
import io.vecferry.store.CollectionInfo;
import io.vecferry.store.LoadStamp;
import io.vecferry.store.Metric;
import io.vecferry.store.StoreException;
import io.vecferry.store.StoreProvider;
import io.vecferry.store.StoreSettings;
import io.vecferry.store.Stores;
import io.vecferry.store.VectorStore;
import io.vecferry.workflow.Payloads;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What a worker keeps of one migration between activities: spec and plan from the archive, and
 * opened stores, which are expensive to open for every part. Everything in it can be made again
 * from the archive. Thread-safe.
 */
final class Workspace implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Workspace.class);

  private final Archive archive;
  private final MigrationSpec spec;
  private final MigrationPlan plan;
  private final Map<Side, VectorStore> open = new EnumMap<>(Side.class);
  private final List<ThroughputSample> throughput = new ArrayList<>();
  private final Map<String, Long> rowsDone = new HashMap<>();
  private FutureTask<Optional<QualityCheck.SourceAnswers>> sourceAnswers;

  /** The collections that a migration touches. */
  private enum Side {
    SOURCE,
    LOAD,
    LOADED,
    TARGET
  }

  private Workspace(Archive archive, MigrationSpec spec, MigrationPlan plan) {
    this.archive = archive;
    this.spec = spec;
    this.plan = plan;
  }

  /** The workspace of a migration that has been planned. */
  static Workspace open(ArtifactStore store, String migration) {
    Archive archive = new Archive(store, migration);
    if (!archive.exists(Archive.PLAN)) {
      throw new StoreException(
          FailureClass.MISSING,
          store.describe(archive.path(Archive.PLAN))
              + " is missing: the archive of this migration is not on this worker. Restore it and retry.");
    }
    return new Workspace(
        archive,
        archive.readJson(Archive.SPEC, Payloads.MAPPER, MigrationSpec.class),
        archive.readJson(Archive.PLAN, Payloads.MAPPER, MigrationPlan.class));
  }

  Archive archive() {
    return archive;
  }

  MigrationSpec spec() {
    return spec;
  }

  MigrationPlan plan() {
    return plan;
  }

  LoadStamp stamp() {
    return new LoadStamp(spec.name(), plan.loadId());
  }

  PartSchema partSchema() {
    return new PartSchema(
        plan.source().vectors().stream()
            .map(
                field ->
                    new PartSchema.VectorField(
                        field.name(),
                        VectorKind.valueOf(field.kind()),
                        ElementType.valueOf(field.element()),
                        field.dimension(),
                        Metric.ofSpelling(field.metric()),
                        field.metricArgument(),
                        field.optional()))
            .toList(),
        plan.source().idKinds().stream().map(IdKind::valueOf).collect(Collectors.toSet()));
  }

  /** How the target compares vectors of a field. */
  Metric targetMetric(PartSchema.VectorField field) {
    return plan.target().vectors().stream()
        .filter(planned -> planned.name().equals(field.name()))
        .map(planned -> Metric.ofSpelling(planned.metric()))
        .findFirst()
        .orElse(field.metric());
  }

  /** Path of a part in the archive's store. */
  String partPath(int partition, int part) {
    return archive.partPath(Archive.SOURCE, partition, part);
  }

  /** Paths of all parts, in order. */
  List<String> partPaths(List<Integer> partsPerPartition) {
    List<String> paths = new ArrayList<>();
    for (int partition = 0; partition < partsPerPartition.size(); partition++) {
      for (int part = 0; part < partsPerPartition.get(partition); part++) {
        paths.add(partPath(partition, part));
      }
    }
    return paths;
  }

  VectorStore source() {
    return opened(Side.SOURCE, spec.source().type(), sourceSettings());
  }

  /**
   * Refuses a source that is no longer what was planned for.
   *
   * @param remedy what to do about it
   * @throws StoreException SOURCE_CHANGED
   */
  void requireUnchanged(VectorStore source, String remedy) {
    CollectionInfo now = source.describe();
    if (!now.fingerprint().equals(plan.source().fingerprint())) {
      long planned = plan.source().rows();
      throw new StoreException(
          FailureClass.SOURCE_CHANGED,
          plan.source().collection()
              + " has changed since it was planned"
              + (now.rows() == planned
                  ? ""
                  : ": it had " + planned + " records then and has " + now.rows() + " now")
              + ". "
              + remedy);
    }
  }

  /**
   * Opens the source anew. A store that has been open for a while may know its content from before;
   * one that is opened now has to look.
   */
  VectorStore reopenSource() {
    return Stores.get(spec.source().type()).open(sourceSettings());
  }

  /** The collection under the name that the user gave. */
  VectorStore target() {
    return opened(Side.TARGET, spec.target().type(), targetSettings());
  }

  /** The collection to load into. */
  VectorStore load() {
    return opened(Side.LOAD, spec.target().type(), loadSettings());
  }

  /** What was loaded, for reading: the load, or the target once that was switched to. */
  VectorStore loaded() {
    return opened(
        Side.LOADED, spec.target().type(), isSwitched() ? targetSettings() : loadSettings());
  }

  /**
   * Whether the load was made visible under the name that the user gave. Never so where a load is
   * made under that name from the start.
   */
  boolean isSwitched() {
    return !loadSettings().equals(targetSettings())
        && target().stamp().map(stamp()::equals).orElse(false);
  }

  /** Waits until the target has built the indexes of what was loaded. */
  void awaitIndexes() {
    if (!isSwitched()) {
      load().awaitIndexes(stamp());
    }
  }

  /** Forgets what was opened of the target, because it has changed as a whole. */
  synchronized void targetChanged() {
    for (Side side : List.of(Side.LOAD, Side.LOADED, Side.TARGET)) {
      VectorStore store = open.remove(side);
      if (store != null) {
        store.close();
      }
    }
  }

  /**
   * Asks the source what the quality check wants to know, in a thread of its own, unless that was
   * done.
   */
  synchronized void askSource(Supplier<Optional<QualityCheck.SourceAnswers>> question) {
    if (sourceAnswers == null) {
      sourceAnswers = new FutureTask<>(question::get);
      new Thread(sourceAnswers, "ask-source").start();
    }
  }

  /**
   * What the source answers to the queries of the quality check, if it was asked already and could
   * answer. A check that is done again asks anew: the source may have been mended.
   */
  Optional<QualityCheck.SourceAnswers> takeSourceAnswers() {
    FutureTask<Optional<QualityCheck.SourceAnswers>> asked;
    synchronized (this) {
      asked = sourceAnswers;
      sourceAnswers = null;
    }
    if (asked == null) {
      return Optional.empty();
    }
    try {
      return asked.get();
    } catch (ExecutionException e) {
      LOG.debug("the source is asked again", e.getCause());
      return Optional.empty();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return Optional.empty();
    }
  }

  synchronized void noteRows(String phase, long rows) {
    long total = rowsDone.merge(phase, rows, Long::sum);
    throughput.add(new ThroughputSample(System.currentTimeMillis(), phase, total));
  }

  /** Rows done per phase over time; the time is in milliseconds since 1970. */
  synchronized List<ThroughputSample> throughput() {
    return List.copyOf(throughput);
  }

  @Override
  public void close() {
    // Nobody reads from a store that is being closed.
    takeSourceAnswers();
    closeStores();
  }

  private synchronized void closeStores() {
    open.values().forEach(VectorStore::close);
    open.clear();
  }

  private StoreSettings sourceSettings() {
    return new StoreSettings("source", spec.source().settings());
  }

  private StoreSettings targetSettings() {
    return new StoreSettings("target", spec.target().settings());
  }

  private StoreSettings loadSettings() {
    StoreProvider provider = Stores.get(spec.target().type());
    return provider.loadSettings(targetSettings(), spec.name());
  }

  private synchronized VectorStore opened(Side side, String type, StoreSettings settings) {
    return open.computeIfAbsent(side, ignored -> Stores.get(type).open(settings));
  }
}
