package io.vecferry.spec;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;
import java.util.regex.Pattern;

/**
 * One object of a spec while it is read: hands out checked values and, at the end, reports the keys
 * that nobody asked for.
 */
final class SpecSection {
  private static final String FOLDER_NAME = "[^./\\\\\\p{Cntrl}][^/\\\\\\p{Cntrl}]*";
  private static final Pattern FOLDER = Pattern.compile(FOLDER_NAME + "(/" + FOLDER_NAME + ")*");
  private static final String AUTO = "auto";

  private final String path;
  private final ObjectNode values;
  private final List<SpecProblem> problems;
  private final TreeSet<String> known = new TreeSet<>();
  private final SpecKeys keys;

  SpecSection(String path, JsonNode node, List<SpecProblem> problems, SpecKeys keys) {
    this.path = path;
    this.problems = problems;
    this.keys = keys;
    this.values = JsonNodeFactory.instance.objectNode();
    if (node == null || node.isMissingNode() || node.isNull()) {
      return;
    }
    if (!node.isObject()) {
      problem("", "must be an object with keys, got " + shown(node) + ".");
      return;
    }
    for (Iterator<Map.Entry<String, JsonNode>> fields = node.fields(); fields.hasNext(); ) {
      Map.Entry<String, JsonNode> field = fields.next();
      values.set(camelCase(field.getKey()), field.getValue());
    }
  }

  /** The section's values with camelCase keys. */
  ObjectNode values() {
    return values;
  }

  /** Accepts another spelling of a key, as the guide has it. */
  SpecSection alias(String alias, String key) {
    keys.alias(at(key), alias);
    JsonNode value = values.remove(alias);
    if (value != null && !values.has(key)) {
      values.set(key, value);
    }
    return this;
  }

  /**
   * Moves a key of one subsection to another, where the guide writes it in the first. What stands
   * in the second already wins.
   */
  SpecSection moveDown(String from, String key, String to) {
    keys.add(SpecKey.of(from + "." + key, SpecKey.Kind.INTEGER_OR_AUTO, ""));
    if (values.get(from) instanceof ObjectNode source) {
      for (String spelling : List.of(key, snakeCase(key))) {
        JsonNode value = source.get(spelling);
        if (value != null) {
          ObjectNode copy = source.deepCopy();
          copy.remove(spelling);
          values.set(from, copy);
          ObjectNode target =
              values.get(to) instanceof ObjectNode present
                  ? present.deepCopy()
                  : JsonNodeFactory.instance.objectNode();
          if (!target.has(key) && !target.has(snakeCase(key))) {
            target.set(key, value);
          }
          values.set(to, target);
          return this;
        }
      }
    }
    return this;
  }

  private static String snakeCase(String key) {
    return key.replaceAll("([A-Z])", "_$1").toLowerCase(Locale.ROOT);
  }

  boolean has(String key) {
    known.add(key);
    return values.hasNonNull(key);
  }

  String text(String key, String defaultValue) {
    keys.add(SpecKey.of(at(key), SpecKey.Kind.TEXT, shown(defaultValue)));
    JsonNode node = value(key);
    if (node == null) {
      return defaultValue;
    }
    if (!node.isTextual()) {
      problem(key, "must be a text, got " + shown(node) + ". Put it in quotes.");
      return defaultValue;
    }
    return node.textValue();
  }

  String requiredText(String key, String example) {
    String text = text(key, null);
    keys.change(at(key), SpecKey::needed);
    if (text == null || text.isBlank()) {
      if (!has(key) || text != null) {
        problem(key, "is missing. Add it, for example " + example + ".");
      }
      return "";
    }
    return text;
  }

  /** Whether a key is there that has to be; reports when it is not. */
  boolean requires(String key, String example) {
    keys.change(at(key), SpecKey::needed);
    if (!has(key)) {
      problem(key, "is missing. Add it, for example " + example + ".");
      return false;
    }
    return true;
  }

  /** Says what form a text has; the caller checks it. */
  void hasForm(String key, String form) {
    keys.change(at(key), asked -> asked.like(form));
  }

  /** Reports a text that is there and has another form. */
  void requireForm(String key, String text, String form, String message) {
    hasForm(key, form);
    if (!text.isEmpty() && !text.matches(form)) {
      problem(key, message + ", got \"" + text + "\".");
    }
  }

