package io.vecferry.verify;

/**
 * One way in which a record is not as expected.
 *
 * @param id its id
 * @param kind what differs
 * @param field the vector field or metadata key, with the component; empty where there is none
 * @param expected the expected value; null for none
 * @param actual the value found; null for none
 */
public record Difference(String id, Kind kind, String field, String expected, String actual) {

  /** What differs. */
  public enum Kind {
    MISSING,
    EXTRA,
    VECTOR,
    METADATA,
    DOCUMENT,
    ID
  }

  private static final int SHOWN_CHARACTERS = 120;

  /** A record that is there and was not archived. */
  public static Difference extra(String id) {
    return new Difference(id, Kind.EXTRA, "", "absent", "present");
  }

  /** A record that was archived and is not there. */
  public static Difference missing(String id) {
    return new Difference(id, Kind.MISSING, "", "present", "absent");
  }

  /** The same for people, with the beginning of long values. */
  public Difference shortened() {
    return new Difference(id, kind, field, shorten(expected), shorten(actual));
  }

  static String shorten(String value) {
    return value == null
        ? "null"
        : value.length() <= SHOWN_CHARACTERS
            ? value
            : value.substring(0, SHOWN_CHARACTERS) + "... (" + value.length() + " characters)";
  }
}
