package io.vecferry.workflow;

import io.vecferry.activity.Compensation;

/**
 * An undo step and what became of it.
 *
 * @param result what it did, empty before
 */
public record UndoStep(Compensation compensation, State state, String result) {

  /** State of an undo step. */
  public enum State {
    /** It will be done if there is a rollback. */
    ARMED,
    DONE,
    FAILED,
    /** A person decided to leave it. */
    SKIPPED
  }
}
