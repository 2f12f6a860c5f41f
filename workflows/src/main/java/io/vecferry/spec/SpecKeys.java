package io.vecferry.spec;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.UnaryOperator;

/**
 * The keys of a spec, as {@link SpecReader} asks for them: a document in which nothing is left out
 * is read, and what is asked for is written down.
 */
public final class SpecKeys {
  private static final String EVERYTHING =
      """
      {"name": "x", "source": {"type": "x"}, "target": {"type": "x"},
       "validation": {"mode": "sample"}, "quality": {"sampleSize": 1}, "schedule": {"cutoverWindows": [{}]},
       "notify": [{"type": "webhook"}, {"type": "slack"}, {"type": "email"}]}
      """;

  private final Map<String, SpecKey> keys = new LinkedHashMap<>();
  private final Map<String, Set<String>> aliases = new LinkedHashMap<>();

  SpecKeys() {}

  /**
   * All of them but those that only a store understands, in the order of the records. A key of one
   * kind of notification stands below that kind, as {@code notify[slack].url}.
   */
  public static List<SpecKey> all() {
    SpecKeys asked = new SpecKeys();
    JsonNode document;
    try {
      document = new ObjectMapper().readTree(EVERYTHING);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException(e);
    }
    SpecReader.read(document, asked);
    List<SpecKey> all = new ArrayList<>();
    asked.keys.forEach(
        (path, key) ->
            all.add(
                key.at(
                    path.replace("notify[0]", "notify[webhook]")
                        .replace("notify[1]", "notify[slack]")
                        .replace("notify[2]", "notify[email]")
                        .replace("[0]", "[]"),
                    List.copyOf(asked.aliases.getOrDefault(path, new LinkedHashSet<>())))));
    return all;
  }

  /** Replaces what is known of a key, but not that it has to be there. */
  void add(SpecKey key) {
    SpecKey before = keys.get(key.path());
    keys.put(key.path(), before != null && before.required() ? key.needed() : key);
  }

  /** Adds to what is known of a key. */
  void change(String path, UnaryOperator<SpecKey> change) {
    keys.computeIfPresent(path, (p, key) -> change.apply(key));
  }

  void alias(String path, String other) {
    aliases.computeIfAbsent(path, p -> new LinkedHashSet<>()).add(other);
  }
}
