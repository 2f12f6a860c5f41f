package io.vecferry.store.elasticsearch;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.vecferry.plan.FailureClass;
import io.vecferry.plan.FieldMapping;
import io.vecferry.plan.Finding;
import io.vecferry.plan.RecordProfile;
import io.vecferry.record.ElementType;
import io.vecferry.record.IdKind;
import io.vecferry.record.VectorKind;
import io.vecferry.spec.Suggestion;
import io.vecferry.store.LoadNote;
import io.vecferry.store.LoadSchema;
import io.vecferry.store.LoadStamp;
import io.vecferry.store.MappingRows;
import io.vecferry.store.Metric;
import io.vecferry.store.ReservedKeys;
import io.vecferry.store.StoreException;
import io.vecferry.store.VectorFieldInfo;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** The index to be made for a load, and what of the load it cannot hold. Pure. */
final class LoadPlan {
  /** Key of the names of indices, where they are not the name that was asked for, there. */
  static final String INDICES = "indices";

  /** Key of the number of shards among what a store says about its collection. */
  static final String SHARDS = "shards";

  /** Key of the name of the field with the document there. */
  static final String DOCUMENT_FIELD = "document field";

  /** Key of the mapping there. */
  static final String MAPPING = "mapping";

  /** Key of the analysers there. */
  static final String ANALYSIS = "analysis";

  private static final String VECTOR_FIELD = "vector";
  private static final String HNSW = "hnsw";
  private static final int LONGEST_KEYWORD = 1024;

  /** Squares of longer vectors leave the range of a float. */
  private static final double LONGEST_VECTOR = 1.8e19;

  private final Settings settings;
  private final ServerVersion version;
  private final LoadSchema schema;

  LoadPlan(Settings settings, ServerVersion version, LoadSchema schema) {
    this.settings = settings;
    this.version = version;
    this.schema = schema;
  }

  // Assessing

  List<Finding> assess() {
    List<Finding> findings = new ArrayList<>();
    if (schema.vectors().isEmpty()) {
      findings.add(Finding.blocking("target", "the source has no vectors.", ""));
      return findings;
    }
    for (VectorFieldInfo field : schema.vectors()) {
      assessField(field, findings);
      if (field.kind() == VectorKind.DENSE) {
        assessIndex(field, findings);
      }
    }
    assessRecords(findings);
    assessFollowed(findings);
    if (settings.sendsSecretInTheOpen()) {
      findings.add(
          Finding.warning(
              "target.url",
              settings.url() + " gets the secret without encryption.",
              "Use https, or a network that nobody else is in."));
    }
    findings.add(
        Finding.info(
            "target.collection",
            "records are loaded into the index '"
                + settings.collection()
                + "'; the target's name becomes an alias of it at the cutover, in one step."));
    return findings;
  }

  private void assessField(VectorFieldInfo field, List<Finding> findings) {
    if (field.kind() != VectorKind.DENSE) {
      findings.add(
          Finding.blocking(
              "target",
              "vector field '"
                  + field.name()
                  + "' is "
                  + field.kind().name().toLowerCase(Locale.ROOT)
                  + "; only dense vectors are written to Elasticsearch.",
              "Choose another field."));
      return;
    }
    ElementType element = element(field);
    int most = version.mostDimensions() * (element == ElementType.BIT ? 8 : 1);
    if (field.dimension() > most) {
      findings.add(
          Finding.blocking(
              "target",
              "vectors of field '"
                  + field.name()
                  + "' have "
                  + field.dimension()
                  + " components, Elasticsearch "
                  + version.text()
                  + " takes at most "
                  + most
                  + ".",
              "Use another target."));
    }
    if (element == ElementType.BIT && field.dimension() % 8 != 0) {
      findings.add(
          Finding.blocking(
              "target",
              "field '"
                  + field.name()
                  + "' has "
                  + field.dimension()
                  + " bits, Elasticsearch takes multiples of 8.",
              "Use another target."));
    }
    if (similarity(field).isEmpty()) {
      findings.add(
          Finding.blocking(
              "target.metric",
              "Elasticsearch cannot compare by " + field.metric().spelling() + ".",
              "Use cosine, ip or l2."));
    }
    if (field.metric() == Metric.IP && !version.atLeast(8, 11)) {
      findings.add(
          Finding.blocking(
              "target.metric",
              "Elasticsearch compares vectors of any length by ip from 8.11, this is "
                  + version.text()
                  + ".",
              "Upgrade the server, or use cosine where all vectors have unit length."));
    }
    if (element == ElementType.FLOAT32 && field.element() != ElementType.FLOAT32) {
      findings.add(
          Finding.info(
              "target",
              "components of "
                  + field.element().name().toLowerCase(Locale.ROOT)
                  + " become 32-bit floats, which hold them exactly."));
    }
    if (version.hidesVectors() && !settings.exactVectors()) {
      findings.add(
          Finding.warning(
              "target.options.exactVectors",
              "the server puts vectors together from its index when they are read"
                  + (field.metric() == Metric.COSINE
                      ? ": a component may change in its last bit."
                      : "."),
              ""));
    }
    RecordProfile profile = schema.profile();
    if (profile.rows() > 0 && profile.largestNorm() > LONGEST_VECTOR) {
      findings.add(
          Finding.warning(
              "target",
              String.format(
                  Locale.ROOT,
                  "vectors are up to %.3g long; those longer than 1.8e19 are refused, because their"
                      + " squares leave the range of a float.",
                  profile.largestNorm()),
              ""));
    }
    if (field.metric() == Metric.COSINE && profile.rows() > 0 && profile.smallestNorm() == 0) {
      findings.add(
          Finding.warning(
              "target.metric",
              "there are vectors that are zero, which Elasticsearch refuses where it compares by"
                  + " cosine.",
              "Metric l2 keeps them."));
    }
  }

