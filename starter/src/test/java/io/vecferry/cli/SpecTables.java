package io.vecferry.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The tables of the spec reference in the documentation. */
final class SpecTables {
  private static final Pattern KEY = Pattern.compile("`([^`]+)`");
  private static final Pattern NOTIFICATION = Pattern.compile("\\((webhook|slack|email)\\)");

  /** What stands above the table of a store, and its type. */
  private static final Map<String, String> STORES =
      Map.of(
          "FAISS:", "faiss",
          "Chroma:", "chroma",
          "Elasticsearch:", "elasticsearch",
          "Milvus:", "milvus",
          "Qdrant:", "qdrant",
          "An archive,", "archive");

  private final Map<String, Row> rows = new LinkedHashMap<>();

  /**
   * A line of a table.
   *
   * @param keys the keys that it is about
   */
  record Row(String keys, String type, String defaultValue, String allowed, String meaning) {
    /** All of it, for words that have to be somewhere. */
    String text() {
      return String.join(" ", keys, type, defaultValue, allowed, meaning);
    }

    /** What it means, without what Markdown makes of it. */
    String plainMeaning() {
      return meaning.replaceAll("\\[([^]]*)]\\([^)]*\\)", "$1").replace("`", "");
    }
  }

  /**
   * By path, as {@code import.batchSize} and {@code notify[slack].url}; those of every store as
   * {@code store.metric}, and those of one as {@code faiss.options.layout}.
   */
  static Map<String, Row> read(Path file) throws IOException {
    SpecTables tables = new SpecTables();
    String section = "";
    for (String line : Files.readAllLines(file)) {
      if (line.startsWith("## ")) {
        section = line.substring(3);
      }
      for (Map.Entry<String, String> store : STORES.entrySet()) {
        if (line.startsWith(store.getKey())) {
          section = store.getValue();
        }
      }
      String[] cells = line.split("\\|", -1);
      if (cells.length == 7 && cells[1].startsWith(" `")) {
        tables.add(
            section,
            new Row(
                cells[1].strip(),
                cells[2].strip(),
                cells[3].strip(),
                cells[4].strip(),
                cells[5].strip()));
      }
    }
    return tables.rows;
  }

  private void add(String section, Row row) {
    Matcher key = KEY.matcher(row.keys());
    while (key.find()) {
      String name = key.group(1);
      switch (section) {
        case "" -> put(name, row);
        case "source, target" -> put("store." + name, row);
        case "rollback, approval, schedule, cutover, archive" ->
            put(
                row.keys().contains("of a window") ? "schedule.cutoverWindows[]." + name : name,
                row);
        case "notify" -> {
          Matcher one = NOTIFICATION.matcher(row.keys());
          if (one.find()) {
            put("notify[" + one.group(1) + "]." + name, row);
          } else {
            for (String type : new String[] {"webhook", "slack", "email"}) {
              put("notify[" + type + "]." + name, row);
            }
          }
        }
        default -> put(section + "." + name, row);
      }
    }
  }

  private void put(String path, Row row) {
    if (rows.put(path, row) != null) {
      throw new IllegalArgumentException("docs/spec.md has two rows for " + path);
    }
  }
}
