package io.vecferry.store.elasticsearch;

import io.vecferry.plan.FailureClass;
import io.vecferry.store.LoadStamp;
import io.vecferry.store.StoreException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.Locale;
import java.util.regex.Pattern;

/** Names of indices and aliases. */
final class IndexNames {
  private static final int LONGEST = 255;
  private static final int SHOWN_COLLECTION = 120;
  private static final int SHOWN_MIGRATION = 60;
  private static final int HASH_BYTES = 4;

  /** Characters that no name may have; control characters are refused by some versions only. */
  private static final Pattern REFUSED = Pattern.compile("[\\\\/*?\"<>| ,#:\\p{Cntrl}]");

  private IndexNames() {}

  static boolean isLegal(String name) {
    return !name.isEmpty()
        && name.getBytes(StandardCharsets.UTF_8).length <= LONGEST
        && name.equals(name.toLowerCase(Locale.ROOT))
        && !REFUSED.matcher(name).find()
        && "-_+.".indexOf(name.charAt(0)) < 0;
  }

  /** Refuses a name that a server would refuse. */
  static void require(String name) {
    if (!isLegal(name)) {
      throw new StoreException(
          FailureClass.INCOMPATIBLE,
          "target.collection '"
              + name
              + "' is no name that Elasticsearch allows: at most 255 bytes, no capitals, none of \\"
              + " / * ? \" < > | , # : and space, and no - _ + or . in front. One that it allows is"
              + " '"
              + legal(name)
              + "'.");
    }
  }

  /** A legal name that looks like this one. */
  static String legal(String name) {
    String replaced =
        REFUSED.matcher(name.toLowerCase(Locale.ROOT)).replaceAll("-").replaceAll("^[-_+.]+", "");
    String cut = cut(replaced, SHOWN_COLLECTION);
    return isLegal(cut) ? cut : "collection";
  }

  /** The index that a migration loads into before its final name is given to it. */
  static String ofLoad(String collection, String migration) {
    return cut(collection, SHOWN_COLLECTION)
        + "-vecferry-"
        + cut(legal(migration), SHOWN_MIGRATION)
        + "-"
        + hash(collection + "\n" + migration);
  }

  /** The index that keeps what a load replaces. */
  static String ofReplaced(String collection, LoadStamp stamp) {
    return cut(collection, SHOWN_COLLECTION)
        + "-before-"
        + cut(legal(stamp.migration()), SHOWN_MIGRATION)
        + "-"
        + hash(collection + "\n" + stamp.migration() + "\n" + stamp.loadId());
  }

  /**
   * The alias that a load is written through. A request that insists on an alias makes no index
   * when there is none, so that a writer that comes late brings nothing back to life.
   */
  static String writeAlias(String index) {
    return index + "-write";
  }

  private static String cut(String text, int longest) {
    int end = text.length();
    while (text.substring(0, end).getBytes(StandardCharsets.UTF_8).length > longest) {
      end = text.offsetByCodePoints(end, -1);
    }
    return text.substring(0, end);
  }

  private static String hash(String text) {
    return HexFormat.of().formatHex(digest(text), 0, HASH_BYTES);
  }

  static byte[] digest(String text) {
    try {
      return MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8));
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError("every Java has SHA-256", e);
    }
  }
}
