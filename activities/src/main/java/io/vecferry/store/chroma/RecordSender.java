package io.vecferry.store.chroma;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import io.vecferry.plan.FailureClass;
import io.vecferry.record.DenseVectors;
import io.vecferry.record.MetadataJson;
import io.vecferry.record.RecordBatch;
import io.vecferry.record.VectorColumn;
import io.vecferry.store.Answer;
import io.vecferry.store.JsonBytes;
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
 * looked up first, and what is too much is taken away in the same request.
 *
 * <p>A server that knows arrays in metadata may also give a new record the arrays of a record whose
 * collection was removed. What was written is therefore looked at there, and what is foreign is
 * taken away.
 *
 * <p>Thread-safe.
 */
final class RecordSender implements SendingWriter.Request {
  private final ChromaClient client;
  private final ChromaMapping mapping;
  private final boolean base64;
  private final boolean arrays;
  private volatile ChromaCollection collection;

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
    this.arrays = arrays;
  }

  /**
   * What a record has on the server.
   *
   * @param keys keys of its metadata, and that of its uri
   */
  private record Existing(Set<String> keys, boolean document) {}

  /** A column of an answer; the parser stands on its value. */
  @FunctionalInterface
  interface ColumnReader {
    void read(String column, JsonParser parser) throws IOException;
  }

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
      Writing writing = new Writing(batch, vectors, rows, ids, existing(ids));
      if (writing.arrays) {
        noteArrays();
      }
      client.upsert(
          collection,
          writing.body,
          "writing " + ids.size() + " records to '" + collection.name() + "'");
      if (arrays) {
        removeForeign(writing);
      }
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
          readKeys(column, parser, keys);
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

  /** Says in the collection that it has arrays, so that removing it does not leave them behind. */
  private synchronized void noteArrays() {
    ChromaCollection.Load load = collection.load().orElseThrow();
    if (!load.arrays()) {
      ChromaCollection noted =
          collection.with(new ChromaCollection.Load(load.note(), load.dimension(), true));
      JsonBytes body = new JsonBytes(1024);
      body.raw("{\"new_metadata\":").json(noted.metadataJson()).raw("}");
      client.change(collection.id(), body, "noting that '" + collection.name() + "' has arrays");
      collection = noted;
    }
  }

  private void removeForeign(Writing writing) {
    List<String> ids = new ArrayList<>();
    List<Set<String>> keys = new ArrayList<>();
    read(
        writing.ids,
        "\"metadatas\"",
        (column, parser) -> {
          readTexts(column, "ids", parser, ids);
          readKeys(column, parser, keys);
        });
    Map<String, Integer> numbers = new HashMap<>();
    for (int i = 0; i < writing.ids.size(); i++) {
      numbers.put(writing.ids.get(i), i);
    }
    List<String> changed = new ArrayList<>();
    JsonBytes removals = new JsonBytes(256);
    for (int i = 0; i < ids.size(); i++) {
      Integer number = numbers.get(ids.get(i));
      Set<String> foreign = keys.get(i);
      if (number == null || foreign.isEmpty()) {
        continue;
      }
      foreign.removeAll(keysOf(writing.body, writing.starts[number], writing.ends[number]));
      if (!foreign.isEmpty()) {
        removals.separate(changed.size()).raw("{");
        addNulls(foreign, 0, removals);
        changed.add(ids.get(i));
      }
    }
    if (!changed.isEmpty()) {
      JsonBytes body = new JsonBytes(256 + removals.length());
      body.raw("{\"ids\":")
          .strings(changed)
          .raw(",\"metadatas\":[")
          .raw(removals.bytes(), 0, removals.length())
          .raw("]}");
      client.update(
          collection,
          body,
          "removing foreign keys from "
              + changed.size()
              + " records of '"
              + collection.name()
              + "'");
    }
  }

  private void read(List<String> ids, String include, ColumnReader reader) {
    JsonBytes body = new JsonBytes(40 * ids.size() + 100);
    body.raw("{\"include\":[" + include + "],\"ids\":").strings(ids).raw("}");
    read(client, collection, body, reader);
  }

  /** Reads an answer column by column. */
  static void read(
      ChromaClient client, ChromaCollection collection, JsonBytes body, ColumnReader reader) {
    Answer answer =
        client.read(collection, body, "looking at records of '" + collection.name() + "'").await();
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

  /** Reads a column of texts if it is the one that is wanted. */
  static void readTexts(String column, String wanted, JsonParser parser, List<String> target)
      throws IOException {
    if (column.equals(wanted)) {
      while (parser.nextToken() != JsonToken.END_ARRAY) {
        target.add(parser.currentToken() == JsonToken.VALUE_NULL ? null : parser.getText());
      }
    }
  }

  private static void readKeys(String column, JsonParser parser, List<Set<String>> target)
      throws IOException {
    if (column.equals("metadatas")) {
      while (parser.nextToken() != JsonToken.END_ARRAY) {
        target.add(keysOf(parser));
      }
    }
  }

  private static Set<String> keysOf(JsonBytes json, int start, int end) {
    try (JsonParser parser = MetadataJson.SCANNER.createParser(json.bytes(), start, end - start)) {
      parser.nextToken();
      return keysOf(parser);
    } catch (IOException e) {
      throw new IllegalStateException(e);
    }
  }

  private static Set<String> keysOf(JsonParser parser) throws IOException {
    Set<String> keys = new HashSet<>();
    if (parser.currentToken() == JsonToken.START_OBJECT) {
      while (parser.nextToken() == JsonToken.FIELD_NAME) {
        keys.add(parser.currentName());
        parser.nextToken();
        parser.skipChildren();
      }
    }
    return keys;
  }

  /** Adds a null for each key, and the end of the object. */
  private static void addNulls(Set<String> keys, int members, JsonBytes body) {
    int member = members;
    for (String key : keys) {
      body.separate(member++).string(key).raw(":null");
    }
    body.raw("}");
  }

  /** A request that writes records. */
  private final class Writing {
    private final List<String> ids;
    private final JsonBytes body;

    /** Where the metadata of each record starts and ends in the body. */
    private final int[] starts;

    private final int[] ends;
    private boolean arrays;

    Writing(
        RecordBatch batch,
        DenseVectors vectors,
        int[] rows,
        List<String> ids,
        Map<String, Existing> existing) {
      this.ids = ids;
      this.starts = new int[ids.size()];
      this.ends = new int[ids.size()];
      int dimension = vectors.dimension();
      long expected =
          (base64 ? 6L : 13L) * dimension * ids.size()
              + batch.documents().totalBytes()
              + 2L * batch.metadata().totalBytes()
              + 40L * ids.size();
      this.body = new JsonBytes((int) Math.min(expected, 64 << 20));
      body.raw("{\"ids\":").strings(ids).raw(",\"embeddings\":[");
      for (int i = 0; i < ids.size(); i++) {
        body.separate(i);
        if (base64) {
          body.base64(vectors.values(), rows[i] * dimension, dimension);
        } else {
          body.numbers(vectors.values(), rows[i] * dimension, dimension);
        }
      }
      body.raw("],\"documents\":[");
      boolean[] emptied = new boolean[ids.size()];
      for (int i = 0; i < ids.size(); i++) {
        Existing before = existing.get(ids.get(i));
        emptied[i] = writeDocument(batch, rows[i], before != null && before.document(), i);
      }
      body.raw("],\"metadatas\":[");
      for (int i = 0; i < ids.size(); i++) {
        Existing before = existing.get(ids.get(i));
        body.separate(i);
        starts[i] = body.length();
        writeMetadata(batch, rows[i], emptied[i], before == null ? Set.of() : before.keys());
        ends[i] = body.length();
      }
      body.raw("]}");
    }

    /** Returns whether an empty document stands for none: one can be replaced, but not removed. */
    private boolean writeDocument(RecordBatch batch, int row, boolean before, int element) {
      body.separate(element);
      boolean absent = batch.documents().isNull(row);
      if (absent) {
        body.raw(before ? "\"\"" : "null");
      } else {
        body.string(
            batch.documents().bytes(), batch.documents().start(row), batch.documents().length(row));
      }
      return absent && before;
    }

    private void writeMetadata(RecordBatch batch, int row, boolean emptied, Set<String> before) {
      int start = body.length();
      arrays |=
          mapping.writeMetadata(
              batch.metadata(), row, batch.ids().kind(row), batch.ids().get(row), emptied, body);
      if (!before.isEmpty()) {
        Set<String> stale = new HashSet<>(before);
        stale.removeAll(keysOf(body, start, body.length()));
        int members = body.length() == start + 2 ? 0 : 1;
        body.cut(body.length() - 1);
        addNulls(stale, members, body);
      }
    }
  }
}
