package io.vecferry.phase;

import io.vecferry.activity.Compensation;
import io.vecferry.activity.PartTask;
import io.vecferry.archive.Archive;
import io.vecferry.archive.ArchiveMove;
import io.vecferry.archive.ArtifactStore;
import io.vecferry.archive.PartReader;
import io.vecferry.archive.PartSchema;
import io.vecferry.archive.PartSidecar;
import io.vecferry.plan.FailureClass;
import io.vecferry.plan.MigrationPlan;
import io.vecferry.plan.NameSwitch;
import io.vecferry.plan.Phase;
import io.vecferry.plan.PlannedPartition;
import io.vecferry.plan.PlannedPartition.Origin;
import io.vecferry.plan.PlannedSide;
import io.vecferry.quality.QualityCheck;
import io.vecferry.record.ElementType;
import io.vecferry.record.IdKind;
import io.vecferry.record.VectorKind;
import io.vecferry.report.MigrationReport.ThroughputSample;
import io.vecferry.spec.MigrationSpec;
import io.vecferry.store.CollectionInfo;
import io.vecferry.store.LoadSchema;
import io.vecferry.store.LoadStamp;
import io.vecferry.store.Metric;
import io.vecferry.store.RequestsFound;
import io.vecferry.store.RequestsSeen;
import io.vecferry.store.StoreException;
import io.vecferry.store.StoreProvider;
import io.vecferry.store.StoreSettings;
import io.vecferry.store.Stores;
import io.vecferry.store.VectorStore;
import io.vecferry.verify.IdSample;
import io.vecferry.workflow.Payloads;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.function.Predicate;
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

  private volatile Archive archive;
  private final MigrationSpec spec;
  private final MigrationPlan plan;
  private final Map<Side, VectorStore> open = new EnumMap<>(Side.class);
  private final List<VectorStore> refused = new ArrayList<>();
  private int steps;
  private long idleSinceNanos;
  private long largestPart;
  private final List<ThroughputSample> throughput = new ArrayList<>();
  private final Map<String, Long> rowsDone = new HashMap<>();
  private final Map<Phase, RequestsFound> requests = new EnumMap<>(Phase.class);
  private final Map<Origin, RequestsSeen> readers = new EnumMap<>(Origin.class);
  private FutureTask<Optional<QualityCheck.SourceAnswers>> sourceAnswers;

  /** The collections that a migration touches. */
  private enum Side {
    SOURCE,
    EXISTING,
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
  static Workspace open(ArtifactStore store, String migration, Connections connections) {
    Archive archive = Archive.find(store, migration);
    if (!archive.exists(Archive.PLAN)) {
      throw new StoreException(
          FailureClass.MISSING,
          store.describe(archive.path(Archive.PLAN))
              + " is missing: the archive of this migration is not on this worker. Restore it and"
              + " retry.");
    }
    return new Workspace(
        archive,
        connections.resolve(archive.readJson(Archive.SPEC, Payloads.MAPPER, MigrationSpec.class)),
        archive.readJson(Archive.PLAN, Payloads.MAPPER, MigrationPlan.class));
  }

  /** A step begins to use it. */
  synchronized void begin() {
    steps++;
  }

  /**
   * A step has ended. Where a store has refused it, all are opened anew for the next one, which
   * reads their secrets again: they may have been renewed.
   */
  synchronized void end(Optional<FailureClass> failed, long nanoTime) {
    steps--;
    idleSinceNanos = nanoTime;
    if (failed.equals(Optional.of(FailureClass.PERMISSION))) {
      // Other steps may still use them.
      refused.addAll(open.values());
      open.clear();
    }
    if (steps == 0) {
      refused.forEach(Workspace::close);
      refused.clear();
    }
  }

  synchronized boolean isIdleSince(long nanoTime) {
    return steps == 0 && idleSinceNanos - nanoTime <= 0;
  }

  Archive archive() {
    return archive;
  }

  /** Goes on with the archive where it is now, if this or another worker has moved it. */
  void followArchive() {
    if (archive.isMoved()) {
      archive = Archive.find(archive.store(), spec.name());
    }
  }

  /** Moves the archive to where the spec wants it; does nothing when it is there. */
  void moveArchive() {
    ArchiveMove.move(
        archive.store(), spec.name(), spec.archive().moveTo(), () -> Calls.stillRunning(0));
    followArchive();
  }

  /** The spec, with what its connections say. */
  MigrationSpec spec() {
    return spec;
  }

  MigrationPlan plan() {
    return plan;
  }

  /** Bytes to expect of a part of the archive: as planned, or as the largest so far. */
  synchronized long expectedPartBytes() {
    return Math.max(
        largestPart, plan.estimate().archiveBytes() / Math.max(1, plan.estimate().parts()));
  }

  /** A part of the archive has become so large. */
  synchronized void partWritten(long bytes) {
    largestPart = Math.max(largestPart, bytes);
  }

  /** What a record takes, as planned. */
  long bytesPerRow() {
    return Math.max(1, plan.estimate().targetBytes() / Math.max(1, plan.exportedRows()));
  }

  LoadStamp stamp() {
    return new LoadStamp(spec.name(), plan.loadId());
  }

  /** What the load was made for. */
  LoadSchema loadSchema() {
    return TargetPlanner.loadSchema(spec, plan);
  }

  /**
   * Largest deviation of a component that counts as equal: what the store is known for, or more
   * where the spec allows more.
   */
  double tolerance(VectorStore store, LoadSchema schema) {
    return tolerance(spec, store, schema);
  }

  static double tolerance(MigrationSpec spec, VectorStore store, LoadSchema schema) {
    Double allowed = spec.validation().tolerance();
    return Math.max(allowed == null ? 0 : allowed, store.deviation(schema));
  }

  /** The records that are compared when they are on the target. */
  IdSample sample() {
    return new IdSample(spec.validation().share(plan.loadedRows()));
  }

  /** What records of the source look like. */
  PartSchema partSchema() {
    return schemaOf(plan.source());
  }

  /** What records of a partition's collection look like. */
  PartSchema partSchema(Origin origin) {
    return schemaOf(exportedSide(origin));
  }

  static PartSchema schemaOf(PlannedSide side) {
    return new PartSchema(
        side.vectors().stream()
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
        side.idKinds().stream().map(IdKind::valueOf).collect(Collectors.toSet()));
  }

  /** The collection that partitions of this origin are ranges of, as planned. */
  PlannedSide exportedSide(Origin origin) {
    return switch (origin) {
      case SOURCE -> plan.source();
      case TARGET -> plan.existing().collection();
    };
  }

  /** Type of the store of this origin. */
  String type(Origin origin) {
    return origin == Origin.SOURCE ? spec.source().type() : spec.target().type();
  }

  /** How the target compares vectors of a field. */
  Metric targetMetric(PartSchema.VectorField field) {
    return metricOf(plan.target(), field.name(), field.metric());
  }

  /** How a planned side compares a field; what is given where it is not planned. */
  static Metric metricOf(PlannedSide side, String field, Metric otherwise) {
    return side.vectors().stream()
        .filter(planned -> planned.name().equals(field))
        .map(planned -> Metric.ofSpelling(planned.metric()))
        .findFirst()
        .orElse(otherwise);
  }

  /** Path of a part in the archive's store. */
  String partPath(int partition, int part) {
    String folder =
        partition < plan.partitions().size()
                && plan.partitions().get(partition).origin() == Origin.TARGET
            ? Archive.TARGET_BACKUP
            : Archive.SOURCE;
    return archive.partPath(folder, partition, part);
  }

  /** Paths of all parts of the source, in order. */
  List<String> partPaths(List<Integer> partsPerPartition) {
    return withChanges(
        partPaths(partsPerPartition, partition -> partition.origin() == Origin.SOURCE));
  }

  private List<String> withChanges(List<String> paths) {
    List<String> all = new ArrayList<>(paths);
    all.addAll(changedParts());
    return all;
  }

  /** Whether single records of the load can be removed and written again. */
  boolean targetRemovesRecords() {
    return Stores.get(spec.target().type()).removesRecords();
  }

  /** Paths of all parts with records that were written to the source since its export, in order. */
  List<String> changedParts() {
    return spec.cutover().catchUp()
        ? archive.parts(Archive.SOURCE).stream()
            .filter(part -> Archive.partitionOf(part) >= plan.partitions().size())
            .toList()
        : List.of();
  }

  /** Paths of all parts of the backup of the target, in order; none when there is none. */
  List<String> backupPaths(List<Integer> partsPerPartition) {
    return partPaths(partsPerPartition, partition -> partition.origin() == Origin.TARGET);
  }

  /** Names of all parts that are loaded, in order. */
  List<String> loadedParts(List<Integer> partsPerPartition) {
    return withChanges(partPaths(partsPerPartition, plan::loads)).stream()
        .filter(path -> targetRemovesRecords() || isPlanned(path) || isLoaded(path))
        .map(Workspace::partName)
        .toList();
  }

  private boolean isPlanned(String path) {
    return Archive.partitionOf(path) < plan.partitions().size();
  }

  private boolean isLoaded(String path) {
    PartSidecar sidecar = PartReader.sidecar(archive.store(), path);
    return ImportMarker.find(archive, partName(path), plan.loadId(), sidecar) != null;
  }

  /** A part that there is, for steps that are done on it. */
  PartTask partTask(String path) {
    int partition = Archive.partitionOf(path);
    return new PartTask(
        spec.name(),
        partition < plan.partitions().size()
            ? plan.partitions().get(partition)
            : new PlannedPartition(partition, "0", "0", 0, true),
        Archive.partOf(path),
        null,
        null);
  }

  static String partName(String path) {
    return path.substring(path.lastIndexOf('/') + 1, path.lastIndexOf('.'));
  }

  private List<String> partPaths(
      List<Integer> partsPerPartition, Predicate<PlannedPartition> wanted) {
    List<String> paths = new ArrayList<>();
    for (PlannedPartition partition : plan.partitions()) {
      if (wanted.test(partition) && partition.index() < partsPerPartition.size()) {
        for (int part = 0; part < partsPerPartition.get(partition.index()); part++) {
          paths.add(partPath(partition.index(), part));
        }
      }
    }
    return paths;
  }

  VectorStore source() {
    return opened(Side.SOURCE, spec.source().type(), sourceSettings());
  }

  /** What readers of the target's name got when the migration was planned, for reading. */
  private VectorStore existing() {
    return opened(Side.EXISTING, spec.target().type(), exportSettings(Origin.TARGET));
  }

  /** The collection that partitions of this origin are ranges of. */
  VectorStore exported(Origin origin) {
    return switch (origin) {
      case SOURCE -> source();
      case TARGET -> existing();
    };
  }

  /** What requests of a phase were like when a part of it was done. */
  synchronized void requestsWere(Phase phase, RequestsFound found) {
    requests.put(phase, found);
  }

  /** The same of the last part that this process has done; empty when it has done none. */
  synchronized Optional<RequestsFound> requests(Phase phase) {
    return Optional.ofNullable(requests.get(phase));
  }

  /** Counts the readers of such partitions. */
  synchronized RequestsSeen readers(Origin origin) {
    return readers.computeIfAbsent(origin, ignored -> new RequestsSeen());
  }

  /** Whether a collection may change while it is exported. */
  boolean mayMove(Origin origin) {
    return origin == Origin.SOURCE && spec.cutover().catchUp();
  }

  /**
   * Refuses a collection that is exported and no longer what was planned for.
   *
   * @param remedy what to do about it
   * @throws StoreException SOURCE_CHANGED, TARGET_CHANGED
   */
  void requireUnchanged(Origin origin, VectorStore store, String remedy) {
    PlannedSide side = exportedSide(origin);
    CollectionInfo now = store.describe();
    if (!now.fingerprint().equals(side.fingerprint())) {
      long planned = side.rows();
      throw new StoreException(
          origin == Origin.SOURCE ? FailureClass.SOURCE_CHANGED : FailureClass.TARGET_CHANGED,
          side.collection()
              + " has changed since it was planned"
              + (now.rows() == planned
                  ? ""
                  : ": it had " + planned + " records then and has " + now.rows() + " now")
              + ". "
              + remedy
              + (origin == Origin.SOURCE
                  ? " With cutover.catchUp: true a migration applies what is written meanwhile."
                  : ""));
    }
  }

  /**
   * Opens a collection that is exported anew. A store that has been open for a while may know its
   * content from before; one that is opened now has to look.
   */
  VectorStore reopen(Origin origin) {
    return Stores.get(type(origin)).open(exportSettings(origin));
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
    if (!hasBegunToSwitch()) {
      load().awaitIndexes(stamp());
    }
  }

  /** Whether the name may lead to something else than what was planned for. */
  boolean hasBegunToSwitch() {
    return UndoLog.read(archive).find(Compensation.Kind.SWITCH_BACK).isPresent() || isSwitched();
  }

  /** Opens what was replaced under the name that it has since, for reading. */
  VectorStore openKept(NameSwitch planned) {
    StoreSettings settings = exportSettings(Origin.TARGET);
    String key = settings.values().has("path") ? "path" : "collection";
    return Stores.get(spec.target().type()).open(settings.with(key, planned.kept()));
  }

  /** Whether a rollback is possible when the migration has ended. */
  boolean keepsWhatWasReplaced() {
    return plan.existing() != null
        && plan.nameSwitch() != null
        && (!plan.nameSwitch().kept().isEmpty() || plan.restoresFromBackup());
  }

  /** Forgets what was opened of the target, because it has changed as a whole. */
  synchronized void targetChanged() {
    for (Side side : List.of(Side.LOAD, Side.LOADED, Side.TARGET, Side.EXISTING)) {
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
    open.values().forEach(Workspace::close);
    open.clear();
  }

  /** A store that is gone must not fail a step that is done with it. */
  private static void close(VectorStore store) {
    try {
      store.close();
    } catch (RuntimeException e) {
      LOG.warn("a store could not be closed", e);
    }
  }

  private StoreSettings sourceSettings() {
    return new StoreSettings("source", spec.source().settings());
  }

  private StoreSettings exportSettings(Origin origin) {
    return origin == Origin.SOURCE
        ? sourceSettings()
        : TargetPlanner.readSettings(targetSettings());
  }

  private StoreSettings targetSettings() {
    return new StoreSettings("target", spec.target().settings());
  }

  private StoreSettings loadSettings() {
    StoreProvider provider = Stores.get(spec.target().type());
    return plan.existing() == null
        ? provider.loadSettings(targetSettings(), spec.name())
        : provider.loadBesideSettings(targetSettings(), spec.name());
  }

  private synchronized VectorStore opened(Side side, String type, StoreSettings settings) {
    return open.computeIfAbsent(side, ignored -> Stores.get(type).open(settings));
  }
}
