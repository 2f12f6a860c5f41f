package io.vecferry.workflow;

import io.vecferry.plan.Forecast.PhaseTime;
import io.vecferry.plan.Phase;
import java.util.Collection;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;

/**
 * How long a migration still works: the times of its plan, corrected by what was achieved. Waiting
 * for people and for windows is not in it.
 */
final class TimeLeft {
  /** Share of the records from which on the speed of a phase counts, and not its plan. */
  private static final double ENOUGH = 0.05;

  private final Map<Phase, Double> planned = new EnumMap<>(Phase.class);
  private final Map<Phase, Long> records;
  private final Collection<PhaseProgress> phases;
  private final long atMillis;

  /**
   * @param plannedTimes of the phases; empty when the plan has none
   * @param records that go through each phase that works by parts
   */
  TimeLeft(
      List<PhaseTime> plannedTimes,
      Map<Phase, Long> records,
      Collection<PhaseProgress> phases,
      long atMillis) {
    for (PhaseTime time : plannedTimes) {
      planned.put(time.phase(), (double) time.seconds());
    }
    this.records = records;
    this.phases = phases;
    this.atMillis = atMillis;
  }

  /** Seconds; null when nobody can tell. */
  Long seconds() {
    if (planned.isEmpty()) {
      return withoutPlan();
    }
    double together = 0;
    double afterwards = 0;
    for (PhaseProgress phase : phases) {
      double seconds = planned.getOrDefault(phase.phase(), 0.0);
      switch (phase.state()) {
        case WAITING -> afterwards += seconds;
        // Phases that run at the same time end at the same time, or nearly so.
        case RUNNING -> together = Math.max(together, left(phase, seconds));
        default -> {}
      }
    }
    return (long) Math.ceil(together + afterwards);
  }

  private double left(PhaseProgress phase, double plannedSeconds) {
    double took = seconds(phase);
    double fresh = share(phase, phase.rowsDone() - phase.rowsReused());
    double open = Math.max(0, 1 - share(phase, phase.rowsDone()));
    if (fresh < ENOUGH) {
      return Math.max(0, plannedSeconds * open - took);
    }
    return took / fresh * open;
  }

  /** From the records that went through all phases that work by parts. */
  private Long withoutPlan() {
    double fresh = 0;
    double open = 0;
    double took = 0;
    for (PhaseProgress phase : phases) {
      if (records.containsKey(phase.phase())) {
        fresh += share(phase, phase.rowsDone() - phase.rowsReused()) / records.size();
        open += Math.max(0, 1 - share(phase, phase.rowsDone())) / records.size();
        took = Math.max(took, seconds(phase));
      }
    }
    return fresh < ENOUGH ? null : Long.valueOf((long) Math.ceil(took / fresh * open));
  }

  private double seconds(PhaseProgress phase) {
    return phase.startedMillis() == 0 ? 0 : (atMillis - phase.startedMillis()) / 1000.0;
  }

  /** Of a phase that does not work by parts nothing counts as done. */
  private double share(PhaseProgress phase, long rows) {
    Long all = records.get(phase.phase());
    return all == null ? 0 : (double) rows / Math.max(1, all);
  }
}
