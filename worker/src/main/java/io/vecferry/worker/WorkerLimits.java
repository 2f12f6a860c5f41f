package io.vecferry.worker;

import io.vecferry.phase.Activities;
import java.time.Duration;
import java.util.Collections;
import java.util.EnumSet;
import java.util.Set;

/**
 * What a worker takes on.
 *
 * @param serves the kinds of work that it takes
 * @param parallelActivities steps of each kind that may run at once in this process
 * @param source how fast parts are read from sources
 * @param target how fast parts are written to targets and compared with them
 * @param patience how long a step that gets no further is tried again before a person is asked;
 *     zero for ever
 */
public record WorkerLimits(
    Set<Kind> serves, int parallelActivities, Rate source, Rate target, Duration patience) {

  /** Work that waits in a queue of its own. */
  public enum Kind {
    /** The workflows, steps on a migration as a whole, and checks of the archive. */
    WORKFLOWS,
    /** Parts that are read from a source. */
    SOURCE,
    /** Parts that are written to a target or compared with it. */
    TARGET
  }

  /**
   * Parts that may begin per second; 0 for no limit.
   *
   * @param together on all workers; the service counts, and the last worker that says a number
   *     decides
   * @param alone on this worker
   */
  public record Rate(double together, double alone) {
    public static final Rate UNLIMITED = new Rate(0, 0);

    public Rate {
      if (together < 0 || alone < 0) {
        throw new IllegalArgumentException(
            "rates must not be negative: " + together + ", " + alone);
      }
    }
  }

  public WorkerLimits {
    if (serves.isEmpty() || parallelActivities < 1 || patience.isNegative()) {
      throw new IllegalArgumentException(
          serves + ", " + parallelActivities + " activities, patience " + patience);
    }
    serves = Collections.unmodifiableSet(EnumSet.copyOf(serves));
  }

  /** Everything, as fast as it goes, two activities of each kind per core and at least four. */
  public static WorkerLimits defaults() {
    return new WorkerLimits(
        EnumSet.allOf(Kind.class),
        defaultActivities(),
        Rate.UNLIMITED,
        Rate.UNLIMITED,
        Activities.DEFAULT_PATIENCE);
  }

  /** Two per core, at least four. */
  public static int defaultActivities() {
    return Math.max(4, 2 * Runtime.getRuntime().availableProcessors());
  }
}
