package io.vecferry.store.chroma;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import io.vecferry.plan.FailureClass;
import io.vecferry.record.DenseVectors;
import io.vecferry.record.MetadataJson;
import io.vecferry.record.RecordBatch;
import io.vecferry.record.VectorColumn;
import io.vecferry.store.Metric;
import io.vecferry.store.Reject;
import io.vecferry.store.SendingWriter;
import io.vecferry.store.StoreException;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Writes records by id so that they replace what is there. Chroma's own upsert keeps every key of
 * the metadata, and the document, that the new record does not have; what is there is therefore
 * looked up first, and what is too much is taken away in the same request. Thread-safe.
 */
final class RecordSender implements SendingWriter.Request {
  private final ChromaClient client;
  private final ChromaCollection collection;
  private final ChromaMapping mapping;
  private final boolean base64;

  /**
   * @param collection a collection with a note
   * @param base64 whether the server takes vectors in base 64
   * @param arrays whether it takes arrays in metadata
   */
  RecordSender(ChromaClient client, ChromaCollection collection, boolean base64, boolean arrays) {
    this.client = client;
    this.collection = collection;
    this.mapping =
        new ChromaMapping(true, collection.load().orElseThrow().note().idKinds(), arrays);
    this.base64 = base64;
  }

  /** Keys of the metadata, the internal ones too, that a record has on the server. */
  private record Existing(Set<String> keys, boolean document) {}

  @Override
  public List<Reject> send(RecordBatch batch) {
    DenseVectors vectors = vectors(batch);
    List<Reject> rejects = new ArrayList<>();
    int[] rows = new int[batch.rows()];
    List<String> ids = new ArrayList<>(batch.rows());
    Set<String> seen = new HashSet<>(2 * batch.rows());
    for (int row = 0; row < batch.rows(); row++) {
      String id = mapping.storedId(batch.ids().kind(row), batch.ids().get(row));
      String problem = problem(vectors, row, seen.add(id));
      if (problem == null) {
        rows[ids.size()] = row;
        ids.add(id);
      } else {
        rejects.add(new Reject(batch.ids().get(row), problem));
      }
    }
    if (!ids.isEmpty()) {
      JsonBytes body = body(batch, vectors, rows, ids, existing(ids));
      client.upsert(
          collection, body, "writing " + ids.size() + " records to '" + collection.name() + "'");
    }
    return rejects;
  }

  private DenseVectors vectors(RecordBatch batch) {
    VectorColumn column = batch.vectors().size() == 1 ? batch.vectors().get(0) : null;
    if (column instanceof DenseVectors dense && dense.dimension() == collection.dimension()) {
      return dense;
    }
    throw new StoreException(
        FailureClass.INCOMPATIBLE,
        "collection '"
            + collection.name()
            + "' takes one dense vector of "
            + collection.dimension()
            + " components per record, the records have "
            + (column instanceof DenseVectors dense
                ? dense.dimension() + " components"
                : batch.vectors().size() + " vector fields"));
  }

  private String problem(DenseVectors vectors, int row, boolean first) {
    if (!first) {
      return "the id occurs more than once; the first record that has it was written";
    }
    if (vectors.isNull(row)) {
      return "there is no vector '" + vectors.name() + "', and Chroma has no records without one";
    }
    return collection.metric() == Metric.COSINE ? ChromaMapping.lostByCosine(vectors, row) : null;
  }

  /** Which of the records are there already; usually none is, and this costs next to nothing. */
  private Map<String, Existing> existing(List<String> ids) {
    List<String> found = new ArrayList<>();
    read(ids, "", (column, parser) -> readTexts(column, "ids", parser, found));
    if (found.isEmpty()) {
      return Map.of();
    }
    List<String> again = new ArrayList<>();
    List<String> documents = new ArrayList<>();
    List<String> uris = new ArrayList<>();
    List<Set<String>> keys = new ArrayList<>();
    read(
        found,
        "\"documents\",\"metadatas\",\"uris\"",
        (column, parser) -> {
          readTexts(column, "ids", parser, again);
          readTexts(column, "documents", parser, documents);
          readTexts(column, "uris", parser, uris);
          if (column.equals("metadatas")) {
            readKeys(parser, keys);
          }
        });
    Map<String, Existing> existing = new HashMap<>();
    for (int i = 0; i < again.size(); i++) {
      Set<String> present = keys.get(i);
      if (uris.get(i) != null) {
        present.add(ChromaMapping.URI);
      }
      existing.put(again.get(i), new Existing(present, documents.get(i) != null));
    }
    return existing;
  }

  /** Reads a column of an answer; the parser stands on its value. */
  @FunctionalInterface
  private interface ColumnReader {
    void read(String column, JsonParser parser) throws IOException;
  }

