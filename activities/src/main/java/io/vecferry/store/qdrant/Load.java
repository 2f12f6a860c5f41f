package io.vecferry.store.qdrant;

import io.qdrant.client.grpc.Collections.AliasOperations;
import io.qdrant.client.grpc.Collections.ChangeAliases;
import io.qdrant.client.grpc.Collections.CollectionInfo;
import io.qdrant.client.grpc.Collections.CollectionStatus;
import io.qdrant.client.grpc.Collections.CreateAlias;
import io.qdrant.client.grpc.Collections.CreateCollection;
import io.qdrant.client.grpc.Collections.DeleteCollection;
import io.qdrant.client.grpc.Collections.OptimizersConfigDiff;
import io.qdrant.client.grpc.Collections.RenameAlias;
import io.qdrant.client.grpc.Collections.UpdateCollection;
import io.qdrant.client.grpc.CollectionsGrpc;
import io.qdrant.client.grpc.Points.CreateFieldIndexCollection;
import io.qdrant.client.grpc.Points.DeletePoints;
import io.qdrant.client.grpc.Points.PointsIdsList;
import io.qdrant.client.grpc.Points.PointsOperationResponse;
import io.qdrant.client.grpc.Points.PointsSelector;
import io.qdrant.client.grpc.Points.UpdateStatus;
import io.qdrant.client.grpc.Points.UpsertPoints;
import io.qdrant.client.grpc.PointsGrpc;
import io.vecferry.plan.FailureClass;
import io.vecferry.plan.Finding;
import io.vecferry.record.IdColumn;
import io.vecferry.record.RecordBatch;
import io.vecferry.store.AdaptiveRequests;
import io.vecferry.store.BatchWriter;
import io.vecferry.store.LoadSchema;
import io.vecferry.store.LoadStamp;
import io.vecferry.store.Reject;
import io.vecferry.store.SendingWriter;
import io.vecferry.store.StoreException;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.stream.Collectors;

/**
 * Makes, fills and ends a load. Qdrant cannot rename a collection, so a load is made under its
 * final name; who made it stands in its note.
 */
final class Load {
  /** Several writers run at once, so few requests of each are enough to keep a server busy. */
  private static final int IN_FLIGHT = 2;

  private static final int REQUEST_ROWS = 2_000;
  private static final long REQUEST_BYTES = 2 << 20;

  private static final Duration POLL = Duration.ofMillis(250);

  /** An optimization of which nothing is seen to move for so long is looked at by a person. */
  private static final Duration NO_PROGRESS = Duration.ofMinutes(10);

  /** A server may take a moment to notice that there is something to do. */
  private static final Duration BEFORE_WORK = Duration.ofSeconds(2);

  /** Below this many bytes of vectors nothing is indexed by default. */
  private static final long INDEXED_BYTES = 10_000L << 10;

  private final Catalogue catalogue;
  private final AdaptiveRequests requests;

  Load(Catalogue catalogue) {
    this.catalogue = catalogue;
    this.requests =
        new AdaptiveRequests("qdrant", catalogue.settings().requestsInFlight(), IN_FLIGHT);
  }

  void create(LoadSchema schema, LoadStamp stamp) {
    LoadPlan plan = new LoadPlan(schema, catalogue.settings(), catalogue.version());
    String problems =
        plan.findings().stream()
            .filter(finding -> finding.severity() == Finding.Severity.BLOCKING)
            .map(Finding::toString)
            .collect(Collectors.joining(" "));
    if (!problems.isEmpty()) {
      throw new StoreException(FailureClass.INCOMPATIBLE, problems);
    }
    LoadPlan.Creation creation = plan.creation();
    CollectionNote note = plan.note(stamp, creation.later());
    if (!catalogue.exists()) {
      make(creation.create(), note);
    }
    Layout layout = catalogue.look();
    if (layout.note() == null && isUnnoted(layout, creation.create())) {
      // An earlier attempt was stopped between making the collection and noting it.
      noteAsAlias(layout.collection(), note);
      layout = catalogue.look();
    }
    requireStamp(layout, stamp);
    for (CreateFieldIndexCollection index : plan.payloadIndexes()) {
      catalogue
          .connection()
          .call(
              PointsGrpc.getCreateFieldIndexMethod(),
              index,
              "indexing payload key '" + index.getFieldName() + "'");
    }
  }

  private void make(CreateCollection create, CollectionNote note) {
    CreateCollection.Builder request = create.toBuilder();
    if (catalogue.version().keepsMetadata()) {
      request.putAllMetadata(note.toMetadata());
    }
    try {
      catalogue
          .connection()
          .call(
              CollectionsGrpc.getCreateMethod(),
              request.build(),
              "creating collection '" + create.getCollectionName() + "'");
    } catch (StoreException e) {
      // Two attempts may overlap; whose it is, is looked at next.
      if (e.failureClass() != FailureClass.TARGET_CHANGED) {
        throw e;
      }
      return;
    }
    if (!catalogue.version().keepsMetadata()) {
      noteAsAlias(create.getCollectionName(), note);
    }
  }

