package io.vecferry.store.qdrant;

import io.qdrant.client.grpc.Collections.CollectionConfig;
import io.qdrant.client.grpc.Collections.Datatype;
import io.qdrant.client.grpc.Collections.ShardingMethod;
import io.qdrant.client.grpc.Collections.VectorParams;
import io.qdrant.client.grpc.Common.Condition;
import io.qdrant.client.grpc.Common.Filter;
import io.qdrant.client.grpc.Common.HasVectorCondition;
import io.qdrant.client.grpc.Common.IsEmptyCondition;
import io.qdrant.client.grpc.Points.CountPoints;
import io.qdrant.client.grpc.Points.ScrollPoints;
import io.qdrant.client.grpc.Points.ScrollResponse;
import io.qdrant.client.grpc.PointsGrpc;
import io.qdrant.client.grpc.SnapshotsService.SnapshotDescription;
import io.vecferry.plan.FailureClass;
import io.vecferry.plan.Finding;
import io.vecferry.record.IdKind;
import io.vecferry.record.RecordBatch;
import io.vecferry.record.VectorKind;
import io.vecferry.store.CollectionInfo;
import io.vecferry.store.ReservedKeys;
import io.vecferry.store.StoreException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;

/**
 * What a collection is and what is to be known of it. Thread-safe; keeps what is costly to find.
 */
final class Description {
  private static final Duration DEFERRED_PATIENCE = Duration.ofSeconds(90);

  /** Points at each of some places whose content goes into the fingerprint. */
  private static final int FINGERPRINT_POINTS = 2;

  private final Catalogue catalogue;
  private Object counted;
  private long count;
  private boolean foreignUuids;

  Description(Catalogue catalogue) {
    this.catalogue = catalogue;
  }

  /** Looks at the collection, once all its points can be read. */
  Layout visible() {
    long deadline = System.nanoTime() + DEFERRED_PATIENCE.toNanos();
    while (true) {
      Layout layout = catalogue.look();
      long hidden = Load.deferred(layout.info());
      if (hidden == 0) {
        return layout;
      }
      if (System.nanoTime() > deadline) {
        throw new StoreException(
            FailureClass.TRANSIENT,
            hidden
                + " points of collection '"
                + layout.collection()
                + "' are hidden from reads until the server has optimized them.");
      }
      Connection.sleep(500);
    }
  }

  CollectionInfo describe(Layout layout) {
    long rows = count(layout);
    Map<String, String> configuration = new LinkedHashMap<>();
    io.qdrant.client.grpc.Collections.CollectionInfo info = layout.info();
    if (!layout.collection().equals(catalogue.settings().collection())) {
      configuration.put("alias", catalogue.settings().collection());
    }
    if (!layout.aliases().isEmpty()) {
      configuration.put("aliases", String.join(", ", layout.aliases()));
    }
    if (layout.note() != null) {
      configuration.put("made by migration", layout.note().load().stamp().migration());
    }
    configuration.put("status", info.getStatus().name().toLowerCase(Locale.ROOT));
    configuration.put(
        "optimizer",
        info.getOptimizerStatus().getOk() || info.getOptimizerStatus().getError().isEmpty()
            ? "ok"
            : info.getOptimizerStatus().getError());
    configuration.put("segments", Long.toString(info.getSegmentsCount()));
    configuration.put("indexed vectors", Long.toString(info.getIndexedVectorsCount()));
    if (info.getConfig().getStrictModeConfig().getEnabled()) {
      configuration.put("strict mode", "on");
    }
    configuration.put("snapshots", snapshots(layout));
    NativeConfiguration.describe(info, layout.note(), configuration);
    return new CollectionInfo(
        "Qdrant " + catalogue.version().text(),
        layout.collection(),
        layout.describeFields(),
        idKinds(layout),
        rows,
        -1,
        configuration,
        fingerprint(layout, rows));
  }

  private String snapshots(Layout layout) {
    try {
      String names =
          catalogue.snapshots(layout.collection()).stream()
              .map(SnapshotDescription::getName)
              .sorted()
              .collect(Collectors.joining(", "));
      return names.isEmpty() ? "none" : names;
    } catch (StoreException e) {
      // A key for one collection may read it and not its snapshots.
      if (e.failureClass() == FailureClass.PERMISSION) {
        return "not shown to this key";
      }
      throw e;
    }
  }

