package io.vecferry.activity;

/**
 * One undo step, recorded before the step that it undoes.
 *
 * @param kind what to do
 * @param description the same in words
 */
public record Compensation(Kind kind, String description) {

  /** What to undo. */
  public enum Kind {
    /** Remove the collection that was loaded, if it is ours and not yet switched to. */
    DROP_LOAD,
    /** Take back the switch: remove the published collection, if it is ours. */
    UNPUBLISH
  }
}