  /** Where the worker finds a secret; null when nothing is said. */
  String secret(String key) {
    keys.add(SpecKey.of(at(key), SpecKey.Kind.SECRET, ""));
    JsonNode node = value(key);
    if (node == null) {
      return null;
    }
    if (!node.isTextual() || !SpecValues.mayBeSecretReference(node.textValue())) {
      problem(
          key,
          "must say where the worker finds the secret, as env:NAME or file:/path. A secret itself"
              + " has no place in a spec; what stands here is not shown.");
      return null;
    }
    return node.textValue();
  }

  /** Where the worker finds a secret that there has to be. */
  String requiredSecret(String key, String example) {
    String secret = secret(key);
    requires(key, example);
    return secret;
  }

  /** The same of a section that has nothing else. */
  String onlySecret(String key) {
    String secret = secret(key);
    finish();
    return secret;
  }

  String choice(String key, String defaultValue, List<String> allowed) {
    String text = text(key, defaultValue);
    keys.change(at(key), asked -> asked.among(allowed));
    if (text == null || allowed.contains(text)) {
      return text;
    }
    String lower = text.toLowerCase(Locale.ROOT);
    if (allowed.contains(lower)) {
      return lower;
    }
    problem(
        key,
        "must be one of "
            + String.join(", ", allowed)
            + ", got "
            + shown(values.get(key))
            + "."
            + Suggestion.didYouMean(text, allowed));
    return defaultValue;
  }

  /** A path below a folder that the worker knows; null when there is none. */
  String folder(String key) {
    String text = text(key, null);
    keys.change(at(key), asked -> asked.like(FOLDER.pattern()));
    if (text != null && !FOLDER.matcher(text).matches()) {
      problem(
          key,
          "must be a folder below the archive folder of the worker, such as \"cold\" or"
              + " \"cold/2026\", with no name that begins with a dot, got "
              + shown(values.get(key))
              + ". Another disk can be mounted or linked there.");
      return null;
    }
    return text;
  }

  boolean flag(String key, boolean defaultValue) {
    keys.add(SpecKey.of(at(key), SpecKey.Kind.BOOLEAN, String.valueOf(defaultValue)));
    JsonNode node = value(key);
    if (node == null) {
      return defaultValue;
    }
    if (!node.isBoolean()) {
      problem(key, "must be true or false, got " + shown(node) + ".");
      return defaultValue;
    }
    return node.booleanValue();
  }

  long integer(String key, long defaultValue, long smallest, long largest) {
    keys.add(
        SpecKey.of(
                at(key),
                SpecKey.Kind.INTEGER,
                defaultValue < smallest ? "" : String.valueOf(defaultValue))
            .between(smallest, largest));
    JsonNode node = value(key);
    if (node == null) {
      return defaultValue;
    }
    if (!node.isIntegralNumber()
        || !node.canConvertToLong()
        || node.longValue() < smallest
        || node.longValue() > largest) {
      problem(
          key,
          "must be a whole number from "
              + smallest
              + " to "
              + largest
              + ", got "
              + shown(node)
              + ".");
      return defaultValue;
    }
    return node.longValue();
  }

  /** A whole number, or the word {@code auto}, which is read as 0. */
  long integerOrAuto(String key, long smallest, long largest) {
    JsonNode node = values.get(key);
    if (node != null && node.isTextual() && node.textValue().equals(AUTO)) {
      known.add(key);
      return 0;
    }
    int before = problems.size();
    long number = integer(key, 0, smallest, largest);
    keys.add(SpecKey.of(at(key), SpecKey.Kind.INTEGER_OR_AUTO, AUTO).between(smallest, largest));
    if (problems.size() > before) {
      SpecProblem problem = problems.remove(problems.size() - 1);
      problems.add(
          new SpecProblem(
              problem.field(), problem.message().replace("must be", "must be 'auto' or")));
    }
    return number;
  }

  Double number(String key, Double defaultValue, double smallest, double largest) {
    keys.add(
        SpecKey.of(
                at(key),
                SpecKey.Kind.NUMBER,
                defaultValue == null ? "" : String.valueOf(defaultValue))
            .between(smallest, largest));
    JsonNode node = value(key);
    if (node == null) {
      return defaultValue;
    }
    if (!node.isNumber() || !(node.doubleValue() >= smallest && node.doubleValue() <= largest)) {
      problem(
          key,
          "must be a number from " + smallest + " to " + largest + ", got " + shown(node) + ".");
      return defaultValue;
    }
    return node.doubleValue();
  }