  private void noteAsAlias(String collection, CollectionNote note) {
    changeAlias(
        AliasOperations.newBuilder()
            .setCreateAlias(
                CreateAlias.newBuilder().setCollectionName(collection).setAliasName(note.toAlias()))
            .build());
  }

  private void changeAlias(AliasOperations change) {
    catalogue
        .connection()
        .call(
            CollectionsGrpc.getUpdateAliasesMethod(),
            ChangeAliases.newBuilder().addActions(change).build(),
            "noting who made the collection");
  }

  /**
   * Whether a collection without a note is one that this load has just made: on a server that notes
   * in a second step, empty, without other aliases, with these very fields and no graph.
   */
  private boolean isUnnoted(Layout layout, CreateCollection create) {
    return !catalogue.version().keepsMetadata()
        && layout.collection().equals(create.getCollectionName())
        && layout.aliases().isEmpty()
        && layout.info().getConfig().getHnswConfig().getM() == 0
        && layout
            .info()
            .getConfig()
            .getParams()
            .getVectorsConfig()
            .equals(create.getVectorsConfig())
        && catalogue.count(layout.collection()) == 0;
  }

  /**
   * @throws StoreException TARGET_CHANGED unless this load made the collection
   */
  void requireStamp(Layout layout, LoadStamp stamp) {
    if (!layout.collection().equals(catalogue.settings().collection())) {
      throw new StoreException(
          FailureClass.TARGET_CHANGED,
          "'"
              + catalogue.settings().collection()
              + "' is an alias of collection '"
              + layout.collection()
              + "'. A load needs a name of its own; give the name of a collection that is not"
              + " there.");
    }
    LoadStamp found = layout.note() == null ? null : layout.note().load().stamp();
    if (!stamp.equals(found)) {
      throw new StoreException(
          FailureClass.TARGET_CHANGED,
          "collection '"
              + layout.collection()
              + "' was not made by this load of migration '"
              + stamp.migration()
              + "'"
              + (found == null
                  ? ""
                  : " but by '" + found.migration() + "' (load " + found.loadId() + ")")
              + "; it is left alone.");
    }
  }

  BatchWriter write(LoadStamp stamp) {
    Layout layout = catalogue.look();
    requireStamp(layout, stamp);
    SendingWriter.Limits limits =
        new SendingWriter.Limits(
            Math.min(REQUEST_ROWS, layout.limits().writeRows()), REQUEST_BYTES);
    return new SendingWriter(limits, requests, batch -> send(layout, batch));
  }

  private List<Reject> send(Layout layout, RecordBatch batch) {
    PointMapping.Encoded encoded = layout.points().encode(batch);
    if (!encoded.points().isEmpty()) {
      // Waiting until the points are applied costs nothing, and makes a fence needless.
      UpsertPoints request =
          UpsertPoints.newBuilder()
              .setCollectionName(layout.collection())
              .setWait(true)
              .addAllPoints(encoded.points())
              .build();
      PointsOperationResponse response =
          catalogue
              .connection()
              .write(
                  PointsGrpc.getUpsertMethod(),
                  request,
                  "writing "
                      + encoded.points().size()
                      + " points to collection '"
                      + layout.collection()
                      + "'");
      UpdateStatus status = response.getResult().getStatus();
      if (status != UpdateStatus.Completed && status != UpdateStatus.Acknowledged) {
        throw new StoreException(
            FailureClass.TRANSIENT,
            "Qdrant did not apply a write to collection '"
                + layout.collection()
                + "': status "
                + status);
      }
    }
    return encoded.refused();
  }

  void remove(IdColumn ids, LoadStamp stamp) {
    Layout layout = catalogue.look();
    requireStamp(layout, stamp);
    int most = Math.min(REQUEST_ROWS, layout.limits().writeRows());
    for (int from = 0; from < ids.rows(); from += most) {
      PointsIdsList.Builder points = PointsIdsList.newBuilder();
      for (int row = from; row < Math.min(ids.rows(), from + most); row++) {
        points.addIds(layout.points().ids().map(ids.kind(row), ids.get(row)).key().toPointId());
      }
      catalogue
          .connection()
          .write(
              PointsGrpc.getDeleteMethod(),
              DeletePoints.newBuilder()
                  .setCollectionName(layout.collection())
                  .setWait(true)
                  .setPoints(PointsSelector.newBuilder().setPoints(points))
                  .build(),
              "removing points of collection '" + layout.collection() + "'");
    }
  }