  private void read(List<String> ids, String include, ColumnReader reader) {
    JsonBytes body = new JsonBytes(40 * ids.size() + 100);
    body.raw("{\"include\":[" + include + "],\"ids\":[");
    for (int i = 0; i < ids.size(); i++) {
      body.separate(i).string(ids.get(i));
    }
    body.raw("]}");
    Answer answer =
        client
            .read(
                collection,
                body,
                "looking for " + ids.size() + " records in '" + collection.name() + "'")
            .await();
    try (JsonParser parser =
        MetadataJson.SCANNER.createParser(answer.bytes(), 0, answer.length())) {
      parser.nextToken();
      while (parser.nextToken() == JsonToken.FIELD_NAME) {
        String column = parser.currentName();
        parser.nextToken();
        reader.read(column, parser);
        parser.skipChildren();
      }
    } catch (IOException e) {
      throw ResponsePage.unreadable(e);
    }
  }

  private static void readTexts(
      String column, String wanted, JsonParser parser, List<String> target) throws IOException {
    if (column.equals(wanted)) {
      while (parser.nextToken() != JsonToken.END_ARRAY) {
        target.add(parser.currentToken() == JsonToken.VALUE_NULL ? null : parser.getText());
      }
    }
  }

  private static void readKeys(JsonParser parser, List<Set<String>> target) throws IOException {
    while (parser.nextToken() != JsonToken.END_ARRAY) {
      Set<String> keys = new HashSet<>();
      if (parser.currentToken() == JsonToken.START_OBJECT) {
        while (parser.nextToken() == JsonToken.FIELD_NAME) {
          keys.add(parser.currentName());
          parser.nextToken();
          parser.skipChildren();
        }
      }
      target.add(keys);
    }
  }

  private JsonBytes body(
      RecordBatch batch,
      DenseVectors vectors,
      int[] rows,
      List<String> ids,
      Map<String, Existing> existing) {
    int dimension = vectors.dimension();
    long expected =
        (base64 ? 6L : 13L) * dimension * ids.size()
            + batch.documents().totalBytes()
            + 2L * batch.metadata().totalBytes()
            + 40L * ids.size();
    JsonBytes body = new JsonBytes((int) Math.min(expected, 64 << 20));
    body.raw("{\"ids\":[");
    for (int i = 0; i < ids.size(); i++) {
      body.separate(i).string(ids.get(i));
    }
    body.raw("],\"embeddings\":[");
    for (int i = 0; i < ids.size(); i++) {
      body.separate(i);
      if (base64) {
        body.base64(vectors.values(), rows[i] * dimension, dimension);
      } else {
        body.numbers(vectors.values(), rows[i] * dimension, dimension);
      }
    }
    boolean[] emptyDocuments = new boolean[ids.size()];
    body.raw("],\"documents\":[");
    for (int i = 0; i < ids.size(); i++) {
      body.separate(i);
      int row = rows[i];
      Existing before = existing.get(ids.get(i));
      if (!batch.documents().isNull(row)) {
        body.string(
            batch.documents().bytes(), batch.documents().start(row), batch.documents().length(row));
      } else if (before != null && before.document()) {
        // A document can be replaced, but not taken away.
        emptyDocuments[i] = true;
        body.raw("\"\"");
      } else {
        body.raw("null");
      }
    }
    body.raw("],\"metadatas\":[");
    for (int i = 0; i < ids.size(); i++) {
      int row = rows[i];
      body.separate(i);
      int start = body.length();
      mapping.writeMetadata(
          batch.metadata(),
          row,
          batch.ids().kind(row),
          batch.ids().get(row),
          emptyDocuments[i],
          body);
      Existing before = existing.get(ids.get(i));
      if (before != null) {
        addRemovals(before.keys(), start, body);
      }
    }
    return body.raw("]}");
  }

  /** Takes keys away that the object does not have which starts here and ends the body. */
  private static void addRemovals(Set<String> before, int start, JsonBytes body) {
    Set<String> stale = new HashSet<>(before);
    try (JsonParser parser =
        MetadataJson.SCANNER.createParser(body.bytes(), start, body.length() - start)) {
      parser.nextToken();
      while (parser.nextToken() == JsonToken.FIELD_NAME) {
        stale.remove(parser.currentName());
        parser.nextToken();
        parser.skipChildren();
      }
    } catch (IOException e) {
      throw new IllegalStateException(e);
    }
    boolean empty = body.length() == start + 2;
    body.cut(body.length() - 1);
    int element = empty ? 0 : 1;
    for (String key : stale) {
      body.separate(element++).string(key).raw(":null");
    }
    body.raw("}");
  }
}
