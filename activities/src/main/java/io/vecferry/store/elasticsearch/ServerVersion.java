package io.vecferry.store.elasticsearch;

import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Version of a server, and what servers of that version do.
 *
 * @param text as the server spells it
 */
record ServerVersion(int major, int minor, String text) implements Comparable<ServerVersion> {
  static final int OLDEST_MAJOR = 8;
  static final int NEWEST_MAJOR = 9;
  private static final Pattern NUMBERS = Pattern.compile("(\\d{1,4})\\.(\\d{1,4})(\\..*|-.*)?");

  static Optional<ServerVersion> parse(String text) {
    Matcher matcher = NUMBERS.matcher(text);
    return matcher.matches()
        ? Optional.of(
            new ServerVersion(
                Integer.parseInt(matcher.group(1)), Integer.parseInt(matcher.group(2)), text))
        : Optional.empty();
  }

  @Override
  public int compareTo(ServerVersion other) {
    return major != other.major
        ? Integer.compare(major, other.major)
        : Integer.compare(minor, other.minor);
  }

  boolean atLeast(int wantedMajor, int wantedMinor) {
    return major > wantedMajor || (major == wantedMajor && minor >= wantedMinor);
  }

  /** Whether vectors are left out of what is read unless they are asked for. */
  boolean hidesVectors() {
    return atLeast(9, 2);
  }

  /** Whether a search in codes can compare what it finds by the vectors themselves. */
  boolean rescores() {
    return atLeast(8, 18);
  }

  /** Most components of a vector of floats. */
  int mostDimensions() {
    return atLeast(8, 11) ? 4096 : atLeast(8, 8) ? 2048 : 1024;
  }
}
