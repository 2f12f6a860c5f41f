package io.vecferry.store.chroma;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import io.vecferry.plan.FailureClass;
import io.vecferry.record.DenseVectors;
import io.vecferry.record.MetadataJson;
import io.vecferry.record.RecordBatch;
import io.vecferry.record.TextColumn;
import io.vecferry.record.VectorColumn;
import io.vecferry.store.Answer;
import io.vecferry.store.FloatScanner;
import io.vecferry.store.StoreException;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * The records of one answer, in the order of the server.
 *
 * @param storedIds their ids as the server has them
 * @param batch the records
 */
record ResponsePage(List<String> storedIds, RecordBatch batch) {

  /**
   * Reads an answer.
   *
   * @param answer is changed by reading
   * @param vectorName name of the vector field in the records
   * @param dimension components of a vector; 0 where that is not known and there are no records
   */
  static ResponsePage of(
      Answer answer, ChromaMapping mapping, String collection, String vectorName, int dimension) {
    Reading reading = new Reading(answer, collection, dimension);
    try {
      reading.readColumns(0);
      return reading.page(mapping, vectorName);
    } catch (IOException | FloatScanner.MalformedException e) {
      throw unreadable(e);
    }
  }

  /** An answer that breaks off, or is none. */
  static StoreException unreadable(Exception cause) {
    return new StoreException(
        FailureClass.TRANSIENT, "the server's answer cannot be read: " + cause.getMessage(), cause);
  }

  /** Row number by stored id. */
  Map<String, Integer> rows() {
    Map<String, Integer> rows = new HashMap<>(storedIds.size() * 2);
    for (int row = 0; row < storedIds.size(); row++) {
      rows.put(storedIds.get(row), row);
    }
    return rows;
  }

  /** An answer while it is read. */
  private static final class Reading {
    private final byte[] json;
    private final int length;
    private final String collection;
    private final int dimension;
    private final List<String> ids = new ArrayList<>();
    private float[] vectors = new float[0];
    private int vectorRows;
    private TextColumn.Builder documents;
    private final List<String> uris = new ArrayList<>();
    private int metadataStart = -1;

    Reading(Answer answer, String collection, int dimension) {
      this.json = answer.bytes();
      this.length = answer.length();
      this.collection = collection;
      this.dimension = dimension;
    }

    /** Reads the columns of the object that starts here. Metadata is only found, not read. */
    void readColumns(int start) throws IOException, FloatScanner.MalformedException {
      try (JsonParser parser = MetadataJson.SCANNER.createParser(json, start, length - start)) {
        if (parser.nextToken() != JsonToken.START_OBJECT) {
          throw new IOException("it starts with " + parser.currentToken());
        }
        int shift = start - (int) parser.currentTokenLocation().getByteOffset();
        while (parser.nextToken() == JsonToken.FIELD_NAME) {
          String column = parser.currentName();
          JsonToken token = parser.nextToken();
          int at = (int) parser.currentTokenLocation().getByteOffset() + shift;
          switch (column) {
            case "ids" -> readTexts(parser, ids);
            case "documents" -> readDocuments(parser);
            case "uris" -> readTexts(parser, uris);
            case "metadatas" -> {
              metadataStart = token == JsonToken.START_ARRAY ? at : -1;
              parser.skipChildren();
            }
            case "embeddings" -> {
              if (token == JsonToken.START_ARRAY) {
                FloatScanner scanner = new FloatScanner(json, at, length);
                readVectors(scanner);
                if (scanner.take(',')) {
                  // What follows is read as an object of its own.
                  json[scanner.position() - 1] = '{';
                  readColumns(scanner.position() - 1);
                }
                return;
              }
            }
            default -> parser.skipChildren();
          }
        }
      }
    }

    private static void readTexts(JsonParser parser, List<String> target) throws IOException {
      if (parser.currentToken() == JsonToken.START_ARRAY) {
        for (JsonToken token = parser.nextToken();
            token != JsonToken.END_ARRAY;
            token = parser.nextToken()) {
          target.add(text(parser));
        }
      }
    }

