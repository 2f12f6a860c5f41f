package io.vecferry.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.vecferry.spec.NotificationTarget;
import io.vecferry.spec.SpecKey;
import io.vecferry.spec.SpecKeys;
import io.vecferry.store.StoreOption;
import io.vecferry.store.StoreProvider;
import io.vecferry.store.Stores;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * The JSON Schema of specs for editors, made of what {@link io.vecferry.spec.SpecReader} asks for
 * and of the options of the stores. Says what a single value may be; what fits together, only the
 * reader knows. Other spellings of keys are allowed and not proposed.
 */
final class SpecSchema {
  private static final String SECRET = "^(env:[A-Za-z_][A-Za-z0-9_]*|file:/.+)$";
  private static final String ADDRESS = "^https?://[^@?#]+$";
  private static final long LARGEST_EXACT = 1L << 53;

  private final List<SpecKey> keys = SpecKeys.all();
  private final Map<String, SpecTables.Row> tables;
  private final Map<String, ObjectNode> definitions = new TreeMap<>();

  private SpecSchema(Map<String, SpecTables.Row> tables) {
    this.tables = tables;
  }

  /**
   * The schema, in a stable order of keys.
   *
   * @param tables what the keys mean
   */
  static ObjectNode make(Map<String, SpecTables.Row> tables) {
    return new SpecSchema(tables).root();
  }

  private ObjectNode root() {
    ObjectNode root = node();
    root.put("$schema", "http://json-schema.org/draft-07/schema#");
    root.put("title", "Spec of a vecferry migration");
    ObjectNode object = object("");
    object.put("type", "object");
    root.setAll(object);
    ObjectNode defined = root.putObject("definitions");
    definitions.forEach(defined::set);
    return root;
  }

  private static ObjectNode node() {
    return JsonNodeFactory.instance.objectNode();
  }

  /** An object with the keys that stand in it. */
  private ObjectNode object(String path) {
    ObjectNode object = node();
    type(object, "object", true);
    ObjectNode properties = object.putObject("properties");
    for (SpecKey key : keys) {
      if (key.parent().equals(path)) {
        properties.set(key.name(), described(value(key), key.path()));
      }
    }
    for (SpecKey key : keys) {
      if (key.parent().equals(path)) {
        addSpellings(object, key.name(), spellings(key.name(), key.aliases()), key.required());
      }
    }
    return object.put("additionalProperties", false);
  }

  private ObjectNode described(ObjectNode value, String path) {
    SpecTables.Row row = tables.get(path);
    if (row != null && !row.meaning().isEmpty()) {
      value.put("description", row.plainMeaning());
    }
    return value;
  }

  private ObjectNode value(SpecKey key) {
    ObjectNode value = node();
    boolean optional = !key.required();
    switch (key.kind()) {
      case TEXT -> {
        if (key.allowed().isEmpty()) {
          type(value, "string", optional);
          form(value, key.form());
        } else {
          words(value, key.allowed(), optional);
        }
      }
      case INTEGER -> {
        type(value, "integer", optional);
        range(value, key);
      }
      case INTEGER_OR_AUTO -> {
        ArrayNode either = value.putArray("anyOf");
        either.addObject().putArray("enum").add("auto").addNull();
        if (key.allowed().isEmpty()) {
          ObjectNode number = either.addObject().put("type", "integer");
          range(number, key);
        }
      }
      case NUMBER -> {
        type(value, "number", optional);
        range(value, key);
      }
      case BOOLEAN -> {
        type(value, "boolean", optional);
        if (!key.allowed().isEmpty()) {
          value.remove("type");
          value.putArray("enum").add(Boolean.parseBoolean(key.allowed().get(0))).addNull();
        }
      }
      case SECRET -> {
        type(value, "string", optional);
        value.put("pattern", SECRET);
      }
      case TEXTS -> {
        type(value, "array", optional);
        ObjectNode items = value.putObject("items");
        if (key.allowed().isEmpty()) {
          items.put("type", "string");
          form(items, key.form());
        } else {
          words(items, key.allowed(), false);
        }
      }
      case SECTION -> {
        return section(key);
      }
      case SECTIONS -> {
        type(value, "array", optional);
        if (key.largest().longValue() < Integer.MAX_VALUE) {
          value.put("maxItems", key.largest().intValue());
        }
        value.set(
            "items", key.path().equals("notify") ? notification() : object(key.path() + "[]"));
      }
      case OBJECT -> type(value, "object", optional);
    }
    if (!key.defaultValue().isEmpty()) {
      setDefault(value, key);
    }
    return value;
  }

