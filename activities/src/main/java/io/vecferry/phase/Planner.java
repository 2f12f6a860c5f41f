package io.vecferry.phase;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.vecferry.archive.ArchiveMove;
import io.vecferry.archive.ArtifactStore;
import io.vecferry.notification.NotificationSender;
import io.vecferry.plan.CanaryResult;
import io.vecferry.plan.Estimate;
import io.vecferry.plan.Finding;
import io.vecferry.plan.Forecast;
import io.vecferry.plan.Forecast.PhaseTime;
import io.vecferry.plan.MigrationPlan;
import io.vecferry.plan.PlannedField;
import io.vecferry.plan.PlannedPartition;
import io.vecferry.plan.PlannedSide;
import io.vecferry.plan.RecordProfile;
import io.vecferry.quality.QueryFile;
import io.vecferry.record.ElementType;
import io.vecferry.record.IdKind;
import io.vecferry.record.RecordBatch;
import io.vecferry.record.VectorKind;
import io.vecferry.spec.MigrationSpec;
import io.vecferry.spec.StoreSpec;
import io.vecferry.store.BatchReader;
import io.vecferry.store.CollectionInfo;
import io.vecferry.store.LoadSchema;
import io.vecferry.store.Metric;
import io.vecferry.store.SourceRange;
import io.vecferry.store.StoreException;
import io.vecferry.store.StoreProvider;
import io.vecferry.store.StoreSettings;
import io.vecferry.store.Stores;
import io.vecferry.store.VectorFieldInfo;
import io.vecferry.store.VectorStore;
import io.vecferry.verify.IdSample;
import io.vecferry.verify.RecordProfiler;
import io.vecferry.workflow.Payloads;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * Makes a plan of a spec: looks at both sides, decides partitions and parts, estimates, and lists
 * every finding. Leaves nothing behind on either side. Whatever it finds wrong is a blocking
 * finding and not an exception, so that all of it is reported at once.
 */
public final class Planner {
  /**
   * Size of a part: large enough that a part's overhead does not count, small enough that redoing
   * one does not hurt.
   */
  private static final long PART_BYTES = 64L << 20;

  /** A batch of this size deserves a word, because a worker has several in memory. */
  private static final long LARGE_BATCH_BYTES = 64L << 20;

  /** Memory of a batch that is small. */
  private static final long SMALLEST_BATCH_BYTES = 4L << 20;

  private static final int SMALLEST_PART_ROWS = 1_000;
  private static final int LARGEST_PART_ROWS = 500_000;

  /** More parts than this get partition workflows. */
  private static final int PARTS_IN_ONE_HISTORY = 300;

  private static final int PARTS_PER_PARTITION_WORKFLOW = 100;

  /** Metadata, document and id of a record, as assumed where the store does not tell the size. */
  private static final int OTHER_BYTES_PER_ROW = 300;

  /**
   * Records per second of the whole pipeline, as assumed before anything was measured: 60 MB/s of
   * raw vectors.
   */
  private static final double BYTES_PER_SECOND = 60e6;

  /** Records looked at before the plan is made, and the places that they are taken from. */
  private static final int PROFILE_ROWS = 2_000;

  private static final int PROFILE_PLACES = 4;

  /** Most records, and bytes, of each place that are tried on the target. */
  private static final int SAMPLE_ROWS = 250;

  private static final long SAMPLE_BYTES = 4L << 20;

  /** Metrics that order vectors of unit length alike. */
  static final Set<Metric> UNIT_EQUIVALENT = EnumSet.of(Metric.COSINE, Metric.IP, Metric.L2);

  private final boolean searchAttributes;
  private final boolean deep;

  /**
   * @param searchAttributes whether the Temporal service knows the migration's search attributes
   */
  public Planner(boolean searchAttributes) {
    this(searchAttributes, false);
  }

  /**
   * @param deep whether all records of the source are looked at
   */
  public Planner(boolean searchAttributes, boolean deep) {
    this.searchAttributes = searchAttributes;
    this.deep = deep;
  }

