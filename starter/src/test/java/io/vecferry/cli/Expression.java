package io.vecferry.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.dataformat.yaml.YAMLFactory;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * An expression of Prometheus' language in the files of {@code deploy}.
 *
 * @param where the alert or panel that has it
 * @param legend how a panel names the curves; empty for none
 */
record Expression(String where, String text, String legend) {
  private static final Path FILES = Cli.home().resolve("deploy");
  private static final Pattern GROUPING =
      Pattern.compile("\\b(?:by|without|on|ignoring|group_left|group_right)\\s*\\(([^)]*)\\)");
  private static final Pattern RANGE = Pattern.compile("\\[[^]]*]");
  private static final Pattern SELECTOR =
      Pattern.compile(
          "\\b(?!(?:and|or|unless|bool|offset|group_left|group_right)\\b)([a-zA-Z_:][\\w:]*)\\b(?!\\s*\\()(?:\\{([^}]*)})?");
  private static final Pattern CONDITION =
      Pattern.compile("(\\w+)\\s*(=~|!~|!=|=)\\s*\"([^\"]*)\"");
  private static final Pattern LEGEND = Pattern.compile("\\{\\{(\\w+)}}");
  private static final Pattern SERIES = Pattern.compile("(\\w+)(?:\\{(.*)})? \\S+");
  private static final Pattern LABEL = Pattern.compile("(\\w+)=\"([^\"]*)\"");

  /** What Prometheus adds to all it scrapes, and its own series about that. */
  private static final Set<String> LABELS_OF_PROMETHEUS = Set.of("job", "instance");

  private static final String UP = "up";

  static List<Expression> ofAlerts() throws IOException {
    List<Expression> expressions = new ArrayList<>();
    for (JsonNode rule : alerts()) {
      expressions.add(new Expression(rule.path("alert").asText(), rule.path("expr").asText(), ""));
    }
    return expressions;
  }

  static Iterable<JsonNode> alerts() throws IOException {
    return new ObjectMapper(new YAMLFactory())
        .readTree(FILES.resolve("prometheus/alerts.yaml").toFile())
        .path("groups")
        .path(0)
        .path("rules");
  }

  /** Those of the dashboard, with the values that Grafana would put in place of its variables. */
  static List<Expression> ofDashboard() throws IOException {
    List<Expression> expressions = new ArrayList<>();
    for (JsonNode panel : dashboard().path("panels")) {
      for (JsonNode target : panel.path("targets")) {
        expressions.add(
            new Expression(
                panel.path("title").asText(),
                target
                    .path("expr")
                    .asText()
                    .replace("$job", ".*")
                    .replace("$__rate_interval", "1m"),
                target.path("legendFormat").asText()));
      }
    }
    return expressions;
  }

  static JsonNode dashboard() throws IOException {
    return new ObjectMapper().readTree(FILES.resolve("grafana/vecferry.json").toFile());
  }

  /**
   * What it asks for and nothing has.
   *
   * @param metrics what a worker shows, as text
   */
  List<String> missing(String metrics) {
    Map<String, Map<String, Set<String>>> known = labels(metrics);
    List<String> missing = new ArrayList<>();
    Set<String> wanted = new HashSet<>();
    Matcher grouping = GROUPING.matcher(text);
    while (grouping.find()) {
      wanted.addAll(List.of(grouping.group(1).strip().split("\\s*,\\s*")));
    }
    Matcher shown = LEGEND.matcher(legend);
    while (shown.find()) {
      wanted.add(shown.group(1));
    }
    wanted.removeAll(LABELS_OF_PROMETHEUS);

    Matcher selector =
        SELECTOR.matcher(RANGE.matcher(GROUPING.matcher(text).replaceAll("")).replaceAll(""));
    while (selector.find()) {
      String name = selector.group(1);
      if (name.equals(UP)) {
        continue;
      }
      Map<String, Set<String>> labels = known.get(name);
      if (labels == null) {
        missing.add(name);
        continue;
      }
      wanted.removeAll(labels.keySet());
      Matcher condition = CONDITION.matcher(selector.group(2) == null ? "" : selector.group(2));
      while (condition.find()) {
        String label = condition.group(1);
        boolean exact = condition.group(2).equals("=");
        if (!LABELS_OF_PROMETHEUS.contains(label)
            && (!labels.containsKey(label)
                || exact && !labels.get(label).contains(condition.group(3)))) {
          missing.add(name + "{" + condition.group() + "}");
        }
      }
    }
    missing.addAll(wanted);
    return missing;
  }

  /** The labels of each metric, with their values. */
  private static Map<String, Map<String, Set<String>>> labels(String metrics) {
    Map<String, Map<String, Set<String>>> known = new HashMap<>();
    metrics
        .lines()
        .map(SERIES::matcher)
        .filter(Matcher::matches)
        .forEach(
            series -> {
              Map<String, Set<String>> labels =
                  known.computeIfAbsent(series.group(1), name -> new HashMap<>());
              Matcher label = LABEL.matcher(series.group(2) == null ? "" : series.group(2));
              while (label.find()) {
                labels.computeIfAbsent(label.group(1), name -> new HashSet<>()).add(label.group(2));
              }
            });
    return known;
  }
}
