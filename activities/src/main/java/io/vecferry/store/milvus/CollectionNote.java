package io.vecferry.store.milvus;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.milvus.grpc.DescribeCollectionResponse;
import io.milvus.grpc.KeyValuePair;
import io.vecferry.store.LoadNote;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/**
 * What a load leaves in a collection: the note that every store leaves, and what Milvus has no
 * other place for. It is the collection's description; in Milvus Lite, which has none, a property.
 *
 * @param document name of the field with the document; null for none
 * @param description the description that the collection had where it came from
 * @param indexes parameters of the indexes to be made when all rows are there, by field
 */
record CollectionNote(
    LoadNote load, String document, String description, Map<String, Map<String, String>> indexes) {
  static final String PROPERTY = "vecferry.note";
  private static final JsonMapper MAPPER = JsonMapper.builder().build();

  /** One line of JSON. */
  String toJson() {
    try {
      ObjectNode node = (ObjectNode) MAPPER.readTree(load.toJson());
      if (document != null) {
        node.put("document", document);
      }
      if (!description.isEmpty()) {
        node.put("description", description);
      }
      ObjectNode all = node.putObject("indexes");
      indexes.forEach(
          (field, parameters) -> {
            ObjectNode one = all.putObject(field);
            parameters.forEach(one::put);
          });
      return node.toString();
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("a note is JSON", e);
    }
  }

  /** The note in a text; empty when the text is something else. */
  static Optional<CollectionNote> parse(String text) {
    return LoadNote.parse(text)
        .map(
            load -> {
              JsonNode node;
              try {
                node = MAPPER.readTree(text);
              } catch (JsonProcessingException e) {
                throw new IllegalStateException("it was JSON before", e);
              }
              Map<String, Map<String, String>> indexes = new LinkedHashMap<>();
              node.path("indexes")
                  .fields()
                  .forEachRemaining(
                      entry -> {
                        Map<String, String> parameters = new LinkedHashMap<>();
                        entry
                            .getValue()
                            .fields()
                            .forEachRemaining(
                                e -> parameters.put(e.getKey(), e.getValue().asText()));
                        indexes.put(entry.getKey(), parameters);
                      });
              return new CollectionNote(
                  load,
                  node.hasNonNull("document") ? node.get("document").asText() : null,
                  node.path("description").asText(""),
                  indexes);
            });
  }

  /** The note in a collection. */
  static Optional<CollectionNote> of(DescribeCollectionResponse collection) {
    return parse(collection.getSchema().getDescription())
        .or(
            () ->
                collection.getPropertiesList().stream()
                    .filter(pair -> pair.getKey().equals(PROPERTY))
                    .map(KeyValuePair::getValue)
                    .findFirst()
                    .flatMap(CollectionNote::parse));
  }
}
