package io.vecferry.workflow;

import io.vecferry.activity.ReportLocation;
import io.vecferry.plan.Phase;
import java.util.List;
import java.util.OptionalLong;

/**
 * A snapshot of a migration, as queries and the command line show it.
 *
 * @param phase the earliest phase that is not done
 * @param rowsExpected records that the source has
 * @param phases how far each phase is, in order
 * @param failures steps that wait for a decision
 * @param skipped steps that a person skipped
 * @param undo what a rollback would do or did, newest first
 * @param actions what people did
 * @param waitingFor what has to happen for it to go on; empty when it works by itself
 * @param outcome how it ended; null before the end
 * @param verdict outcome or state in one sentence
 * @param archive where the archive is; empty before planning has ended
 * @param report where the reports are; null before they are written
 * @param atMillis when the snapshot was taken, in milliseconds since 1970
 * @param secondsLeft how long it still works, waiting for people not counted; null when nobody can
 *     tell
 * @param tuning the speed; null before planning has ended
 * @param choices what a person could do now
 * @param retrying steps that have failed and are tried again by themselves; filled in by {@code
 *     MigrationClient}, because only the service knows them
 * @param notifications how telling people goes
 * @param cutoverBefore when the cutover window closes that is open or opens next, in milliseconds
 *     since 1970; null without windows, and when readers are switched over
 */
public record MigrationStatus(
    String migration,
    State state,
    Phase phase,
    long rowsExpected,
    List<PhaseProgress> phases,
    List<StepFailure> failures,
    List<StepFailure> skipped,
    List<UndoStep> undo,
    List<OperatorAction> actions,
    String waitingFor,
    Outcome outcome,
    String verdict,
    String archive,
    ReportLocation report,
    long startedMillis,
    long atMillis,
    Long secondsLeft,
    Tuning tuning,
    List<VerbChoice> choices,
    List<StepFailure> retrying,
    NotificationStatus notifications,
    Long cutoverBefore) {

  public MigrationStatus {
    choices = choices == null ? List.of() : List.copyOf(choices);
    retrying = retrying == null ? List.of() : List.copyOf(retrying);
    notifications = notifications == null ? NotificationStatus.NONE : notifications;
  }

  /**
   * When its work will end, in milliseconds since 1970; empty when nobody can tell. A snapshot is
   * as old as what last happened to the migration: one that works has got further since, one that
   * waits has not.
   */
  public OptionalLong expectedEnd(long nowMillis) {
    if (secondsLeft == null) {
      return OptionalLong.empty();
    }
    long left = 1000 * secondsLeft;
    return OptionalLong.of(
        state == State.RUNNING ? Math.max(nowMillis, atMillis + left) : nowMillis + left);
  }

  /** Whether its cutover window closes before its work ends. */
  public boolean missesWindow(long nowMillis) {
    OptionalLong end = expectedEnd(nowMillis);
    return cutoverBefore != null && end.isPresent() && end.getAsLong() > cutoverBefore;
  }

  /** The same with what the service says about steps that are tried again. */
  public MigrationStatus with(List<StepFailure> stepsTriedAgain) {
    return copy(archive, stepsTriedAgain);
  }

  /** The same with the archive in another place. */
  public MigrationStatus withArchive(String place) {
    return copy(place, retrying);
  }

  private MigrationStatus copy(String place, List<StepFailure> stepsTriedAgain) {
    return new MigrationStatus(
        migration,
        state,
        phase,
        rowsExpected,
        phases,
        failures,
        skipped,
        undo,
        actions,
        waitingFor,
        outcome,
        verdict,
        place,
        report,
        startedMillis,
        atMillis,
        secondsLeft,
        tuning,
        choices,
        stepsTriedAgain,
        notifications,
        cutoverBefore);
  }

  /** What a migration does at the moment. */
  public enum State {
    RUNNING,
    PAUSED,
    WAITING_FOR_START,
    /** Everything is proved; readers are switched over when a cutover window opens. */
    WAITING_FOR_WINDOW,
    WAITING_FOR_APPROVAL,
    NEEDS_ATTENTION,
    ROLLING_BACK,
    ROLLBACK_INCOMPLETE,
    FINISHED
  }
}
