package io.vecferry.store.milvus;

import com.google.common.util.concurrent.ListenableFuture;
import io.milvus.grpc.AllocTimestampRequest;
import io.milvus.grpc.AllocTimestampResponse;
import io.milvus.grpc.ConsistencyLevel;
import io.milvus.grpc.DescribeCollectionRequest;
import io.milvus.grpc.DescribeCollectionResponse;
import io.milvus.grpc.DescribeIndexRequest;
import io.milvus.grpc.DescribeIndexResponse;
import io.milvus.grpc.GetCollectionStatisticsRequest;
import io.milvus.grpc.GetCollectionStatisticsResponse;
import io.milvus.grpc.GetLoadStateRequest;
import io.milvus.grpc.GetLoadStateResponse;
import io.milvus.grpc.IndexDescription;
import io.milvus.grpc.KeyValuePair;
import io.milvus.grpc.LoadCollectionRequest;
import io.milvus.grpc.LoadState;
import io.milvus.grpc.QueryRequest;
import io.milvus.grpc.QueryResults;
import io.milvus.grpc.ReleaseCollectionRequest;
import io.milvus.grpc.ShowCollectionsRequest;
import io.milvus.grpc.ShowCollectionsResponse;
import io.milvus.shaded.io.grpc.stub.ClientCalls;
import io.vecferry.plan.FailureClass;
import io.vecferry.spec.Suggestion;
import io.vecferry.store.StoreException;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/** One collection of a server: what it is, whether it is loaded, and queries. Thread-safe. */
final class MilvusCollection {
  private static final Duration POLL = Duration.ofMillis(200);
  private static final int NAMED_COLLECTIONS = 10;

  private final MilvusClient client;
  private final MilvusOptions options;
  private Layout layout;
  private boolean loaded;
  private boolean loadedByUs;

  MilvusCollection(MilvusClient client, MilvusOptions options) {
    this.client = client;
    this.options = options;
  }

  MilvusClient client() {
    return client;
  }

  MilvusOptions options() {
    return options;
  }

  String name() {
    return options.collection();
  }

  /** What is being done, for messages. */
  String doing(String verb) {
    return verb + " " + options.place();
  }

  /** The collection, when it is there. */
  Optional<DescribeCollectionResponse> find() {
    DescribeCollectionResponse answer =
        client.ask(
            doing("looking at"),
            stub ->
                stub.describeCollection(
                    DescribeCollectionRequest.newBuilder().setCollectionName(name()).build()));
    if (MilvusErrors.isCollectionMissing(answer.getStatus())) {
      return Optional.empty();
    }
    if (!MilvusErrors.isOk(answer.getStatus())) {
      throw MilvusErrors.of(MilvusErrors.Call.ADMINISTER, doing("looking at"), answer.getStatus());
    }
    return Optional.of(answer);
  }

  /**
   * The collection.
   *
   * @throws StoreException MISSING, naming near names, when it is not there
   */
  DescribeCollectionResponse describe() {
    return find().orElseThrow(this::missing);
  }

  StoreException missing() {
    ShowCollectionsResponse all =
        client.get(
            MilvusErrors.Call.ADMINISTER,
            "listing collections at " + options.server(),
            stub -> stub.showCollections(ShowCollectionsRequest.getDefaultInstance()),
            ShowCollectionsResponse::getStatus);
    List<String> names = all.getCollectionNamesList().stream().sorted().toList();
    String near = Suggestion.didYouMean(name(), names);
    String there =
        names.isEmpty()
            ? " There are no collections."
            : " There are: "
                + String.join(", ", names.subList(0, Math.min(NAMED_COLLECTIONS, names.size())))
                + (names.size() > NAMED_COLLECTIONS ? ", ..." : "")
                + ".";
    return new StoreException(
        FailureClass.MISSING,
        "there is no collection " + options.place() + "." + (near.isEmpty() ? there : near));
  }

  /** How its fields and the columns of records correspond; looked up once. */
  synchronized Layout layout() {
    if (layout == null) {
      layout = layout(describe());
    }
    return layout;
  }

  Layout layout(DescribeCollectionResponse collection) {
    return Layout.of(
        collection.getSchema(),
        CollectionNote.of(collection).orElse(null),
        options.documentField());
  }

  Filter filter(Layout of) {
    return new Filter(of.idField(), of.textIds(), client.version().lite());
  }

  /** Forgets what was looked up. */
  synchronized void forget() {
    layout = null;
    loaded = false;
  }

  List<IndexDescription> indexes() {
    DescribeIndexResponse answer =
        client.ask(
            doing("looking at the indexes of"),
            stub ->
                stub.describeIndex(
                    DescribeIndexRequest.newBuilder().setCollectionName(name()).build()));
    if (MilvusErrors.isIndexMissing(answer.getStatus())) {
      return List.of();
    }
    if (!MilvusErrors.isOk(answer.getStatus())) {
      throw MilvusErrors.of(
          MilvusErrors.Call.ADMINISTER, doing("looking at the indexes of"), answer.getStatus());
    }
    return answer.getIndexDescriptionsList();
  }

  boolean isLoaded() {
    GetLoadStateResponse state =
        client.get(
            MilvusErrors.Call.ADMINISTER,
            doing("looking at"),
            stub ->
                stub.getLoadState(
                    GetLoadStateRequest.newBuilder().setCollectionName(name()).build()),
            GetLoadStateResponse::getStatus);
    return state.getState() == LoadState.LoadStateLoaded;
  }

