package io.vecferry.spec;

import java.net.URI;
import java.net.URISyntaxException;
import java.util.Set;
import java.util.regex.Pattern;

/** Forms of values that occur in several sections of a spec. */
public final class SpecValues {
  private static final Pattern SECRET = Pattern.compile("env:[A-Za-z_][A-Za-z0-9_]*|file:/.+");
  private static final Pattern OTHER_SECRET =
      Pattern.compile("(?!(env|file):)[a-z][a-z0-9+.-]*:(?!//).+");
  private static final Set<String> LOOPBACK = Set.of("localhost", "127.0.0.1", "[::1]", "::1");

  private SpecValues() {}

  /** Whether a text says where a secret is, and is not, by mistake, a secret. */
  public static boolean isSecretReference(String text) {
    return SECRET.matcher(text).matches();
  }

  /**
   * Whether a text may be a reference for a worker that knows other places of secrets than these; a
   * worker says whether it does.
   */
  static boolean mayBeSecretReference(String text) {
    return isSecretReference(text) || OTHER_SECRET.matcher(text).matches();
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

  /** Whether what is sent to a host stays on this machine, so that it may be sent in the open. */
  public static boolean isLoopback(String host) {
    return LOOPBACK.contains(host);
  }
}
