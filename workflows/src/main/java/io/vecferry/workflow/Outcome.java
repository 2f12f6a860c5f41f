package io.vecferry.workflow;

/** How a migration ended. */
public enum Outcome {
  /** Everything is on the target and proved. */
  MIGRATED,
  /** On the target, but a person chose to skip a step, so the proof has a gap. */
  MIGRATED_WITH_SKIPS,
  /** A rehearsal: everything was loaded, proved and removed again. */
  REHEARSED,
  /** Not migrated; the previous state is restored. */
  ROLLED_BACK,
  /** Not migrated, and not everything could be undone. */
  ROLLBACK_INCOMPLETE
}
