package io.vecferry.store.qdrant;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.qdrant.client.grpc.JsonWithInt.NullValue;
import io.qdrant.client.grpc.JsonWithInt.Value;
import io.vecferry.store.LoadNote;
import io.vecferry.store.ReservedKeys;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * What a load writes about a collection into the collection.
 *
 * <p>From 1.16 a collection has metadata, which is the place for it. Older servers keep no text
 * about a collection; there the note is the name of an alias. It belongs to the collection and is
 * dropped with it, no read, count or search shows it, and a user meets it only in the list of
 * aliases. A point would show up in counts and scrolls, and an unused vector in the schema for
 * ever.
 *
 * @param load who made it, kinds of ids, names of vector fields in the records
 * @param documentKey payload key of documents
 * @param metadataKey payload key below which metadata is; empty where it is the payload
 * @param unfinished what is to be done when the load is finished, see {@link Deferral}; empty when
 *     it is
 */
record CollectionNote(LoadNote load, String documentKey, String metadataKey, String unfinished) {
  private static final String NOTE = ReservedKeys.PREFIX + "note";
  private static final String DOCUMENT_KEY = ReservedKeys.PREFIX + "document_key";
  private static final String METADATA_KEY = ReservedKeys.PREFIX + "metadata_key";
  private static final String UNFINISHED = ReservedKeys.PREFIX + "unfinished";
  private static final String ALIAS = NOTE + ".";
  private static final JsonMapper MAPPER = JsonMapper.builder().build();

  /** The note in a collection's metadata or aliases. */
  static Optional<CollectionNote> find(Map<String, Value> metadata, List<String> aliases) {
    Map<String, String> texts = new LinkedHashMap<>();
    metadata.forEach((key, value) -> texts.put(key, value.getStringValue()));
    Optional<CollectionNote> note = of(texts);
    for (String alias : aliases) {
      note = note.isPresent() || !isNote(alias) ? note : of(parse(alias));
    }
    return note;
  }

  /** Whether an alias is a note and no name that users gave. */
  static boolean isNote(String alias) {
    return alias.startsWith(ALIAS);
  }

  /** Whether a key of a collection's metadata belongs to a note. */
  static boolean isNoteKey(String key) {
    return key.equals(NOTE)
        || key.equals(DOCUMENT_KEY)
        || key.equals(METADATA_KEY)
        || key.equals(UNFINISHED);
  }

  CollectionNote finished() {
    return new CollectionNote(load, documentKey, metadataKey, "");
  }

  Map<String, Value> toMetadata() {
    Map<String, Value> metadata = new LinkedHashMap<>();
    texts()
        .forEach((key, text) -> metadata.put(key, Value.newBuilder().setStringValue(text).build()));
    return metadata;
  }

  /** The change of metadata that turns a note into {@link #finished()}. */
  static Map<String, Value> finishedMetadata() {
    return Map.of(UNFINISHED, Value.newBuilder().setNullValue(NullValue.NULL_VALUE).build());
  }

  /** The note as the name of an alias. */
  String toAlias() {
    ObjectNode node = MAPPER.createObjectNode();
    texts().forEach(node::put);
    return ALIAS
        + Base64.getUrlEncoder()
            .withoutPadding()
            .encodeToString(node.toString().getBytes(StandardCharsets.UTF_8));
  }

  private Map<String, String> texts() {
    Map<String, String> texts = new LinkedHashMap<>();
    texts.put(NOTE, load.toJson());
    texts.put(DOCUMENT_KEY, documentKey);
    if (!metadataKey.isEmpty()) {
      texts.put(METADATA_KEY, metadataKey);
    }
    if (!unfinished.isEmpty()) {
      texts.put(UNFINISHED, unfinished);
    }
    return texts;
  }

  private static Optional<CollectionNote> of(Map<String, String> texts) {
    return LoadNote.parse(texts.get(NOTE))
        .map(
            load ->
                new CollectionNote(
                    load,
                    texts.getOrDefault(DOCUMENT_KEY, ""),
                    texts.getOrDefault(METADATA_KEY, ""),
                    texts.getOrDefault(UNFINISHED, "")));
  }

  private static Map<String, String> parse(String alias) {
    Map<String, String> texts = new LinkedHashMap<>();
    try {
      byte[] json = Base64.getUrlDecoder().decode(alias.substring(ALIAS.length()));
      JsonNode node = MAPPER.readTree(new String(json, StandardCharsets.UTF_8));
      node.fields().forEachRemaining(text -> texts.put(text.getKey(), text.getValue().asText()));
    } catch (JsonProcessingException | IllegalArgumentException e) {
      // Somebody else's alias.
      texts.clear();
    }
    return texts;
  }
}
