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
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Reads what LlamaIndex keeps beside a FAISS index: which node a vector belongs to ({@code
 * index_store.json}, or {@code id_map.json} of its map store) and the nodes ({@code
 * docstore.json}). The text of a node becomes the document, its metadata the metadata; how nodes
 * refer to each other goes into the metadata under {@value #RELATIONSHIPS}.
 */
final class LlamaIndexReader {
  static final String DOCSTORE = "docstore.json";
  static final String INDEX_STORE = "index_store.json";
  static final String ID_MAP = "id_map.json";
  static final List<String> INDEX_NAMES =
      List.of("default__vector_store.json", "vector_store.json");

  private static final String RELATIONSHIPS = "relationships";

  private LlamaIndexReader() {}

  /** Writes lines in the order of the index; the caller deletes the file. */
  static Path convert(Path folder, IndexFile index) {
    Path docstore = folder.resolve(DOCSTORE);
    try (JoinTable nodeOfLabel = new JoinTable();
        JoinTable nodes = new JoinTable()) {
      Path map = folder.resolve(ID_MAP);
      Path source = Files.exists(map) ? map : folder.resolve(INDEX_STORE);
      if (Files.exists(map)) {
        readIdMap(map, nodeOfLabel);
      } else {
        readIndexStore(source, nodeOfLabel);
      }
      if (nodeOfLabel.size() != index.rows()) {
        throw new StoreException(
            FailureClass.INCOMPATIBLE,
            source
                + " does not belong to its index: the index has "
                + index.rows()
                + " vectors, it names nodes for "
                + nodeOfLabel.size());
      }
      readDocstore(docstore, nodes);
      return RowLines.write(
          index,
          (row, label, target) -> {
            int entry = nodeOfLabel.find(utf8(Long.toString(label)));
            if (entry < 0) {
              throw FileErrors.bad(source + " names no node for the vector " + label);
            }
            byte[] id = nodeOfLabel.text(entry);
            int node = nodes.find(id);
            if (node < 0) {
              throw FileErrors.bad(
                  docstore
                      + " has no node '"
                      + new String(id, StandardCharsets.UTF_8)
                      + "', which "
                      + source.getFileName()
                      + " names for the vector "
                      + label);
            }
            target.write(utf8("{\"id\":"));
            JsonText.write(id, 0, id.length, target);
            target.write(nodes.text(node));
            target.write('}');
          });
    } catch (IOException e) {
      throw FileErrors.of("reading", folder, e);
    }
  }

  private static byte[] utf8(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  private static void readIdMap(Path path, JoinTable nodeOfLabel) throws IOException {
    parse(
        path,
        parser -> {
          while (parser.nextToken() == JsonToken.FIELD_NAME) {
            String name = parser.currentName();
            parser.nextToken();
            if (name.equals("faiss_id_to_node_id_map")) {
              readTexts(path, parser, nodeOfLabel);
            } else {
              parser.skipChildren();
            }
          }
        });
  }

  private static void readIndexStore(Path path, JoinTable nodeOfLabel) throws IOException {
    parse(
        path,
        parser -> {
          while (parser.nextToken() == JsonToken.FIELD_NAME) {
            String name = parser.currentName();
            if (parser.nextToken() != JsonToken.START_OBJECT || !name.equals("index_store/data")) {
              parser.skipChildren();
              continue;
            }
            while (parser.nextToken() == JsonToken.FIELD_NAME) {
              parser.nextToken();
              readIndex(path, parser, nodeOfLabel);
            }
          }
        });
  }

  /** An index of the store; what it says stands in a text of JSON, in old versions in an object. */
  private static void readIndex(Path path, JsonParser parser, JoinTable nodeOfLabel)
      throws IOException {
    while (parser.nextToken() == JsonToken.FIELD_NAME) {
      String name = parser.currentName();
      JsonToken value = parser.nextToken();
      if (!name.equals("__data__")) {
        parser.skipChildren();
      } else if (value == JsonToken.VALUE_STRING) {
        try (JsonParser inner = MetadataJson.FACTORY.createParser(parser.getText())) {
          inner.nextToken();
          readNodesDict(path, inner, nodeOfLabel);
        }
      } else {
        readNodesDict(path, parser, nodeOfLabel);
      }
    }
  }

  private static void readNodesDict(Path path, JsonParser parser, JoinTable nodeOfLabel)
      throws IOException {
    while (parser.nextToken() == JsonToken.FIELD_NAME) {
      String name = parser.currentName();
      JsonToken value = parser.nextToken();
      if (!name.equals("nodes_dict") || value != JsonToken.START_OBJECT) {
        parser.skipChildren();
        continue;
      }
      if (nodeOfLabel.size() > 0) {
        throw FileErrors.incompatible(
            path
                + " describes several indexes with nodes; it is unclear which one the FAISS file"
                + " belongs to. Give every index a folder of its own.");
      }
      readTexts(path, parser, nodeOfLabel);
    }
  }

  private static void readTexts(Path path, JsonParser parser, JoinTable table) throws IOException {
    while (parser.nextToken() == JsonToken.FIELD_NAME) {
      String key = parser.currentName();
      if (parser.nextToken() != JsonToken.VALUE_STRING) {
        throw FileErrors.bad(path + ": the node of the vector '" + key + "' is no text");
      }
      table.add(utf8(key), utf8(parser.getText()));
    }
  }

  private static void readDocstore(Path path, JoinTable nodes) throws IOException {
    parse(
        path,
        parser -> {
          while (parser.nextToken() == JsonToken.FIELD_NAME) {
            String name = parser.currentName();
            if (parser.nextToken() != JsonToken.START_OBJECT || !name.equals("docstore/data")) {
              parser.skipChildren();
              continue;
            }
            while (parser.nextToken() == JsonToken.FIELD_NAME) {
              String id = parser.currentName();
              parser.nextToken();
              if (parser.currentToken() != JsonToken.START_OBJECT) {
                throw FileErrors.bad(path + ": the node '" + id + "' is no object");
              }
              nodes.add(utf8(id), fragment(path, id, JsonRow.read(parser).get("__data__")));
            }
          }
        });
  }

  private static byte[] fragment(Path path, String id, String node) throws IOException {
    if (node == null || !node.startsWith("{")) {
      throw FileErrors.bad(path + ": the node '" + id + "' has no __data__");
    }
    Map<String, String> data = JsonRow.parse(node);
    String text = data.get("text");
    if (JsonRow.text(text) == null && data.containsKey("text_resource")) {
      text = JsonRow.parse(data.get("text_resource")).get("text");
    }
    ByteArrayOutputStream out = new ByteArrayOutputStream(256);
    if (JsonRow.text(text) != null) {
      out.write(utf8(",\"document\":" + text));
    }
    // What is called metadata today was extra_info before version 0.6.
    String said = data.getOrDefault("metadata", data.getOrDefault("extra_info", "{}"));
    Map<String, String> metadata = new LinkedHashMap<>(JsonRow.parse(said));
    String relationships = data.getOrDefault(RELATIONSHIPS, "{}");
    if (relationships.startsWith("{") && !relationships.equals("{}")) {
      metadata.putIfAbsent(RELATIONSHIPS, relationships);
    }
    out.write(utf8(",\"metadata\":"));
    JsonRow.write(metadata, out);
    return out.toByteArray();
  }

  private interface Reading {
    void read(JsonParser parser) throws IOException;
  }

  private static void parse(Path path, Reading reading) throws IOException {
    try (InputStream in = Files.newInputStream(path);
        JsonParser parser = MetadataJson.FACTORY.createParser(in)) {
      if (parser.nextToken() != JsonToken.START_OBJECT) {
        throw FileErrors.bad(path + ": a JSON object was expected");
      }
      reading.read(parser);
    } catch (com.fasterxml.jackson.core.JacksonException e) {
      throw FileErrors.bad(path + " is not JSON: " + e.getOriginalMessage());
    }
  }
}