  /** What a plan says about one side that cannot be opened. */
  private static PlannedSide unknownSide(StoreSpec store) {
    return new PlannedSide(
        store.type(),
        nameOf(store.settings()),
        List.of(),
        List.of(),
        0,
        -1,
        Map.of(),
        "",
        RecordProfile.EMPTY);
  }

  /**
   * Makes a plan.
   *
   * @param archive where the archive is or will be
   * @param archiveFree bytes that are free there; -1 when nobody can tell
   * @param loadId the load that this plan is for
   * @param resumed whether an earlier run has begun this load; how its name is switched to was
   *     planned then
   */
  public MigrationPlan plan(
      MigrationSpec spec,
      String archive,
      long archiveFree,
      String loadId,
      boolean resumed,
      long nowMillis) {
    List<Finding> findings = new ArrayList<>();
    StoreSettings sourceSettings = new StoreSettings("source", spec.source().settings());
    CollectionInfo source = null;
    Sample sample = Sample.NONE;
    List<PlannedPartition> partitions = List.of();
    int parallelism = parallelism(spec.export().parallelism());
    int partRows = spec.export().partRows();
    long bytesPerRow = OTHER_BYTES_PER_ROW;
    try (VectorStore store = Stores.get(spec.source().type()).open(sourceSettings)) {
      // Of a collection that is not there, a store says best itself what is there instead. The
      // assessment reads every record, so that the description after it knows all kinds of ids.
      findings.addAll(store.assess());
      source = store.describe();
      RecordProfiler profiler = new RecordProfiler();
      sample = sample(store, source, profiler, deep ? Long.MAX_VALUE : PROFILE_ROWS);
      bytesPerRow = bytesPerRow(source, profiler);
      checkSource(spec, source, sample.profile(), findings);
      checkBatches(spec, source, bytesPerRow, findings);
      checkCatchUp(spec, findings);
      if (partRows == 0) {
        partRows = partRows(bytesPerRow);
      }
      partitions = partitions(store, source, partRows, parallelism);
    } catch (StoreException e) {
      findings.add(Finding.blocking("source", e.getMessage(), ""));
    }
    TargetPlanner.Result target =
        new TargetPlanner.Result(
            unknownSide(spec.target()), null, null, List.of(), List.of(), List.of());
    if (source != null) {
      int rowsOfPart = partRows;
      target =
          new TargetPlanner(spec, loadId, resumed, findings)
              .plan(
                  source,
                  sample.profile(),
                  (store, info) -> partitions(store, info, rowsOfPart, parallelism));
      partitions = withBackup(partitions, target.backup());
    }
    CanaryResult canary = resumed ? null : canary(spec, source, sample, findings);
    long exported = partitions.stream().mapToLong(PlannedPartition::rows).sum();
    boolean merges = target.existing() != null && target.existing().merged();
    boolean overlaps = spec.importsWhileExporting() && !merges;
    if (source != null && !merges) {
      checkQueries(spec, source, target.side(), findings);
    }
    PlannedSide sourceSide =
        source == null ? unknownSide(spec.source()) : side(source, sample.profile());
    long loaded = merges ? exported : sourceSide.rows();
    if (source != null && spec.validation().samples()) {
      findings.add(sampled(spec.validation(), loaded));
    }
    List<PhaseTime> times =
        canary == null
            ? List.of()
            : PhaseTimes.of(spec, canary, exported, loaded, bytesPerRow, dimension(source));
    long rowsPerPart = Math.max(1, partRows);
    long parts =
        partitions.stream().mapToLong(p -> Math.max(1, ceilDiv(p.rows(), rowsPerPart))).sum();
    boolean children = parts > PARTS_IN_ONE_HISTORY;
    Estimate estimate = new Estimate(0, 0, 0, 0, 0, 0, 0);
    Forecast forecast = Forecast.NONE;
    if (source != null) {
      estimate =
          estimate(
              spec,
              exported,
              bytesPerRow,
              Resources.archiveBytesPerRow(Workspace.schemaOf(sourceSide), sample.batches()),
              parts,
              partitions.size(),
              parallelism,
              PhaseTimes.total(times, overlaps));
      forecast =
          new Forecast(
              canary,
              times,
              Timeline.of(
                  spec, times, estimate.seconds(), overlaps, target.nameSwitch(), nowMillis),
              Resources.of(spec, estimate, target.side(), loaded, archiveFree));
      if (!resumed && spec.blocksOnResources()) {
        Resources.check(forecast.needs(), findings);
      }
    }
    checkNotifications(spec, findings);
    return new MigrationPlan(
        spec.name(),
        nowMillis,
        loadId,
        archive,
        sourceSide,
        target.side(),
        List.copyOf(findings),
        partitions,
        partRows,
        parallelism,
        children,
        searchAttributes,
        false,
        estimate,
        source == null ? List.of() : TargetPlanner.rollbackPlan(target, canary),
        target.existing(),
        target.nameSwitch(),
        target.targetPlan(),
        forecast,
        hash(spec),
        target.mapping());
  }

