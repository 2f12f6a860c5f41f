package io.vecferry.activity;

/**
 * What a step says of itself with each heartbeat; the next attempt, and whoever asks the service,
 * find it there. Nothing depends on it: an attempt that finds none begins at the beginning.
 *
 * @param subject name of the part; empty for a step on the whole
 * @param rows rows done by this attempt, of those in the part
 * @param cursor rows, counted from the first one, that another attempt can leave out
 * @param furthest most rows that any attempt has done
 * @param failed attempts that have failed since the step last got further
 * @param triedMillis how long they and the pauses behind them took, in milliseconds
 * @param failingSinceMillis when the step last got further, or was begun, before the first of them;
 *     in milliseconds since 1970
 */
public record StepProgress(
    String subject,
    long rows,
    long cursor,
    long furthest,
    int failed,
    long triedMillis,
    long failingSinceMillis) {

  public StepProgress {
    subject = subject == null ? "" : subject;
  }

  /** Nothing is done yet. */
  public static StepProgress none(String subject) {
    return new StepProgress(subject, 0, 0, 0, 0, 0, 0);
  }

  /** The same at another place; a step that gets further has not failed. */
  public StepProgress at(long nowRows, long nowCursor) {
    return nowRows > furthest
        ? new StepProgress(subject, nowRows, nowCursor, nowRows, 0, 0, 0)
        : new StepProgress(
            subject, nowRows, nowCursor, furthest, failed, triedMillis, failingSinceMillis);
  }

  /**
   * The same after an attempt has failed.
   *
   * @param millis how long it was tried, and will be waited
   * @param sinceMillis when the step last got further, or was begun; counts for the first failure
   */
  public StepProgress failed(long millis, long sinceMillis) {
    return new StepProgress(
        subject,
        rows,
        cursor,
        furthest,
        failed + 1,
        triedMillis + millis,
        failed == 0 ? sinceMillis : failingSinceMillis);
  }
}