  private static void setDefault(ObjectNode value, SpecKey key) {
    switch (key.kind()) {
      case BOOLEAN -> value.put("default", Boolean.parseBoolean(key.defaultValue()));
      case INTEGER -> value.put("default", Long.parseLong(key.defaultValue()));
      case NUMBER -> value.put("default", Double.parseDouble(key.defaultValue()));
      default -> value.put("default", key.defaultValue());
    }
  }

  private ObjectNode section(SpecKey key) {
    if (key.path().equals("source") || key.path().equals("target")) {
      return store(key.path());
    }
    if (keys.stream().anyMatch(one -> one.parent().equals(key.path()))) {
      return object(key.path());
    }
    return singleValues();
  }

  private static ObjectNode singleValues() {
    ObjectNode value = node();
    type(value, "object", true);
    value
        .putObject("additionalProperties")
        .putArray("type")
        .add("string")
        .add("number")
        .add("boolean")
        .add("null");
    return value;
  }

  /** One of several kinds, told apart by its type. */
  private ObjectNode notification() {
    ObjectNode any = node().put("type", "object");
    List<String> types = new ArrayList<>();
    ArrayNode all = node().putArray("allOf");
    for (NotificationTarget.Type type : NotificationTarget.Type.values()) {
      String word = type.name().toLowerCase(Locale.ROOT);
      types.add(word);
      ObjectNode one = all.addObject();
      one.set("if", typeIs(List.of("type"), word));
      one.set("then", object("notify[" + word + "]"));
    }
    words(any.putObject("properties").putObject("type"), types, false);
    any.putArray("required").add("type");
    any.set("allOf", all);
    return any;
  }

  private ObjectNode store(String role) {
    List<StoreProvider> providers =
        Stores.all().stream().filter(one -> role.equals("source") || one.canBeTarget()).toList();
    List<String> typeSpellings = List.of("type", "storeType", "store_type");
    ObjectNode store = node().put("type", "object");
    addCommon(role, store);
    ArrayNode all = node().putArray("allOf");
    ObjectNode unnamed = all.addObject();
    unnamed.putObject("if").putArray("required").add("connection");
    unnamed.putObject("then");
    required(unnamed.putObject("else"), typeSpellings);
    for (StoreProvider provider : providers) {
      ObjectNode one = all.addObject();
      ObjectNode when = one.putObject("if");
      when.putObject("not").putArray("required").add("connection");
      when.setAll(typeIs(typeSpellings, provider.type()));
      String name = provider.type() + (role.equals("source") ? "Source" : "Target");
      definitions.put(name, storeOfType(role, provider));
      one.putObject("then").put("$ref", "#/definitions/" + name);
    }
    store.set("allOf", all);
    return store;
  }

  /** The keys that all stores have. */
  private void addCommon(String role, ObjectNode store) {
    ObjectNode properties = store.putObject("properties");
    for (SpecKey key : keys) {
      if (key.parent().equals(role)) {
        ObjectNode value;
        switch (key.name()) {
          case "type" -> {
            value = node();
            words(
                value,
                Stores.all().stream()
                    .filter(one -> role.equals("source") || one.canBeTarget())
                    .map(StoreProvider::type)
                    .toList(),
                true);
          }
          case "index" -> value = index(role);
          default -> value = value(key);
        }
        properties.set(key.name(), described(value, "store." + key.name()));
        addSpellings(store, key.name(), spellings(key.name(), key.aliases()), false);
      }
    }
    // What belongs to an index may stand beside the other keys.
    ObjectNode spellings = store.withObjectProperty("patternProperties");
    spellings.putObject("^(indexType|index_type)$").put("type", "string");
    spellings.set("^params$", singleValues());
  }