  /** A time such as 30m, 12h or 7d in milliseconds; null when nothing is said. */
  Long millis(String key) {
    String text = text(key, null);
    keys.change(at(key), asked -> asked.like(SpecValues.TIME));
    if (text == null) {
      return null;
    }
    Optional<Duration> time = SpecValues.duration(text);
    if (time.isEmpty()) {
      problem(key, "must be a time such as 30m, 12h or 7d, at most 9999d, got \"" + text + "\".");
    }
    return time.map(Duration::toMillis).orElse(null);
  }

  /** A list of texts; empty when nothing is said. */
  List<String> texts(String key) {
    keys.add(SpecKey.of(at(key), SpecKey.Kind.TEXTS, ""));
    JsonNode node = value(key);
    List<String> texts = new ArrayList<>();
    if (node == null) {
      return texts;
    }
    if (!node.isArray()) {
      problem(key, "must be a list of texts, got " + shown(node) + ".");
      return texts;
    }
    for (JsonNode element : node) {
      texts.add(element.asText());
    }
    return texts;
  }

  /** A list of texts of which each is one of some words, which are in lower case. */
  List<String> choices(String key, List<String> allowed) {
    List<String> words = new ArrayList<>();
    List<String> texts = texts(key);
    keys.change(at(key), asked -> asked.among(allowed));
    for (String text : texts) {
      String lower = text.toLowerCase(Locale.ROOT);
      if (allowed.contains(lower)) {
        words.add(lower);
      } else {
        problem(
            key,
            "must be of "
                + String.join(", ", allowed)
                + ", got \""
                + text
                + "\"."
                + Suggestion.didYouMean(text, allowed));
      }
    }
    return words;
  }

  /** A list of at most so many objects with keys; empty when nothing is said. */
  List<SpecSection> sections(String key, int most) {
    keys.add(SpecKey.of(at(key), SpecKey.Kind.SECTIONS, "").between(0, most));
    JsonNode node = value(key);
    List<SpecSection> sections = new ArrayList<>();
    if (node == null) {
      return sections;
    }
    if (!node.isArray()) {
      problem(key, "must be a list, got " + shown(node) + ".");
      return sections;
    }
    for (JsonNode element : node) {
      sections.add(new SpecSection(at(key) + "[" + sections.size() + "]", element, problems, keys));
    }
    if (sections.size() > most) {
      problem(key, "must have at most " + most + " entries, got " + sections.size() + ".");
    }
    return sections;
  }

  /** Number of problems found so far in the whole spec. */
  int problems() {
    return problems.size();
  }

  SpecSection section(String key) {
    known.add(key);
    keys.add(SpecKey.of(at(key), SpecKey.Kind.SECTION, ""));
    return new SpecSection(at(key), values.get(key), problems, keys);
  }

  /** Reports a key whose value asks for something that this version cannot do. */
  void notYet(String key, boolean asked, String what) {
    known.add(key);
    keys.change(at(key), one -> one.among(List.of(one.defaultValue())));
    if (asked) {
      problem(key, what + " is not supported yet. Leave the key out.");
    }
  }

  /** What other code reads; null when nothing is said. */
  JsonNode object(String key) {
    keys.add(SpecKey.of(at(key), SpecKey.Kind.OBJECT, ""));
    return value(key);
  }

  private JsonNode value(String key) {
    known.add(key);
    JsonNode node = values.get(key);
    return node == null || node.isNull() ? null : node;
  }

  void problem(String key, String message) {
    problems.add(new SpecProblem(at(key), message));
  }

  /** Reports every key that was not asked for. */
  void finish() {
    for (Iterator<String> names = values.fieldNames(); names.hasNext(); ) {
      String name = names.next();
      if (!known.contains(name)) {
        problem(
            name,
            "is not a known key."
                + Suggestion.didYouMean(name, known)
                + " Known here: "
                + String.join(", ", known)
                + ".");
      }
    }
  }

  private String at(String key) {
    if (key.isEmpty()) {
      return path.isEmpty() ? "spec" : path;
    }
    return path.isEmpty() ? key : path + "." + key;
  }

  private static String shown(String defaultValue) {
    return defaultValue == null ? "" : defaultValue;
  }

  static String shown(JsonNode node) {
    String text = node.toString();
    return text.length() > 80 ? text.substring(0, 77) + "..." : text;
  }

  private static String camelCase(String key) {
    if (key.indexOf('_') < 1) {
      return key;
    }
    StringBuilder result = new StringBuilder();
    for (int i = 0; i < key.length(); i++) {
      char character = key.charAt(i);
      if (character == '_' && i > 0 && i + 1 < key.length()) {
        result.append(Character.toUpperCase(key.charAt(++i)));
      } else {
        result.append(character);
      }
    }
    return result.toString();
  }
}