    private void readDocuments(JsonParser parser) throws IOException {
      if (parser.currentToken() == JsonToken.START_ARRAY) {
        documents = new TextColumn.Builder(ids.size());
        for (JsonToken token = parser.nextToken();
            token != JsonToken.END_ARRAY;
            token = parser.nextToken()) {
          documents.add(text(parser));
        }
      }
    }

    private static String text(JsonParser parser) throws IOException {
      return switch (parser.currentToken()) {
        case VALUE_STRING -> parser.getText();
        case VALUE_NULL -> null;
        default -> throw new IOException("text was expected, not " + parser.currentToken());
      };
    }

    private void readVectors(FloatScanner scanner) throws FloatScanner.MalformedException {
      scanner.expect('[');
      if (scanner.take(']')) {
        return;
      }
      vectors = new float[Math.multiplyExact(Math.max(1, ids.size()), dimension)];
      do {
        if ((vectorRows + 1) * dimension > vectors.length) {
          vectors = Arrays.copyOf(vectors, Math.max(2 * vectors.length, 16 * dimension));
        }
        int count =
            scanner.takeNull() ? 0 : scanner.vector(vectors, vectorRows * dimension, dimension);
        if (count != dimension) {
          String id = vectorRows < ids.size() ? ids.get(vectorRows) : "number " + vectorRows;
          throw new StoreException(
              FailureClass.BAD_RECORD,
              "record '"
                  + id
                  + "' of collection '"
                  + collection
                  + "' has "
                  + (count == 0 ? "no vector" : "a vector of another length")
                  + ", the others have "
                  + dimension
                  + " components. Write it anew or remove it.");
        }
        vectorRows++;
      } while (scanner.take(','));
      scanner.expect(']');
    }

    ResponsePage page(ChromaMapping mapping, String vectorName) throws IOException {
      int rows = ids.size();
      requireRows("embeddings", vectorRows);
      requireRows("documents", documents == null ? rows : documents.rows());
      requireRows("uris", uris.isEmpty() ? rows : uris.size());
      TextColumn.Builder metadata = new TextColumn.Builder(rows);
      boolean[] noDocument = readMetadata(mapping.metadataReader(), metadata);
      requireRows("metadatas", metadata.rows());
      List<VectorColumn> columns =
          dimension == 0
              ? List.of()
              : List.of(
                  new DenseVectors(
                      vectorName,
                      dimension,
                      vectors.length == rows * dimension
                          ? vectors
                          : Arrays.copyOf(vectors, rows * dimension)));
      return new ResponsePage(
          ids,
          new RecordBatch(
              mapping.ids(ids), columns, documents(rows, noDocument), metadata.build()));
    }

    private void requireRows(String column, int actual) throws IOException {
      if (actual != ids.size()) {
        throw new IOException(column + " has " + actual + " rows, ids has " + ids.size());
      }
    }

    /** Returns which rows have an empty document that stands for none; null when there is none. */
    private boolean[] readMetadata(ChromaMapping.MetadataReader reader, TextColumn.Builder target)
        throws IOException {
      if (metadataStart < 0) {
        for (int row = 0; row < ids.size(); row++) {
          target.add("{}");
        }
        return null;
      }
      boolean[] noDocument = null;
      try (JsonParser parser =
          MetadataJson.SCANNER.createParser(json, metadataStart, length - metadataStart)) {
        parser.nextToken();
        int row = 0;
        while (parser.nextToken() != JsonToken.END_ARRAY) {
          boolean absent = reader.read(parser, row < uris.size() ? uris.get(row) : null, target);
          if (absent) {
            noDocument = noDocument == null ? new boolean[ids.size()] : noDocument;
            noDocument[row] = true;
          }
          row++;
        }
      }
      return noDocument;
    }

    private TextColumn documents(int rows, boolean[] noDocument) {
      if (documents == null) {
        return TextColumn.allNull(rows);
      }
      TextColumn all = documents.build();
      if (noDocument == null) {
        return all;
      }
      TextColumn.Builder rebuilt = new TextColumn.Builder(rows);
      for (int row = 0; row < rows; row++) {
        if (noDocument[row]) {
          rebuilt.addNull();
        } else {
          rebuilt.add(all, row);
        }
      }
      return rebuilt.build();
    }
  }
}