  private ObjectNode index(String role) {
    ObjectNode index = object(role + ".index");
    ((ArrayNode) index.get("type")).add("string");
    index
        .withObjectProperty("patternProperties")
        .putObject("^(indexType|index_type|metric|metricType|metric_type)$")
        .put("type", "string");
    ObjectNode properties = (ObjectNode) index.get("properties");
    properties
        .fieldNames()
        .forEachRemaining(
            name -> described((ObjectNode) properties.get(name), "store.index." + name));
    return index;
  }

  private ObjectNode storeOfType(String role, StoreProvider provider) {
    ObjectNode store = node();
    ObjectNode properties = store.putObject("properties");
    ObjectNode spellings = store.putObject("patternProperties");
    for (SpecKey key : keys) {
      if (key.parent().equals(role)) {
        spellings.putObject(pattern(spellings(key.name(), key.aliases())));
        properties.putObject(key.name());
      }
    }
    spellings.putObject("^(indexType|index_type|params)$");
    if (role.equals("source")) {
      properties.putObject("ifExists");
    }
    for (StoreOption option : provider.options()) {
      String[] path = option.path().split("\\.");
      ObjectNode parent = store;
      for (int i = 0; i < path.length - 1; i++) {
        parent = parent.withObjectProperty("properties").withObjectProperty(path[i]);
        type(parent, "object", true);
        parent.put("additionalProperties", false);
      }
      String name = path[path.length - 1];
      parent.withObjectProperty("properties").set(name, option(option));
      if (path.length == 1) {
        List<String> also = spellings(name, aliasesOf(role, name));
        addSpellings(store, name, also, option.required());
      }
    }
    if (!properties.has("options")) {
      properties.putObject("options");
    }
    if (!provider.type().equals("elasticsearch")) {
      type(properties.putObject("index"), "object", true);
    } else {
      // An index is what other stores call a collection.
      for (var requirement : store.withArrayProperty("allOf")) {
        if (requirement.at("/anyOf/0/required/0").asText().equals("collection")) {
          ObjectNode asIndex = ((ArrayNode) requirement.get("anyOf")).addObject();
          asIndex.putArray("required").add("index");
          asIndex.putObject("properties").putObject("index").put("type", "string");
        }
      }
    }
    return store.put("additionalProperties", false);
  }

  private List<String> aliasesOf(String role, String name) {
    return keys.stream()
        .filter(key -> key.path().equals(role + "." + name))
        .findFirst()
        .map(SpecKey::aliases)
        .orElse(name.equals("collection") ? List.of("collectionName") : List.of());
  }

  private static ObjectNode option(StoreOption option) {
    ObjectNode value = node();
    boolean optional = !option.required();
    switch (option.kind()) {
      case TEXT -> {
        type(value, "string", optional);
        value.put("minLength", 1);
      }
      case INTEGER -> type(value, "integer", optional);
      case NUMBER -> type(value, "number", optional);
      case BOOLEAN -> type(value, "boolean", optional);
      case URL -> {
        type(value, "string", optional);
        value.put("pattern", ADDRESS);
      }
      case SECRET -> {
        type(value, "string", optional);
        value.put("pattern", SECRET);
      }
      case OBJECT -> type(value, "object", optional);
    }
    if (!option.allowed().isEmpty()) {
      value.remove(List.of("type", "minLength"));
      ArrayNode words = value.putArray("enum");
      option.allowed().forEach(words::add);
      if (optional) {
        words.addNull();
      }
    }
    if (!option.defaultValue().isEmpty()) {
      switch (option.kind()) {
        case BOOLEAN -> value.put("default", Boolean.parseBoolean(option.defaultValue()));
        case INTEGER -> value.put("default", Long.parseLong(option.defaultValue()));
        default -> value.put("default", option.defaultValue());
      }
    }
    return value.put("description", option.description());
  }

