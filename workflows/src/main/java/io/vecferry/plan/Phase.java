package io.vecferry.plan;

/** The phases of a migration, in order. */
public enum Phase {
  PLANNING,
  EXPORT,
  VALIDATE_EXPORT,
  IMPORT,
  VALIDATE_IMPORT,
  QUALITY_CHECK,
  CUTOVER,
  FINALIZE,
  ROLLBACK;

  /** Whether it makes the archive, and touches no target. */
  public boolean isOfArchive() {
    return this == EXPORT || this == VALIDATE_EXPORT;
  }
}