  /** Counting costs; what was counted holds as long as nothing else that the server shows moves. */
  private synchronized long count(Layout layout) {
    io.qdrant.client.grpc.Collections.CollectionInfo info = layout.info();
    Object look =
        List.of(
            layout.collection(),
            info.getPointsCount(),
            info.getSegmentsCount(),
            info.getIndexedVectorsCount(),
            info.getStatus());
    if (!look.equals(counted)) {
      count = catalogue.count(layout.collection());
      counted = look;
    }
    return count;
  }

  private Set<IdKind> idKinds(Layout layout) {
    Splits splits = new Splits(catalogue.connection(), layout);
    PointKey first = splits.firstFrom(PointKey.FIRST);
    boolean numbers = first != null && !first.isUuid();
    Set<IdKind> kinds = EnumSet.noneOf(IdKind.class);
    if (layout.note() == null) {
      if (splits.firstFrom(PointKey.FIRST_UUID) != null) {
        kinds.add(IdKind.UUID);
      }
    } else {
      kinds.addAll(layout.note().load().idKinds());
      synchronized (this) {
        if (foreignUuids) {
          kinds.add(IdKind.UUID);
        }
      }
    }
    if (numbers || kinds.isEmpty()) {
      kinds.add(layout.points().ids().numbers());
    }
    return kinds;
  }

  /**
   * Name, number of points, fields, and the content of some points from all over the collection.
   * Qdrant has no version of a collection; a change of a few points that leaves their number alone
   * is not seen.
   */
  private String fingerprint(Layout layout, long rows) {
    ContentHash hash = new ContentHash();
    hash.add(layout.collection());
    hash.add(layout.fields().toString());
    hash.add(Long.toString(rows));
    Set<PointKey> places = new TreeSet<>();
    places.add(PointKey.FIRST);
    places.add(PointKey.ofNumber(rows / 2));
    places.add(PointKey.ofNumber(Math.max(0, rows - FINGERPRINT_POINTS)));
    for (long quarter = 0; quarter < 4; quarter++) {
      places.add(new PointKey(true, quarter << 62, 0));
    }
    for (PointKey place : places) {
      ScrollResponse page =
          catalogue
              .connection()
              .read(
                  PointsGrpc.getScrollMethod(),
                  RangeReader.page(layout.collection(), place, FINGERPRINT_POINTS, true),
                  "looking at points of collection '" + layout.collection() + "'");
      RecordBatch batch = layout.points().decode(page.getResultList());
      hash.add(batch);
    }
    return rows + " points, " + hash.finish();
  }

  // Assessment

  List<Finding> assess(Layout layout) {
    List<Finding> findings = new ArrayList<>();
    findServer(findings);
    findings.add(
        Finding.info(
            "source",
            "Qdrant has no version of a collection. That points are added or removed during the"
                + " export is noticed by their number; of points that are changed in place, or"
                + " replaced by as many others, only a few are looked at. Stop what writes to"
                + " collection '"
                + layout.collection()
                + "'."));
    findStatus(layout, findings);
    findConfiguration(layout, findings);
    findForeign(layout);
    findAbsentVectors(layout, findings);
    return findings;
  }

  private void findServer(List<Finding> findings) {
    ServerVersion version = catalogue.version();
    if (!version.supported()) {
      findings.add(
          Finding.blocking(
              "source.url",
              "the server is Qdrant " + version.text() + "; vecferry needs 1.10 or newer.",
              "Update the server."));
    } else if (version.newerThanTested()) {
      findings.add(
          Finding.info(
              "source.url",
              "the server is Qdrant "
                  + version.text()
                  + ", newer than "
                  + ServerVersion.NEWEST
                  + ", the newest that vecferry was tested with."));
    }
  }

  private void findStatus(Layout layout, List<Finding> findings) {
    io.qdrant.client.grpc.Collections.CollectionInfo info = layout.info();
    String collection = "collection '" + layout.collection() + "' ";
    if (!layout.collection().equals(catalogue.settings().collection())) {
      findings.add(
          Finding.info(
              "source.collection",
              "'"
                  + catalogue.settings().collection()
                  + "' is an alias of collection '"
                  + layout.collection()
                  + "', which is read."));
    }
    if (layout.note() != null && !layout.note().unfinished().isEmpty()) {
      findings.add(
          Finding.blocking(
              "source",
              collection
                  + "is a load of migration '"
                  + layout.note().load().stamp().migration()
                  + "' that has not ended; records may be missing from it.",
              "Let that migration end, or roll it back, first."));
    }
    switch (info.getStatus()) {
      case Red ->
          findings.add(
              Finding.warning(
                  "source",
                  collection
                      + "is red: the server could not optimize it ("
                      + info.getOptimizerStatus().getError()
                      + "). It can be read; updates may be missing from it.",
                  "Look at the server's log and solve it first."));
      case Yellow ->
          findings.add(
              Finding.info("source", collection + "is being optimized; reading it is slower."));
      case Grey ->
          findings.add(
              Finding.info(
                  "source",
                  collection
                      + "is grey: since its start the server waits for a write before it optimizes."
                      + " Reading needs none."));
      case Green, UnknownCollectionStatus, UNRECOGNIZED -> {}
    }
  }

