package io.vecferry.workflow;

import io.temporal.failure.TemporalFailure;
import io.temporal.workflow.CancellationScope;
import io.temporal.workflow.Workflow;
import io.vecferry.plan.Phase;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.function.Supplier;
import java.util.function.ToIntFunction;

/**
 * What every step passes: it holds steps back while the migration is paused or enough of them run,
 * and does those again that a pause has interrupted.
 */
final class Gate {
  private final ToIntFunction<Phase> limit;
  private final List<CancellationScope> running = new ArrayList<>();
  private int exports;
  private int others;
  private boolean paused;

  /**
   * @param limit how many steps of parts of a phase may run at once; asked again at every step
   */
  Gate(ToIntFunction<Phase> limit) {
    this.limit = limit;
  }

  boolean isPaused() {
    return paused;
  }

  /**
   * Lets no step start.
   *
   * @param interrupt whether to stop the ones that run, without harm: they are done again
   */
  void close(boolean interrupt) {
    paused = true;
    if (interrupt) {
      List.copyOf(running).forEach(scope -> scope.cancel("the migration is paused"));
    }
  }

  void open() {
    paused = false;
  }

  /** Waits until nothing is paused. */
  void await() {
    Workflow.await(() -> !paused);
  }

  /** Runs a step of a part. */
  <T> T pass(Phase phase, Supplier<T> step) {
    while (true) {
      Workflow.await(() -> !paused && count(phase) < limit.applyAsInt(phase));
      add(phase, 1);
      try {
        List<T> result = interruptible(step);
        if (!result.isEmpty()) {
          return result.get(0);
        }
      } finally {
        add(phase, -1);
      }
    }
  }

  /** Runs a step on the whole. */
  <T> T pass(Supplier<T> step) {
    while (true) {
      await();
      List<T> result = interruptible(step);
      if (!result.isEmpty()) {
        return result.get(0);
      }
    }
  }

  /** The result of a step; empty when a pause has interrupted it. */
  private <T> List<T> interruptible(Supplier<T> step) {
    List<T> result = new ArrayList<>();
    CancellationScope scope = Workflow.newCancellationScope(() -> result.add(step.get()));
    running.add(scope);
    try {
      scope.run();
    } catch (TemporalFailure failure) {
      boolean interrupted =
          scope.isCancelRequested() && !CancellationScope.current().isCancelRequested();
      if (!interrupted || !Failures.isCancellation(failure)) {
        throw failure;
      }
      return Collections.emptyList();
    } finally {
      running.remove(scope);
    }
    return result;
  }

  private int count(Phase phase) {
    return phase == Phase.EXPORT ? exports : others;
  }

  private void add(Phase phase, int change) {
    if (phase == Phase.EXPORT) {
      exports += change;
    } else {
      others += change;
    }
  }
}
