package io.vecferry.store.elasticsearch;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.vecferry.plan.FailureClass;
import io.vecferry.record.IdColumn;
import io.vecferry.record.RecordBatch;
import io.vecferry.store.AdaptiveRequests;
import io.vecferry.store.BatchWriter;
import io.vecferry.store.JsonBytes;
import io.vecferry.store.LoadNote;
import io.vecferry.store.LoadSchema;
import io.vecferry.store.LoadStamp;
import io.vecferry.store.Reject;
import io.vecferry.store.RequestsFound;
import io.vecferry.store.SendingWriter;
import io.vecferry.store.StoreException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/** An index that is being loaded. Thread-safe. */
final class Load {
  private static final String UNREFRESHED = "-1";
  private static final Duration POLL = Duration.ofSeconds(1);

  /** Bytes of a float in JSON, for each byte of it in memory. */
  private static final int JSON_PER_COLUMN_BYTE = 3;

  /** Several writers run at once, so few requests of each are enough to keep a server busy. */
  private static final int IN_FLIGHT = 2;

  private static final int MOST_ROWS = 10_000;

  /** Measured: requests of 1,000 rows are taken at three quarters of the speed of 10,000. */
  private static final int FIRST_ROWS = 5_000;

  private static final int REMOVED_AT_ONCE = 1_000;

  private final RestClient client;
  private final Settings settings;
  private final ServerVersion version;
  private final AdaptiveRequests requests;

  Load(RestClient client, Settings settings, ServerVersion version) {
    this.client = client;
    this.settings = settings;
    this.version = version;
    this.requests =
        new AdaptiveRequests("elasticsearch", settings.requestsInFlight(), IN_FLIGHT, FIRST_ROWS);
  }

  private static Optional<LoadStamp> stamp(Index index) {
    return index.note(Layout.NOTE).flatMap(LoadNote::parse).map(LoadNote::stamp);
  }

  /** The stamp of what a name leads to, if one migration made all of it. */
  static Optional<LoadStamp> stamp(IndexSet indices) {
    return indices.indices().size() == 1 ? stamp(indices.first()) : Optional.empty();
  }

  private Optional<IndexSet> find() {
    return IndexSet.find(client, settings.collection());
  }

  private Index require(IndexSet indices, LoadStamp stamp) {
    String name = "'" + indices.asked() + "'";
    LoadStamp found = stamp(indices).orElse(null);
    if (found == null) {
      throw new StoreException(
          FailureClass.TARGET_CHANGED, name + " is there and was not made by vecferry");
    }
    if (!found.equals(stamp)) {
      throw new StoreException(
          FailureClass.TARGET_CHANGED,
          name
              + " belongs to load "
              + found.loadId()
              + " of migration "
              + found.migration()
              + ", not to load "
              + stamp.loadId()
              + " of "
              + stamp.migration());
    }
    return indices.first();
  }

  void create(LoadSchema schema, LoadStamp stamp) {
    Optional<IndexSet> there = find();
    if (there.isPresent()) {
      require(there.get(), stamp);
      return;
    }
    ObjectNode body = new LoadPlan(settings, version, schema).create(settings.collection(), stamp);
    try {
      client.send(
          "PUT",
          "/" + RestClient.encode(settings.collection()),
          body,
          "making index '" + settings.collection() + "'");
    } catch (ServerFailure e) {
      if (!e.is("resource_already_exists_exception")) {
        throw e;
      }
      // Another attempt was faster.
      require(IndexSet.get(client, settings), stamp);
    }
  }

  BatchWriter write(LoadStamp stamp) {
    IndexSet indices = IndexSet.get(client, settings);
    Index index = require(indices, stamp);
    Layout layout = Layout.of(indices, settings);
    SendingWriter writer =
        new SendingWriter(
            new SendingWriter.Limits(
                MOST_ROWS, Math.max(1, settings.requestBytes() / JSON_PER_COLUMN_BYTE)),
            requests,
            new BulkSender(
                client,
                layout,
                new DocumentMapping(layout, settings.routing()),
                index.name(),
                IndexNames.writeAlias(index.name())));
    return new Refreshing(writer, index.name());
  }

  /** Makes the records of a part visible when it is finished: nothing else does during a load. */
  private final class Refreshing implements BatchWriter {
    private final BatchWriter writer;
    private final String index;

    Refreshing(BatchWriter writer, String index) {
      this.writer = writer;
      this.index = index;
    }

    @Override
    public void write(RecordBatch batch) {
      writer.write(batch);
    }

    @Override
    public int batchRows() {
      return writer.batchRows();
    }

    @Override
    public Optional<RequestsFound> requests() {
      return writer.requests();
    }

    @Override
    public long acknowledged() {
      return writer.acknowledged();
    }

    @Override
    public long resumable() {
      return writer.resumable();
    }

    @Override
    public List<Reject> finish() {
      List<Reject> rejects = writer.finish();
      refresh(index);
      return rejects;
    }

    @Override
    public void close() {
      writer.close();
    }
  }

