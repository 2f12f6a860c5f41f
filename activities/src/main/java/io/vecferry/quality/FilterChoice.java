package io.vecferry.quality;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import io.vecferry.record.MetadataJson;
import io.vecferry.record.TextColumn;
import io.vecferry.store.TextFilter;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/**
 * Finds keys with few different texts in the metadata of some records. Keys with other values too
 * are left out: some stores look for a text in lists as well. Not thread-safe.
 */
final class FilterChoice {
  private static final int MOST_TEXTS = 50;
  private static final int LONGEST_TEXT = 200;
  private static final int FEWEST_RECORDS_PER_TEXT = 3;

  /** How often each text was seen under each key; no more texts than tell that there are many. */
  private final Map<String, Map<String, Integer>> seen = new TreeMap<>();

  private final Set<String> mixed = new HashSet<>();

  void add(TextColumn metadata) {
    for (int row = 0; row < metadata.rows(); row++) {
      if (!metadata.isNull(row)) {
        try (JsonParser parser =
            MetadataJson.SCANNER.createParser(
                metadata.bytes(), metadata.start(row), metadata.length(row))) {
          add(parser);
        } catch (IOException e) {
          throw new UncheckedIOException(e);
        }
      }
    }
  }

  private void add(JsonParser parser) throws IOException {
    parser.nextToken();
    while (parser.nextToken() == JsonToken.FIELD_NAME) {
      String key = parser.currentName();
      JsonToken value = parser.nextToken();
      if (!TextFilter.isPlain(key)) {
        parser.skipChildren();
      } else if (value == JsonToken.VALUE_STRING) {
        Map<String, Integer> texts = seen.computeIfAbsent(key, ignored -> new TreeMap<>());
        if (texts.size() <= MOST_TEXTS) {
          texts.merge(parser.getText(), 1, Integer::sum);
        }
      } else if (value != JsonToken.VALUE_NULL) {
        mixed.add(key);
        parser.skipChildren();
      }
    }
  }

  /** The most common text under each of the keys that most records have. */
  List<TextFilter> best(int most) {
    record Choice(TextFilter filter, int records) {}
    List<Choice> choices = new ArrayList<>();
    seen.keySet().removeAll(mixed);
    seen.forEach(
        (key, texts) -> {
          int records = texts.values().stream().mapToInt(Integer::intValue).sum();
          String text =
              texts.entrySet().stream().max(Map.Entry.comparingByValue()).orElseThrow().getKey();
          if (texts.size() > 1
              && texts.size() <= MOST_TEXTS
              && records >= FEWEST_RECORDS_PER_TEXT * texts.size()
              && !text.isEmpty()
              && text.length() <= LONGEST_TEXT) {
            choices.add(new Choice(new TextFilter(key, text), records));
          }
        });
    choices.sort(Comparator.comparingInt(Choice::records).reversed());
    return choices.stream().limit(most).map(Choice::filter).toList();
  }
}
