package io.vecferry.spec;

import java.net.URI;
import java.net.URISyntaxException;
import java.time.Duration;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Forms of values that occur in several sections of a spec. */
public final class SpecValues {
  /** Form of a reference to a secret that every worker can follow. */
  static final String SECRET = "env:[A-Za-z_][A-Za-z0-9_]*|file:/.+";

  private static final Pattern SECRET_FORM = Pattern.compile(SECRET);

  private static final Pattern OTHER_SECRET_FORM =
      Pattern.compile("(?!(?:env|file|https?):)[a-z][a-z0-9+.-]*:(?!//).+");

  /** Form of a time. */
  static final String TIME = "([0-9]{1,4})([mhd])";

  private static final Pattern TIME_FORM = Pattern.compile(TIME);
  private static final Set<String> LOOPBACK = Set.of("localhost", "127.0.0.1", "[::1]", "::1");

  private SpecValues() {}

  /** Whether a text says where a secret is, and is not, by mistake, a secret. */
  public static boolean isSecretReference(String text) {
    return SECRET_FORM.matcher(text).matches();
  }

  /**
   * Whether a text may be a reference for a worker that knows other places of secrets than these; a
   * worker says whether it does.
   */
  static boolean mayBeSecretReference(String text) {
    return isSecretReference(text) || OTHER_SECRET_FORM.matcher(text).matches();
  }

  /** Whether a text is an http or https address without user, password, query and fragment. */
  public static boolean isAddress(String text) {
    try {
      URI address = new URI(text);
      return ("http".equals(address.getScheme()) || "https".equals(address.getScheme()))
          && address.getHost() != null
          && address.getRawUserInfo() == null
          && address.getRawQuery() == null
          && address.getRawFragment() == null;
    } catch (URISyntaxException e) {
      return false;
    }
  }

  /** A time such as 30m, 12h or 7d; empty when a text is none. */
  public static Optional<Duration> duration(String text) {
    Matcher time = TIME_FORM.matcher(text);
    if (!time.matches()) {
      return Optional.empty();
    }
    long number = Long.parseLong(time.group(1));
    return Optional.of(
        switch (time.group(2)) {
          case "m" -> Duration.ofMinutes(number);
          case "h" -> Duration.ofHours(number);
          default -> Duration.ofDays(number);
        });
  }

  /** Whether what is sent to a host stays on this machine, so that it may be sent in the open. */
  public static boolean isLoopback(String host) {
    return LOOPBACK.contains(host);
  }
}