  /** A plan with what stands where its archive belongs, or is to be moved in the end. */
  public static MigrationPlan withArchivePlace(
      MigrationPlan plan, ArtifactStore store, MigrationSpec spec) {
    List<Finding> findings = new ArrayList<>(plan.findings());
    ArchiveMove.below(store, spec.name())
        .map(
            other ->
                Finding.blocking(
                    "name", "'" + spec.name() + "': " + other, "Name this migration differently."))
        .ifPresent(findings::add);
    String parent = spec.archive().moveTo();
    if (parent == null) {
      return plan.with(findings);
    }
    String place = store.describe(parent + "/" + spec.name());
    String when =
        plan.existing() == null
            ? "when the migration has ended as migrated"
            : "when `finalize`, or the drop of the old collection, ends the time in which a rollback"
                + " is possible";
    findings.add(
        ArchiveMove.obstacle(store, spec.name(), parent)
            .map(
                obstacle ->
                    Finding.blocking(
                        "archive.moveTo",
                        "the archive cannot move to " + place + ": " + obstacle,
                        "Name another folder, or take away what is there."))
            .orElse(
                Finding.info(
                    "archive.moveTo",
                    "the archive moves to "
                        + place
                        + " "
                        + when
                        + ", and is found there by its name. After a rollback it stays where it"
                        + " is.")));
    return plan.with(findings);
  }

  private static String hash(MigrationSpec spec) {
    try {
      byte[] json = Payloads.MAPPER.writeValueAsBytes(spec.withoutApprovedPlan());
      return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(json));
    } catch (JsonProcessingException | NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }

  private static List<PlannedPartition> withBackup(
      List<PlannedPartition> source, List<PlannedPartition> target) {
    List<PlannedPartition> all = new ArrayList<>(source);
    for (PlannedPartition range : target) {
      all.add(
          new PlannedPartition(
              all.size(),
              range.start(),
              range.end(),
              range.rows(),
              range.exact(),
              PlannedPartition.Origin.TARGET));
    }
    return List.copyOf(all);
  }

  /** The collection that will be loaded, as the spec and the source want it. */
  static LoadSchema loadSchema(MigrationSpec spec, CollectionInfo source, RecordProfile profile) {
    boolean sameType =
        Stores.get(spec.source().type())
            .configurationType(new StoreSettings("source", spec.source().settings()))
            .equals(spec.target().type());
    return loadSchema(spec, source, profile, sameType);
  }

  /**
   * A collection that will be loaded, as the spec wants it.
   *
   * @param model the collection that it shall be like
   * @param sameType whether that is in a store of the same type, which can set up the same
   */
  static LoadSchema loadSchema(
      MigrationSpec spec, CollectionInfo model, RecordProfile profile, boolean sameType) {
    StoreSpec target = spec.target();
    List<VectorFieldInfo> vectors = new ArrayList<>();
    for (VectorFieldInfo field : model.vectors()) {
      // Metric and index of a spec are for dense vectors; sparse ones have one way each.
      boolean sparse = field.kind() == VectorKind.SPARSE;
      Metric metric =
          target.metric() == null || sparse ? field.metric() : Metric.ofSpelling(target.metric());
      vectors.add(
          new VectorFieldInfo(
              field.name(),
              field.kind(),
              field.element(),
              field.dimension(),
              metric,
              metric == field.metric() ? field.metricArgument() : 0,
              target.indexType() == null || sparse ? "" : target.indexType(),
              sparse ? Map.of() : target.indexParams(),
              field.optional()));
    }
    return new LoadSchema(
        vectors,
        model.idKinds(),
        model.store(),
        model.rows(),
        profile,
        sameType ? model.configuration() : Map.of(),
        model.vectors());
  }

