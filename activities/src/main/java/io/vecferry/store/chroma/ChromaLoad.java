package io.vecferry.store.chroma;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.vecferry.plan.FailureClass;
import io.vecferry.plan.FieldMapping;
import io.vecferry.plan.Finding;
import io.vecferry.plan.RecordProfile;
import io.vecferry.record.ElementType;
import io.vecferry.record.IdColumn;
import io.vecferry.record.IdKind;
import io.vecferry.record.VectorKind;
import io.vecferry.store.AdaptiveRequests;
import io.vecferry.store.BatchWriter;
import io.vecferry.store.IndexParameter;
import io.vecferry.store.JsonBytes;
import io.vecferry.store.LoadNote;
import io.vecferry.store.LoadSchema;
import io.vecferry.store.LoadStamp;
import io.vecferry.store.MappingRows;
import io.vecferry.store.Metric;
import io.vecferry.store.ReservedKeys;
import io.vecferry.store.SendingWriter;
import io.vecferry.store.StoreException;
import io.vecferry.store.VectorFieldInfo;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** A collection that is being loaded. */
final class ChromaLoad {
  /** Key of a collection's configuration among what a store says about it. */
  static final String CONFIGURATION = "configuration";

  /** Key of a collection's metadata among what a store says about it. */
  static final String METADATA = "metadata";

  private static final String EMBEDDING_FUNCTION = "embedding_function";
  private static final String HNSW = "hnsw";
  private static final Set<String> INDEX_TYPES = Set.of("", "hnsw");

  /** Bytes of columns in a request; in base 64 and with the rest they stay far below 40 MB. */
  private static final long REQUEST_BYTES = 8 << 20;

  private static final int IN_FLIGHT = 2;

  private final ChromaClient client;
  private final ChromaClient.Server server;
  private final ChromaSettings settings;
  private final AdaptiveRequests requests;

  ChromaLoad(ChromaClient client, ChromaClient.Server server, ChromaSettings settings) {
    this.client = client;
    this.server = server;
    this.settings = settings;
    this.requests = new AdaptiveRequests("chroma", settings.requestsInFlight(), IN_FLIGHT);
  }

  List<Finding> assess(LoadSchema schema) {
    List<Finding> findings = new ArrayList<>();
    if (schema.vectors().size() != 1) {
      findings.add(
          Finding.blocking(
              "target",
              "a Chroma collection holds one vector per record, the source has "
                  + schema.vectors().size()
                  + " vector fields.",
              "Choose one field."));
      return findings;
    }
    VectorFieldInfo field = schema.vectors().get(0);
    assessField(field, schema.profile(), findings);
    assessIndex(field, findings);
    assessRecords(schema, findings);
    if (!client.features().configuration()) {
      findings.add(
          Finding.blocking(
              "target.url",
              settings.url() + " does not say that a collection can be given a configuration.",
              "Upgrade the server to Chroma 1.0.20 or later."));
    }
    if (schema.configuration().containsKey("not indexed")) {
      findings.add(
          Finding.warning(
              "source.collection",
              "the source does not index "
                  + schema.configuration().get("not indexed")
                  + "; the target will index it.",
              ""));
    }
    findings.add(
        Finding.info(
            "target.collection",
            "records are loaded into a collection of another name, which gets the name '"
                + settings.collection()
                + "' at the cutover. Chroma's clients keep the id of a collection: those that hold"
                + " one of an earlier collection have to get it anew by its name."));
    return findings;
  }

