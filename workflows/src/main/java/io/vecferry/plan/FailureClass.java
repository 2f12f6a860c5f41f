package io.vecferry.plan;

/**
 * Why a step failed, as one of a closed set of classes. The class decides what happens next; the
 * name is the failure type that the Temporal UI shows and the code that the documentation explains.
 */
public enum FailureClass {
  /** Connection lost, time-out, server busy: tried again with backoff, without limit. */
  TRANSIENT(true),
  /** The store asked to slow down: tried again after a longer pause. */
  RATE_LIMITED(true),
  /** A request was larger than the store takes and could not be halved further. */
  TOO_LARGE(false),
  /** Records that cannot be moved as they are. */
  BAD_RECORD(false),
  /** Not authenticated or not allowed. */
  PERMISSION(false),
  /** A store, collection, file or archive that should be there is not. */
  MISSING(false),
  /** What is asked for cannot be done with these two stores. */
  INCOMPATIBLE(false),
  /** The source is no longer what was planned for. */
  SOURCE_CHANGED(false),
  /** The target is not, or no longer, what this migration made. */
  TARGET_CHANGED(false),
  /** A part of the archive is unreadable or differs from its checksum. */
  ARCHIVE_DAMAGED(false),
  /** Disk, memory or another resource is used up. */
  RESOURCE_EXHAUSTED(false),
  /** The proof found differences between archive and target. */
  NOT_PROVED(false),
  /** A defect in vecferry. */
  BUG(false);

  private final boolean retryable;

  FailureClass(boolean retryable) {
    this.retryable = retryable;
  }

  /** Whether trying again without a person can help. */
  public boolean retryable() {
    return retryable;
  }

  /** The class that the type of a failure names; {@link #BUG} when none is called so. */
  public static FailureClass named(String type) {
    for (FailureClass candidate : values()) {
      if (candidate.name().equals(type)) {
        return candidate;
      }
    }
    return BUG;
  }
}
