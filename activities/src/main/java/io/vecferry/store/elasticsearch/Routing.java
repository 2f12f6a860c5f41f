package io.vecferry.store.elasticsearch;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import io.vecferry.record.MetadataJson;
import io.vecferry.record.TextColumn;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * What chooses the shard of a record in place of its id. Records have it in their metadata, because
 * only Elasticsearch has a place for it. Pure.
 */
final class Routing {
  /** The metadata key. */
  static final String KEY = "_routing";

  private static final byte[] SPELLED = ("\"" + KEY + "\":\"").getBytes(StandardCharsets.UTF_8);

  private Routing() {}

  /** The routing in a record's metadata, a text that is not empty; null when there is none. */
  static String of(TextColumn metadata, int row) {
    if (metadata.isNull(row) || !mayHave(metadata, row)) {
      return null;
    }
    try (JsonParser members =
        MetadataJson.SCANNER.createParser(
            metadata.bytes(), metadata.start(row), metadata.length(row))) {
      members.nextToken();
      while (members.nextToken() == JsonToken.FIELD_NAME) {
        boolean found = members.currentName().equals(KEY);
        if (members.nextToken() == JsonToken.VALUE_STRING && found) {
          return members.getText().isEmpty() ? null : members.getText();
        }
        members.skipChildren();
      }
    } catch (IOException e) {
      // The record is refused, with its reason, where its metadata is taken apart.
    }
    return null;
  }

  /** Canonical metadata spells the key in one way, and few records have it. */
  private static boolean mayHave(TextColumn metadata, int row) {
    byte[] bytes = metadata.bytes();
    int end = metadata.start(row) + metadata.length(row) - SPELLED.length;
    for (int at = metadata.start(row); at < end; at++) {
      if (bytes[at] == SPELLED[0]
          && Arrays.equals(bytes, at, at + SPELLED.length, SPELLED, 0, SPELLED.length)) {
        return true;
      }
    }
    return false;
  }
}
