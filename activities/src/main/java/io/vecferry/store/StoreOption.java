package io.vecferry.store;

import java.util.List;

/**
 * A key that a store understands in a spec.
 *
 * @param path where it stands below {@code source} or {@code target}, as {@code path} or {@code
 *     options.layout}
 * @param kind its type
 * @param required whether it has to be there
 * @param allowed allowed values; empty when any value of the kind is allowed
 * @param defaultValue what holds when it is absent, as text; empty for none
 * @param description one sentence
 */
public record StoreOption(
    String path,
    Kind kind,
    boolean required,
    List<String> allowed,
    String defaultValue,
    String description) {

  /** An option that takes any value of its kind. */
  public StoreOption(
      String path, Kind kind, boolean required, String defaultValue, String description) {
    this(path, kind, required, List.of(), defaultValue, description);
  }

  /** Type of an option's value. */
  public enum Kind {
    TEXT,
    INTEGER,
    NUMBER,
    BOOLEAN,
    /** An http or https address without user, password and query. */
    URL,
    /**
     * Where the worker finds a secret: {@code env:NAME} or {@code file:/path}; never the secret.
     */
    SECRET,
    /** Keys and values that the store checks itself. */
    OBJECT
  }
}
