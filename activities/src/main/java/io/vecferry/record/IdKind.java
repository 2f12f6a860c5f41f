package io.vecferry.record;

/**
 * What an id is in the store it comes from, so that a round trip gives {@code 1} back and not
 * {@code "1"}.
 */
public enum IdKind {
  /** Signed 64-bit integer, as decimal text. */
  INT64,
  /** Unsigned 64-bit integer, as decimal text. */
  UINT64,
  /** UUID, as the 36 characters in lower case with hyphens. */
  UUID,
  /** Any text. */
  STRING
}
