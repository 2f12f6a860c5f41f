package io.vecferry.store.elasticsearch;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.vecferry.plan.FailureClass;
import io.vecferry.record.RecordBatch;
import io.vecferry.record.VectorColumn;
import io.vecferry.store.Answer;
import io.vecferry.store.BatchReader;
import io.vecferry.store.JsonBytes;
import io.vecferry.store.SourceRange;
import io.vecferry.store.StoreException;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/**
 * Reads a range, shard after shard, each in the order of its sequence numbers. A point in time
 * keeps what is read together while it lives; a lost one is opened anew, and reading goes on behind
 * the last record, because the position is a sequence number and no handle of the server. That
 * nothing was added, changed or removed in between is found at the end of the range, by the number
 * of records in it.
 *
 * <p>The next request is on its way while the records of the last one are used.
 */
final class RangeReader implements BatchReader {
  private static final int REOPENED_IN_A_ROW = 3;
  private static final int BYTES_PER_COMPONENT = 12;
  private static final int OTHER_BYTES = 1000;

  private final RestClient client;
  private final Settings settings;
  private final Layout layout;
  private final boolean hidesVectors;
  private final Set<String> everywhere;
  private final int batchSize;
  private final int largestPage;
  private final SourceRange range;
  private final List<Stretch> stretches;
  private int current;
  private Position position;
  private long next;
  private String pit;
  private long bytesPerRow;
  private int asked;
  private RestClient.Pending pending;

  /** The part of a range that is in one shard. */
  private record Stretch(Index index, int shard, long from, long to) {}

  /**
   * @param hidesVectors whether vectors have to be asked for
   * @param everywhere names of the columns in which every record has a vector
   * @param batchSize most records in a batch
   */
  RangeReader(
      RestClient client,
      Settings settings,
      IndexSet indices,
      Layout layout,
      boolean hidesVectors,
      Set<String> everywhere,
      SourceRange range,
      String cursor,
      int batchSize) {
    this.client = client;
    this.settings = settings;
    this.layout = layout;
    this.hidesVectors = hidesVectors;
    this.everywhere = everywhere;
    this.batchSize = batchSize;
    this.largestPage = indices.largestPage();
    this.range = range;
    this.position = Position.parse(cursor == null ? range.start() : cursor);
    this.stretches = stretches(indices, position, Position.parse(range.end()));
    this.next = stretches.isEmpty() ? 0 : stretches.get(0).from();
    this.bytesPerRow =
        OTHER_BYTES
            + layout.columns().stream()
                .mapToLong(column -> (long) BYTES_PER_COMPONENT * column.dimension())
                .sum();
  }

  private static List<Stretch> stretches(IndexSet indices, Position start, Position end) {
    for (Position place : List.of(start, end)) {
      if (indices.index(place.index()).filter(i -> place.shard() < i.shards()).isEmpty()) {
        throw new StoreException(
            FailureClass.SOURCE_CHANGED,
            "'"
                + indices.asked()
                + "' does not lead to index '"
                + place.index()
                + "' with a shard "
                + place.shard()
                + " any more, as it did when the migration was planned.");
      }
    }
    List<Stretch> stretches = new ArrayList<>();
    for (Index index : indices.indices()) {
      for (int shard = 0; shard < index.shards(); shard++) {
        boolean first = index.name().equals(start.index()) && shard == start.shard();
        boolean last = index.name().equals(end.index()) && shard == end.shard();
        long from = first ? start.sequence() : 0;
        long to = last ? end.sequence() : Long.MAX_VALUE;
        Position here = Position.of(index.name(), shard, from);
        if ((first || here.compareTo(start) >= 0) && here.compareTo(end) < 0) {
          stretches.add(new Stretch(index, shard, from, to));
        }
      }
    }
    return stretches;
  }

