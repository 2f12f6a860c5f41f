package io.vecferry.workflow;

import io.temporal.workflow.Workflow;
import io.vecferry.spec.CutoverWindow;
import io.vecferry.spec.MigrationSpec;
import java.time.Duration;
import java.util.Optional;

/** The times in which a cutover may begin. */
final class CutoverWindows {
  private final MigrationSpec.Schedule schedule;
  private final Gate gate;
  private final Operator operator;

  CutoverWindows(MigrationSpec.Schedule schedule, Gate gate, Operator operator) {
    this.schedule = schedule;
    this.gate = gate;
    this.operator = operator;
  }

  /** Waits until one is open; goes on at once where the spec has none. */
  void await() {
    if (schedule.cutoverWindows().isEmpty()) {
      return;
    }
    gate.await();
    Optional<CutoverWindow.Opening> opening = next();
    while (opening.isPresent() && opening.get().start() > Workflow.currentTimeMillis()) {
      operator.awaitMoment(
          MigrationStatus.State.WAITING_FOR_WINDOW,
          "the cutover window that opens on " + opening.get().startWords(),
          Duration.ofMillis(opening.get().start() - Workflow.currentTimeMillis()));
      opening = next();
    }
  }

  /** Whether there are some and none is open. */
  boolean areClosed() {
    return next().filter(next -> next.start() > Workflow.currentTimeMillis()).isPresent();
  }

  private Optional<CutoverWindow.Opening> next() {
    return schedule.opening(Workflow.currentTimeMillis());
  }
}
