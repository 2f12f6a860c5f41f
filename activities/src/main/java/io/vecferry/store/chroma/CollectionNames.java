package io.vecferry.store.chroma;

import io.vecferry.plan.FailureClass;
import io.vecferry.store.LoadStamp;
import io.vecferry.store.StoreException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.regex.Pattern;

/** Names that Chroma allows for a collection. */
final class CollectionNames {
  private static final int SHORTEST = 3;
  private static final int LONGEST = 512;
  private static final Pattern CHARACTERS =
      Pattern.compile("[a-zA-Z0-9]([a-zA-Z0-9._-]*[a-zA-Z0-9])?");
  private static final Pattern ADDRESS = Pattern.compile("[0-9]{1,3}(\\.[0-9]{1,3}){3}");

  private CollectionNames() {}

  static boolean isAllowed(String name) {
    return name.length() >= SHORTEST
        && name.length() <= LONGEST
        && CHARACTERS.matcher(name).matches()
        && !name.contains("..")
        && !ADDRESS.matcher(name).matches();
  }

  /** Refuses a name that Chroma would refuse. */
  static void require(String name) {
    if (!isAllowed(name)) {
      throw new StoreException(
          FailureClass.INCOMPATIBLE,
          "target.collection '"
              + name
              + "' is no name that Chroma allows: 3 to 512 characters of a-z A-Z 0-9 . _ -, a letter"
              + " or digit at both ends, no two points in a row, no IP address. One that it allows"
              + " is '"
              + allowed(name)
              + "'.");
    }
  }

  /** The name under which a collection is loaded before it is switched to. */
  static String ofLoad(String collection, String migration) {
    String readable = collection + ".vecferry." + migration;
    if (isAllowed(readable) || !isAllowed(collection)) {
      return readable;
    }
    String start = collection.substring(0, Math.min(collection.length(), LONGEST - 64));
    return start + ".vecferry." + hash(collection + "/" + migration);
  }

  /** The name under which what a load replaces is kept. */
  static String ofReplaced(String collection, LoadStamp stamp) {
    String start = collection.substring(0, Math.min(collection.length(), LONGEST - 64));
    return start + ".before." + hash(collection + "/" + stamp.migration() + "/" + stamp.loadId());
  }

  private static String allowed(String name) {
    String allowed =
        name.replaceAll("[^a-zA-Z0-9._-]+", "-")
            .replaceAll("\\.{2,}", ".")
            .replaceAll("^[._-]+|[._-]+$", "");
    if (allowed.length() > LONGEST) {
      allowed = allowed.substring(0, LONGEST).replaceAll("[._-]+$", "");
    }
    return isAllowed(allowed) ? allowed : "collection-" + (allowed.isEmpty() ? "1" : allowed);
  }

  private static String hash(String text) {
    try {
      byte[] digest =
          MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8));
      return HexFormat.of().formatHex(digest, 0, 8);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }
}