  void finish(LoadStamp stamp) {
    Layout layout = catalogue.look();
    requireStamp(layout, stamp);
    if (!layout.note().unfinished().isEmpty()) {
      UpdateCollection.Builder update =
          Deferral.parse(layout.note().unfinished()).toBuilder()
              .setCollectionName(layout.collection());
      if (catalogue.version().keepsMetadata()) {
        update.putAllMetadata(CollectionNote.finishedMetadata());
      }
      update(update.build());
      if (!catalogue.version().keepsMetadata()) {
        changeAlias(
            AliasOperations.newBuilder()
                .setRenameAlias(
                    RenameAlias.newBuilder()
                        .setOldAliasName(layout.note().toAlias())
                        .setNewAliasName(layout.note().finished().toAlias()))
                .build());
      }
    }
    awaitVisible(layout);
  }

  /** Waits until no point is held back until its segment has an index. */
  private void awaitVisible(Layout layout) {
    if (deferred(catalogue.info(layout.collection())) > 0) {
      awaitGreen(layout);
    }
  }

  void awaitIndexes(LoadStamp stamp) {
    Layout layout = catalogue.look();
    requireStamp(layout, stamp);
    awaitGreen(layout);
  }

  private void update(UpdateCollection update) {
    catalogue
        .connection()
        .call(
            CollectionsGrpc.getUpdateMethod(),
            update,
            "changing the configuration of collection '" + update.getCollectionName() + "'");
  }

  /**
   * Waits until nothing is left to optimize. Grey means that the server waits for a write before it
   * goes on, as it does after a restart; a change of nothing is as good. Indexed vectors are no
   * measure: small segments never are.
   */
  private void awaitGreen(Layout layout) {
    String collection = layout.collection();
    long start = System.nanoTime();
    long moved = start;
    Object seen = null;
    while (true) {
      CollectionInfo info = catalogue.info(collection);
      long now = System.nanoTime();
      switch (info.getStatus()) {
        case Green -> {
          if (deferred(info) == 0 && !mayStillBegin(layout, info, now - start)) {
            return;
          }
        }
        case Grey ->
            update(
                UpdateCollection.newBuilder()
                    .setCollectionName(collection)
                    .setOptimizersConfig(OptimizersConfigDiff.getDefaultInstance())
                    .build());
        case Red -> throw red(collection, info);
        case Yellow, UnknownCollectionStatus, UNRECOGNIZED -> {}
      }
      Object look =
          List.of(info.getStatus(), info.getSegmentsCount(), info.getIndexedVectorsCount());
      if (!Objects.equals(look, seen)) {
        seen = look;
        moved = now;
      } else if (now - moved > NO_PROGRESS.toNanos()) {
        throw new StoreException(
            FailureClass.TRANSIENT,
            "the optimization of collection '"
                + collection
                + "' has not moved for "
                + NO_PROGRESS.toMinutes()
                + " minutes: status "
                + info.getStatus()
                + ", "
                + info.getIndexedVectorsCount()
                + " vectors indexed. Look at the server's log.");
      }
      Connection.sleep(POLL.toMillis());
    }
  }

  /** Whether the server has an index to build, shows none, and was told just now. */
  private static boolean mayStillBegin(Layout layout, CollectionInfo info, long nanos) {
    long bytes = info.getPointsCount() * RangeReader.rowBytes(layout);
    return nanos < BEFORE_WORK.toNanos()
        && bytes > INDEXED_BYTES
        && info.getIndexedVectorsCount() == 0
        && info.getConfig().getHnswConfig().getM() > 0;
  }

  static long deferred(CollectionInfo info) {
    return info.getUpdateQueue().getDeferredPoints();
  }

  private static StoreException red(String collection, CollectionInfo info) {
    String error = info.getOptimizerStatus().getError();
    return new StoreException(
        FailureClass.RESOURCE_EXHAUSTED,
        "collection '"
            + collection
            + "' is red: the server could not optimize it ("
            + (error.isEmpty() ? "it does not say why" : error)
            + "). Look at the server's log, disk and memory; retry when that is solved.");
  }

  /** Whether something was removed. */
  boolean drop(LoadStamp stamp) {
    if (!catalogue.exists()) {
      return false;
    }
    Layout layout = catalogue.look();
    requireStamp(layout, stamp);
    return catalogue
        .connection()
        .call(
            CollectionsGrpc.getDeleteMethod(),
            DeleteCollection.newBuilder().setCollectionName(layout.collection()).build(),
            "dropping collection '" + layout.collection() + "'")
        .getResult();
  }

  /** Whether a status needs a person. */
  static boolean isRed(CollectionInfo info) {
    return info.getStatus() == CollectionStatus.Red;
  }
}
