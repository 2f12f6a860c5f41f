package io.vecferry.plan;

import java.util.List;

/**
 * What planning made of a spec. Decided once, kept in the archive, and never changed while the
 * migration runs.
 *
 * @param migration name of the migration
 * @param createdMillis when it was made, in milliseconds since 1970
 * @param loadId identifies what this migration creates on the target
 * @param archive where the archive is
 * @param partRows records per part
 * @param parallelism partitions worked on at once
 * @param childWorkflows whether each partition gets a workflow of its own
 * @param searchAttributes whether the service knows the migration's search attributes
 * @param resumed whether an earlier run left this plan
 * @param rollbackPlan what a rollback would do, in words, in the order in which it would be done
 */
public record MigrationPlan(
    String migration,
    long createdMillis,
    String loadId,
    String archive,
    PlannedSide source,
    PlannedSide target,
    List<Finding> findings,
    List<PlannedPartition> partitions,
    int partRows,
    int parallelism,
    boolean childWorkflows,
    boolean searchAttributes,
    boolean resumed,
    Estimate estimate,
    List<String> rollbackPlan) {

  /** Findings that keep the migration from starting. */
  public List<Finding> blocking() {
    return findings.stream()
        .filter(finding -> finding.severity() == Finding.Severity.BLOCKING)
        .toList();
  }
}