  private void assessIndex(VectorFieldInfo field, List<Finding> findings) {
    String asked = field.indexType() == null ? "" : field.indexType();
    Optional<IndexType> type = IndexType.of(asked);
    if (!asked.isEmpty() && type.isEmpty()) {
      findings.add(
          Finding.blocking(
              "target.index.type",
              "Elasticsearch has no index of type '" + asked + "'.",
              (asked.toLowerCase(Locale.ROOT).contains("ivf")
                          ? "It has no IVF. "
                          : Suggestion.didYouMean(asked, IndexType.spellings()).strip() + " ")
                      .stripLeading()
                  + "Known: "
                  + String.join(", ", IndexType.spellings())
                  + "."));
      return;
    }
    IndexType chosen = indexType(field);
    if (!version.atLeast(chosen.major(), chosen.minor())) {
      findings.add(
          Finding.blocking(
              "target.index.type",
              chosen.spelling()
                  + " is known from Elasticsearch "
                  + chosen.major()
                  + "."
                  + chosen.minor()
                  + ", this is "
                  + version.text()
                  + ".",
              "Upgrade the server or use HNSW."));
    }
    if (field.dimension() < chosen.fewestDimensions()) {
      findings.add(
          Finding.blocking(
              "target.index.type",
              chosen.spelling()
                  + " needs vectors of "
                  + chosen.fewestDimensions()
                  + " components or more, these have "
                  + field.dimension()
                  + ".",
              "Use HNSW or int8_hnsw."));
    }
    if (chosen.quantised() && element(field) != ElementType.FLOAT32) {
      findings.add(
          Finding.blocking(
              "target.index.type",
              chosen.spelling() + " is for vectors of floats, these are bytes or bits.",
              "Use HNSW or FLAT."));
    }
    IndexRules.ALL.read(field.indexParams(), findings);
  }

  /** Vectors that records have in their metadata, where the source is Elasticsearch too. */
  private void assessFollowed(List<Finding> findings) {
    List<Index.OtherVectors> others = new ArrayList<>(Index.otherVectors(sourceMapping()));
    List<String> paths = others.stream().map(Index.OtherVectors::path).toList();
    if (!paths.isEmpty() && version.hidesVectors() && !settings.exactVectors()) {
      findings.add(
          Finding.blocking(
              "target.options.exactVectors",
              "the server would put metadata together from its index when it is read, and spell it"
                  + " in another way or round it: "
                  + String.join(", ", paths)
                  + ".",
              "Leave it true, or set target.options.autoFields to false, which does not index"
                  + " them."));
    }
    List<String> foreign =
        others.stream()
            .filter(other -> !other.what().inEveryServer())
            .map(Index.OtherVectors::path)
            .toList();
    if (!foreign.isEmpty()) {
      findings.add(
          Finding.warning(
              "target",
              "types of the source that not every server has, or not without an inference endpoint,"
                  + " are taken over: "
                  + String.join(", ", foreign)
                  + ".",
              "Where the server lacks them, set target.options.autoFields to false."));
    }
  }