  private void refresh(String index) {
    String doing = "making the records of '" + index + "' visible";
    JsonNode answer =
        client.send("POST", "/" + RestClient.encode(index) + "/_refresh", null, doing);
    Queries.requireComplete(answer.path("_shards"), false, doing);
  }

  void remove(IdColumn ids, LoadStamp stamp) {
    IndexSet indices = IndexSet.get(client, settings);
    Index index = require(indices, stamp);
    IdMapping mapping = Layout.of(indices, settings).ids();
    refresh(index.name());
    for (int from = 0; from < ids.rows(); from += REMOVED_AT_ONCE) {
      List<String> stored = new ArrayList<>();
      for (int row = from; row < Math.min(ids.rows(), from + REMOVED_AT_ONCE); row++) {
        String id = mapping.stored(ids.kind(row), ids.get(row));
        if (id != null) {
          stored.add(id);
        }
      }
      // With two routings a record may be there twice.
      while (removeFound(index.name(), stored)) {
        refresh(index.name());
      }
    }
  }

  /**
   * Removes the records that a search finds: it says their routing, without which they are looked
   * for in the wrong shard.
   *
   * @return whether there were any
   */
  private boolean removeFound(String index, List<String> stored) {
    ObjectNode body = JsonNodeFactory.instance.objectNode();
    body.put("size", stored.size()).put("_source", false).put("track_total_hits", false);
    ArrayNode values = body.putObject("query").putObject("ids").putArray("values");
    stored.forEach(values::add);
    String doing = "removing " + stored.size() + " records of '" + index + "'";
    JsonNode found =
        client
            .send(
                "POST",
                "/" + RestClient.encode(index) + "/_search?allow_partial_search_results=false",
                body,
                doing)
            .path("hits")
            .path("hits");
    if (found.isEmpty()) {
      return false;
    }
    JsonBytes lines = new JsonBytes(100 * found.size());
    for (JsonNode hit : found) {
      lines.raw("{\"delete\":{\"_id\":").string(hit.path("_id").textValue());
      if (hit.has(Routing.KEY)) {
        lines.raw(",\"routing\":").string(hit.path(Routing.KEY).textValue());
      }
      lines.raw("}}\n");
    }
    JsonNode result =
        client.parse(
            client.lines(
                "/"
                    + RestClient.encode(index)
                    + "/_bulk?filter_path=errors,items.*.status,items.*.error",
                lines,
                doing,
                FailureClass.INCOMPATIBLE));
    for (JsonNode item : result.path("items")) {
      JsonNode deleted = item.path("delete");
      // What another attempt has removed meanwhile is absent, which is no error.
      if (deleted.has("error")) {
        throw client.failure(
            deleted.path("status").asInt(500),
            deleted.path("error"),
            doing,
            FailureClass.INCOMPATIBLE);
      }
    }
    return true;
  }

  /** Undoes what was set for the time of the load. */
  void finish(LoadStamp stamp) {
    Index index = require(IndexSet.get(client, settings), stamp);
    refresh(index.name());
    if (!index.refreshInterval().equals(UNREFRESHED)) {
      return;
    }
    if (settings.forceMerge()) {
      forceMerge(index.name());
    }
    ObjectNode restored = JsonNodeFactory.instance.objectNode();
    ObjectNode options = restored.putObject("index");
    options.putNull("refresh_interval");
    if (settings.replicas() >= 0) {
      options.put("number_of_replicas", settings.replicas());
    } else {
      options.putNull("number_of_replicas");
    }
    client.send(
        "PUT",
        "/" + RestClient.encode(index.name()) + "/_settings",
        restored,
        "setting the replicas of '" + index.name() + "'");
  }

  private void forceMerge(String index) {
    String doing = "merging the segments of '" + index + "'";
    String task =
        client
            .send(
                "POST",
                "/"
                    + RestClient.encode(index)
                    + "/_forcemerge?max_num_segments=1&wait_for_completion=false",
                null,
                doing)
            .path("task")
            .asText();
    while (true) {
      JsonNode state = client.get("/_tasks/" + RestClient.encode(task), doing);
      if (state.path("completed").asBoolean(false)) {
        if (state.has("error")) {
          throw client.failure(500, state.path("error"), doing, FailureClass.TRANSIENT);
        }
        return;
      }
      try {
        TimeUnit.MILLISECONDS.sleep(POLL.toMillis());
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new StoreException(FailureClass.TRANSIENT, "the work was stopped while " + doing, e);
      }
    }
  }

  boolean drop(LoadStamp stamp) {
    Optional<IndexSet> there = find();
    if (there.isEmpty()) {
      return false;
    }
    Index index = require(there.get(), stamp);
    try {
      client.send(
          "DELETE",
          "/" + RestClient.encode(index.name()),
          null,
          "removing index '" + index.name() + "'");
    } catch (ServerFailure e) {
      if (e.failureClass() != FailureClass.MISSING) {
        throw e;
      }
    }
    return true;
  }
}