  @Override
  public RecordBatch next() {
    int reopened = 0;
    while (true) {
      if (pending == null) {
        ask();
      }
      if (pending == null) {
        requireAll();
        return null;
      }
      RestClient.Pending now = pending;
      pending = null;
      Stretch stretch = stretches.get(current);
      Answer answer;
      try {
        answer = now.await();
      } catch (ServerFailure e) {
        if (e.is("search_context_missing_exception") && ++reopened <= REOPENED_IN_A_ROW) {
          pit = null;
          continue;
        }
        throw e;
      }
      Page page = Page.of(answer, layout, doing(stretch), asked);
      reopened = 0;
      pit = page.pit() == null ? pit : page.pit();
      boolean exhausted = page.rows() < asked;
      if (page.rows() > 0) {
        requireVectors(page, stretch);
        bytesPerRow = Math.max(1, answer.length() / page.rows());
        next = page.lastSequence() + 1;
        position =
            new Position(
                stretch.index().name(), stretch.shard(), next, position.rows() + page.rows());
      }
      if (exhausted) {
        closePit();
        current++;
        next = current < stretches.size() ? stretches.get(current).from() : 0;
      }
      if (page.rows() > 0) {
        ask();
        return page.batch();
      }
    }
  }

  /** Starts the next request, if there is anything left. */
  private void ask() {
    while (current < stretches.size() && next >= stretches.get(current).to()) {
      closePit();
      current++;
      next = current < stretches.size() ? stretches.get(current).from() : 0;
    }
    if (current >= stretches.size()) {
      return;
    }
    Stretch stretch = stretches.get(current);
    if (pit == null) {
      pit = openPit(stretch);
    }
    asked =
        (int)
            Math.max(
                1, Math.min(Math.min(batchSize, largestPage), settings.pageBytes() / bytesPerRow));
    ObjectNode body = JsonNodeFactory.instance.objectNode();
    body.put("size", asked).put("track_total_hits", false);
    body.putObject("pit").put("id", pit).put("keep_alive", settings.keepAlive());
    body.set(
        "query",
        Queries.records(
            stretch.index(), layout, stretch.from(), stretch.to(), settings.skipsWithoutVectors()));
    body.putArray("sort").addObject().put("_seq_no", "asc");
    body.putArray("search_after").add(next - 1);
    askForVectors(body, hidesVectors);
    JsonBytes bytes = new JsonBytes(1024);
    bytes.json(body.toString());
    pending =
        client.start(
            "POST",
            "/_search?allow_partial_search_results=false",
            bytes,
            doing(stretch),
            FailureClass.INCOMPATIBLE);
  }

  static void askForVectors(ObjectNode body, boolean hidesVectors) {
    if (hidesVectors) {
      body.putObject("_source").put("exclude_vectors", false);
    }
  }

  private static String doing(Stretch stretch) {
    return "reading shard " + stretch.shard() + " of '" + stretch.index().name() + "'";
  }

  private String openPit(Stretch stretch) {
    return client
        .send(
            "POST",
            "/"
                + RestClient.encode(stretch.index().name())
                + "/_pit?keep_alive="
                + settings.keepAlive()
                + "&preference=_shards:"
                + stretch.shard(),
            null,
            "opening a point in time of '" + stretch.index().name() + "'")
        .path("id")
        .asText();
  }

  /** It would end by itself, but until then keeps files of the server from being removed. */
  private void closePit() {
    if (pit != null) {
      JsonBytes body = new JsonBytes(256);
      body.raw("{\"id\":").string(pit).raw("}");
      client.start("DELETE", "/_pit", body, "closing a point in time", FailureClass.INCOMPATIBLE);
      pit = null;
    }
  }

  /** Refuses records whose vector the index has and the server does not give back. */
  private void requireVectors(Page page, Stretch stretch) {
    for (VectorColumn column : page.batch().vectors()) {
      if (!everywhere.contains(column.name())) {
        continue;
      }
      for (int row = 0; row < page.rows(); row++) {
        if (column.isNull(row)) {
          throw new StoreException(
              FailureClass.INCOMPATIBLE,
              "record '"
                  + page.storedIds().get(row)
                  + "' of index '"
                  + stretch.index().name()
                  + "' comes without its vector '"
                  + column.name()
                  + "', which is in the index but not in _source. Vectors that _source leaves out"
                  + " cannot be read.");
        }
      }
    }
  }

  private void requireAll() {
    if (range.exact() && position.rows() != range.rows()) {
      throw new StoreException(
          FailureClass.SOURCE_CHANGED,
          "'"
              + settings.collection()
              + "' has changed since it was planned: from "
              + range.start()
              + " to "
              + range.end()
              + " there were "
              + range.rows()
              + " records then, and "
              + position.rows()
              + " were read now. Stop what writes to it and start again with another name.");
    }
  }

  @Override
  public String cursor() {
    return position.spelled();
  }

  @Override
  public void close() {
    if (pending != null) {
      pending.cancel();
      pending = null;
    }
    closePit();
  }
}