  private void assessRecords(List<Finding> findings) {
    if (!schema.idKinds().equals(Set.of(IdKind.STRING))) {
      findings.add(
          Finding.info(
              "target",
              "ids become text; what they were is noted in the index, and vecferry gives it back"
                  + " when it reads the index."));
    }
    if (schema.profile().longestId() > IdMapping.LONGEST) {
      findings.add(
          Finding.info(
              "target",
              "ids are up to "
                  + schema.profile().longestId()
                  + " bytes long, Elasticsearch takes "
                  + IdMapping.LONGEST
                  + ". Longer ones become hashes, and the original stands in the key "
                  + ReservedKeys.ID
                  + "."));
    }
    if (settings.routing()
        && schema.profile().keys().stream().anyMatch(key -> key.name().equals(Routing.KEY))) {
      findings.add(
          Finding.info(
              "target.options.routing",
              "records that have the metadata key "
                  + Routing.KEY
                  + " are stored with it as their routing."));
    }
    List<String> mapped =
        schema.profile().keys().stream()
            .filter(this::isMapped)
            .map(RecordProfile.Key::name)
            .toList();
    if (!mapped.isEmpty()) {
      findings.add(
          Finding.info(
              "target",
              "documents cannot have "
                  + (mapped.size() == 1 ? "the key " : "the keys ")
                  + String.join(", ", mapped.stream().map(key -> "'" + key + "'").toList())
                  + ". Records that have one keep their whole metadata as JSON text in the key "
                  + ReservedKeys.METADATA_JSON
                  + "."));
    }
  }

  /** Whether documents cannot have a metadata key. */
  private boolean isMapped(RecordProfile.Key key) {
    String name = key.name();
    return !(settings.routing() && name.equals(Routing.KEY))
        && (!DocumentMapping.isTaken(name)
            || name.startsWith(ReservedKeys.PREFIX)
            || name.equals(documentField())
            || vectorNames().containsKey(name));
  }

  // Making

  private String documentField() {
    return settings.documentField() == null || settings.documentField().equals(Settings.NO_DOCUMENT)
        ? schema.configuration().getOrDefault(DOCUMENT_FIELD, "document")
        : settings.documentField();
  }

  /** For each field of vectors of the index, its name in the records. */
  Map<String, String> vectorNames() {
    Map<String, String> names = new LinkedHashMap<>();
    for (VectorFieldInfo field : schema.vectors()) {
      String unnamed = settings.vectorField() == null ? VECTOR_FIELD : settings.vectorField();
      String wanted = field.name().isEmpty() ? unnamed : field.name();
      String legal = DocumentMapping.isTaken(wanted) ? wanted : "vector_" + names.size();
      while (names.containsKey(legal) || legal.equals(documentField())) {
        legal = legal + "_";
      }
      names.put(legal, field.name());
    }
    return names;
  }

  /** Where everything that records have goes. */
  List<FieldMapping> mapping() {
    JsonNode properties =
        create(settings.collection(), new LoadStamp("", "")).path("mappings").path("properties");
    Map<String, String> names = vectorNames();
    return new MappingRows(schema)
        .id(
            "_id",
            schema.profile().longestId() > IdMapping.LONGEST ? Set.of() : Set.of(IdKind.STRING),
            schema.profile().longestId() > IdMapping.LONGEST
                ? "as text, long ones as hashes with the original in the key " + ReservedKeys.ID
                : "as text; the kind is noted in the index")
        .vectors(
            field -> {
              String path = MappingRows.called(names, field);
              JsonNode property = properties.path(path);
              return path
                  + ", dense_vector("
                  + property.path("dims").asInt()
                  + "), "
                  + property.path("similarity").asText()
                  + ", "
                  + property.path("index_options").path("type").asText();
            },
            0)
        .document(documentField() + ", " + properties.path(documentField()).path("type").asText())
        .keys(
            key ->
                key.name()
                    + ", "
                    + (isTyped(properties, key)
                        ? properties.path(key.name()).path("type").asText("object")
                        : "not indexed"),
            key ->
                isMapped(key)
                    ? "the whole metadata as JSON text in the key " + ReservedKeys.METADATA_JSON
                    : FieldMapping.EXACT)
        .rows();
  }

  private boolean isTyped(JsonNode properties, RecordProfile.Key key) {
    return properties.has(key.name()) && !isMapped(key);
  }

