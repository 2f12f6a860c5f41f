package io.vecferry.workflow;

import io.vecferry.plan.Forecast.PhaseTime;
import io.vecferry.plan.Phase;
import java.util.Collection;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.ToDoubleFunction;

/**
 * How long a migration still works: the times of its plan, corrected by what was achieved. A phase
 * that is far enough goes on as it did; those that are to come, which are about the target, take as
 * much longer or shorter than planned as the work on the target did until now. Waiting for people
 * and for windows is not in it.
 */
final class TimeLeft {
  /** Share of the records from which on the speed of a phase counts, and not its plan. */
  private static final double ENOUGH = 0.05;

  /** A plan may be wrong by this factor because of what it has measured, not by more. */
  private static final double MOST_WRONG = 4;

  /** Phases whose speed is that of the target. */
  private static final Set<Phase> TARGET = EnumSet.of(Phase.IMPORT, Phase.VALIDATE_IMPORT);

  private final Map<Phase, Double> planned = new EnumMap<>(Phase.class);
  private final Map<Phase, Long> records;
  private final Collection<PhaseProgress> phases;
  private final ToDoubleFunction<Phase> underway;
  private final long atMillis;

  /**
   * @param plannedTimes of the phases; empty when the plan has none
   * @param records that go through each phase that works by parts
   * @param underway share of them that is in parts that are worked on at the same time
   */
  TimeLeft(
      List<PhaseTime> plannedTimes,
      Map<Phase, Long> records,
      Collection<PhaseProgress> phases,
      ToDoubleFunction<Phase> underway,
      long atMillis) {
    for (PhaseTime time : plannedTimes) {
      planned.put(time.phase(), (double) time.seconds());
    }
    this.records = records;
    this.phases = phases;
    this.underway = underway;
    this.atMillis = atMillis;
  }

  /** Seconds; null when nobody can tell. */
  Long seconds() {
    if (planned.isEmpty()) {
      return withoutPlan();
    }
    double together = 0;
    double afterwards = 0;
    double pace = pace();
    for (PhaseProgress phase : phases) {
      double seconds = pace * planned.getOrDefault(phase.phase(), 0.0);
      switch (phase.state()) {
        case WAITING -> afterwards += seconds;
        // Phases that run at the same time end at the same time, or nearly so.
        case RUNNING -> together = Math.max(together, left(phase, seconds));
        default -> {}
      }
    }
    return (long) Math.ceil(together + afterwards);
  }

  /** What was taken for each second that was planned; 1 when too little was achieved to tell. */
  private double pace() {
    double took = 0;
    double expected = 0;
    for (PhaseProgress phase : phases) {
      if (TARGET.contains(phase.phase()) && fresh(phase) >= ENOUGH) {
        took += seconds(phase);
        expected += achieved(phase) * planned.getOrDefault(phase.phase(), 0.0);
      }
    }
    return took <= 0 || expected <= 0
        ? 1
        : Math.min(MOST_WRONG, Math.max(1 / MOST_WRONG, took / expected));
  }

  private double left(PhaseProgress phase, double plannedSeconds) {
    double took = seconds(phase);
    double open = open(phase);
    if (fresh(phase) < ENOUGH) {
      return Math.max(0, plannedSeconds * open - took);
    }
    return took / achieved(phase) * (open - begun(phase));
  }

  /** From the records that went through all phases that work by parts. */
  private Long withoutPlan() {
    double fresh = 0;
    double open = 0;
    double took = 0;
    for (PhaseProgress phase : phases) {
      if (records.containsKey(phase.phase())) {
        fresh += fresh(phase) / records.size();
        open += open(phase) / records.size();
        took = Math.max(took, seconds(phase));
      }
    }
    return fresh < ENOUGH ? null : Long.valueOf((long) Math.ceil(took / fresh * open));
  }

  /** That a phase has run until now, or took. */
  private double seconds(PhaseProgress phase) {
    long end = phase.finishedMillis() == 0 ? atMillis : phase.finishedMillis();
    return phase.startedMillis() == 0 ? 0 : (end - phase.startedMillis()) / 1000.0;
  }

  /** Share of the records that this run has done. */
  private double fresh(PhaseProgress phase) {
    return share(phase, phase.rowsDone() - phase.rowsReused());
  }

  private double open(PhaseProgress phase) {
    return Math.max(0, 1 - share(phase, phase.rowsDone()));
  }

  /** Parts that are worked on are half done on average, and nobody counts their records yet. */
  private double begun(PhaseProgress phase) {
    return phase.state() == PhaseProgress.State.RUNNING
        ? Math.min(open(phase), underway.applyAsDouble(phase.phase())) / 2
        : 0;
  }

  private double achieved(PhaseProgress phase) {
    return fresh(phase) + begun(phase);
  }

  /** Of a phase that does not work by parts nothing counts as done. */
  private double share(PhaseProgress phase, long rows) {
    Long all = records.get(phase.phase());
    return all == null ? 0 : (double) rows / Math.max(1, all);
  }
}
