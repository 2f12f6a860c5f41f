package io.vecferry.cli;

import java.util.Map;

/** Colours of a terminal. There are none in files, pipes, with NO_COLOR and on dumb terminals. */
enum Colour {
  RED(31),
  GREEN(32),
  YELLOW(33);

  private static final String ESCAPE = "\u001b[";

  private final int code;

  Colour(int code) {
    this.code = code;
  }

  /** A text in this colour, or as it is. */
  String of(String text, boolean on) {
    return on ? ESCAPE + code + "m" + text + ESCAPE + "0m" : text;
  }

  /** Whether standard output shows them. */
  static boolean inResults() {
    return areShown(Boolean.getBoolean("vecferry.terminal.results"), System.getenv());
  }

  /** Whether standard error shows them. */
  static boolean inProgress() {
    return areShown(Boolean.getBoolean("vecferry.terminal"), System.getenv());
  }

  /**
   * Whether a stream shows them.
   *
   * @param terminal whether it is one
   */
  static boolean areShown(boolean terminal, Map<String, String> environment) {
    return terminal && environment.getOrDefault("NO_COLOR", "").isEmpty() && !isDumb(environment);
  }

  /** Whether standard error can draw a line again; only the launcher knows what it is. */
  static boolean canDraw() {
    return Boolean.getBoolean("vecferry.terminal") && !isDumb(System.getenv());
  }

  private static boolean isDumb(Map<String, String> environment) {
    return "dumb".equals(environment.get("TERM"));
  }
}
