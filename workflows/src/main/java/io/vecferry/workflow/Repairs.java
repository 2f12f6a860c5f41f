package io.vecferry.workflow;

import io.temporal.failure.TemporalFailure;
import io.vecferry.activity.CheckResult;
import io.vecferry.activity.RepairTask;
import io.vecferry.activity.WholeTask;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;

/** Loads again what differs on the target, where a person has asked for it. */
final class Repairs {
  private final StatusBoard board;
  private final Gate gate;
  private final Supplier<WholeTask> whole;
  private final List<String> done = new ArrayList<>();

  /**
   * @param whole the migration, with the parts that there are
   */
  Repairs(StatusBoard board, Gate gate, Supplier<WholeTask> whole) {
    this.board = board;
    this.gate = gate;
    this.whole = whole;
  }

  /** Loads again what differs anywhere. */
  void all() {
    repair(List.of(""));
  }

  /**
   * Loads again what differs in parts.
   *
   * @return the parts again when that did not work, with the reason; they are to be compared anew
   */
  List<StepFailure> parts(List<StepFailure> differing) {
    board.resolve(differing);
    try {
      repair(differing.stream().map(StepFailure::subject).toList());
      return List.of();
    } catch (TemporalFailure failure) {
      if (Failures.isCancellation(failure)) {
        throw failure;
      }
      List<StepFailure> left =
          differing.stream()
              .map(
                  part ->
                      Failures.ofPart(
                          part.phase(), part.subject(), part.partition(), part.part(), failure))
              .toList();
      left.forEach(board::failed);
      return left;
    }
  }

  private void repair(List<String> names) {
    RepairTask task = new RepairTask(whole.get(), names);
    CheckResult repaired =
        gate.pass(() -> Steps.whole("repair what differs on the target").repair(task));
    done.add(repaired.summary());
  }

  /** What was loaded again, in words, repair by repair. */
  List<String> words() {
    return List.copyOf(done);
  }
}
