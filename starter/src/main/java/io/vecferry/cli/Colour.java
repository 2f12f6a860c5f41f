package io.vecferry.cli;

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
    return wanted() && isTerminal("vecferry.terminal.results");
  }

  /** Whether standard error shows them. */
  static boolean inProgress() {
    return wanted() && isTerminal("vecferry.terminal");
  }

  /**
   * Whether somebody is looking.
   *
   * @param stream the property in which the launcher says so of a stream
   */
  static boolean isTerminal(String stream) {
    return Boolean.getBoolean(stream) && !"dumb".equals(System.getenv("TERM"));
  }

  private static boolean wanted() {
    String no = System.getenv("NO_COLOR");
    return no == null || no.isEmpty();
  }
}
