package io.vecferry.workflow;

import io.temporal.failure.ApplicationFailure;
import io.temporal.workflow.Workflow;
import io.vecferry.activity.CatchUpPass;
import io.vecferry.activity.CatchUpTask;
import io.vecferry.activity.WholeTask;
import io.vecferry.plan.FailureClass;
import io.vecferry.plan.Phase;
import io.vecferry.plan.PlannedPartition;
import io.vecferry.spec.MigrationSpec;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import java.util.function.Supplier;
import java.util.stream.Collectors;

/** Passes over the source before the cutover, which find and apply what was written meanwhile. */
final class CatchUpPasses {
  /** Passes over a source that changes all the time before a person is asked. */
  static final int MOST_PASSES = 10;

  private final MigrationSpec spec;
  private final StatusBoard board;
  private final DecidedSteps steps;
  private final PartRounds rounds;
  private final Supplier<String> proof;
  private final List<CatchUpPass> passes = new ArrayList<>();

  /**
   * @param proof compares the target as a whole, and says what was proved
   */
  CatchUpPasses(
      MigrationSpec spec,
      StatusBoard board,
      DecidedSteps steps,
      PartRounds rounds,
      Supplier<String> proof) {
    this.spec = spec;
    this.board = board;
    this.steps = steps;
    this.rounds = rounds;
    this.proof = proof;
  }

  /** Applies what the archive has of changes of the source, before anything is found anew. */
  void applyKept() {
    if (!spec.cutover().catchUp()) {
      return;
    }
    WholeTask whole = rounds.whole();
    List<CatchUpPass> kept =
        steps.run(
            Phase.IMPORT, false, () -> Steps.whole("look for kept changes").keptChanges(whole));
    for (CatchUpPass pass : kept) {
      apply(Phase.IMPORT, pass);
      passes.add(pass);
    }
  }

  /**
   * Applies what was written to the source meanwhile, until a pass over it finds no more than the
   * spec allows.
   */
  void run() {
    if (!spec.cutover().catchUp()) {
      return;
    }
    board.start(Phase.CUTOVER);
    int next = passes.isEmpty() ? 1 : passes.get(passes.size() - 1).pass() + 1;
    for (int pass = next; ; pass++) {
      CatchUpTask task = new CatchUpTask(spec.name(), pass);
      CatchUpPass found =
          steps.run(
              Phase.CUTOVER,
              false,
              () -> Steps.whole("look for changes, pass " + task.pass()).findChanges(task));
      if (found.differences() > 0) {
        apply(Phase.CUTOVER, found);
      }
      passes.add(found);
      board.note(Phase.CUTOVER, words());
      boolean enough = found.differences() <= spec.cutover().maxDifference();
      if (enough || (pass - next + 1) % MOST_PASSES == 0 && !wantsMore(found)) {
        return;
      }
    }
  }

  private void apply(Phase phase, CatchUpPass found) {
    CatchUpTask task = new CatchUpTask(spec.name(), found.pass());
    String pass = ", pass " + task.pass();
    CatchUpPass kept =
        steps.run(phase, false, () -> Steps.whole("archive changes" + pass).keepChanges(task));
    steps.run(
        phase, false, () -> Steps.whole("remove what has changed" + pass).removeChanged(task));
    List<PlannedPartition> news = kept.partition() == null ? List.of() : List.of(kept.partition());
    news.forEach(partition -> rounds.add(partition, kept.parts()));
    rounds.run(news, List.of(Phase.VALIDATE_EXPORT, Phase.IMPORT));
    steps.run(phase, false, () -> Steps.whole("finish changes" + pass).finishChanges(task));
    rounds.run(news, List.of(Phase.VALIDATE_IMPORT));
    if (Workflow.getVersion("prove-changes", Workflow.DEFAULT_VERSION, 1)
        != Workflow.DEFAULT_VERSION) {
      board.note(Phase.VALIDATE_IMPORT, proof.get());
    }
  }

  /** Asks a person what to do about a source that does not come to rest. */
  private boolean wantsMore(CatchUpPass last) {
    boolean[] asked = new boolean[1];
    return steps.run(
            Phase.CUTOVER,
            true,
            () -> {
              if (asked[0]) {
                return true;
              }
              asked[0] = true;
              throw ApplicationFailure.newNonRetryableFailure(
                  last.words()
                      + ", more than cutover.maxDifference, which is "
                      + spec.cutover().maxDifference()
                      + ". All of it was applied. Stop what writes to the source and retry, skip to"
                      + " switch all the same, or start again with a larger"
                      + " cutover.maxDifference.",
                  FailureClass.SOURCE_CHANGED.name());
            })
        != null;
  }

  /** What the last of them have found, in words; empty when there were none. */
  String words() {
    return passes.subList(Math.max(0, passes.size() - MOST_PASSES), passes.size()).stream()
        .map(CatchUpPass::words)
        .collect(Collectors.joining("; "));
  }

  /** Records that the source had at the last of them, where that was counted. */
  OptionalLong rows() {
    CatchUpPass last = passes.isEmpty() ? null : passes.get(passes.size() - 1);
    return last != null && last.pass() > 0 && last.rows() >= 0
        ? OptionalLong.of(last.rows())
        : OptionalLong.empty();
  }
}
