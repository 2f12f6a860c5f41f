package io.vecferry.store.chroma;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.vecferry.plan.FailureClass;
import io.vecferry.store.IndexParameter;
import io.vecferry.store.LoadNote;
import io.vecferry.store.Metric;
import io.vecferry.store.ReservedKeys;
import io.vecferry.store.StoreException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * A collection as the server describes it.
 *
 * @param id what the server addresses it by; stays when it is renamed
 * @param dimension components of its vectors; 0 before its first record
 * @param metadata what its users wrote about it, by key
 * @param configuration its index and embedding function, without what is not set
 * @param schema how metadata is indexed; empty on servers before 1.3
 * @param load what a migration noted about it; empty for a collection that somebody else made
 */
record ChromaCollection(
    String id,
    String name,
    int dimension,
    ObjectNode metadata,
    ObjectNode configuration,
    JsonNode schema,
    Optional<Load> load) {
  /** The key of a collection's metadata that holds the note. */
  static final String NOTE = ReservedKeys.PREFIX + "load";

  /** What the keys of metadata start with that set up an index in the way of Chroma before 1.0. */
  static final String LEGACY = "hnsw:";

  private static final Map<Metric, String> SPACES =
      Map.of(Metric.L2, "l2", Metric.IP, "ip", Metric.COSINE, "cosine");

  /**
   * What a load writes about a collection.
   *
   * @param dimension components of its vectors, which the server does not know before the first
   *     record
   * @param arrays whether there may be arrays in the metadata of its records
   */
  record Load(LoadNote note, int dimension, boolean arrays) {
    private static final String DIMENSION = "dimension";
    private static final String ARRAYS = "arrays";

    String toJson() {
      ObjectNode node = (ObjectNode) parsed(note.toJson());
      return node.put(DIMENSION, dimension).put(ARRAYS, arrays).toString();
    }

    private static Optional<Load> parse(String text) {
      return LoadNote.parse(text)
          .map(
              note -> {
                JsonNode node = parsed(text);
                return new Load(
                    note, node.path(DIMENSION).asInt(), node.path(ARRAYS).asBoolean(true));
              });
    }

    private static JsonNode parsed(String json) {
      try {
        return ChromaClient.JSON.readTree(json);
      } catch (JsonProcessingException e) {
        throw new IllegalStateException(e);
      }
    }
  }

  static ChromaCollection of(JsonNode node) {
    ObjectNode metadata = sorted(node.path("metadata"));
    Optional<Load> load = Load.parse(metadata.path(NOTE).asText(""));
    if (load.isPresent()) {
      metadata.remove(NOTE);
    }
    return new ChromaCollection(
        node.path("id").asText(),
        node.path("name").asText(),
        node.path("dimension").asInt(load.map(Load::dimension).orElse(0)),
        metadata,
        configuration(node.path("configuration_json")),
        node.path("schema"),
        load);
  }

  /** Early servers, as 1.0.4, spell the configuration in another way. */
  private static ObjectNode configuration(JsonNode node) {
    ObjectNode configuration = JsonNodeFactory.instance.objectNode();
    for (Map.Entry<String, JsonNode> part : sorted(node).properties()) {
      if (part.getKey().equals("hnsw_configuration")) {
        ObjectNode hnsw = sorted(part.getValue());
        hnsw.remove("_type");
        if (hnsw.has("M")) {
          hnsw.set("max_neighbors", hnsw.remove("M"));
        }
        configuration.set("hnsw", hnsw);
      } else if (!part.getValue().isNull() && !part.getKey().equals("_type")) {
        configuration.set(
            part.getKey(), part.getValue().isObject() ? sorted(part.getValue()) : part.getValue());
      }
    }
    return configuration;
  }

  /** The server has no order of keys. */
  private static ObjectNode sorted(JsonNode node) {
    ObjectNode sorted = JsonNodeFactory.instance.objectNode();
    TreeMap<String, JsonNode> members = new TreeMap<>();
    node.properties().forEach(member -> members.put(member.getKey(), member.getValue()));
    members.forEach(sorted::set);
    return sorted;
  }

  static Optional<String> space(Metric metric) {
    return Optional.ofNullable(SPACES.get(metric));
  }

  /** The same collection with another note. */
  ChromaCollection with(Load newLoad) {
    return new ChromaCollection(
        id, name, dimension, metadata, configuration, schema, Optional.of(newLoad));
  }

  /** All its metadata as JSON, the note too. */
  String metadataJson() {
    ObjectNode all = metadata.deepCopy();
    load.ifPresent(made -> all.put(NOTE, made.toJson()));
    return all.toString();
  }

  /** How vectors are compared. */
  Metric metric() {
    String space = index().path("space").asText(metadata.path(LEGACY + "space").asText("l2"));
    return SPACES.entrySet().stream()
        .filter(entry -> entry.getValue().equals(space))
        .map(Map.Entry::getKey)
        .findFirst()
        .orElseThrow(
            () ->
                new StoreException(
                    FailureClass.INCOMPATIBLE,
                    "collection '"
                        + name
                        + "' compares vectors by '"
                        + space
                        + "', which this version of vecferry does not know. Known: cosine, ip,"
                        + " l2."));
  }

  /** Name of the index, as {@code HNSW}. */
  String indexType() {
    return configuration.has("spann") && !configuration.has("hnsw") ? "SPANN" : "HNSW";
  }

  /** Parameters of the index by the names that are used for all stores. */
  Map<String, String> indexParams() {
    Map<String, String> params = new LinkedHashMap<>();
    for (IndexParameter parameter : IndexRules.COMMON.all()) {
      JsonNode value = index().path(IndexRules.key(parameter));
      if (value.isNumber()) {
        params.put(parameter.name(), value.asText());
      }
    }
    return params;
  }

  private JsonNode index() {
    return configuration.path(configuration.has("hnsw") ? "hnsw" : "spann");
  }

  /** Kinds of metadata, and single keys, that the schema keeps from being indexed. */
  List<String> unindexed() {
    List<String> found = new ArrayList<>();
    schema.path("defaults").properties().forEach(type -> addUnindexed("all keys", type, found));
    schema
        .path("keys")
        .properties()
        .forEach(
            key ->
                key.getValue()
                    .properties()
                    .forEach(type -> addUnindexed("'" + key.getKey() + "'", type, found)));
    return found;
  }

  private static void addUnindexed(
      String what, Map.Entry<String, JsonNode> type, List<String> found) {
    for (Map.Entry<String, JsonNode> index : type.getValue().properties()) {
      // Documents are searched as text and not by their value, everything else the other way round.
      boolean document = what.equals("'#document'");
      boolean usual =
          document
              ? index.getKey().equals("fts_index")
              : index.getKey().endsWith("_inverted_index");
      if (usual && !index.getValue().path("enabled").asBoolean(true)) {
        found.add(document ? "documents" : what + " as " + type.getKey());
      }
    }
  }
}
