package io.vecferry.spec;

import com.fasterxml.jackson.annotation.JsonIgnore;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

/**
 * One side of a migration.
 *
 * @param type kind of store, as {@code faiss}; may be empty where a connection is named
 * @param dimension components per vector that the user expects; null to take the source's
 * @param metric {@code cosine}, {@code l2} or {@code ip}; null to take the source's
 * @param indexType wanted index; null for the one nearest to the source's
 * @param indexParams parameters of the wanted index
 * @param ifExists what to do when the target exists
 * @param settings the whole section with camelCase keys, for the store to read
 */
public record StoreSpec(
    String type,
    Integer dimension,
    String metric,
    String indexType,
    Map<String, String> indexParams,
    IfExists ifExists,
    ObjectNode settings) {

  private static final String CONNECTION = "connection";

  /** Keys that say where a collection is, from the outside in. */
  private static final List<String> ADDRESS =
      List.of("url", "path", "tenant", "database", "collection");

  /** What stores take when nothing is said. */
  private static final Set<String> DEFAULTS =
      Set.of("default", "default_tenant", "default_database");

  private static final int LONGEST_ADDRESS = 200;

  /**
   * The collection in one line, the same however it is spelled: type, address and names, as {@code
   * qdrant http://127.0.0.1:6334 products}. A long one is cut and made distinct by a number.
   */
  public String address() {
    StringBuilder address = new StringBuilder(connection().isEmpty() ? type : inWords());
    for (String key : ADDRESS) {
      String value = settings.path(key).asText();
      if (!value.isEmpty() && !DEFAULTS.contains(value)) {
        address.append(' ').append(key.equals("url") || key.equals("path") ? plain(value) : value);
      }
    }
    return address.length() <= LONGEST_ADDRESS
        ? address.toString()
        : address.substring(0, LONGEST_ADDRESS - 9)
            + "~"
            + Integer.toHexString(address.toString().hashCode());
  }

  /** Whether it is asked over a network, and no file. */
  @JsonIgnore
  public boolean isServer() {
    return settings.hasNonNull("url");
  }

  /** The name of the store on the worker; empty where the section itself says what it is. */
  public String connection() {
    String name = settings.path(CONNECTION).textValue();
    return name == null ? "" : name;
  }

  /** What kind of store it is, as far as this section says it. */
  public String kind() {
    return type.isEmpty() ? inWords() : type;
  }

  private String inWords() {
    return CONNECTION + " " + connection();
  }

  /** A place without what makes no difference: capitals of a host, slashes, dots. */
  private static String plain(String place) {
    String text = place.strip();
    int host = text.indexOf("://");
    if (host >= 0) {
      text =
          text.toLowerCase(Locale.ROOT)
              .replaceFirst("^(https?://)localhost(?=[:/]|$)", "$1127.0.0.1");
    }
    String previous;
    do {
      previous = text;
      text =
          text.replaceAll("(?<!:)//+", "/").replaceAll("/\\.(?=/|$)", "").replaceFirst("^\\./", "");
      text = text.replaceFirst("[^/:]+/\\.\\.(/|$)", "").replaceFirst("(?<=[^/])/$", "");
    } while (!text.equals(previous));
    return text;
  }

  /** What to do when the target exists. */
  public enum IfExists {
    FAIL,
    REPLACE,
    MERGE
  }
}
