package io.vecferry.store.milvus;

import io.milvus.grpc.CollectionSchema;
import io.milvus.grpc.CreateCollectionRequest;
import io.milvus.grpc.CreateIndexRequest;
import io.milvus.grpc.DeleteRequest;
import io.milvus.grpc.DescribeCollectionResponse;
import io.milvus.grpc.DropCollectionRequest;
import io.milvus.grpc.FieldSchema;
import io.milvus.grpc.FlushRequest;
import io.milvus.grpc.FlushResponse;
import io.milvus.grpc.GetFlushStateRequest;
import io.milvus.grpc.GetFlushStateResponse;
import io.milvus.grpc.IndexDescription;
import io.milvus.grpc.IndexState;
import io.milvus.grpc.InsertRequest;
import io.milvus.grpc.MutationResult;
import io.milvus.grpc.UpsertRequest;
import io.vecferry.plan.FailureClass;
import io.vecferry.plan.Finding;
import io.vecferry.record.IdColumn;
import io.vecferry.record.RecordBatch;
import io.vecferry.store.AdaptiveRequests;
import io.vecferry.store.BatchWriter;
import io.vecferry.store.LoadNote;
import io.vecferry.store.LoadSchema;
import io.vecferry.store.LoadStamp;
import io.vecferry.store.Reject;
import io.vecferry.store.SendingWriter;
import io.vecferry.store.SourceRange;
import io.vecferry.store.StoreException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/** Makes a collection and fills it. */
final class MilvusLoad {
  private static final int IN_FLIGHT = 4;

  private static final int MOST_ROWS = 8_192;

  /**
   * Measured: requests of 1,000 rows are taken at two thirds of the speed, of 3,000 at nine tenths.
   */
  private static final int FIRST_ROWS = MOST_ROWS;

  /** An index that gets no further for so long is tried again from the start. */
  private static final Duration STANDSTILL = Duration.ofMinutes(30);

  private static final int MOST_ROUNDS = 5;
  private static final int RANGES_TO_COMPARE = 64;
  private static final int ROWS_TO_COMPARE = 500;

  /**
   * A load up to this size gets its indexes at once, so that it can be read while they are being
   * built. Milvus takes up a larger one sooner without them.
   */
  private static final long EARLY_BYTES = 512L << 20;

  /** Milvus flushes a collection only so often. */
  private static final Duration FLUSH_PATIENCE = Duration.ofMinutes(2);

  /** Keys in one request to remove rows, and the bytes that they may take. */
  private static final int REMOVED_AT_ONCE = 1_000;

  private static final int REMOVED_BYTES = 1 << 20;

  private final MilvusCollection collection;
  private final MilvusClient client;
  private final ServerVersion version;
  private final AdaptiveRequests requests;

  MilvusLoad(MilvusCollection collection) {
    this.collection = collection;
    this.client = collection.client();
    this.version = client.version();
    this.requests =
        new AdaptiveRequests(
            "milvus", collection.options().requestsInFlight(), IN_FLIGHT, FIRST_ROWS);
  }

  Optional<LoadStamp> stamp() {
    return collection.find().flatMap(CollectionNote::of).map(note -> note.load().stamp());
  }

  private StoreException foreign(Optional<LoadStamp> found) {
    return new StoreException(
        FailureClass.TARGET_CHANGED,
        "the collection "
            + collection.options().place()
            + found
                .map(
                    stamp ->
                        " was made by another load, of the migration '" + stamp.migration() + "'.")
                .orElse(" was not made by this migration.")
            + " Choose another name, or move what is there away.");
  }

  /**
   * The collection that this load made.
   *
   * @throws StoreException MISSING or TARGET_CHANGED when it is not there or another one is
   */
  private DescribeCollectionResponse require(LoadStamp stamp) {
    DescribeCollectionResponse found = collection.describe();
    Optional<LoadStamp> carried = CollectionNote.of(found).map(note -> note.load().stamp());
    if (!carried.equals(Optional.of(stamp))) {
      throw foreign(carried);
    }
    return found;
  }

  void create(LoadSchema schema, LoadStamp stamp) {
    Optional<DescribeCollectionResponse> found = collection.find();
    if (found.isPresent()) {
      require(stamp);
      return;
    }
    Blueprint blueprint = Blueprint.of(collection.options(), version, schema);
    for (Finding finding : blueprint.findings()) {
      if (finding.severity() == Finding.Severity.BLOCKING) {
        throw new StoreException(FailureClass.INCOMPATIBLE, finding.toString());
      }
    }
    String note =
        new CollectionNote(
                new LoadNote(stamp, schema.idKinds(), blueprint.vectorNames()),
                blueprint.document(),
                blueprint.description(),
                blueprint.indexes())
            .toJson();
    Map<String, String> properties = new LinkedHashMap<>(blueprint.properties());
    CollectionSchema.Builder wanted = blueprint.schema().toBuilder();
    if (version.keepsDescription()) {
      wanted.setDescription(note);
    } else {
      properties.put(CollectionNote.PROPERTY, note);
    }
    client.run(
        collection.doing("creating"),
        stub ->
            stub.createCollection(
                CreateCollectionRequest.newBuilder()
                    .setCollectionName(collection.name())
                    .setSchema(wanted.build().toByteString())
                    .setShardsNum(blueprint.shards())
                    .setNumPartitions(blueprint.partitions())
                    .setConsistencyLevel(blueprint.consistency())
                    .addAllProperties(NativeSchema.pairs(properties))
                    .build()));
    collection.forget();
    // Two attempts may have met: the collection is that of the one that came first.
    DescribeCollectionResponse created = require(stamp);
    if (!version.lite() && schema.vectorBytes() <= EARLY_BYTES) {
      makeIndexes(CollectionNote.of(created).orElseThrow());
      collection.beginLoading();
    }
  }