  /** Says that a section is of a type, however that is spelled. */
  private static ObjectNode typeIs(List<String> spellings, String type) {
    ObjectNode is = node();
    ArrayNode either = is.putArray("anyOf");
    for (String spelling : spellings) {
      ObjectNode one = either.addObject();
      one.putArray("required").add(spelling);
      one.putObject("properties")
          .putObject(spelling)
          .put("type", "string")
          .put("pattern", "^" + inAnyCase(type) + "$");
    }
    return is;
  }

  /** The other spellings of a key, and that one of all has to be there. */
  private static void addSpellings(
      ObjectNode object, String name, List<String> spellings, boolean required) {
    List<String> others = spellings.stream().filter(one -> !one.equals(name)).toList();
    if (!others.isEmpty()) {
      object
          .withObjectProperty("patternProperties")
          .set(pattern(others), withoutWords(object.path("properties").path(name)));
    }
    if (required) {
      required(object, spellings);
    }
  }

  /** A value as it is checked, without what an editor shows. */
  private static JsonNode withoutWords(JsonNode value) {
    JsonNode copy = value.deepCopy();
    for (JsonNode parent : copy.findParents("description")) {
      ((ObjectNode) parent).remove(List.of("description", "default"));
    }
    return copy;
  }

  private static void required(ObjectNode object, List<String> spellings) {
    if (spellings.size() == 1) {
      object.withArrayProperty("required").add(spellings.get(0));
      return;
    }
    ArrayNode either = object.withArrayProperty("allOf").addObject().putArray("anyOf");
    spellings.forEach(one -> either.addObject().putArray("required").add(one));
  }

  private static List<String> spellings(String name, List<String> aliases) {
    List<String> spellings = new ArrayList<>(List.of(name));
    TreeSet<String> others = new TreeSet<>(aliases);
    List.copyOf(others).forEach(alias -> others.add(snakeCase(alias)));
    others.add(snakeCase(name));
    others.remove(name);
    spellings.addAll(others);
    return spellings;
  }

  private static String snakeCase(String name) {
    return name.replaceAll("([A-Z])", "_$1").toLowerCase(Locale.ROOT);
  }

  private static String pattern(List<String> names) {
    return names.size() == 1 ? "^" + names.get(0) + "$" : "^(" + String.join("|", names) + ")$";
  }

  private static void type(ObjectNode value, String type, boolean optional) {
    if (optional) {
      value.putArray("type").add(type).add("null");
    } else {
      value.put("type", type);
    }
  }

  /** One of some words; an editor proposes them as they are, and takes them in any case. */
  private static void words(ObjectNode value, List<String> words, boolean optional) {
    ArrayNode either = value.putArray("anyOf");
    ArrayNode proposed = either.addObject().putArray("enum");
    words.forEach(proposed::add);
    if (optional) {
      proposed.addNull();
    }
    either
        .addObject()
        .put("type", "string")
        .put(
            "pattern",
            "^(" + String.join("|", words.stream().map(SpecSchema::inAnyCase).toList()) + ")$");
  }

  private static String inAnyCase(String word) {
    StringBuilder pattern = new StringBuilder();
    for (char letter : word.toCharArray()) {
      pattern.append(
          Character.isLetter(letter)
              ? "[" + Character.toLowerCase(letter) + Character.toUpperCase(letter) + "]"
              : String.valueOf(letter));
    }
    return pattern.toString();
  }

  private static void form(ObjectNode value, String form) {
    if (!form.isEmpty()) {
      // What Java calls control characters, editors do not know by name.
      value.put("pattern", "^(" + form.replace("\\p{Cntrl}", "\\u0000-\\u001f\\u007f") + ")$");
    }
  }

  private static void range(ObjectNode value, SpecKey key) {
    if (key.smallest() != null) {
      put(value, "minimum", key.smallest());
    }
    if (key.largest() != null && key.largest().doubleValue() < LARGEST_EXACT) {
      put(value, "maximum", key.largest());
    }
  }

  private static void put(ObjectNode value, String name, Number number) {
    if (number.doubleValue() == Math.rint(number.doubleValue())) {
      value.put(name, number.longValue());
    } else {
      value.put(name, number.doubleValue());
    }
  }
}