  /** A collection that is to be as it was. */
  static LoadSchema restoredSchema(PlannedSide side) {
    CollectionInfo model = info(side);
    return new LoadSchema(
        model.vectors(),
        model.idKinds(),
        model.store(),
        model.rows(),
        side.profile(),
        model.configuration(),
        model.vectors());
  }

  /** A planned side as its store described it. */
  static CollectionInfo info(PlannedSide side) {
    return new CollectionInfo(
        side.store(),
        side.collection(),
        side.vectors().stream().map(Planner::fieldInfo).toList(),
        side.idKinds().stream().map(IdKind::valueOf).collect(Collectors.toSet()),
        side.rows(),
        side.bytes(),
        side.configuration(),
        side.fingerprint());
  }

  static VectorFieldInfo fieldInfo(PlannedField field) {
    return new VectorFieldInfo(
        field.name(),
        VectorKind.valueOf(field.kind()),
        ElementType.valueOf(field.element()),
        field.dimension(),
        Metric.ofSpelling(field.metric()),
        field.metricArgument(),
        field.indexType(),
        field.indexParams(),
        field.optional());
  }

  private static void checkSource(
      MigrationSpec spec, CollectionInfo source, RecordProfile profile, List<Finding> findings) {
    for (StoreSpec side : List.of(spec.source(), spec.target())) {
      String role = side == spec.source() ? "source" : "target";
      for (VectorFieldInfo field : source.vectors()) {
        if (field.kind() == VectorKind.SPARSE) {
          continue;
        }
        if (side.dimension() != null && side.dimension() != field.dimension()) {
          findings.add(
              Finding.blocking(
                  role + ".dimension",
                  "the spec says "
                      + side.dimension()
                      + ", the vectors of the source"
                      + (field.name().isEmpty() ? "" : " in field " + field.name())
                      + " have "
                      + field.dimension()
                      + " components.",
                  "Correct the number or leave it out."));
        }
        if (side.metric() != null && !side.metric().equals(field.metric().spelling())) {
          findings.add(otherMetric(side, role, field, profile));
        }
      }
    }
    if (source.rows() == 0) {
      findings.add(
          Finding.warning(
              "source", source.collection() + " has no records.", "The target will be empty."));
    }
  }

  /** A file of queries that cannot be asked should be known before the work. */
  private static void checkQueries(
      MigrationSpec spec, CollectionInfo source, PlannedSide target, List<Finding> findings) {
    MigrationSpec.Quality quality = spec.quality();
    Optional<VectorFieldInfo> field =
        source.vectors().stream().filter(info -> info.kind() == VectorKind.DENSE).findFirst();
    boolean asked = quality.sampleSize() == null || quality.sampleSize() > 0;
    if (!asked || quality.queries() == null || field.isEmpty()) {
      return;
    }
    Metric targetMetric = Workspace.metricOf(target, field.get().name(), field.get().metric());
    try {
      new QueryFile(
              Path.of(quality.queries()),
              field.get().dimension(),
              field.get().element(),
              field.get().metric() == Metric.COSINE || targetMetric == Metric.COSINE)
          .check(quality.sampleSize());
    } catch (StoreException e) {
      findings.add(
          Finding.blocking(
              "quality.queries", e.getMessage().replaceFirst("^quality\\.queries: ", ""), ""));
    }
  }

  private static Finding sampled(MigrationSpec.Validation validation, long rows) {
    double share = validation.share(rows);
    return Finding.info(
        "validation.mode",
        String.format(
            Locale.ROOT,
            "about %,d of %,d records are compared with the archive, all are counted: %s.",
            Math.round(share * rows),
            rows,
            new IdSample(share).meaning(rows)));
  }