  BatchWriter write(LoadStamp stamp) {
    Writing writing = writing(require(stamp));
    MilvusOptions options = collection.options();
    return new SendingWriter(
        new SendingWriter.Limits(MOST_ROWS, options.requestBytes()),
        requests,
        batch -> send(writing, batch));
  }

  /** How rows replace those with the same key. */
  private enum Way {
    UPSERT,
    /** Where insert replaces by itself. */
    INSERT,
    /**
     * Where upsert puts rows into the wrong partition. A second attempt leaves rows twice; the end
     * of the load puts that right.
     */
    INSERT_AND_REMOVE_REPEATED
  }

  private record Writing(Layout layout, RowEncoder encoder, Way way) {}

  private Writing writing(DescribeCollectionResponse found) {
    Layout layout = collection.layout(found);
    boolean partitioned =
        found.getSchema().getFieldsList().stream().anyMatch(FieldSchema::getIsPartitionKey);
    Way way =
        !version.upsertReplaces()
            ? Way.INSERT
            : partitioned && !version.upsertFollowsPartitionKey()
                ? Way.INSERT_AND_REMOVE_REPEATED
                : Way.UPSERT;
    return new Writing(layout, new RowEncoder(layout, version), way);
  }

  private List<Reject> send(Writing writing, RecordBatch batch) {
    RowEncoder.Encoded encoded = writing.encoder().encode(batch);
    if (encoded.rows() == 0) {
      return encoded.rejects();
    }
    String doing = collection.doing("writing");
    MutationResult answer =
        client.get(
            MilvusErrors.Call.WRITE,
            doing,
            stub ->
                writing.way() == Way.UPSERT
                    ? stub.upsert(
                        UpsertRequest.newBuilder()
                            .setCollectionName(collection.name())
                            .addAllFieldsData(encoded.columns())
                            .setNumRows(encoded.rows())
                            .build())
                    : stub.insert(
                        InsertRequest.newBuilder()
                            .setCollectionName(collection.name())
                            .addAllFieldsData(encoded.columns())
                            .setNumRows(encoded.rows())
                            .build()),
            MutationResult::getStatus);
    long written = Math.max(answer.getInsertCnt(), answer.getUpsertCnt());
    if (written != encoded.rows()) {
      throw new StoreException(
          FailureClass.TRANSIENT,
          doing + ": " + encoded.rows() + " rows were sent and " + written + " taken.");
    }
    return encoded.rejects();
  }

  void remove(IdColumn ids, LoadStamp stamp) {
    Layout layout = collection.layout(require(stamp));
    Filter filter = collection.filter(layout);
    List<String> keys = new ArrayList<>();
    long bytes = 0;
    for (int row = 0; row < ids.rows(); row++) {
      String id = ids.get(row);
      if (layout.textIds() || RowEncoder.isInt64(id)) {
        keys.add(id);
        bytes += Filter.size(id);
      }
      boolean last = row + 1 == ids.rows();
      if (!keys.isEmpty() && (last || keys.size() == REMOVED_AT_ONCE || bytes > REMOVED_BYTES)) {
        remove(filter, keys, "removing rows of");
        keys.clear();
        bytes = 0;
      }
    }
  }

  private void remove(Filter filter, List<String> keys, String doing) {
    client.get(
        MilvusErrors.Call.WRITE,
        collection.doing(doing),
        stub ->
            stub.delete(
                DeleteRequest.newBuilder()
                    .setCollectionName(collection.name())
                    .setExpr(filter.in(keys))
                    .build()),
        MutationResult::getStatus);
  }

  void finish(LoadStamp stamp) {
    DescribeCollectionResponse found = require(stamp);
    flush();
    makeIndexes(CollectionNote.of(found).orElseThrow());
    collection.load();
    collection.forget();
    Writing writing = writing(found);
    if (writing.way() == Way.INSERT_AND_REMOVE_REPEATED) {
      removeRepeated(writing);
    }
  }

