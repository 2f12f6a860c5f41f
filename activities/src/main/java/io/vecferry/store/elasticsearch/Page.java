package io.vecferry.store.elasticsearch;

import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.databind.JsonNode;
import io.vecferry.plan.FailureClass;
import io.vecferry.record.DenseVectors;
import io.vecferry.record.ElementType;
import io.vecferry.record.IdColumn;
import io.vecferry.record.IdKind;
import io.vecferry.record.MetadataJson;
import io.vecferry.record.RecordBatch;
import io.vecferry.record.TextColumn;
import io.vecferry.record.VectorColumn;
import io.vecferry.store.Answer;
import io.vecferry.store.JsonBytes;
import io.vecferry.store.MetadataEnvelope;
import io.vecferry.store.StoreException;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * The records of one answer, in the order of the server.
 *
 * @param pit the point in time to ask next; null where the answer is not of one
 * @param storedIds their ids as the server has them
 * @param lastSequence what the last record was sorted by; -1 when there is none
 * @param indices names of the indices that they are in
 * @param batch the records
 */
record Page(
    String pit, List<String> storedIds, long lastSequence, Set<String> indices, RecordBatch batch) {
  /**
   * Reads an answer.
   *
   * @param asked how many records were asked for at most; there is room for as many at once
   */
  static Page of(Answer answer, Layout layout, String doing, int asked) {
    try {
      return new Reading(answer, layout, doing, asked).read();
    } catch (IOException e) {
      throw new StoreException(
          FailureClass.TRANSIENT,
          "the server's answer cannot be read while " + doing + ": " + e.getMessage(),
          e);
    }
  }

  int rows() {
    return storedIds.size();
  }

  /** Vectors of one field while they are read. */
  private static final class Gathered {
    private final Layout.Column column;
    private float[] values = new float[0];
    private boolean[] present = new boolean[0];
    private int found;

    Gathered(Layout.Column column) {
      this.column = column;
    }

    void room(int rows, int asked) {
      if (rows > present.length) {
        int more = Math.max(rows, Math.max(asked, 2 * present.length));
        present = Arrays.copyOf(present, more);
        values = Arrays.copyOf(values, Math.multiplyExact(more, column.dimension()));
      }
    }

    DenseVectors build(int rows) {
      boolean[] nulls = null;
      if (found < rows) {
        nulls = new boolean[rows];
        for (int row = 0; row < rows; row++) {
          nulls[row] = !present[row];
        }
      }
      int size = Math.multiplyExact(rows, column.dimension());
      return new DenseVectors(
          column.name(),
          column.dimension(),
          values.length == size ? values : Arrays.copyOf(values, size),
          nulls);
    }
  }

  /** An answer while it is read. */
  private static final class Reading {
    private final byte[] json;
    private final JsonWalker walker;
    private final Layout layout;
    private final IdMapping ids;
    private final String doing;
    private final int asked;
    private final VectorText vectorText = new VectorText();
    private final List<Gathered> gathered;
    private final List<String> storedIds = new ArrayList<>();
    private final TextColumn.Builder idTexts = new TextColumn.Builder(64);
    private final List<IdKind> kinds = new ArrayList<>();
    private final TextColumn.Builder documents = new TextColumn.Builder(64);
    private final TextColumn.Builder metadata = new TextColumn.Builder(64);
    private final JsonBytes object = new JsonBytes(1024);
    private String pit;
    private final Set<String> indices = new HashSet<>();
    private int indexFrom;
    private int indexTo;
    private long lastSequence = -1;
    private String document;

    Reading(Answer answer, Layout layout, String doing, int asked) {
      this.json = answer.bytes();
      this.walker = new JsonWalker(json, 0, answer.length());
      this.layout = layout;
      this.ids = layout.ids();
      this.doing = doing;
      this.asked = asked;
      this.gathered =
          layout.columns().stream()
              .filter(column -> column.dimension() > 0)
              .map(Gathered::new)
              .toList();
    }

    Page read() throws IOException {
      boolean complete = false;
      boolean timedOut = false;
      walker.expect('{');
      String key = walker.nextKey(true);
      while (key != null) {
        switch (key) {
          case "pit_id" -> pit = walker.string();
          case "timed_out" -> timedOut = slice().equals("true");
          case "_shards" -> {
            JsonNode shards = RestClient.JSON.readTree(slice());
            Queries.requireComplete(shards, timedOut, doing);
            complete = true;
          }
          case "hits" -> readHits();
          default -> walker.skipValue();
        }
        key = walker.nextKey(false);
      }
      if (!complete) {
        throw new IOException("it does not say whether all shards answered");
      }
      return page();
    }

    private String slice() throws IOException {
      walker.peek();
      int from = walker.position();
      walker.skipValue();
      return new String(json, from, walker.position() - from, StandardCharsets.UTF_8);
    }

    private void readHits() throws IOException {
      walker.expect('{');
      String key = walker.nextKey(true);
      while (key != null) {
        if (key.equals("hits")) {
          walker.expect('[');
          if (!walker.take(']')) {
            do {
              readHit();
            } while (walker.take(','));
            walker.expect(']');
          }
        } else {
          walker.skipValue();
        }
        key = walker.nextKey(false);
      }
    }

    /** Mostly the same as of the record before. */
    private void readIndex() throws IOException {
      walker.peek();
      int from = walker.position();
      walker.skipValue();
      int to = walker.position();
      if (!Arrays.equals(json, indexFrom, indexTo, json, from, to)) {
        indices.add(new String(json, from + 1, to - from - 2, StandardCharsets.UTF_8));
        indexFrom = from;
        indexTo = to;
      }
    }

    private void readHit() throws IOException {
      String id = null;
      String routing = null;
      boolean source = false;
      int row = storedIds.size();
      gathered.forEach(one -> one.room(row + 1, asked));
      document = null;
      object.cut(0);
      walker.expect('{');
      String key = walker.nextKey(true);
      while (key != null) {
        switch (key) {
          case "_index" -> readIndex();
          case "_id" -> id = walker.string();
          case Routing.KEY -> routing = walker.string();
          case "_source" -> {
            storedIds.add(id);
            readObject("");
            source = true;
          }
          case "sort" -> {
            walker.expect('[');
            lastSequence = walker.number();
            while (walker.take(',')) {
              walker.skipValue();
            }
            walker.expect(']');
          }
          default -> walker.skipValue();
        }
        key = walker.nextKey(false);
      }
      if (id == null || !source) {
        throw new StoreException(
            FailureClass.INCOMPATIBLE,
            "record "
                + (id == null ? "without an id" : "'" + id + "'")
                + " comes without its _source while "
                + doing
                + ". Records of which it is not kept cannot be read.");
      }
      if (routing != null) {
        object.cut(object.length() - 1);
        object.raw(object.length() > 1 ? "," : "").string(Routing.KEY).raw(":").string(routing);
        object.raw("}");
      }
      add(id);
    }

    /**
     * Reads an object of a document. What is no vector and no document is added to {@link #object}
     * as it is.
     *
     * @param prefix path of the object, with a dot at its end; empty for the document itself
     * @return whether there is anything in it
     */
    private boolean readObject(String prefix) throws IOException {
      walker.expect('{');
      object.raw("{");
      int members = 0;
      String key = walker.nextKey(true);
      while (key != null) {
        String path = prefix + key;
        Gathered vectors = vectors(path);
        if (vectors != null) {
          readVector(vectors);
        } else if (layout.left().contains(path)) {
          walker.skipValue();
        } else if (path.equals(layout.documentField()) && walker.peek() == '"') {
          document = walker.string();
        } else {
          int before = object.length();
          object.separate(members).string(key).raw(":");
          if (walker.peek() == '{' && leadsToField(path + ".")) {
            boolean empty = !readObject(path + ".");
            if (empty) {
              object.cut(before);
              members--;
            }
          } else {
            int from = walker.position();
            walker.skipValue();
            object.raw(json, from, walker.position() - from);
          }
          members++;
        }
        key = walker.nextKey(false);
      }
      object.raw("}");
      return members > 0;
    }

    private Gathered vectors(String path) {
      for (Gathered one : gathered) {
        if (one.column.field().path().equals(path)) {
          return one;
        }
      }
      return null;
    }

    private boolean leadsToField(String prefix) {
      return layout.documentField().startsWith(prefix)
          || layout.left().stream().anyMatch(path -> path.startsWith(prefix))
          || layout.columns().stream().anyMatch(one -> one.field().path().startsWith(prefix));
    }

    private void readVector(Gathered vectors) throws IOException {
      int row = storedIds.size() - 1;
      int dimension = vectors.column.dimension();
      int from = row * dimension;
      int count;
      switch (walker.peek()) {
        case '[' -> {
          if (vectors.column.field().element() == ElementType.BIT) {
            float[] bytes = new float[dimension / 8];
            count = 8 * walker.vector(bytes, 0, bytes.length);
            for (int i = 0; count == dimension && i < dimension; i++) {
              vectors.values[from + i] = ((int) bytes[i >> 3] >> (7 - (i & 7))) & 1;
            }
          } else {
            count = walker.vector(vectors.values, from, dimension);
          }
        }
        case '"' -> {
          count = readText(vectors, from) ? dimension : -1;
        }
        case 'n' -> {
          walker.skipValue();
          return;
        }
        default -> {
          walker.skipValue();
          count = -1;
        }
      }
      if (count != dimension) {
        throw new StoreException(
            FailureClass.BAD_RECORD,
            "record '"
                + storedIds.get(row)
                + "' has "
                + (count < 0 ? "something else" : "another number of components")
                + " in field '"
                + vectors.column.field().path()
                + "', which is for vectors of "
                + dimension
                + " components.");
      }
      vectors.present[row] = true;
      vectors.found++;
    }

    private boolean readText(Gathered vectors, int target) throws IOException {
      int from = walker.position();
      byte[] text = json;
      int start = from + 1;
      int end;
      if (walker.skipPlainString()) {
        end = walker.position() - 1;
      } else {
        text = unescaped(from);
        start = 0;
        end = text.length;
      }
      return vectorText.read(
          text,
          start,
          end,
          vectors.column.field().element(),
          vectors.column.dimension(),
          vectors.values,
          target);
    }

    /** A string that stands here, and that was moved over, without escapes. */
    private byte[] unescaped(int from) throws IOException {
      return new JsonWalker(json, from, walker.position())
          .string()
          .getBytes(StandardCharsets.UTF_8);
    }

    private void add(String id) throws IOException {
      documents.add(document);
      String original = null;
      IdKind kind = null;
      if (layout.mapped()) {
        MetadataEnvelope.Unwrapped unwrapped =
            MetadataEnvelope.unwrap(object.bytes(), 0, object.length());
        if (unwrapped.metadata() == null) {
          metadata.addNull();
        } else {
          metadata.add(unwrapped.metadata(), 0, unwrapped.metadata().length);
        }
        original = unwrapped.extras().id();
        kind = unwrapped.extras().kind();
      } else {
        byte[] canonical = canonical();
        metadata.add(canonical, 0, canonical.length);
      }
      if (original == null) {
        idTexts.add(ids.id(id));
        kinds.add(ids.kind(id));
      } else {
        idTexts.add(original);
        kinds.add(kind == null ? IdKind.STRING : kind);
      }
    }

    private byte[] canonical() throws IOException {
      ByteArrayOutputStream out = new ByteArrayOutputStream(object.length());
      try (JsonParser parser =
              MetadataJson.FACTORY.createParser(object.bytes(), 0, object.length());
          JsonGenerator generator = MetadataJson.FACTORY.createGenerator(out)) {
        parser.nextToken();
        MetadataJson.copyValue(parser, generator);
      }
      return out.toByteArray();
    }

    private Page page() {
      int rows = storedIds.size();
      List<VectorColumn> columns = new ArrayList<>();
      gathered.forEach(one -> columns.add(one.build(rows)));
      IdColumn idColumn =
          kinds.stream().distinct().count() <= 1
              ? IdColumn.of(rows == 0 ? IdKind.STRING : kinds.get(0), idTexts.build())
              : new IdColumn(idTexts.build(), kinds.toArray(new IdKind[0]));
      return new Page(
          pit,
          storedIds,
          lastSequence,
          Set.copyOf(indices),
          new RecordBatch(idColumn, columns, documents.build(), metadata.build()));
    }
  }
}