  /** A migration does not depend on them, so that nothing of it blocks. */
  private static void checkNotifications(MigrationSpec spec, List<Finding> findings) {
    for (int number = 0; number < spec.notifications().size(); number++) {
      try {
        NotificationSender.check(number, spec.notifications().get(number));
      } catch (StoreException e) {
        findings.add(
            Finding.warning(
                "notify", e.getMessage(), "Until that is mended nobody is told there."));
      }
    }
  }

  private static void checkCatchUp(MigrationSpec spec, List<Finding> findings) {
    StoreProvider.Snapshot snapshot = Stores.get(spec.source().type()).snapshot();
    if (!spec.cutover().catchUp()) {
      if (snapshot == StoreProvider.Snapshot.PER_RANGE) {
        findings.add(
            Finding.info(
                "source",
                words(snapshot) + " Stop what writes to it, or set cutover.catchUp: true."));
      }
      return;
    }
    findings.add(
        Finding.info(
            "cutover.catchUp",
            words(snapshot)
                + " Before the cutover the source is read again, compared with the archive by id and"
                + " content, and what has changed is applied, until a pass finds "
                + (spec.cutover().maxDifference() == 0
                    ? "no difference."
                    : String.format(
                        Locale.ROOT,
                        "no more than %,d differences, which are applied too.",
                        spec.cutover().maxDifference()))
                + " What is written after the last pass has read it is not seen."));
    if (!Stores.get(spec.target().type()).removesRecords()) {
      findings.add(
          Finding.info(
              "cutover.catchUp",
              "a target of type "
                  + spec.target().type()
                  + " is index files, which cannot lose or change single records: each pass that"
                  + " finds a difference writes all of it anew from the archive and compares it"
                  + " anew, which takes as long as the first time."));
    }
    if (spec.target().ifExists() == StoreSpec.IfExists.MERGE) {
      findings.add(
          Finding.blocking(
              "cutover.catchUp",
              "in a merge, a record that is deleted from the source would have to bring back the"
                  + " one of the old collection.",
              "Stop what writes to the source and leave cutover.catchUp out, or set target.ifExists"
                  + " to replace."));
    }
  }

  private static String words(StoreProvider.Snapshot snapshot) {
    return switch (snapshot) {
      case RESTING_FILES ->
          "The source is read as one state: files that rest, whose change would be noticed.";
      case PER_RANGE ->
          "The source cannot be read as one state: each part is as of one point in time, different"
              + " parts are as of different ones.";
      case NONE ->
          "The source cannot be read as one state: each request is answered as of its own moment.";
    };
  }

  private static void checkBatches(
      MigrationSpec spec, CollectionInfo source, long bytesPerRow, List<Finding> findings) {
    int batchSize = Math.max(spec.export().batchSize(), spec.load().batchSize());
    if (Math.min(batchSize, source.rows()) * bytesPerRow > LARGE_BATCH_BYTES) {
      findings.add(
          Finding.warning(
              "batchSize",
              String.format(
                  Locale.ROOT,
                  "a record takes about %,d bytes, so that a batch of %,d takes %,d MB, and the"
                      + " worker holds several.",
                  bytesPerRow,
                  batchSize,
                  batchSize * bytesPerRow >> 20),
              String.format(
                  Locale.ROOT,
                  "Set export.batchSize and import.batchSize to %d or less.",
                  Math.max(1, (PART_BYTES / 4) / bytesPerRow))));
    }
  }

  /**
   * Cosine, inner product and Euclidean distance order vectors of unit length alike, so that one
   * may stand for another there; the validation of the export then holds every vector to it.
   */
  private static Finding otherMetric(
      StoreSpec side, String role, VectorFieldInfo field, RecordProfile profile) {
    String what =
        "the spec says "
            + side.metric()
            + ", the source compares by "
            + field.metric().spelling()
            + ". ";
    if (role.equals("target") && needsUnitVectors(side, field) && profile.unitVectors()) {
      return Finding.warning(
          role + ".metric",
          what
              + "For vectors of unit length the order of answers is the same, and all "
              + profile.rows()
              + " that were looked at have it; the validation of the export checks every one.",
          "");
    }
    return Finding.blocking(
        role + ".metric",
        what
            + "Another metric would change the order of answers"
            + (needsUnitVectors(side, field)
                ? String.format(
                    Locale.ROOT,
                    ", because not all vectors have unit length: lengths go from %.4g to %.4g.",
                    profile.smallestNorm(),
                    profile.largestNorm())
                : "."),
        "Correct it or leave it out.");
  }

