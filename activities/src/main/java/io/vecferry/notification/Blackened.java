package io.vecferry.notification;

import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;

/**
 * What others say about a connection, without the secrets that it was made with.
 *
 * @param secrets what must not be seen, the longest first
 */
record Blackened(List<String> secrets) {
  private static final int LONGEST = 300;

  static Blackened of(String... secrets) {
    return new Blackened(
        Arrays.stream(secrets)
            .filter(Objects::nonNull)
            .filter(secret -> secret.length() > 1)
            .sorted(Comparator.comparing(String::length).reversed())
            .toList());
  }

  /** A text in one line, with stars for what must not be seen. */
  String show(String text) {
    String shown = String.valueOf(text).replaceAll("\\s*\\R\\s*", " ").strip();
    for (String secret : secrets) {
      shown = shown.replace(secret, "***");
    }
    return shown.length() <= LONGEST ? shown : shown.substring(0, LONGEST) + " ...";
  }

  /** An exception in one line. */
  String show(Throwable failure) {
    String name = failure.getClass().getSimpleName();
    return failure.getMessage() == null ? name : name + ": " + show(failure.getMessage());
  }
}
