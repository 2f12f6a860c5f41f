package io.vecferry.store.faiss;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import io.vecferry.plan.FailureClass;
import io.vecferry.record.MetadataJson;
import io.vecferry.store.StoreException;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Map;

/**
 * Joins a list of metadata with an index: JSON lines, a JSON array, CSV, TSV or Parquet. Rows are
 * matched by position, or by a column with the ids of the index.
 */
final class MetadataFileReader {
  private final Path path;
  private final MetadataColumns columns;
  private final JoinTable table;

  private MetadataFileReader(Path path, MetadataColumns columns, JoinTable table) {
    this.path = path;
    this.columns = columns;
    this.table = table;
  }

  /** Takes rows. */
  interface Sink {
    /**
     * @param place what errors call it, as {@code line 7}
     * @param values canonical JSON by column
     */
    void row(String place, Map<String, String> values) throws IOException;
  }

  /** Writes lines in the order of the index; the caller deletes the file. */
  static Path convert(Path path, MetadataColumns columns, IndexFile index) {
    try (JoinTable table = new JoinTable()) {
      MetadataFileReader reader = new MetadataFileReader(path, columns, table);
      reader.read();
      if (table.size() != index.rows()) {
        throw new StoreException(
            FailureClass.INCOMPATIBLE,
            path
                + " has "
                + table.size()
                + " rows, the index has "
                + index.rows()
                + " vectors. There must be one row for each vector.");
      }
      return columns.key() == null ? reader.byPosition(index) : reader.byKey(index);
    } catch (IOException e) {
      throw FileErrors.of("reading", path, e);
    }
  }

  private Path byPosition(IndexFile index) throws IOException {
    if (!index.positional()) {
      throw FileErrors.incompatible(
          index.path()
              + " has ids of its own in its lists, which do not tell the order in which vectors"
              + " were added, so "
              + path
              + " cannot be matched by position. Name the column with these ids with"
              + " source.options.metadataKey.");
    }
    return RowLines.write(
        index,
        (row, label, target) -> {
          if (columns.id() == null) {
            target.write(utf8("{\"id\":" + label));
          }
          target.write(table.text((int) row));
        });
  }

  private Path byKey(IndexFile index) throws IOException {
    int duplicate = table.duplicate();
    if (duplicate >= 0) {
      throw FileErrors.bad(
          path
              + ": row "
              + (duplicate + 1)
              + " has the key '"
              + new String(table.key(duplicate), StandardCharsets.UTF_8)
              + "', which an earlier row has");
    }
    return RowLines.write(
        index,
        (row, label, target) -> {
          int entry = table.find(utf8(Long.toString(label)));
          if (entry < 0) {
            throw FileErrors.bad(
                path
                    + " has no row whose '"
                    + columns.key()
                    + "' is "
                    + label
                    + ", which is the id of a vector of the index");
          }
          if (columns.id() == null) {
            target.write(utf8("{\"id\":" + label));
          }
          target.write(table.text(entry));
        });
  }

  private void read() throws IOException {
    String name = path.getFileName().toString().toLowerCase(Locale.ROOT);
    if (name.endsWith(".csv")) {
      DelimitedText.read(path, ',', this::add);
    } else if (name.endsWith(".tsv")) {
      DelimitedText.read(path, '\t', this::add);
    } else if (name.endsWith(".parquet")) {
      ParquetRows.read(path, this::add);
    } else if (name.endsWith(".json") || name.endsWith(".jsonl") || name.endsWith(".ndjson")) {
      readJson();
    } else {
      throw FileErrors.incompatible(
          path + ": metadata is read from .jsonl, .ndjson, .json, .csv, .tsv and .parquet files");
    }
  }

  /** Objects one after the other, or an array of them. */
  private void readJson() throws IOException {
    try (InputStream in = Files.newInputStream(path);
        JsonParser parser = MetadataJson.FACTORY.createParser(in)) {
      JsonToken token = parser.nextToken();
      boolean array = token == JsonToken.START_ARRAY;
      if (array) {
        token = parser.nextToken();
      }
      while (token != null && token != JsonToken.END_ARRAY) {
        String place = "line " + parser.currentTokenLocation().getLineNr();
        if (token != JsonToken.START_OBJECT) {
          throw bad(place, "a JSON object was expected");
        }
        add(place, JsonRow.read(parser));
        token = parser.nextToken();
      }
      if (array && parser.nextToken() != null) {
        throw FileErrors.bad(path + ": there is more after the array");
      }
    } catch (com.fasterxml.jackson.core.JacksonException e) {
      throw FileErrors.bad(
          path
              + (e.getLocation() == null ? "" : ", line " + e.getLocation().getLineNr())
              + ": "
              + e.getOriginalMessage());
    }
  }

  private void add(String place, Map<String, String> values) throws IOException {
    byte[] key = new byte[0];
    if (columns.key() != null) {
      String value = required(place, values, columns.key());
      String text = JsonRow.text(value);
      String number = text == null ? value : text.strip();
      if (!JsonRow.isInteger(number)) {
        throw bad(place, "'" + columns.key() + "' is no integer: " + value);
      }
      key = utf8(number);
    }
    ByteArrayOutputStream out = new ByteArrayOutputStream(256);
    if (columns.id() != null) {
      String id = required(place, values, columns.id());
      if (!id.startsWith("\"") && !JsonRow.isInteger(id)) {
        throw bad(place, "'" + columns.id() + "' must be a text or an integer to be an id: " + id);
      }
      out.write(utf8("{\"id\":" + id));
    }
    if (columns.document() != null) {
      String document = required(place, values, columns.document());
      if (!document.equals("null") && !document.startsWith("\"")) {
        throw bad(place, "'" + columns.document() + "' is no text: " + document);
      }
      out.write(utf8(",\"document\":" + document));
    }
    out.write(utf8(",\"metadata\":"));
    values.keySet().removeIf(column -> !columns.isMetadata(column));
    JsonRow.write(values, out);
    out.write('}');
    table.add(key, out.toByteArray());
  }

  private String required(String place, Map<String, String> values, String column) {
    String value = values.get(column);
    if (value == null) {
      throw bad(
          place, "there is no '" + column + "'; there is " + String.join(", ", values.keySet()));
    }
    return value;
  }

  private StoreException bad(String place, String message) {
    return FileErrors.bad(path + ", " + place + ": " + message);
  }

  private static byte[] utf8(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }
}
