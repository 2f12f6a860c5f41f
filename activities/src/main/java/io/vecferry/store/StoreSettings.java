package io.vecferry.store;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.net.URI;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/**
 * The {@code source} or {@code target} section of a spec, as a store reads it. Keys have been
 * checked against {@link StoreProvider#options()} before a store sees them.
 *
 * @param role {@code source} or {@code target}, for messages
 * @param values the section
 */
public record StoreSettings(String role, ObjectNode values) {
  private static final String USERNAME = "auth.username";

  /** Settings with only these values, for tests and tools. */
  public static StoreSettings of(String role, String... keysAndValues) {
    ObjectNode values = JsonNodeFactory.instance.objectNode();
    for (int i = 0; i < keysAndValues.length; i += 2) {
      String[] path = keysAndValues[i].split("\\.");
      ObjectNode parent = values;
      for (int p = 0; p < path.length - 1; p++) {
        parent = parent.withObjectProperty(path[p]);
      }
      parent.put(path[path.length - 1], keysAndValues[i + 1]);
    }
    return new StoreSettings(role, values);
  }

  /** The value at a dotted path, as text. */
  public Optional<String> text(String path) {
    JsonNode node = values;
    for (String key : path.split("\\.")) {
      node = node.path(key);
    }
    return node.isMissingNode() || node.isNull() ? Optional.empty() : Optional.of(node.asText());
  }

  public String text(String path, String defaultValue) {
    return text(path).orElse(defaultValue);
  }

  public boolean flag(String path, boolean defaultValue) {
    return text(path).map(Boolean::parseBoolean).orElse(defaultValue);
  }

  public long integer(String path, long defaultValue) {
    return text(path).map(Long::parseLong).orElse(defaultValue);
  }

  /** The object at a path; empty when it is absent. */
  public ObjectNode object(String path) {
    return values.at("/" + path.replace('.', '/')) instanceof ObjectNode object
        ? object
        : JsonNodeFactory.instance.objectNode();
  }

  /** The members of the object at a path, as texts; empty when it is absent. */
  public Map<String, String> texts(String path) {
    Map<String, String> texts = new LinkedHashMap<>();
    object(path)
        .fields()
        .forEachRemaining(member -> texts.put(member.getKey(), member.getValue().asText()));
    return texts;
  }

  /** The address at a path, without a slash at its end. */
  public Optional<URI> address(String path) {
    return text(path).map(text -> URI.create(text.replaceAll("/+$", "")));
  }

  /**
   * The secret that a path refers to, read now and on this machine. From now on no message shows
   * it, unless it is the name of a user.
   *
   * @throws StoreException MISSING when the variable or file is not there
   */
  public Optional<String> secret(String path) {
    String field = role + "." + path;
    return text(path)
        .map(
            reference ->
                path.equals(USERNAME)
                    ? Secrets.read(field, reference)
                    : Secrets.resolve(field, reference));
  }

  /** The same settings with one top-level value replaced. */
  public StoreSettings with(String key, String value) {
    ObjectNode copy = values.deepCopy();
    copy.put(key, value);
    return new StoreSettings(role, copy);
  }
}
