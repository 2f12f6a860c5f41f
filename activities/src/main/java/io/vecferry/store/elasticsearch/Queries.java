package io.vecferry.store.elasticsearch;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.vecferry.plan.FailureClass;
import io.vecferry.store.StoreException;

/** Requests that choose records, and what is common to their answers. Pure. */
final class Queries {
  private Queries() {}

  /**
   * The records that a migration reads of a shard.
   *
   * @param from lowest sequence number
   * @param to the number behind the highest
   * @param skipsWithoutVectors whether records without any vector are left out
   */
  static ObjectNode records(
      Index index, Layout layout, long from, long to, boolean skipsWithoutVectors) {
    ObjectNode query = JsonNodeFactory.instance.objectNode();
    ArrayNode filters = query.putObject("bool").putArray("filter");
    filters.addObject().putObject("range").putObject("_seq_no").put("gte", from).put("lt", to);
    JsonNode aliasFilter = index.alias().path("filter");
    if (aliasFilter.isObject()) {
      filters.add(aliasFilter);
    }
    if (skipsWithoutVectors) {
      ObjectNode any = filters.addObject().putObject("bool");
      ArrayNode fields = any.putArray("should");
      layout.columns().forEach(column -> exists(fields.addObject(), column));
      any.put("minimum_should_match", 1);
    }
    return query;
  }

  /** Records that have a vector in a field. */
  static void exists(ObjectNode query, Layout.Column column) {
    query.putObject("exists").put("field", column.field().path());
  }

  /**
   * Refuses an answer that is not about all records.
   *
   * @throws StoreException TRANSIENT
   */
  static void requireComplete(JsonNode shards, boolean timedOut, String doing) {
    int failed = shards.path("failed").asInt(0);
    if (failed > 0 || timedOut) {
      throw new StoreException(
          FailureClass.TRANSIENT,
          (timedOut
                  ? "the server gave up"
                  : failed + " of " + shards.path("total").asInt() + " shards failed")
              + " while "
              + doing
              + ", so that records are missing in its answer"
              + (shards.at("/failures/0/reason").isObject()
                  ? ": " + RestClient.reason(shards.at("/failures/0/reason"))
                  : "")
              + ".");
    }
  }
}
