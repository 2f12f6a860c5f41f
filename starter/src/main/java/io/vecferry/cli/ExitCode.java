package io.vecferry.cli;

import io.vecferry.workflow.MigrationStatus;
import io.vecferry.workflow.Outcome;

/** Exit codes, part of the interface. */
final class ExitCode {
  /** Migrated and proved, or the command did what it should. */
  static final int OK = 0;

  /** Wrong usage, spec or connection; nothing was written. */
  static final int WRONG_USAGE = 1;

  /** Not migrated: rolled back, the previous state is restored. */
  static final int ROLLED_BACK = 2;

  /** Waits for a person, or was finished by one who skipped a part of the proof. */
  static final int NEEDS_PERSON = 3;

  /** The rollback is incomplete; a person must look. */
  static final int ROLLBACK_INCOMPLETE = 4;

  private ExitCode() {}

  static int of(Outcome outcome) {
    return switch (outcome) {
      case MIGRATED, REHEARSED -> OK;
      case MIGRATED_WITH_SKIPS -> NEEDS_PERSON;
      case ROLLED_BACK -> ROLLED_BACK;
      case ROLLBACK_INCOMPLETE -> ROLLBACK_INCOMPLETE;
    };
  }

  /** The code for a migration that waits in this state. */
  static int ofWaiting(MigrationStatus.State state) {
    return state == MigrationStatus.State.ROLLBACK_INCOMPLETE ? ROLLBACK_INCOMPLETE : NEEDS_PERSON;
  }
}
