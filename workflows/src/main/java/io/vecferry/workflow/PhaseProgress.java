package io.vecferry.workflow;

import io.vecferry.plan.Phase;

/**
 * How far a phase is.
 *
 * @param partsDone parts done, where the phase works by parts
 * @param rowsDone records done
 * @param rowsReused records that an earlier run had done
 * @param bytesDone bytes in the archive that were done
 * @param startedMillis when it started, 0 before; milliseconds since 1970
 * @param finishedMillis when it ended, 0 before
 * @param summary what it found, one sentence
 */
public record PhaseProgress(
    Phase phase,
    State state,
    long partsDone,
    long rowsDone,
    long rowsReused,
    long bytesDone,
    long startedMillis,
    long finishedMillis,
    String summary) {

  /** State of a phase. */
  public enum State {
    WAITING,
    RUNNING,
    DONE,
    FAILED,
    SKIPPED
  }
}
