package io.vecferry.store.elasticsearch;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.vecferry.store.SourceRange;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;

/**
 * How many records each shard has, and which sequence numbers they have.
 *
 * @param shards in the order in which they are read
 */
record Census(List<Shard> shards) {
  /** Steps in which a shard is cut, for each range that is wanted. */
  private static final int STEPS = 20;

  private static final int MOST_STEPS = 20_000;

  /**
   * A shard.
   *
   * @param lowest lowest sequence number of a record; 0 when there are no records
   * @param highest highest one; -1 when there are no records
   * @param missing for each column of the layout, how many records have no vector in it
   * @param routed records that were stored with a routing of their own
   */
  record Shard(
      Index index, int number, long rows, long lowest, long highest, long[] missing, long routed) {}

  static Census take(RestClient client, IndexSet indices, Layout layout, Settings settings) {
    List<Shard> shards = new ArrayList<>();
    for (Index index : indices.indices()) {
      for (int number = 0; number < index.shards(); number++) {
        ObjectNode body = request(index, layout, settings);
        ObjectNode aggregations = body.putObject("aggs");
        aggregations.putObject("lowest").putObject("min").put("field", "_seq_no");
        aggregations.putObject("highest").putObject("max").put("field", "_seq_no");
        aggregations
            .putObject("routed")
            .putObject("filter")
            .putObject("exists")
            .put("field", "_routing");
        for (int i = 0; i < layout.columns().size(); i++) {
          ObjectNode without = JsonNodeFactory.instance.objectNode();
          Queries.exists(without, layout.columns().get(i));
          aggregations
              .putObject("without" + i)
              .putObject("filter")
              .putObject("bool")
              .set("must_not", without);
        }
        JsonNode answer = search(client, index, number, body);
        long rows = answer.at("/hits/total/value").asLong();
        long[] missing = new long[layout.columns().size()];
        for (int i = 0; i < missing.length; i++) {
          missing[i] = answer.at("/aggregations/without" + i + "/doc_count").asLong();
        }
        shards.add(
            new Shard(
                index,
                number,
                rows,
                rows == 0 ? 0 : answer.at("/aggregations/lowest/value").asLong(),
                rows == 0 ? -1 : answer.at("/aggregations/highest/value").asLong(),
                missing,
                answer.at("/aggregations/routed/doc_count").asLong()));
      }
    }
    return new Census(shards);
  }

  private static ObjectNode request(Index index, Layout layout, Settings settings) {
    ObjectNode body = JsonNodeFactory.instance.objectNode();
    body.put("size", 0).put("track_total_hits", true);
    body.set(
        "query", Queries.records(index, layout, 0, Long.MAX_VALUE, settings.skipsWithoutVectors()));
    return body;
  }

  private static JsonNode search(RestClient client, Index index, int shard, ObjectNode body) {
    String doing = "counting the records of shard " + shard + " of '" + index.name() + "'";
    JsonNode answer =
        client.send(
            "POST",
            "/"
                + RestClient.encode(index.name())
                + "/_search?allow_partial_search_results=false&preference=_shards:"
                + shard,
            body,
            doing);
    Queries.requireComplete(
        answer.path("_shards"), answer.path("timed_out").asBoolean(false), doing);
    return answer;
  }

  long rows() {
    return shards.stream().mapToLong(Shard::rows).sum();
  }

  long routed() {
    return shards.stream().mapToLong(Shard::routed).sum();
  }

  /** How many records have no vector in a column of the layout. */
  long missing(int column) {
    return shards.stream().mapToLong(shard -> shard.missing()[column]).sum();
  }

  /** Changes when a record is added, changed or removed. */
  String fingerprint() {
    StringBuilder text = new StringBuilder();
    for (Shard shard : shards) {
      text.append(shard.index().uuid())
          .append(' ')
          .append(shard.number())
          .append(' ')
          .append(shard.rows())
          .append(' ')
          .append(shard.highest())
          .append('\n');
    }
    return HexFormat.of().formatHex(IndexNames.digest(text.toString()), 0, 16);
  }

  /**
   * Ranges of about the same number of records.
   *
   * @param wanted most ranges
   */
  List<SourceRange> split(RestClient client, Layout layout, Settings settings, int wanted) {
    long rows = rows();
    long ranges = Math.min(Math.max(1, wanted), rows);
    List<SourceRange> split = new ArrayList<>();
    Position start = null;
    Position end = null;
    long seen = 0;
    long before = 0;
    for (Shard shard : shards) {
      if (shard.rows() == 0) {
        continue;
      }
      for (Step step : steps(client, layout, settings, shard, ranges)) {
        Position here = Position.of(shard.index().name(), shard.number(), step.from());
        // A range ends where the share of all ranges up to it is reached.
        if (start != null && seen >= Math.ceil((double) rows * (split.size() + 1) / ranges)) {
          split.add(range(start, end, seen - before));
          before = seen;
          start = null;
        }
        start = start == null ? here : start;
        seen += step.rows();
        end = Position.of(shard.index().name(), shard.number(), step.to());
      }
    }
    if (start != null) {
      split.add(range(start, end, seen - before));
    }
    return split;
  }

  private static SourceRange range(Position start, Position end, long rows) {
    return new SourceRange(start.spelled(), end.spelled(), rows, true);
  }

  /** Records of a shard whose sequence numbers are from one to before another. */
  private record Step(long from, long to, long rows) {}

  private List<Step> steps(
      RestClient client, Layout layout, Settings settings, Shard shard, long ranges) {
    long numbers = shard.highest() - shard.lowest() + 1;
    long share = Math.max(1, Math.round((double) ranges * shard.rows() / rows()));
    if (ranges == 1) {
      return List.of(new Step(shard.lowest(), shard.highest() + 1, shard.rows()));
    }
    long count = Math.min(Math.min(MOST_STEPS, numbers), share * STEPS);
    long interval = (numbers + count - 1) / count;
    ObjectNode body = request(shard.index(), layout, settings);
    ObjectNode histogram = body.putObject("aggs").putObject("steps").putObject("histogram");
    histogram.put("field", "_seq_no").put("interval", interval).put("min_doc_count", 1);
    JsonNode answer = search(client, shard.index(), shard.number(), body);
    List<Step> steps = new ArrayList<>();
    for (JsonNode bucket : answer.at("/aggregations/steps/buckets")) {
      long from = bucket.path("key").asLong();
      // What comes after the last record now is not planned for.
      long to = Math.min(from + interval, shard.highest() + 1);
      steps.add(new Step(from, to, bucket.path("doc_count").asLong()));
    }
    return steps;
  }
}
