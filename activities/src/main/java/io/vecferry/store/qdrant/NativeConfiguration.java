package io.vecferry.store.qdrant;

import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.MessageOrBuilder;
import com.google.protobuf.util.JsonFormat;
import io.qdrant.client.grpc.Collections.CollectionConfig;
import io.qdrant.client.grpc.Collections.CollectionInfo;
import io.qdrant.client.grpc.Collections.PayloadSchemaInfo;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.TreeMap;

/**
 * A collection's configuration as text: for the archive, which documents it, and for a target of
 * the same type, which is set up the same.
 */
final class NativeConfiguration {
  private static final String COLLECTION = "collection";
  private static final String DOCUMENT_KEY = "document key";
  private static final String METADATA_KEY = "metadata key";
  private static final String INDEX = "payload index ";

  private NativeConfiguration() {}

  /** Adds the texts to what a collection says of itself. */
  static void describe(CollectionInfo info, CollectionNote note, Map<String, String> out) {
    if (note != null) {
      out.put(DOCUMENT_KEY, note.documentKey());
      if (!note.metadataKey().isEmpty()) {
        out.put(METADATA_KEY, note.metadataKey());
      }
    }
    CollectionConfig.Builder config = info.getConfig().toBuilder();
    info.getConfig().getMetadataMap().keySet().stream()
        .filter(CollectionNote::isNoteKey)
        .forEach(config::removeMetadata);
    out.put(COLLECTION, toJson(config));
    new TreeMap<>(info.getPayloadSchemaMap())
        .forEach((key, index) -> out.put(INDEX + key, toJson(index.toBuilder().clearPoints())));
  }

  /** The collection's configuration, or null when there is none among the texts. */
  static CollectionConfig config(Map<String, String> texts) {
    String json = texts.get(COLLECTION);
    if (json == null) {
      return null;
    }
    CollectionConfig.Builder config = CollectionConfig.newBuilder();
    return merge(json, config) ? config.build() : null;
  }

  /** The payload key of documents. */
  static String documentKey(Map<String, String> texts, String defaultKey) {
    return texts.getOrDefault(DOCUMENT_KEY, defaultKey);
  }

  /** The payload key below which metadata is; empty where it is the payload. */
  static String metadataKey(Map<String, String> texts) {
    return texts.getOrDefault(METADATA_KEY, "");
  }

  /** The indexes of payload keys. */
  static Map<String, PayloadSchemaInfo> indexes(Map<String, String> texts) {
    Map<String, PayloadSchemaInfo> indexes = new LinkedHashMap<>();
    texts.forEach(
        (name, json) -> {
          PayloadSchemaInfo.Builder index = PayloadSchemaInfo.newBuilder();
          if (name.startsWith(INDEX) && merge(json, index)) {
            indexes.put(name.substring(INDEX.length()), index.build());
          }
        });
    return indexes;
  }

  private static boolean merge(String json, com.google.protobuf.Message.Builder out) {
    try {
      JsonFormat.parser().ignoringUnknownFields().merge(json, out);
      return true;
    } catch (InvalidProtocolBufferException e) {
      // A text of another version of vecferry: the collection is then set up as the spec says.
      return false;
    }
  }

  private static String toJson(MessageOrBuilder message) {
    try {
      return JsonFormat.printer().omittingInsignificantWhitespace().sortingMapKeys().print(message);
    } catch (InvalidProtocolBufferException e) {
      throw new IllegalStateException(e);
    }
  }
}
