package io.vecferry.activity;

import io.vecferry.plan.Phase;
import io.vecferry.workflow.MigrationWorkflow;

/**
 * Where work waits for a worker. What reads the source and what works on the target wait in queues
 * of their own, so that each store has limits of its own and a slow one holds up nothing else.
 */
public final class TaskQueues {
  /** Workflows, steps on the whole and checks of the archive. */
  public static final String MIGRATION = MigrationWorkflow.TASK_QUEUE;

  /** Parts that are read from a source. */
  public static final String SOURCE = MIGRATION + "-source";

  /** Parts that are written to a target or compared with it. */
  public static final String TARGET = MIGRATION + "-target";

  private TaskQueues() {}

  /** The queue of a step on a part. */
  public static String of(Phase step) {
    return switch (step) {
      case EXPORT -> SOURCE;
      case IMPORT, VALIDATE_IMPORT -> TARGET;
      case PLANNING, VALIDATE_EXPORT, QUALITY_CHECK, CUTOVER, FINALIZE, ROLLBACK -> MIGRATION;
    };
  }
}