  /** Writes rows anew that are there more than once; all of them are the same. */
  private void removeRepeated(Writing writing) {
    Filter filter = collection.filter(writing.layout());
    for (int round = 0; round < MOST_ROUNDS; round++) {
      KeyScan scan = KeyScan.of(collection);
      if (collection.count("") == scan.rows()) {
        return;
      }
      for (SourceRange range : scan.split(RANGES_TO_COMPARE)) {
        String rows = filter.range(Cursor.key(range.start()), Cursor.key(range.end()));
        if (collection.count(rows) != range.rows()) {
          removeRepeated(writing, range);
        }
      }
    }
    throw new StoreException(
        FailureClass.TRANSIENT,
        collection.doing("finishing")
            + ": rows are there more than once, because somebody is still writing.");
  }

  private void removeRepeated(Writing writing, SourceRange range) {
    Filter filter = collection.filter(writing.layout());
    try (MilvusReader reader = new MilvusReader(collection, range, null, ROWS_TO_COMPARE)) {
      for (RecordBatch batch = reader.next(); batch != null; batch = reader.next()) {
        List<String> keys = new ArrayList<>();
        for (int row = 0; row < batch.rows(); row++) {
          keys.add(batch.ids().get(row));
        }
        if (collection.count(filter.in(keys)) != batch.rows()) {
          remove(filter, keys, "removing repeated rows of");
          send(writing, batch);
        }
      }
    }
  }

  private void flush() {
    long deadline = System.nanoTime() + FLUSH_PATIENCE.toNanos();
    FlushResponse flushed = null;
    while (flushed == null) {
      try {
        flushed =
            client.get(
                MilvusErrors.Call.ADMINISTER,
                collection.doing("flushing"),
                stub ->
                    stub.flush(
                        FlushRequest.newBuilder().addCollectionNames(collection.name()).build()),
                FlushResponse::getStatus);
      } catch (StoreException e) {
        if (e.failureClass() != FailureClass.RATE_LIMITED || System.nanoTime() > deadline) {
          throw e;
        }
        MilvusCollection.pause();
      }
    }
    if (version.lite()) {
      return;
    }
    GetFlushStateRequest.Builder request =
        GetFlushStateRequest.newBuilder().setCollectionName(collection.name());
    Long moment = flushed.getCollFlushTsMap().get(collection.name());
    if (moment != null) {
      request.setFlushTs(moment);
    }
    var segments = flushed.getCollSegIDsMap().get(collection.name());
    if (segments != null) {
      request.addAllSegmentIDs(segments.getDataList());
    }
    while (!client
        .get(
            MilvusErrors.Call.ADMINISTER,
            collection.doing("flushing"),
            stub -> stub.getFlushState(request.build()),
            GetFlushStateResponse::getStatus)
        .getFlushed()) {
      MilvusCollection.pause();
    }
  }

  private void makeIndexes(CollectionNote note) {
    Set<String> there =
        collection.indexes().stream()
            .map(IndexDescription::getFieldName)
            .collect(Collectors.toSet());
    note.indexes()
        .forEach(
            (field, parameters) -> {
              if (there.contains(field)) {
                return;
              }
              client.run(
                  collection.doing("making the index on '" + field + "' of"),
                  stub ->
                      stub.createIndex(
                          CreateIndexRequest.newBuilder()
                              .setCollectionName(collection.name())
                              .setFieldName(field)
                              .setIndexName(field)
                              .addAllExtraParams(NativeSchema.pairs(parameters))
                              .build()));
            });
  }

  void awaitIndexes(LoadStamp stamp) {
    require(stamp);
    long before = -1;
    long moved = System.nanoTime();
    while (true) {
      long done = 0;
      boolean finished = true;
      for (IndexDescription index : collection.indexes()) {
        if (index.getState() == IndexState.Failed) {
          throw new StoreException(
              FailureClass.INCOMPATIBLE,
              collection.doing("making the index on '" + index.getFieldName() + "' of")
                  + ": "
                  + index.getIndexStateFailReason());
        }
        finished &=
            index.getState() == IndexState.Finished
                && index.getPendingIndexRows() == 0
                && index.getIndexedRows() >= index.getTotalRows();
        done += index.getIndexedRows();
      }
      if (finished) {
        return;
      }
      if (done != before) {
        before = done;
        moved = System.nanoTime();
      } else if (System.nanoTime() - moved > STANDSTILL.toNanos()) {
        throw new StoreException(
            FailureClass.TRANSIENT,
            collection.doing("making the index of")
                + ": no row was indexed for "
                + STANDSTILL.toMinutes()
                + " minutes, "
                + done
                + " are.");
      }
      MilvusCollection.pause();
    }
  }

  boolean drop(LoadStamp stamp) {
    if (collection.find().isEmpty()) {
      return false;
    }
    require(stamp);
    client.run(
        collection.doing("dropping"),
        stub ->
            stub.dropCollection(
                DropCollectionRequest.newBuilder().setCollectionName(collection.name()).build()));
    collection.forget();
    return true;
  }
}
