package io.vecferry.activity;

import io.vecferry.plan.NameSwitch;

/**
 * One undo step, recorded before the step that it undoes.
 *
 * @param kind what to do
 * @param description the same in words
 * @param nameSwitch the switch to take back; null where it is about none
 */
public record Compensation(Kind kind, String description, NameSwitch nameSwitch) {

  /** An undo step that is about no switch. */
  public Compensation(Kind kind, String description) {
    this(kind, description, null);
  }

  /** What to undo. */
  public enum Kind {
    /** Remove the collection that was loaded, if it is ours and not switched to. */
    DROP_LOAD,
    /** Make again what was under the target's name, from its backup, and compare every row. */
    RESTORE_BACKUP,
    /** Let readers of the target's name get again what they got before. */
    SWITCH_BACK
  }

  /** Undoes the load of a target. */
  public static Compensation dropLoad(String target) {
    return new Compensation(Kind.DROP_LOAD, "remove what was loaded for " + target);
  }

  /** Undoes the removal of what had the name before. */
  public static Compensation restoreBackup(String target) {
    return new Compensation(Kind.RESTORE_BACKUP, "make " + target + " again from its backup");
  }

  /** Undoes a switch. */
  public static Compensation switchBack(String target, NameSwitch planned) {
    return new Compensation(
        Kind.SWITCH_BACK,
        planned == null || planned.before().isEmpty()
            ? "take " + target + " away again"
            : "let readers of " + target + " get again what they got before",
        planned);
  }
}