  private static void assessField(
      VectorFieldInfo field, RecordProfile profile, List<Finding> findings) {
    if (field.kind() != VectorKind.DENSE) {
      findings.add(
          Finding.blocking(
              "target",
              "vector field '"
                  + field.name()
                  + "' is "
                  + field.kind().name().toLowerCase(Locale.ROOT)
                  + ", a Chroma collection holds dense vectors only.",
              "Choose another field."));
      return;
    }
    if (ChromaCollection.space(field.metric()).isEmpty()) {
      findings.add(
          Finding.blocking(
              "target.metric",
              "Chroma cannot compare by " + field.metric().spelling() + ".",
              "Use cosine, ip or l2."));
    }
    if (field.element() != ElementType.FLOAT32) {
      findings.add(
          Finding.info(
              "target",
              "components of "
                  + field.element().name().toLowerCase(Locale.ROOT)
                  + " become 32-bit floats, which hold them exactly."));
    }
    if (field.optional()) {
      findings.add(
          Finding.info("target", "records that have no vector are refused: Chroma has none such."));
    }
    if (field.metric() == Metric.COSINE) {
      findings.add(
          Finding.warning(
              "target.metric",
              "Chroma keeps vectors of a collection that compares by cosine as direction and"
                  + " length: they come back changed in the last two bits of a component.",
              "When vectors have unit length, ip orders answers alike and keeps every bit."));
      if (profile.rows() > 0 && (profile.largestNorm() > 1e19 || profile.smallestNorm() < 1e-22)) {
        findings.add(
            Finding.warning(
                "target.metric",
                String.format(
                    Locale.ROOT,
                    "lengths of vectors go from %.3g to %.3g. Those longer than 1.8e19 or shorter"
                        + " than about 1e-22, but not zero, are refused: Chroma could not give them"
                        + " back.",
                    profile.smallestNorm(),
                    profile.largestNorm()),
                "Metric l2 keeps them."));
      }
    }
  }

  private static void assessIndex(VectorFieldInfo field, List<Finding> findings) {
    String type = field.indexType() == null ? "" : field.indexType();
    if (!INDEX_TYPES.contains(type.toLowerCase(Locale.ROOT))) {
      findings.add(
          Finding.blocking(
              "target.index.type",
              "Chroma has no index of type '" + type + "'.",
              "Use HNSW, or leave it out."));
    }
    IndexRules.ALL.read(field.indexParams(), findings);
  }

