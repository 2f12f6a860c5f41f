package io.vecferry.store.qdrant;

import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Version of a Qdrant server, and what follows from it.
 *
 * @param text as the server spells it, as {@code 1.18.3}
 */
record ServerVersion(int major, int minor, int patch, String text) {
  private static final Pattern NUMBERS = Pattern.compile("(\\d+)\\.(\\d+)(?:\\.(\\d+))?.*");

  /** Newest version that vecferry is tested with. */
  static final String NEWEST = "1.18";

  static ServerVersion parse(String text) {
    Matcher matcher = NUMBERS.matcher(text);
    if (!matcher.matches()) {
      return new ServerVersion(0, 0, 0, text);
    }
    return new ServerVersion(
        Integer.parseInt(matcher.group(1)),
        Integer.parseInt(matcher.group(2)),
        matcher.group(3) == null ? 0 : Integer.parseInt(matcher.group(3)),
        text);
  }

  /** Whether it has what reading and writing need: queries, sparse vectors, multi-vectors. */
  boolean supported() {
    return atLeast(1, 10);
  }

  boolean newerThanTested() {
    ServerVersion newest = parse(NEWEST);
    return major > newest.major || (major == newest.major && minor > newest.minor);
  }

  /**
   * Whether vectors are sent by kind. Older servers see an empty vector then; what they know, flat
   * data with a hint of the kind, newer ones have marked as deprecated.
   */
  boolean takesVectorsByKind() {
    return atLeast(1, 13);
  }

  /** Whether a collection has metadata of its own. */
  boolean keepsMetadata() {
    return atLeast(1, 16);
  }

  boolean knowsTenants() {
    return atLeast(1, 11);
  }

  boolean samplesPoints() {
    return atLeast(1, 11);
  }

  boolean filtersByVector() {
    return atLeast(1, 13);
  }

  private boolean atLeast(int wantedMajor, int wantedMinor) {
    return major > wantedMajor || (major == wantedMajor && minor >= wantedMinor);
  }
}
