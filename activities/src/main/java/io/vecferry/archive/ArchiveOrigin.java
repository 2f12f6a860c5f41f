package io.vecferry.archive;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.vecferry.plan.FailureClass;
import io.vecferry.plan.PlannedField;
import io.vecferry.plan.PlannedSide;
import io.vecferry.store.StoreException;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What was archived, beside the records: what a target needs to become like it. From the spec and
 * the plan in the archive; what they do not say is empty.
 *
 * @param type type of the store, as {@code milvus}
 * @param store its flavour and version, for people
 * @param collection its name or path, for people
 * @param fields vector fields with their indexes, by name
 * @param configuration what the store said of the collection, in display order
 */
public record ArchiveOrigin(
    String type,
    String store,
    String collection,
    Map<String, PlannedField> fields,
    Map<String, String> configuration) {

  /** Key of the configuration of an archive, and so of archives of archives, with the type. */
  public static final String TYPE = "archived store";

  private static final ObjectMapper LENIENT =
      JsonMapper.builder().disable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES).build();

  public ArchiveOrigin {
    fields = Map.copyOf(fields);
  }

  /**
   * Reads what an archive says about the origin of a folder of parts.
   *
   * @throws StoreException ARCHIVE_DAMAGED when spec or plan cannot be read
   */
  public static ArchiveOrigin read(Archive archive, String folder) {
    boolean source = folder.equals(Archive.SOURCE);
    JsonNode spec = document(archive, Archive.SPEC);
    String type = spec.path(source ? "source" : "target").path("type").asText("");
    JsonNode plan = document(archive, Archive.PLAN);
    PlannedSide side =
        side(archive, source ? plan.get("source") : plan.path("existing").get("collection"));
    if (side == null) {
      return new ArchiveOrigin(type, "", "", Map.of(), Map.of());
    }
    Map<String, PlannedField> fields = new HashMap<>();
    List<PlannedField> planned = side.vectors() == null ? List.of() : side.vectors();
    planned.stream()
        .filter(field -> field.name() != null)
        .forEach(field -> fields.put(field.name(), field));
    Map<String, String> configuration =
        new LinkedHashMap<>(side.configuration() == null ? Map.of() : side.configuration());
    return new ArchiveOrigin(
        configuration.getOrDefault(TYPE, type),
        side.store() == null ? "" : side.store(),
        side.collection() == null ? "" : side.collection(),
        fields,
        configuration);
  }

  private static PlannedSide side(Archive archive, JsonNode planned) {
    try {
      return planned == null ? null : LENIENT.treeToValue(planned, PlannedSide.class);
    } catch (JsonProcessingException e) {
      throw new StoreException(
          FailureClass.ARCHIVE_DAMAGED,
          archive.store().describe(archive.path(Archive.PLAN))
              + " is damaged: what it says of the collection is not readable: "
              + e.getMessage(),
          e);
    }
  }

  private static JsonNode document(Archive archive, String name) {
    return archive.exists(name)
        ? archive.readJson(name, LENIENT, JsonNode.class)
        : LENIENT.createObjectNode();
  }
}