  /** The request that makes the index. */
  ObjectNode create(String index, LoadStamp stamp) {
    for (Finding finding : assess()) {
      if (finding.severity() == Finding.Severity.BLOCKING) {
        throw new StoreException(FailureClass.INCOMPATIBLE, finding.toString());
      }
    }
    ObjectNode body = JsonNodeFactory.instance.objectNode();
    ObjectNode options = body.putObject("settings").putObject("index");
    options.put("number_of_shards", shards());
    // Both are as they should be again when the load is finished.
    options.put("number_of_replicas", 0);
    options.put("refresh_interval", "-1");
    if (version.hidesVectors()) {
      options.put("mapping.exclude_source_vectors", !settings.exactVectors());
    }
    body.putObject("aliases").putObject(IndexNames.writeAlias(index)).put("is_hidden", true);
    ObjectNode mappings = body.putObject("mappings");
    // What has no type is kept and not indexed; a type that is guessed would refuse other values.
    mappings.put("dynamic", false);
    Map<String, String> names = vectorNames();
    mappings
        .putObject("_meta")
        .put(Layout.NOTE, new LoadNote(stamp, schema.idKinds(), names).toJson())
        .put(Layout.DOCUMENT_FIELD, documentField());
    ObjectNode properties = mappings.putObject("properties");
    int number = 0;
    for (String path : names.keySet()) {
      addVectors(properties.putObject(path), schema.vectors().get(number++));
    }
    JsonNode source = sourceMapping();
    if (source.isObject()) {
      followSource(source, mappings, properties);
      if (settings.routing() && source.has(Routing.KEY) && !severalIndices()) {
        mappings.set(Routing.KEY, source.get(Routing.KEY));
      }
      JsonNode analysis = read(schema.configuration().get(ANALYSIS));
      if (analysis.isObject()) {
        options.set(ANALYSIS, analysis);
      }
    }
    if (!properties.has(documentField())) {
      properties.putObject(documentField()).put("type", "text");
    }
    addMetadata(properties);
    return body;
  }

  /** Whether the source is an alias of several indices, of which one says what all are like. */
  private boolean severalIndices() {
    return schema.configuration().getOrDefault(INDICES, "").contains(",");
  }

  /** The mapping of a source that is Elasticsearch too, when its types are wanted. */
  private JsonNode sourceMapping() {
    return settings.autoFields()
        ? read(schema.configuration().get(MAPPING))
        : JsonNodeFactory.instance.missingNode();
  }

  private static JsonNode read(String json) {
    try {
      return json == null ? JsonNodeFactory.instance.missingNode() : RestClient.JSON.readTree(json);
    } catch (JsonProcessingException e) {
      throw new StoreException(
          FailureClass.INCOMPATIBLE,
          "the plan's note of the source index is no JSON: " + e.getOriginalMessage(),
          e);
    }
  }

  /** Takes over the fields that are no vectors of the load, and what happens to new ones. */
  private static void followSource(JsonNode source, ObjectNode mappings, ObjectNode properties) {
    mappings.put("dynamic", source.path("dynamic").asText("true"));
    for (String key : List.of("dynamic_templates", "date_detection", "numeric_detection")) {
      if (source.has(key)) {
        mappings.set(key, source.get(key));
      }
    }
    Set<String> vectors = new LinkedHashSet<>();
    properties.fieldNames().forEachRemaining(vectors::add);
    JsonNode followed = source.path("properties").deepCopy();
    removeVectors(followed, "", vectors);
    followed
        .fields()
        .forEachRemaining(
            member -> {
              if (!properties.has(member.getKey())) {
                properties.set(member.getKey(), member.getValue());
              }
            });
    // They are there for records that need them, and not to be searched.
    for (String key :
        List.of(
            ReservedKeys.ID,
            ReservedKeys.ID_KIND,
            ReservedKeys.NO_METADATA,
            ReservedKeys.METADATA_JSON)) {
      properties.putObject(key).put("type", "keyword").put("index", false).put("doc_values", false);
    }
  }

  private static void removeVectors(JsonNode properties, String prefix, Set<String> vectors) {
    for (Iterator<Map.Entry<String, JsonNode>> members = properties.fields(); members.hasNext(); ) {
      Map.Entry<String, JsonNode> member = members.next();
      if (vectors.contains(prefix + member.getKey())) {
        members.remove();
      } else if (!member.getValue().path("type").asText().equals("nested")) {
        removeVectors(
            member.getValue().path("properties"), prefix + member.getKey() + ".", vectors);
      }
    }
  }

  private int shards() {
    if (settings.shards() > 0) {
      return settings.shards();
    }
    String source = schema.configuration().getOrDefault(SHARDS, "");
    return source.matches("[1-9][0-9]{0,3}") ? Integer.parseInt(source) : 1;
  }