  private void assessRecords(LoadSchema schema, List<Finding> findings) {
    if (!schema.idKinds().equals(Set.of(IdKind.STRING))) {
      findings.add(
          Finding.info(
              "target",
              "ids become text; what they were is noted in the collection, and vecferry gives it"
                  + " back when it reads the collection."));
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
              "Chroma's metadata cannot hold some values of "
                  + String.join(", ", mapped)
                  + " (null, nested, empty or mixed). Records that have them keep their whole"
                  + " metadata as JSON text in the key "
                  + ReservedKeys.METADATA_JSON
                  + ", next to what Chroma can hold and search."));
    }
  }

  /**
   * Where everything that records have goes.
   *
   * @param deviation of the vectors
   */
  List<FieldMapping> mapping(LoadSchema schema, double deviation) {
    return new MappingRows(schema)
        .id("id", Set.of(IdKind.STRING), "as text; the kind is noted in the collection")
        .vectors(
            field ->
                "embedding, " + ChromaCollection.space(field.metric()).orElseThrow() + ", HNSW",
            deviation)
        .document("document")
        .keys(
            key -> "metadata key " + key.name(),
            key ->
                isMapped(key)
                    ? "what Chroma cannot hold is in a JSON text in the key "
                        + ReservedKeys.METADATA_JSON
                    : FieldMapping.EXACT)
        .rows();
  }

  private boolean isMapped(RecordProfile.Key key) {
    boolean reserved =
        key.name().isEmpty()
            || key.name().startsWith("#")
            || key.name().startsWith("$")
            || key.name().startsWith(ReservedKeys.PREFIX)
            || (key.name().startsWith("chroma:") && !key.name().equals(ChromaMapping.URI));
    return reserved
        || key.types().contains("null")
        || key.types().contains("object")
        || (key.types().contains("array") && !client.features().arrays());
  }

  void create(LoadSchema schema, LoadStamp stamp) {
    Optional<ChromaCollection> there = client.find(settings.collection());
    if (there.isPresent()) {
      require(there.get(), stamp);
      return;
    }
    for (Finding finding : assess(schema)) {
      if (finding.severity() == Finding.Severity.BLOCKING) {
        throw new StoreException(FailureClass.INCOMPATIBLE, finding.toString());
      }
    }
    VectorFieldInfo field = schema.vectors().get(0);
    ObjectNode configuration = configuration(schema);
    ObjectNode index = (ObjectNode) configuration.get(HNSW);
    ChromaCollection.Load note =
        new ChromaCollection.Load(
            new LoadNote(stamp, schema.idKinds(), Map.of("", field.name())),
            field.dimension(),
            false);
    ObjectNode metadata = metadata(schema, index);
    metadata.put(ChromaCollection.NOTE, note.toJson());
    JsonBytes body = new JsonBytes(1024);
    body.raw("{\"name\":").string(settings.collection()).raw(",\"configuration\":");
    body.json(configuration.toString()).raw(",\"metadata\":").json(metadata.toString()).raw("}");
    ChromaCollection made;
    try {
      made = client.create(body, settings.collection());
    } catch (StoreException e) {
      if (e.failureClass() != FailureClass.TARGET_CHANGED) {
        throw e;
      }
      // Another attempt was faster.
      require(client.get(settings.collection()), stamp);
      return;
    }
    if (made.metric() != field.metric()) {
      client.delete(settings.collection());
      throw new StoreException(
          FailureClass.INCOMPATIBLE,
          settings.url()
              + " made a collection that compares by "
              + made.metric().spelling()
              + " when asked for "
              + field.metric().spelling()
              + ". Upgrade the server.");
    }
  }

  /** The index that the spec asks for, on top of what a source of the same type has. */
  private static ObjectNode configuration(LoadSchema schema) {
    VectorFieldInfo field = schema.vectors().get(0);
    JsonNode source = read(schema.configuration().get(CONFIGURATION));
    ObjectNode configuration = JsonNodeFactory.instance.objectNode();
    ObjectNode index = configuration.putObject(HNSW);
    index.put("space", ChromaCollection.space(field.metric()).orElseThrow());
    for (IndexParameter parameter : IndexRules.ALL.all()) {
      String key = IndexRules.key(parameter);
      if (source.path(HNSW).path(key).isNumber()) {
        index.set(key, source.path(HNSW).path(key));
      }
    }
    if (source.isMissingNode()) {
      follow(schema.sourceVectors(), index);
    }
    IndexRules.ALL
        .read(field.indexParams(), new ArrayList<>())
        .forEach(
            (name, value) -> {
              IndexParameter parameter = IndexRules.ALL.find(name).orElseThrow();
              if (parameter.whole()) {
                index.put(IndexRules.key(parameter), Long.parseLong(value));
              } else {
                index.put(IndexRules.key(parameter), Double.parseDouble(value));
              }
            });
    if (source.path(EMBEDDING_FUNCTION).isObject()) {
      configuration.set(EMBEDDING_FUNCTION, source.path(EMBEDDING_FUNCTION));
    }
    return configuration;
  }

  /** Takes over what another store says of its own HNSW index. */
  private static void follow(List<VectorFieldInfo> sourceVectors, ObjectNode index) {
    for (VectorFieldInfo field : sourceVectors) {
      if (field.indexType() != null && field.indexType().toLowerCase(Locale.ROOT).contains(HNSW)) {
        IndexRules.COMMON
            .follow(field.indexParams())
            .forEach(
                (name, value) ->
                    index.put(IndexRules.key(IndexRules.ALL.find(name).orElseThrow()), value));
      }
    }
  }

  /**
   * The metadata of a source of the same type. Where it speaks of the index, it is made to say what
   * the configuration says: a server that finds the configuration usual goes by the metadata.
   */
  private static ObjectNode metadata(LoadSchema schema, ObjectNode index) {
    ObjectNode metadata = JsonNodeFactory.instance.objectNode();
    read(schema.configuration().get(METADATA))
        .properties()
        .forEach(member -> metadata.set(member.getKey(), member.getValue()));
    if (metadata.has(ChromaCollection.LEGACY + "space")) {
      metadata.set(ChromaCollection.LEGACY + "space", index.get("space"));
    }
    for (IndexParameter parameter : IndexRules.ALL.all()) {
      String legacyKey = IndexRules.legacyKey(parameter);
      String key = IndexRules.key(parameter);
      if (metadata.has(legacyKey) && index.has(key)) {
        metadata.set(legacyKey, index.get(key));
      }
    }
    return metadata;
  }

  private static JsonNode read(String json) {
    try {
      return json == null ? ChromaClient.JSON.missingNode() : ChromaClient.JSON.readTree(json);
    } catch (JsonProcessingException e) {
      throw new StoreException(
          FailureClass.INCOMPATIBLE,
          "the plan's note of the source collection is no JSON: " + e.getOriginalMessage(),
          e);
    }
  }

  private static void require(ChromaCollection collection, LoadStamp stamp) {
    LoadStamp found = collection.load().map(load -> load.note().stamp()).orElse(null);
    if (found == null) {
      throw new StoreException(
          FailureClass.TARGET_CHANGED,
          "collection '" + collection.name() + "' is there and was not made by vecferry");
    }
    if (!found.equals(stamp)) {
      throw new StoreException(
          FailureClass.TARGET_CHANGED,
          "collection '"
              + collection.name()
              + "' belongs to load "
              + found.loadId()
              + " of migration "
              + found.migration()
              + ", not to load "
              + stamp.loadId()
              + " of "
              + stamp.migration());
    }
  }

  BatchWriter write(LoadStamp stamp) {
    ChromaCollection collection = client.get(settings.collection());
    require(collection, stamp);
    SendingWriter.Limits limits =
        new SendingWriter.Limits(settings.limit(server.mostRows()), REQUEST_BYTES);
    return new SendingWriter(
        limits,
        requests,
        new RecordSender(client, collection, server.base64(), client.features().arrays()));
  }

  void remove(IdColumn ids, LoadStamp stamp) {
    ChromaCollection collection = client.get(settings.collection());
    require(collection, stamp);
    ChromaMapping mapping = RecordFetcher.mapping(collection);
    int most = settings.limit(RecordFetcher.MOST_ROWS);
    List<String> stored = new ArrayList<>();
    for (int row = 0; row < ids.rows(); row++) {
      String id = mapping.storedId(ids.kind(row), ids.get(row));
      if (id != null) {
        stored.add(id);
      }
      if (!stored.isEmpty() && (stored.size() == most || row + 1 == ids.rows())) {
        delete(collection, stored);
        stored.clear();
      }
    }
  }

  private void delete(ChromaCollection collection, List<String> stored) {
    JsonBytes body = new JsonBytes(40 * stored.size());
    body.raw("{\"ids\":").strings(stored).raw("}");
    client.deleteRecords(collection, body);
  }

  void finish(LoadStamp stamp) {
    client.find(settings.collection()).ifPresent(collection -> require(collection, stamp));
  }

  boolean drop(LoadStamp stamp) {
    Optional<ChromaCollection> there = client.find(settings.collection());
    if (there.isEmpty()) {
      return false;
    }
    require(there.get(), stamp);
    remove(there.get());
    return true;
  }

  /** Removes a collection with all that it has. */
  void remove(ChromaCollection collection) {
    if (collection.load().map(ChromaCollection.Load::arrays).orElse(client.features().arrays())) {
      deleteRecords(collection);
    }
    client.delete(collection.name());
  }

  /**
   * Empties a collection. When a server removes a collection as a whole, it leaves the arrays of
   * its records behind, and new records of whatever collection get them.
   */
  private void deleteRecords(ChromaCollection collection) {
    JsonBytes list = new JsonBytes(64);
    list.raw("{\"include\":[],\"limit\":" + settings.limit(RecordFetcher.MOST_ROWS) + "}");
    while (true) {
      List<String> ids = new ArrayList<>();
      RecordSender.read(
          client,
          collection,
          list,
          (column, parser) -> RecordSender.readTexts(column, "ids", parser, ids));
      if (ids.isEmpty()) {
        return;
      }
      delete(collection, ids);
    }
  }
}
