package io.vecferry.workflow;

import io.vecferry.activity.Compensation;
import io.vecferry.activity.WholeTask;
import java.util.List;

/**
 * What is kept after a migration.
 *
 * @param whole the migration
 * @param undo what a rollback would do, newest first
 * @param dropAfterMillis how long what was replaced is kept; null for ever
 */
public record RetentionTask(WholeTask whole, List<Compensation> undo, Long dropAfterMillis) {}