  private void addVectors(ObjectNode property, VectorFieldInfo field) {
    property.put("type", "dense_vector");
    property.put("dims", field.dimension());
    switch (element(field)) {
      case INT8 -> property.put("element_type", "byte");
      case BIT -> property.put("element_type", "bit");
      default -> property.put("element_type", "float");
    }
    property.put("index", true);
    property.put("similarity", similarity(field).orElseThrow());
    IndexType type = indexType(field);
    ObjectNode index = property.putObject("index_options");
    index.put("type", type.key());
    if (type.graph()) {
      // Servers before 8.12 have no defaults; these are those of later ones.
      index.put("m", IndexRules.USUAL_DEGREE).put("ef_construction", IndexRules.USUAL_BUILD_BEAM);
      followSource(field).forEach((name, value) -> index.put(IndexRules.key(name), value));
      IndexRules.KEPT
          .read(field.indexParams(), new ArrayList<>())
          .forEach((name, value) -> index.put(IndexRules.key(name), Long.parseLong(value)));
    }
  }

  /** Degree and breadth of a graph that the source has. */
  private Map<String, Long> followSource(VectorFieldInfo field) {
    return schema.sourceVectors().stream()
        .filter(source -> source.name().equals(field.name()))
        .filter(source -> source.indexType() != null)
        .filter(source -> source.indexType().toLowerCase(Locale.ROOT).contains(HNSW))
        .findFirst()
        .map(source -> IndexRules.KEPT.follow(source.indexParams()))
        .orElse(Map.of());
  }

  /** The index that is asked for, else the one that an index of Elasticsearch has, else HNSW. */
  private IndexType indexType(VectorFieldInfo field) {
    if (field.indexType() != null && !field.indexType().isEmpty()) {
      return IndexType.of(field.indexType()).orElse(IndexType.HNSW);
    }
    if (!schema.configuration().isEmpty()) {
      for (VectorFieldInfo source : schema.sourceVectors()) {
        Optional<IndexType> type = IndexType.of(source.indexType());
        if (source.name().equals(field.name())
            && type.filter(t -> version.atLeast(t.major(), t.minor())).isPresent()
            && field.dimension() >= type.get().fewestDimensions()) {
          return type.get();
        }
      }
    }
    return IndexType.HNSW;
  }

  private ElementType element(VectorFieldInfo field) {
    return switch (field.element()) {
      case INT8 -> ElementType.INT8;
      case BIT ->
          field.metric() == Metric.HAMMING && version.atLeast(8, 15)
              ? ElementType.BIT
              : ElementType.FLOAT32;
      default -> ElementType.FLOAT32;
    };
  }

  private Optional<String> similarity(VectorFieldInfo field) {
    return switch (field.metric()) {
      case L2 -> Optional.of("l2_norm");
      case IP -> Optional.of("max_inner_product");
      case COSINE -> Optional.of("cosine");
      case HAMMING -> element(field) == ElementType.BIT ? Optional.of("l2_norm") : Optional.empty();
      default -> Optional.empty();
    };
  }

  /** Types of metadata keys: what the spec says, and what the values that were looked at are. */
  private void addMetadata(ObjectNode properties) {
    if (settings.autoFields() && !sourceMapping().isObject()) {
      for (RecordProfile.Key key : schema.profile().keys()) {
        // A dot would make an object, which another record may have something else in place of.
        if (DocumentMapping.isTaken(key.name())
            && key.name().indexOf('.') < 0
            && !key.name().startsWith(ReservedKeys.PREFIX)
            && !properties.has(key.name())
            && !settings.fields().containsKey(key.name())) {
          type(key).ifPresent(type -> addField(properties, key.name(), type));
        }
      }
    }
    settings
        .fields()
        .forEach(
            (name, type) -> {
              if (!type.equals("none") && !properties.has(name)) {
                addField(properties, name, type);
              }
            });
  }

  private static Optional<String> type(RecordProfile.Key key) {
    List<String> types = key.types().stream().filter(type -> !type.equals("null")).toList();
    if (types.equals(List.of("integer"))) {
      return Optional.of("long");
    }
    if (!types.isEmpty() && Set.of("integer", "number").containsAll(types)) {
      return Optional.of("double");
    }
    return types.size() == 1
        ? switch (types.get(0)) {
          case "boolean" -> Optional.of("boolean");
          case "text" -> Optional.of("keyword");
          case "object" -> Optional.of("flattened");
          default -> Optional.empty();
        }
        : Optional.empty();
  }

  private static void addField(ObjectNode properties, String name, String type) {
    ObjectNode field = properties.putObject(name);
    field.put("type", type);
    switch (type) {
      // A value that does not fit is kept and not indexed.
      case "long", "double", "boolean", "date" -> field.put("ignore_malformed", true);
      case "keyword", "flattened" -> field.put("ignore_above", LONGEST_KEYWORD);
      default -> {}
    }
  }
}
