package io.vecferry.spec;

import java.util.List;

/**
 * A key that {@link SpecReader} understands.
 *
 * @param path where it stands, as {@code import.batchSize}; {@code []} is an entry of a list
 * @param kind what its value is
 * @param required whether it has to be there when what it stands in is there
 * @param allowed allowed texts, in any case; empty when any value of the kind is allowed
 * @param defaultValue what holds when it is absent, as text; empty for none
 * @param smallest smallest number or null
 * @param largest largest number, or most entries of a list, or null
 * @param form regular expression of a text; empty for any
 * @param aliases other spellings of its last part
 */
public record SpecKey(
    String path,
    Kind kind,
    boolean required,
    List<String> allowed,
    String defaultValue,
    Number smallest,
    Number largest,
    String form,
    List<String> aliases) {

  /** What a value is. */
  public enum Kind {
    TEXT,
    INTEGER,
    /** A whole number, or the word {@code auto}. */
    INTEGER_OR_AUTO,
    NUMBER,
    BOOLEAN,
    SECRET,
    /** A list of texts. */
    TEXTS,
    /** An object with keys of its own. */
    SECTION,
    /** A list of objects with keys of their own. */
    SECTIONS,
    /** What only the code that reads it knows. */
    OBJECT
  }

  /** Its last part. */
  public String name() {
    return path.substring(path.lastIndexOf('.') + 1);
  }

  /** The path of what it stands in; empty for the spec itself. */
  public String parent() {
    return path.substring(0, Math.max(0, path.lastIndexOf('.')));
  }

  static SpecKey of(String path, Kind kind, String defaultValue) {
    return new SpecKey(path, kind, false, List.of(), defaultValue, null, null, "", List.of());
  }

  SpecKey among(List<String> words) {
    return new SpecKey(
        path, kind, required, List.copyOf(words), defaultValue, smallest, largest, form, aliases);
  }

  SpecKey between(Number from, Number to) {
    return new SpecKey(path, kind, required, allowed, defaultValue, from, to, form, aliases);
  }

  SpecKey like(String regularExpression) {
    return new SpecKey(
        path, kind, required, allowed, defaultValue, smallest, largest, regularExpression, aliases);
  }

  SpecKey at(String otherPath, List<String> names) {
    return new SpecKey(
        otherPath, kind, required, allowed, defaultValue, smallest, largest, form, names);
  }

  SpecKey needed() {
    return new SpecKey(path, kind, true, allowed, defaultValue, smallest, largest, form, aliases);
  }
}
