package io.vecferry.store.milvus;

import io.vecferry.store.LoadStamp;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.regex.Pattern;

/** Names of collections and fields: a letter or _, then letters, digits and _. */
final class Names {
  static final int LONGEST = 255;
  private static final Pattern LEGAL = Pattern.compile("[A-Za-z_][A-Za-z0-9_]*");
  private static final int SHOWN_COLLECTION = 150;
  private static final int SHOWN_MIGRATION = 60;
  private static final int HASH_BYTES = 4;

  private Names() {}

  static boolean isLegal(String name) {
    return name.length() <= LONGEST && LEGAL.matcher(name).matches();
  }

  /** A legal name that looks like this one. */
  static String legal(String name) {
    String replaced = name.replaceAll("[^A-Za-z0-9_]", "_");
    if (replaced.isEmpty() || Character.isDigit(replaced.charAt(0))) {
      replaced = "_" + replaced;
    }
    return replaced.length() > LONGEST ? replaced.substring(0, LONGEST) : replaced;
  }

  /** The collection that a migration loads into before its final name is given to it. */
  static String load(String collection, String migration) {
    return cut(collection, SHOWN_COLLECTION)
        + "_loading_"
        + cut(legal(migration), SHOWN_MIGRATION)
        + "_"
        + hash(collection + "\n" + migration);
  }

  /** The name under which what a load replaces is kept. */
  static String replaced(String collection, LoadStamp stamp) {
    return cut(collection, SHOWN_COLLECTION)
        + "_before_"
        + cut(legal(stamp.migration()), SHOWN_MIGRATION)
        + "_"
        + hash(collection + "\n" + stamp.migration() + "\n" + stamp.loadId());
  }

  private static String cut(String text, int longest) {
    return text.length() > longest ? text.substring(0, longest) : text;
  }

  static String hash(String text) {
    try {
      byte[] digest =
          MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8));
      return HexFormat.of().formatHex(digest, 0, HASH_BYTES);
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError("every Java has SHA-256", e);
    }
  }
}
