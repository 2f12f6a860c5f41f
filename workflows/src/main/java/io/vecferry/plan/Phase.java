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
  ROLLBACK
}
