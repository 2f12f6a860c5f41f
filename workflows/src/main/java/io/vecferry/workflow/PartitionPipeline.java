package io.vecferry.workflow;

import io.temporal.failure.TemporalFailure;
import io.temporal.workflow.Async;
import io.temporal.workflow.Promise;
import io.temporal.workflow.Workflow;
import io.vecferry.activity.PartActivities;
import io.vecferry.activity.PartResult;
import io.vecferry.activity.PartTask;
import io.vecferry.plan.Phase;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.Supplier;

/**
 * Works through the parts of a partition: exports one after the other, because each starts where
 * the last one ended, and validates and imports the finished ones at the same time. A failed part
 * does not stop the others. Runs inside a migration's own workflow or inside a {@link
 * PartitionWorkflow}.
 */
final class PartitionPipeline {
  /** Failed steps of a partition: an outcome has to travel in one payload. */
  static final int MOST_FAILURES = 20;

  /** What the surrounding workflow contributes. */
  interface Surroundings {
    /**
     * Lets a step through when the migration is not paused, and does it again after an interrupt.
     */
    <T> T pass(Phase phase, Supplier<T> step);

    /** How fast to go with the parts that start now. */
    Tuning tuning();

    /** A step of a part is done. */
    void done(Phase phase, PartResult result);

    /** A step of a part has failed and will not be tried again without a person. */
    void failed(StepFailure failure);
  }

  private final PartitionTask task;
  private final Surroundings surroundings;
  private final List<StepFailure> failures = new ArrayList<>();
  private long rejects;
  private boolean cancelled;
  private int following;

  PartitionPipeline(PartitionTask task, Surroundings surroundings) {
    this.task = task;
    this.surroundings = surroundings;
  }

  /**
   * Works on at most this many parts, and starts no further ones once so many steps have failed
   * that a person has to look anyway.
   */
  PartitionOutcome run(int partLimit, int failureLimit) {
    List<Promise<Void>> followers = new ArrayList<>();
    boolean exporting = task.steps().contains(Phase.EXPORT);
    int part = task.nextPart();
    String cursor = task.cursor();
    boolean complete = task.complete() || (!exporting && part >= task.knownParts());
    try {
      for (StepFailure failure : task.redo()) {
        follow(followers, failure.part(), task.steps().indexOf(failure.phase()));
      }
      while (!complete && part - task.nextPart() < partLimit && failures.size() < failureLimit) {
        if (exporting) {
          PartResult exported = runStep(Phase.EXPORT, part, cursor);
          if (exported == null) {
            break;
          }
          cursor = exported.cursor();
          complete = exported.last();
        } else {
          complete = part + 1 >= task.knownParts();
        }
        follow(followers, part, exporting ? 1 : 0);
        part++;
      }
    } catch (TemporalFailure failure) {
      if (!Failures.isCancellation(failure)) {
        throw failure;
      }
      cancelled = true;
    }
    followers.forEach(Promise::get);
    return new PartitionOutcome(
        task.partition().index(),
        part,
        cursor,
        complete,
        cancelled,
        rejects,
        List.copyOf(failures));
  }

  /** Starts the steps of a part from {@code firstStep} on, once there is room. */
  private void follow(List<Promise<Void>> followers, int part, int firstStep) {
    if (firstStep >= task.steps().size()) {
      return;
    }
    Workflow.await(() -> following < surroundings.tuning().followersPerPartition());
    following++;
    followers.add(
        Async.procedure(
            () -> {
              try {
                for (Phase step : task.steps().subList(firstStep, task.steps().size())) {
                  if (runStep(step, part, null) == null) {
                    return;
                  }
                }
              } catch (TemporalFailure failure) {
                if (!Failures.isCancellation(failure)) {
                  throw failure;
                }
                cancelled = true;
              } finally {
                following--;
              }
            }));
  }

  /** Runs one step of one part; null when it failed and that was noted. */
  private PartResult runStep(Phase step, int part, String cursor) {
    String name = partTask(step, part, cursor).partName();
    String summary = step.name().toLowerCase(Locale.ROOT).replace('_', ' ') + " " + name;
    PartActivities activities = Steps.part(step, task.migration(), summary);
    try {
      PartResult result =
          surroundings.pass(step, () -> call(activities, step, partTask(step, part, cursor)));
      rejects += result.rejects();
      surroundings.done(step, result);
      return result;
    } catch (TemporalFailure failure) {
      if (Failures.isCancellation(failure)) {
        throw failure;
      }
      StepFailure noted = Failures.ofPart(step, name, task.partition().index(), part, failure);
      failures.add(noted);
      surroundings.failed(noted);
      return null;
    }
  }

  private PartTask partTask(Phase step, int part, String cursor) {
    return new PartTask(
        task.migration(), task.partition(), part, cursor, surroundings.tuning().pace(step));
  }

  private static PartResult call(PartActivities activities, Phase step, PartTask partTask) {
    return switch (step) {
      case EXPORT -> activities.exportPart(partTask);
      case VALIDATE_EXPORT -> activities.validateExportedPart(partTask);
      case IMPORT -> activities.importPart(partTask);
      case VALIDATE_IMPORT -> activities.validateImportedPart(partTask);
      case PLANNING, QUALITY_CHECK, CUTOVER, FINALIZE, ROLLBACK ->
          throw new IllegalArgumentException(step + " is not a step of a part");
    };
  }
}
