package io.vecferry.store.elasticsearch;

import com.fasterxml.jackson.databind.JsonNode;
import io.vecferry.plan.FailureClass;
import io.vecferry.record.DenseVectors;
import io.vecferry.record.RecordBatch;
import io.vecferry.record.VectorColumn;
import io.vecferry.store.Answer;
import io.vecferry.store.JsonBytes;
import io.vecferry.store.Reject;
import io.vecferry.store.SendingWriter;
import io.vecferry.store.StoreException;
import java.util.ArrayList;
import java.util.List;

/**
 * Writes records by id, so that they replace what is there. The server says of each record by
 * itself whether it took it. One that it did not take is tried once more with its metadata as a
 * text; what it refuses then is rejected. Thread-safe.
 */
final class BulkSender implements SendingWriter.Request {
  private final RestClient client;
  private final Layout layout;
  private final DocumentMapping mapping;
  private final String index;
  private final String path;

  /**
   * @param index name of the index, for messages
   * @param alias the alias to write through
   */
  BulkSender(
      RestClient client, Layout layout, DocumentMapping mapping, String index, String alias) {
    this.client = client;
    this.layout = layout;
    this.mapping = mapping;
    this.index = index;
    this.path =
        "/"
            + RestClient.encode(alias)
            + "/_bulk?require_alias=true&filter_path=errors,items.*.status,items.*.error";
  }

  /** A record that the server did not take. */
  private record Refused(int row, String reason) {}

  @Override
  public List<Reject> send(RecordBatch batch) {
    requireFields(batch);
    List<Reject> rejects = new ArrayList<>();
    List<Integer> rows = new ArrayList<>(batch.rows());
    for (int row = 0; row < batch.rows(); row++) {
      String problem = mapping.problem(batch, row);
      if (problem == null) {
        rows.add(row);
      } else {
        rejects.add(new Reject(batch.ids().get(row), problem));
      }
    }
    if (rows.isEmpty()) {
      return rejects;
    }
    List<Refused> refused = write(batch, rows, false);
    if (!refused.isEmpty()) {
      refused = write(batch, refused.stream().map(Refused::row).toList(), true);
    }
    for (Refused one : refused) {
      rejects.add(new Reject(batch.ids().get(one.row()), one.reason()));
    }
    return rejects;
  }

  private void requireFields(RecordBatch batch) {
    for (VectorColumn column : batch.vectors()) {
      Layout.Column target = layout.column(column.name());
      if (!(column instanceof DenseVectors dense) || dense.dimension() != target.dimension()) {
        throw new StoreException(
            FailureClass.INCOMPATIBLE,
            "field '"
                + target.field().path()
                + "' of index '"
                + index
                + "' takes one dense vector of "
                + target.dimension()
                + " components per record, not what the records have as '"
                + column.name()
                + "'");
      }
    }
  }

  private List<Refused> write(RecordBatch batch, List<Integer> rows, boolean whole) {
    long floats = 0;
    for (VectorColumn column : batch.vectors()) {
      floats += column.bytes() / 4;
    }
    long expected =
        12 * floats * rows.size() / batch.rows()
            + batch.documents().totalBytes()
            + 2L * batch.metadata().totalBytes()
            + 100L * rows.size();
    JsonBytes lines = new JsonBytes((int) Math.min(expected, 64 << 20));
    for (int row : rows) {
      mapping.write(batch, row, whole, lines);
    }
    String doing = "writing " + rows.size() + " records to '" + index + "'";
    Answer answer = client.lines(path, lines, doing, FailureClass.BAD_RECORD);
    JsonNode result = client.parse(answer);
    if (!result.path("errors").asBoolean(true)) {
      return List.of();
    }
    JsonNode items = result.path("items");
    if (items.size() != rows.size()) {
      throw new StoreException(
          FailureClass.TRANSIENT,
          "the server answered for " + items.size() + " of " + rows.size() + " records");
    }
    List<Refused> refused = new ArrayList<>();
    for (int i = 0; i < rows.size(); i++) {
      JsonNode item = items.get(i).elements().next();
      if (item.has("error")) {
        ServerFailure failure =
            client.failure(
                item.path("status").asInt(500), item.path("error"), doing, FailureClass.BAD_RECORD);
        if (failure.failureClass() != FailureClass.BAD_RECORD) {
          // A writer that comes too late finds no alias.
          throw failure;
        }
        refused.add(new Refused(rows.get(i), RestClient.reason(item.path("error"))));
      }
    }
    return refused;
  }
}
