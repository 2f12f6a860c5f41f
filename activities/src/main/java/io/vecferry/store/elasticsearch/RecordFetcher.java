package io.vecferry.store.elasticsearch;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.vecferry.plan.FailureClass;
import io.vecferry.record.IdColumn;
import io.vecferry.record.RecordBatch;
import io.vecferry.store.Answer;
import io.vecferry.store.JsonBytes;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Reads records by id. They are searched for and not got, because to get a record one has to know
 * its routing and its index. Thread-safe.
 */
final class RecordFetcher {
  private static final int BYTES_PER_COMPONENT = 12;
  private static final int OTHER_BYTES = 1000;

  private final RestClient client;
  private final Settings settings;
  private final boolean hidesVectors;
  private volatile long bytesPerRow;

  RecordFetcher(RestClient client, Settings settings, boolean hidesVectors) {
    this.client = client;
    this.settings = settings;
    this.hidesVectors = hidesVectors;
  }

  /**
   * The records that exist, in the order in which they were asked for.
   *
   * @return empty when the name leads to other indices by now, whose records may be laid out in
   *     another way
   */
  Optional<RecordBatch> fetch(IndexSet indices, Layout layout, IdColumn ids) {
    IdMapping mapping = layout.ids();
    List<String> stored = new ArrayList<>(ids.rows());
    for (int row = 0; row < ids.rows(); row++) {
      String id = mapping.stored(ids.kind(row), ids.get(row));
      if (id != null) {
        stored.add(id);
      }
    }
    List<RecordBatch> batches = new ArrayList<>();
    int at = 0;
    do {
      int rows = Math.min(rowsPerRequest(indices, layout), stored.size() - at);
      Optional<RecordBatch> batch = fetch(indices, layout, stored.subList(at, at + rows));
      if (batch.isEmpty()) {
        return batch;
      }
      batches.add(batch.get());
      at += rows;
    } while (at < stored.size());
    return Optional.of(batches.size() == 1 ? batches.get(0) : RecordBatch.concat(batches));
  }

  private int rowsPerRequest(IndexSet indices, Layout layout) {
    long expected =
        bytesPerRow > 0
            ? bytesPerRow
            : OTHER_BYTES
                + layout.columns().stream()
                    .mapToLong(column -> (long) BYTES_PER_COMPONENT * column.dimension())
                    .sum();
    return (int) Math.max(1, Math.min(indices.largestPage(), settings.pageBytes() / expected));
  }

  /** Whether a record that has a vector in a column comes with it; true when there is none. */
  boolean givesBack(Index index, Layout layout, Layout.Column column) {
    ObjectNode body = JsonNodeFactory.instance.objectNode();
    body.put("size", 1).put("track_total_hits", false);
    Queries.exists(body.putObject("query"), column);
    String doing = "looking at a record of '" + index.name() + "'";
    Page page = search(index.name(), body, layout, doing).page();
    return page.rows() == 0
        || page.batch().vectors().stream()
            .filter(vectors -> vectors.name().equals(column.name()))
            .noneMatch(vectors -> vectors.isNull(0));
  }

  /** Records that were searched for. */
  private record Found(Page page, int bytes) {}

  private Found search(String name, ObjectNode body, Layout layout, String doing) {
    RangeReader.askForVectors(body, hidesVectors);
    JsonBytes bytes = new JsonBytes(1024);
    bytes.json(body.toString());
    String path = "/" + RestClient.encode(name) + "/_search?allow_partial_search_results=false";
    Answer answer = client.start("POST", path, bytes, doing, FailureClass.INCOMPATIBLE).await();
    return new Found(Page.of(answer, layout, doing, body.path("size").asInt()), answer.length());
  }

  private Optional<RecordBatch> fetch(IndexSet indices, Layout layout, List<String> stored) {
    ObjectNode body = JsonNodeFactory.instance.objectNode();
    body.put("size", stored.size()).put("track_total_hits", false);
    ArrayNode values =
        body.putObject("query")
            .putObject("bool")
            .putObject("filter")
            .putObject("ids")
            .putArray("values");
    stored.forEach(values::add);
    String doing = "reading " + stored.size() + " records of '" + indices.asked() + "'";
    Found answer = search(indices.asked(), body, layout, doing);
    Page page = answer.page();
    if (!page.indices().stream().allMatch(name -> indices.index(name).isPresent())) {
      return Optional.empty();
    }
    if (page.rows() > 0) {
      bytesPerRow = Math.max(1, answer.bytes() / page.rows());
    }
    Map<String, Integer> found = new HashMap<>();
    for (int row = 0; row < page.rows(); row++) {
      found.put(page.storedIds().get(row), row);
    }
    int[] order = stored.stream().filter(found::containsKey).mapToInt(found::get).toArray();
    return Optional.of(page.batch().select(order));
  }
}
