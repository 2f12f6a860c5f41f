package io.vecferry.store;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.vecferry.record.IdKind;
import java.math.BigInteger;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * What a load writes into the collection itself, wherever the store keeps a text about a
 * collection: who made it, and how names and ids were mapped. Because it stays there, the mapping
 * is undone when the collection is read later.
 *
 * @param stamp the migration that made the collection
 * @param idKinds kinds of ids that were loaded
 * @param vectorNames for each vector field of the collection, its name in the records
 */
public record LoadNote(LoadStamp stamp, Set<IdKind> idKinds, Map<String, String> vectorNames) {
  private static final JsonMapper MAPPER = JsonMapper.builder().build();
  private static final int VERSION = 1;

  public LoadNote {
    idKinds = Set.copyOf(idKinds);
  }

  /** One line of JSON. */
  public String toJson() {
    ObjectNode node = MAPPER.createObjectNode();
    node.put("vecferry", VERSION);
    node.put("migration", stamp.migration());
    node.put("loadId", stamp.loadId());
    idKinds.stream().sorted().forEach(kind -> node.withArray("idKinds").add(kind.name()));
    ObjectNode names = node.putObject("vectors");
    vectorNames.forEach(names::put);
    return node.toString();
  }

  /** The note in a text; empty when the text is something else. */
  public static Optional<LoadNote> parse(String text) {
    if (text == null || !text.startsWith("{\"vecferry\":")) {
      return Optional.empty();
    }
    try {
      JsonNode node = MAPPER.readTree(text);
      Set<IdKind> kinds = EnumSet.noneOf(IdKind.class);
      node.path("idKinds").forEach(kind -> kinds.add(IdKind.valueOf(kind.asText())));
      Map<String, String> names = new LinkedHashMap<>();
      node.path("vectors")
          .fields()
          .forEachRemaining(field -> names.put(field.getKey(), field.getValue().asText()));
      LoadStamp stamp =
          new LoadStamp(node.path("migration").asText(), node.path("loadId").asText());
      return Optional.of(new LoadNote(stamp, kinds, names));
    } catch (JsonProcessingException | IllegalArgumentException e) {
      return Optional.empty();
    }
  }

  /**
   * The kind of an id that carries no kind of its own: the only kind that was loaded, or text.
   * Records that somebody added later may have ids of another kind, so an id must be spelled as its
   * kind is.
   */
  public IdKind kindOf(String id) {
    return idKinds.size() == 1 && isSpelledAs(idKinds.iterator().next(), id)
        ? idKinds.iterator().next()
        : IdKind.STRING;
  }

  /** Whether an id is spelled exactly as an id of this kind is. */
  public static boolean isSpelledAs(IdKind kind, String id) {
    return switch (kind) {
      case STRING -> true;
      case UUID -> id.matches("[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}");
      case INT64 -> id.matches("0|-?[1-9][0-9]{0,18}") && new BigInteger(id).bitLength() <= 63;
      case UINT64 -> id.matches("0|[1-9][0-9]{0,19}") && new BigInteger(id).bitLength() <= 64;
    };
  }
}