  /** Whether a load has another metric, which is right only for vectors of unit length. */
  static boolean needsUnitVectors(StoreSpec target, VectorFieldInfo field) {
    return field.kind() == VectorKind.DENSE
        && target.metric() != null
        && UNIT_EQUIVALENT.contains(field.metric())
        && field.metric() != Metric.ofSpelling(target.metric());
  }

  /**
   * Records of several places of the source.
   *
   * @param profile what all of them that were looked at are like
   * @param batches some of them
   * @param rowsPerSecond how fast they were read where it went fastest: the first request opens a
   *     connection
   */
  private record Sample(RecordProfile profile, List<RecordBatch> batches, double rowsPerSecond) {
    static final Sample NONE = new Sample(RecordProfile.EMPTY, List.of(), 0);
  }

  /**
   * @param most records to look at
   */
  private static Sample sample(
      VectorStore store, CollectionInfo source, RecordProfiler profiler, long most) {
    List<RecordBatch> batches = new ArrayList<>();
    long seen = 0;
    double fastest = 0;
    for (SourceRange range : store.split(PROFILE_PLACES)) {
      long before = seen;
      long enough = before + most / PROFILE_PLACES;
      long keep = SAMPLE_ROWS;
      long nanos = 0;
      long start = System.nanoTime();
      try (BatchReader reader = store.read(range, null, PROFILE_ROWS / PROFILE_PLACES)) {
        for (RecordBatch batch = reader.next(); batch != null; batch = reader.next()) {
          nanos += System.nanoTime() - start;
          profiler.add(batch);
          seen += batch.rows();
          int kept = (int) Math.min(keep, batch.rows() * SAMPLE_BYTES / (batch.bytes() + 1) + 1);
          if (kept > 0) {
            batches.add(batch.select(IntStream.range(0, Math.min(kept, batch.rows())).toArray()));
            keep -= kept;
          }
          if (seen >= enough) {
            break;
          }
          start = System.nanoTime();
        }
      }
      if (nanos > 0) {
        fastest = Math.max(fastest, (seen - before) * 1e9 / nanos);
      }
    }
    return new Sample(profiler.profile(seen >= source.rows()), batches, fastest);
  }

  /** Tries some records on the target, where nothing speaks against the migration so far. */
  private static CanaryResult canary(
      MigrationSpec spec, CollectionInfo source, Sample sample, List<Finding> findings) {
    boolean blocked = findings.stream().anyMatch(f -> f.severity() == Finding.Severity.BLOCKING);
    return blocked || !spec.wantsCanary() || sample.batches().isEmpty()
        ? null
        : new Canary(spec, source, sample.profile())
            .run(sample.batches(), sample.rowsPerSecond(), findings);
  }

  static String nameOf(ObjectNode settings) {
    for (String key : List.of("path", "collection", "index")) {
      if (settings.path(key).isTextual()) {
        return settings.path(key).textValue();
      }
    }
    return settings.path("type").asText();
  }

  static PlannedSide side(CollectionInfo info, RecordProfile profile) {
    return new PlannedSide(
        info.store(),
        info.collection(),
        info.vectors().stream().map(Planner::planned).toList(),
        info.idKinds().stream().sorted().map(Enum::name).toList(),
        info.rows(),
        info.bytes(),
        info.configuration(),
        info.fingerprint(),
        profile);
  }

  static PlannedField planned(VectorFieldInfo field) {
    return new PlannedField(
        field.name(),
        field.kind().name(),
        field.element().name(),
        field.dimension(),
        field.metric().spelling(),
        field.metricArgument(),
        field.indexType(),
        field.indexParams(),
        field.optional());
  }

