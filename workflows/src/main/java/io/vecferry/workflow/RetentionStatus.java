package io.vecferry.workflow;

import java.util.List;

/**
 * What has become of what a migration has replaced.
 *
 * @param sentence the state in words
 * @param undo what a rollback would do or did, newest first
 * @param actions what people did
 */
public record RetentionStatus(
    State state, String sentence, List<UndoStep> undo, List<OperatorAction> actions) {

  /** Where it is. */
  public enum State {
    /** It is kept, and a rollback is possible. */
    KEPT,
    WORKING,
    /** What was asked for did not work; finalize and rollback try again. */
    FAILED,
    /** A rollback is not possible any more. */
    FINALIZED,
    ROLLED_BACK
  }
}
