package io.vecferry.store.chroma;

import io.vecferry.plan.FailureClass;
import io.vecferry.record.DenseVectors;
import io.vecferry.record.IdColumn;
import io.vecferry.record.IdKind;
import io.vecferry.record.RecordBatch;
import io.vecferry.record.TextColumn;
import io.vecferry.record.VectorColumn;
import io.vecferry.store.Answer;
import io.vecferry.store.JsonBytes;
import io.vecferry.store.StoreException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Reads whole records by their ids. Requests are as large as {@link #TARGET_BYTES} of answer, going
 * by the records that came before. Thread-safe.
 */
final class RecordFetcher {
  /** Large enough that a request's own cost does not count, small enough to have some at once. */
  private static final long TARGET_BYTES = 12 << 20;

  /** The server binds every id of a request to a parameter of a query, and has 32,766 of them. */
  static final int MOST_ROWS = 5000;

  private static final int BYTES_PER_COMPONENT = 12;
  private static final int OTHER_BYTES = 500;

  private final ChromaClient client;
  private final ChromaSettings settings;
  private volatile long bytesPerRow;

  RecordFetcher(ChromaClient client, ChromaSettings settings) {
    this.client = client;
    this.settings = settings;
  }

  /** Name of the vector field in the records of a collection. */
  static String vectorName(ChromaCollection collection) {
    return collection.load().map(load -> load.note().vectorNames().getOrDefault("", "")).orElse("");
  }

  /** How the records of a collection are read. */
  static ChromaMapping mapping(ChromaCollection collection) {
    return new ChromaMapping(
        collection.load().isPresent(),
        collection.load().map(load -> load.note().idKinds()).orElse(Set.of()),
        false);
  }

  /** At most as many records as one request should ask for. */
  int rowsPerRequest(ChromaCollection collection) {
    long expected =
        bytesPerRow > 0
            ? bytesPerRow
            : (long) BYTES_PER_COMPONENT * collection.dimension() + OTHER_BYTES;
    return settings.limit((int) Math.max(1, Math.min(MOST_ROWS, TARGET_BYTES / expected)));
  }

  /** Asks for records by their stored ids. */
  ChromaClient.Pending start(ChromaCollection collection, List<String> storedIds) {
    JsonBytes body = new JsonBytes(40 * storedIds.size() + 100);
    body.raw("{\"include\":[\"embeddings\",\"documents\",\"metadatas\",\"uris\"],\"ids\":")
        .strings(storedIds)
        .raw("}");
    return client.read(
        collection,
        body,
        "reading " + storedIds.size() + " records of '" + collection.name() + "'");
  }

  /** Waits for records that were asked for; those that do not exist are left out. */
  ResponsePage finish(ChromaCollection collection, ChromaClient.Pending pending) {
    Answer answer = pending.await();
    ResponsePage page =
        ResponsePage.of(
            answer,
            mapping(collection),
            collection.name(),
            vectorName(collection),
            collection.dimension());
    if (!page.storedIds().isEmpty()) {
      bytesPerRow = Math.max(1, answer.length() / page.storedIds().size());
    }
    return page;
  }

  /** Reads records; those that do not exist are left out. */
  RecordBatch fetch(ChromaCollection collection, IdColumn ids) {
    ChromaMapping mapping = mapping(collection);
    List<String> stored = new ArrayList<>(ids.rows());
    for (int row = 0; row < ids.rows(); row++) {
      String id = mapping.storedId(ids.kind(row), ids.get(row));
      if (id != null) {
        stored.add(id);
      }
    }
    List<RecordBatch> batches = new ArrayList<>();
    int at = 0;
    while (at < stored.size()) {
      int rows = Math.min(rowsPerRequest(collection), stored.size() - at);
      List<String> some = stored.subList(at, at + rows);
      ResponsePage page = finish(collection, start(collection, some));
      batches.add(inOrder(page, some));
      at += rows;
    }
    return batches.size() == 1 ? batches.get(0) : join(batches, collection);
  }

  /** The records of a page in the order in which they were asked for. */
  private static RecordBatch inOrder(ResponsePage page, List<String> asked) {
    if (page.storedIds().equals(asked)) {
      return page.batch();
    }
    Map<String, Integer> found = page.rows();
    int[] rows = asked.stream().filter(found::containsKey).mapToInt(found::get).toArray();
    return page.batch().select(rows);
  }

  private static RecordBatch join(List<RecordBatch> batches, ChromaCollection collection) {
    int rows = batches.stream().mapToInt(RecordBatch::rows).sum();
    TextColumn.Builder ids = new TextColumn.Builder(rows);
    TextColumn.Builder documents = new TextColumn.Builder(rows);
    TextColumn.Builder metadata = new TextColumn.Builder(rows);
    IdKind[] kinds = new IdKind[rows];
    int dimension = collection.dimension();
    float[] vectors = new float[Math.multiplyExact(rows, dimension)];
    int at = 0;
    for (RecordBatch batch : batches) {
      for (int row = 0; row < batch.rows(); row++) {
        ids.add(batch.ids().texts(), row);
        documents.add(batch.documents(), row);
        metadata.add(batch.metadata(), row);
        kinds[at + row] = batch.ids().kind(row);
      }
      if (batch.rows() > 0) {
        float[] some = batch.onlyVectors().values();
        System.arraycopy(some, 0, vectors, at * dimension, some.length);
      }
      at += batch.rows();
    }
    List<VectorColumn> columns =
        dimension == 0
            ? List.of()
            : List.of(new DenseVectors(vectorName(collection), dimension, vectors));
    return new RecordBatch(
        rows == 0 ? IdColumn.ofStrings() : new IdColumn(ids.build(), kinds),
        columns,
        documents.build(),
        metadata.build());
  }

  /** What it means that a listed record is not there any more. */
  static StoreException gone(ChromaCollection collection, List<String> asked, ResponsePage page) {
    Map<String, Integer> found = page.rows();
    List<String> missing = asked.stream().filter(id -> !found.containsKey(id)).toList();
    return new StoreException(
        FailureClass.SOURCE_CHANGED,
        "collection '"
            + collection.name()
            + "' has changed since its records were listed: "
            + missing.size()
            + " of "
            + asked.size()
            + " records that were read next were removed, the first is '"
            + missing.get(0)
            + "'. Put them back and retry, or stop what writes to it and start again with another"
            + " name.");
  }
}
