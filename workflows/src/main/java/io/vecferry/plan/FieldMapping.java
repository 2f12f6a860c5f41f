package io.vecferry.plan;

/**
 * Where something that records have goes on the target.
 *
 * @param source what it is: the id, a vector field, the document, a metadata key
 * @param target what it is there, with its type
 * @param how what becomes of its values; {@link #EXACT} where they come back as they were
 */
public record FieldMapping(String source, String target, String how) {
  /** Every bit, and every character. */
  public static final String EXACT = "exact";
}