  private void findConfiguration(Layout layout, List<Finding> findings) {
    CollectionConfig config = layout.info().getConfig();
    if (layout.fields().isEmpty()) {
      findings.add(
          Finding.blocking(
              "source",
              "collection '" + layout.collection() + "' has no vectors, only payload.",
              "There is nothing to migrate for a vector store."));
    }
    if (config.getParams().getShardingMethod() == ShardingMethod.Custom) {
      findings.add(
          Finding.warning(
              "source",
              "collection '"
                  + layout.collection()
                  + "' has shard keys. They are not taken along, and points of the same id under"
                  + " different keys become one record.",
              "Keep the shard key in the payload too, and see that ids are unique."));
    }
    for (Map.Entry<String, VectorParams> field : Layout.dense(config.getParams()).entrySet()) {
      if (field.getValue().getDatatype() == Datatype.UNRECOGNIZED) {
        findings.add(
            Finding.warning(
                "source",
                "vector '"
                    + field.getKey()
                    + "' is kept in a form that this version of vecferry does not know; it is read"
                    + " as the server gives it out, which may be rounded.",
                ""));
      }
    }
    for (VectorField field : layout.fields()) {
      if (field.normalised() && layout.note() == null) {
        findings.add(
            Finding.info(
                "source",
                "vector '"
                    + field.recordName()
                    + "': Qdrant has normalised vectors when they were written; what length they had"
                    + " is not known."));
      }
    }
  }

  /**
   * Whether somebody has added points with UUIDs of their own to what vecferry made. Kinds of ids
   * that no one expects would stop the export.
   */
  private void findForeign(Layout layout) {
    if (layout.note() == null || layout.note().load().idKinds().contains(IdKind.UUID)) {
      return;
    }
    boolean found = true;
    if (layout.limits().unindexedFilters()) {
      Filter withoutId =
          Filter.newBuilder()
              .addMust(
                  Condition.newBuilder()
                      .setIsEmpty(IsEmptyCondition.newBuilder().setKey(ReservedKeys.ID)))
              .build();
      ScrollPoints request =
          RangeReader.page(layout.collection(), PointKey.FIRST_UUID, 1, false).toBuilder()
              .setFilter(withoutId)
              .build();
      found =
          catalogue
                  .connection()
                  .read(
                      PointsGrpc.getScrollMethod(),
                      request,
                      "looking for ids in collection '" + layout.collection() + "'")
                  .getResultCount()
              > 0;
    }
    synchronized (this) {
      foreignUuids = found;
    }
  }

  private void findAbsentVectors(Layout layout, List<Finding> findings) {
    if (!catalogue.version().filtersByVector()) {
      return;
    }
    for (VectorField field : layout.fields()) {
      Filter without =
          Filter.newBuilder()
              .addMustNot(
                  Condition.newBuilder()
                      .setHasVector(HasVectorCondition.newBuilder().setHasVector(field.name())))
              .build();
      long absent =
          catalogue
              .connection()
              .read(
                  PointsGrpc.getCountMethod(),
                  CountPoints.newBuilder()
                      .setCollectionName(layout.collection())
                      .setExact(true)
                      .setFilter(without)
                      .build(),
                  "counting absent vectors in collection '" + layout.collection() + "'")
              .getResult()
              .getCount();
      if (absent > 0) {
        findings.add(
            Finding.warning(
                "source",
                String.format(
                    Locale.ROOT,
                    "%,d points have no vector '%s'%s.",
                    absent,
                    field.recordName(),
                    field.kind() == VectorKind.SPARSE ? " (sparse)" : ""),
                "Choose a target whose records may lack a vector, or give them one."));
      }
    }
  }
}