  private static int partRows(long bytesPerRow) {
    long rows = PART_BYTES / bytesPerRow;
    return (int) Math.max(SMALLEST_PART_ROWS, Math.min(LARGEST_PART_ROWS, rows));
  }

  private static List<PlannedPartition> partitions(
      VectorStore store, CollectionInfo source, int partRows, int parallelism) {
    long parts = Math.max(1, ceilDiv(source.rows(), partRows));
    long wanted =
        parts > PARTS_IN_ONE_HISTORY
            ? Math.max(parallelism, ceilDiv(parts, PARTS_PER_PARTITION_WORKFLOW))
            : parallelism;
    List<PlannedPartition> partitions = new ArrayList<>();
    for (SourceRange range : store.split((int) Math.min(parts, wanted))) {
      partitions.add(
          new PlannedPartition(
              partitions.size(), range.start(), range.end(), range.rows(), range.exact()));
    }
    return List.copyOf(partitions);
  }

  private static int parallelism(int asked) {
    return asked > 0 ? asked : Math.max(1, Math.min(8, Runtime.getRuntime().availableProcessors()));
  }

  private static Estimate estimate(
      MigrationSpec spec,
      long rows,
      long bytesPerRow,
      double archiveBytesPerRow,
      long parts,
      int partitions,
      int parallelism,
      long measuredSeconds) {
    long vectorBytes = rows * (bytesPerRow - OTHER_BYTES_PER_ROW);
    long bytes = rows * bytesPerRow;
    long batchBytes =
        Math.min(
            rows * bytesPerRow,
            Math.max(
                batchBytes(spec.export().batchSize(), bytesPerRow),
                batchBytes(spec.load().batchSize(), bytesPerRow)));
    // Three activities a part before the barrier and one behind it, each three events and about as
    // many of the workflow itself.
    long eventsPerPart = 4 * 6;
    long history =
        parts > PARTS_IN_ONE_HISTORY ? 50L * 2 * partitions + 100 : parts * eventsPerPart + 100;
    return new Estimate(
        archiveBytesPerRow > 0
            ? (long) Math.ceil(rows * archiveBytesPerRow)
            : vectorBytes + (bytes - vectorBytes) / 3,
        bytes,
        Math.min(parallelism, partitions) * 3L * Math.max(SMALLEST_BATCH_BYTES, batchBytes),
        2 * bytes,
        parts,
        history,
        measuredSeconds > 0 ? measuredSeconds : Math.max(1, Math.round(bytes / BYTES_PER_SECOND)));
  }

  /**
   * Bytes of a batch at most.
   *
   * @param batchSize its records; 0 when the run finds them out
   */
  private static long batchBytes(int batchSize, long bytesPerRow) {
    return batchSize == 0 ? Math.max(bytesPerRow, Throttle.BATCH_BYTES) : batchSize * bytesPerRow;
  }

  /** Vectors that differ in length from record to record count as long as those looked at. */
  private static long bytesPerRow(CollectionInfo source, RecordProfiler profiler) {
    long dense =
        source.vectors().stream()
            .filter(field -> field.kind() == VectorKind.DENSE)
            .mapToLong(field -> 4L * field.dimension())
            .sum();
    return dense + profiler.raggedBytesPerRow() + OTHER_BYTES_PER_ROW;
  }

  /** Of the vectors that the quality check searches. */
  private static int dimension(CollectionInfo source) {
    return source.vectors().stream()
        .filter(field -> field.kind() == VectorKind.DENSE)
        .mapToInt(VectorFieldInfo::dimension)
        .findFirst()
        .orElse(1);
  }

  /** How long so many records may take to be written and compared. */
  static long seconds(long rows, List<VectorFieldInfo> fields) {
    long floats = fields.stream().mapToLong(VectorFieldInfo::dimension).sum();
    return Math.max(1, Math.round(rows * (4 * floats + OTHER_BYTES_PER_ROW) / BYTES_PER_SECOND));
  }

  private static long ceilDiv(long value, long divisor) {
    return (value + divisor - 1) / divisor;
  }
}
