package io.vecferry.verify;

/**
 * One way in which a record is not as expected.
 *
 * @param id its id
 * @param kind what differs
 * @param field the vector field or metadata key, with the component; empty where there is none
 * @param expected the expected value, shortened
 * @param actual the value found, shortened
 */
public record Difference(String id, Kind kind, String field, String expected, String actual) {

  /** What differs. */
  public enum Kind {
    MISSING,
    VECTOR,
    METADATA,
    DOCUMENT,
    ID
  }

  private static final int SHOWN_CHARACTERS = 120;

  static String shorten(String value) {
    return value == null
        ? "null"
        : value.length() <= SHOWN_CHARACTERS
            ? value
            : value.substring(0, SHOWN_CHARACTERS) + "... (" + value.length() + " characters)";
  }
}
