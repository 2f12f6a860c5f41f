package io.vecferry.workflow;

import io.temporal.failure.TemporalFailure;
import io.vecferry.plan.Phase;
import java.util.List;
import java.util.function.Supplier;

/** Steps on the whole of a migration, and what a person decides about those that fail. */
final class DecidedSteps {
  private final StatusBoard board;
  private final Gate gate;
  private final Operator operator;
  private final Repairs repairs;
  private final boolean rollsBackAutomatically;

  DecidedSteps(
      StatusBoard board,
      Gate gate,
      Operator operator,
      Repairs repairs,
      boolean rollsBackAutomatically) {
    this.board = board;
    this.gate = gate;
    this.operator = operator;
    this.repairs = repairs;
    this.rollsBackAutomatically = rollsBackAutomatically;
  }

  /** Runs a step until it works or a person has decided; null when it was skipped. */
  <T> T run(Phase phase, boolean skippable, Supplier<T> action) {
    boolean repairsFirst = false;
    while (true) {
      try {
        if (repairsFirst) {
          repairs.all();
        }
        return gate.pass(action);
      } catch (TemporalFailure failure) {
        if (Failures.isCancellation(failure)) {
          throw failure;
        }
        StepFailure noted = Failures.ofWhole(phase, skippable, failure);
        board.failed(noted);
        Verb verb = ask(List.of(noted)).verb();
        if (verb == Verb.SKIP) {
          board.skip(List.of(noted));
          return null;
        }
        repairsFirst = verb == Verb.REPAIR;
        board.resolve(List.of(noted));
      }
    }
  }

  /**
   * Asks a person about failures.
   *
   * @throws RollbackRequested when nobody is to be asked
   */
  Operator.Decision ask(List<StepFailure> failures) {
    if (rollsBackAutomatically && board.state() != MigrationStatus.State.FINISHED) {
      throw new RollbackRequested(failures.get(0).toString());
    }
    return operator.awaitDecision(
        MigrationStatus.State.NEEDS_ATTENTION, Operator.question(failures), failures);
  }
}
