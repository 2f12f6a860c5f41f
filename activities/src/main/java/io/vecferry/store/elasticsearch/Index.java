package io.vecferry.store.elasticsearch;

import com.fasterxml.jackson.databind.JsonNode;
import io.vecferry.record.ElementType;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/**
 * One index as the server describes it.
 *
 * @param name its own name, not that of an alias
 * @param asked the name by which it was asked for
 * @param description aliases, mappings and settings
 */
record Index(String name, String asked, JsonNode description) {
  private static final int DEFAULT_LARGEST_PAGE = 10_000;

  /** Vectors that are no plain field of a record. */
  record OtherVectors(String path, Kind what) {}

  /** Kinds of vectors that are no plain field of a record. */
  enum Kind {
    SPARSE("sparse vectors", true),
    SEVERAL("several vectors for a record", false),
    COMPUTED("vectors that the server computes", false),
    NESTED("vectors in nested records", true);

    private final String shown;
    private final boolean inEveryServer;

    Kind(String shown, boolean inEveryServer) {
      this.shown = shown;
      this.inEveryServer = inEveryServer;
    }

    /** Whether a server needs nothing more to have such fields. */
    boolean inEveryServer() {
      return inEveryServer;
    }

    @Override
    public String toString() {
      return shown;
    }
  }

  private JsonNode setting(String path) {
    return description.at("/settings/index/" + path);
  }

  String uuid() {
    return setting("uuid").asText();
  }

  int shards() {
    return Math.max(1, setting("number_of_shards").asInt(1));
  }

  int replicas() {
    return setting("number_of_replicas").asInt(0);
  }

  int largestPage() {
    return setting("max_result_window").asInt(DEFAULT_LARGEST_PAGE);
  }

  String refreshInterval() {
    return setting("refresh_interval").asText("");
  }

  /** Analysers that it defines; a missing node when it does not. */
  JsonNode analysis() {
    return setting("analysis");
  }

  boolean closed() {
    return setting("verified_before_close").asBoolean(false);
  }

  /**
   * Whether it is being made as a copy of another index. The server gives such a one its mapping
   * only when it has begun to copy.
   */
  boolean isUnfinishedCopy() {
    return !setting("resize/source/name").isMissingNode() && mappings().isEmpty();
  }

  /**
   * Whether it is closed to writes, as {@code true} or {@code false}; empty when nothing is said.
   */
  String writeBlock() {
    return setting("blocks/write").asText("");
  }

  /** A block that keeps its aliases and settings as they are; empty when there is none. */
  String administrativeBlock() {
    return List.of("read_only", "read_only_allow_delete").stream()
        .filter(block -> setting("blocks/" + block).asBoolean(false))
        .findFirst()
        .orElse("");
  }

  JsonNode mappings() {
    return description.path("mappings");
  }

  /** A member of what the makers of the index noted in its mapping. */
  Optional<String> note(String key) {
    JsonNode text = mappings().path("_meta").path(key);
    return text.isTextual() ? Optional.of(text.textValue()) : Optional.empty();
  }

  /** The alias by which it was asked for; a missing node when that was its own name. */
  JsonNode alias() {
    return description.path("aliases").path(asked);
  }

  /** Whether an alias leads to it. */
  boolean hasAlias(String alias) {
    return description.path("aliases").has(alias);
  }

  /** Whether vectors stay in what is read as they were written, on a server that hides them. */
  boolean keepsVectors() {
    return setting("mapping/exclude_source_vectors").asText("").equals("false");
  }

  /** Whether what is read is put together from what was indexed and not what was written. */
  boolean syntheticSource() {
    String mode = setting("mode").asText("");
    String source =
        setting("mapping/source/mode").asText(mappings().path("_source").path("mode").asText(""));
    return source.equals("synthetic")
        || (source.isEmpty() && (mode.equals("logsdb") || mode.equals("time_series")));
  }

  boolean sourceDisabled() {
    return !mappings().path("_source").path("enabled").asBoolean(true);
  }

  /** Patterns of fields that are not kept, or of the only ones that are; empty for none. */
  List<String> sourcePatterns(String key) {
    List<String> patterns = new ArrayList<>();
    JsonNode value = mappings().path("_source").path(key);
    if (value.isTextual()) {
      patterns.add(value.textValue());
    }
    value.forEach(one -> patterns.add(one.asText()));
    return patterns;
  }

  /** Its fields of vectors by path, in the order of the mapping. */
  Map<String, VectorField> vectorFields() {
    Map<String, VectorField> fields = new LinkedHashMap<>();
    collect(mappings(), "", fields, new ArrayList<>());
    return fields;
  }

  /** Vectors in nested records, sparse ones, and several for one record. */
  List<OtherVectors> otherVectors() {
    return otherVectors(mappings());
  }

  /** The same of a mapping. */
  static List<OtherVectors> otherVectors(JsonNode mappings) {
    List<OtherVectors> others = new ArrayList<>();
    collect(mappings, "", new LinkedHashMap<>(), others);
    return others;
  }

  private static void collect(
      JsonNode parent, String prefix, Map<String, VectorField> fields, List<OtherVectors> others) {
    parent
        .path("properties")
        .fields()
        .forEachRemaining(
            member -> {
              String path = prefix + member.getKey();
              JsonNode field = member.getValue();
              switch (field.path("type").asText("object")) {
                case "dense_vector" -> fields.put(path, vectorField(path, field));
                case "sparse_vector" -> others.add(new OtherVectors(path, Kind.SPARSE));
                case "rank_vectors" -> others.add(new OtherVectors(path, Kind.SEVERAL));
                case "semantic_text" -> others.add(new OtherVectors(path, Kind.COMPUTED));
                case "nested" -> {
                  Map<String, VectorField> inside = new LinkedHashMap<>();
                  collect(field, path + ".", inside, others);
                  inside
                      .keySet()
                      .forEach(nested -> others.add(new OtherVectors(nested, Kind.NESTED)));
                }
                default -> collect(field, path + ".", fields, others);
              }
            });
  }

  private static VectorField vectorField(String path, JsonNode field) {
    ElementType element =
        switch (field.path("element_type").asText("float")) {
          case "byte" -> ElementType.INT8;
          case "bit" -> ElementType.BIT;
          case "bfloat16" -> ElementType.BFLOAT16;
          default -> ElementType.FLOAT32;
        };
    boolean indexed = field.path("index").asBoolean(true);
    Map<String, String> params = new LinkedHashMap<>();
    field
        .path("index_options")
        .fields()
        .forEachRemaining(
            option -> {
              if (!option.getKey().equals("type") && option.getValue().isValueNode()) {
                params.put(option.getKey(), option.getValue().asText());
              }
            });
    return new VectorField(
        path,
        element,
        field.path("dims").asInt(0),
        indexed
            ? field
                .path("similarity")
                .asText(element == ElementType.BIT ? "l2_norm" : "cosine")
                .toLowerCase(Locale.ROOT)
            : "",
        field.path("index_options").path("type").asText(""),
        params);
  }

  /** The usual fields of a document that are mapped as text. */
  Optional<String> documentField(List<String> usual) {
    return usual.stream()
        .filter(
            name ->
                mappings().path("properties").path(name).path("type").asText().equals("text")
                    || mappings()
                        .path("properties")
                        .path(name)
                        .path("type")
                        .asText()
                        .equals("match_only_text"))
        .findFirst();
  }
}
