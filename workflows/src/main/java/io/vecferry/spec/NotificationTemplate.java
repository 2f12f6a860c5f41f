package io.vecferry.spec;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.io.JsonStringEncoder;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.List;
import java.util.Optional;
import java.util.function.UnaryOperator;
import java.util.regex.MatchResult;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A JSON text with placeholders as <code>{{migration}}</code>, each of which stands for something
 * that is to be told. What is put there is escaped for a string of JSON.
 */
public final class NotificationTemplate {
  private static final Pattern PLACEHOLDER = Pattern.compile("\\{\\{\\s*([^{}]*?)\\s*}}");
  private static final List<String> NUMBERS = List.of("version", "sequence", "reminder");
  private static final List<String> KEYS =
      List.of(
          "version",
          "id",
          "sequence",
          "event",
          "reminder",
          "at",
          "migration",
          "workflowId",
          "phase",
          "state",
          "outcome",
          "title",
          "text",
          "report");
  private static final int LONGEST = 10_000;
  private static final ObjectMapper JSON =
      new ObjectMapper().enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS);

  private NotificationTemplate() {}

  /** What is wrong with a template; empty also for none. */
  static Optional<String> check(String template) {
    if (template == null) {
      return Optional.empty();
    }
    if (template.length() > LONGEST) {
      return Optional.of(
          "must have at most " + LONGEST + " characters, got " + template.length() + ".");
    }
    for (MatchResult placeholder : PLACEHOLDER.matcher(template).results().toList()) {
      String key = placeholder.group(1);
      if (!KEYS.contains(key)) {
        return Optional.of(
            "has the placeholder {{"
                + key
                + "}}; known are "
                + String.join(", ", KEYS)
                + "."
                + Suggestion.didYouMean(key, KEYS));
      }
    }
    try {
      return JSON.readTree(fill(template, key -> NUMBERS.contains(key) ? "0" : "x")).isObject()
          ? Optional.empty()
          : Optional.of("must be an object of JSON, as {\"text\": \"{{title}}\"}.");
    } catch (JsonProcessingException e) {
      return Optional.of(
          "is no JSON: "
              + e.getOriginalMessage()
              + ", in line "
              + e.getLocation().getLineNr()
              + ". Placeholders of texts stand in quotes, as {\"text\": \"{{title}}\"}.");
    }
  }

  /**
   * The JSON to be sent.
   *
   * @param values what stands for a placeholder
   */
  public static String fill(String template, UnaryOperator<String> values) {
    return PLACEHOLDER
        .matcher(template)
        .replaceAll(
            placeholder ->
                Matcher.quoteReplacement(
                    new String(
                        JsonStringEncoder.getInstance()
                            .quoteAsString(values.apply(placeholder.group(1))))));
  }
}