  /**
   * Makes sure that the collection can be read, and loads it when the user allows that.
   *
   * @throws StoreException MISSING when it is not there, or not loaded and may not be
   */
  synchronized void requireLoaded() {
    if (loaded) {
      return;
    }
    if (!isLoaded()) {
      // One that is not there is not loaded either, and says so.
      describe();
      if (!options.load()) {
        throw new StoreException(
            FailureClass.MISSING,
            options.place()
                + " is not loaded, and only a loaded collection can be read. Load it, or let"
                + " vecferry do it with "
                + options.role()
                + ".options.load: true.");
      }
      load();
      loadedByUs = true;
    }
    loaded = true;
  }

  /** Loads the collection and waits until it can be read. */
  void load() {
    beginLoading();
    while (!isLoaded()) {
      pause();
    }
  }

  /** Has the collection loaded, which takes seconds; it can be written meanwhile. */
  void beginLoading() {
    client.run(
        doing("loading"),
        stub ->
            stub.loadCollection(
                LoadCollectionRequest.newBuilder()
                    .setCollectionName(name())
                    .setReplicaNumber(1)
                    .build()));
  }

  /** Releases the collection if this object has loaded it. */
  synchronized void releaseIfLoaded() {
    if (!loadedByUs) {
      return;
    }
    loadedByUs = false;
    loaded = false;
    client.run(
        doing("releasing"),
        stub ->
            stub.releaseCollection(
                ReleaseCollectionRequest.newBuilder().setCollectionName(name()).build()));
  }

  /** Waits before looking again. */
  static void pause() {
    try {
      Thread.sleep(POLL.toMillis());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new StoreException(FailureClass.TRANSIENT, "the work was stopped", e);
    }
  }

  /**
   * A moment that reads can be bound to: they wait until everything before it is there. One moment
   * for many reads spares each of them the wait for its own.
   *
   * @return 0 where the server has no such thing; each read then waits for itself
   */
  long now() {
    if (!client.version().hasTimestamps()) {
      return 0;
    }
    return client
        .get(
            MilvusErrors.Call.READ,
            doing("reading"),
            stub -> stub.allocTimestamp(AllocTimestampRequest.getDefaultInstance()),
            AllocTimestampResponse::getStatus)
        .getTimestamp();
  }

  /**
   * A query.
   *
   * @param filter rows; empty for all
   * @param limit most rows; 0 for no limit
   * @param inOrder whether rows have to come in the order of the key
   * @param moment from {@link #now}
   */
  QueryRequest query(String filter, List<String> fields, int limit, boolean inOrder, long moment) {
    QueryRequest.Builder query =
        QueryRequest.newBuilder()
            .setCollectionName(name())
            .setExpr(filter)
            .addAllOutputFields(fields)
            .setConsistencyLevel(ConsistencyLevel.Strong)
            .setGuaranteeTimestamp(moment);
    if (limit > 0) {
      query.addQueryParams(parameter("limit", Integer.toString(limit)));
    }
    if (inOrder && client.version().ordersOnRequest()) {
      query.addQueryParams(parameter("iterator", "true"));
      query.addQueryParams(parameter("reduce_stop_for_best", "true"));
    }
    return query.build();
  }

  static KeyValuePair parameter(String key, String value) {
    return KeyValuePair.newBuilder().setKey(key).setValue(value).build();
  }

  /** Asks a query and waits for its answer. */
  QueryResults ask(QueryRequest query) {
    return take(start(query), query);
  }

  ListenableFuture<QueryResults> start(QueryRequest query) {
    return client.start(
        stub ->
            ClientCalls.futureUnaryCall(
                stub.getChannel().newCall(QueryAnswer.METHOD, stub.getCallOptions()), query));
  }

  /** The answer to a query that was started. */
  QueryResults take(ListenableFuture<QueryResults> started, QueryRequest query) {
    QueryResults answer = client.await(doing("reading"), started);
    if (MilvusErrors.isNotLoaded(answer.getStatus()) && options.load()) {
      // Another worker that had loaded it has finished.
      synchronized (this) {
        loaded = false;
      }
      requireLoaded();
      answer = client.await(doing("reading"), start(query));
    }
    if (!MilvusErrors.isOk(answer.getStatus())) {
      throw MilvusErrors.of(MilvusErrors.Call.READ, doing("reading"), answer.getStatus());
    }
    return answer;
  }

  /**
   * Number of rows, exactly; rows with the same key count each.
   *
   * @param filter rows; empty for all
   */
  long count(String filter) {
    QueryResults answer = ask(query(filter, List.of("count(*)"), 0, false, 0));
    return answer.getFieldsData(0).getScalars().getLongData().getData(0);
  }

  /** Number of rows without those that were written last; deleted ones may count. */
  long roughCount() {
    return client
        .get(
            MilvusErrors.Call.ADMINISTER,
            doing("looking at"),
            stub ->
                stub.getCollectionStatistics(
                    GetCollectionStatisticsRequest.newBuilder().setCollectionName(name()).build()),
            GetCollectionStatisticsResponse::getStatus)
        .getStatsList()
        .stream()
        .filter(pair -> pair.getKey().equals("row_count"))
        .mapToLong(pair -> Long.parseLong(pair.getValue()))
        .findFirst()
        .orElse(0);
  }
}
