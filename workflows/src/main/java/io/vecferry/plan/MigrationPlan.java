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
 * @param existing what readers of the target's name get before; null when the name is free
 * @param nameSwitch how they get the load instead; null when planning could not look
 * @param targetPlan what happens to the target's name, in words, in the order in which it happens
 * @param forecast what is to be expected
 * @param specHash hash of the spec that it was made of; null in plans of earlier versions
 * @param mapping where everything that records have goes; empty when planning could not look, and
 *     in plans of earlier versions
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
    List<String> rollbackPlan,
    ExistingTarget existing,
    NameSwitch nameSwitch,
    List<String> targetPlan,
    Forecast forecast,
    String specHash,
    List<FieldMapping> mapping) {

  public MigrationPlan {
    targetPlan = targetPlan == null ? List.of() : List.copyOf(targetPlan);
    forecast = forecast == null ? Forecast.NONE : forecast;
    mapping = mapping == null ? List.of() : List.copyOf(mapping);
  }

  /** The same with other findings. */
  public MigrationPlan with(List<Finding> others) {
    return new MigrationPlan(
        migration,
        createdMillis,
        loadId,
        archive,
        source,
        target,
        List.copyOf(others),
        partitions,
        partRows,
        parallelism,
        childWorkflows,
        searchAttributes,
        resumed,
        estimate,
        rollbackPlan,
        existing,
        nameSwitch,
        targetPlan,
        forecast,
        specHash,
        mapping);
  }

  /** Whether the load is made of the records of both sides. */
  public boolean merges() {
    return existing != null && existing.merged();
  }

  /** Whether the parts of a partition are loaded; those of a mere backup are not. */
  public boolean loads(PlannedPartition partition) {
    return partition.origin() == PlannedPartition.Origin.SOURCE || merges();
  }

  /** Whether a rollback after the cutover has to make again what was there, from its backup. */
  public boolean restoresFromBackup() {
    return nameSwitch != null && nameSwitch.restoresFromBackup();
  }

  /** Records that are exported, of both sides. */
  public long exportedRows() {
    return partitions.stream()
            .filter(partition -> partition.origin() == PlannedPartition.Origin.TARGET)
            .mapToLong(PlannedPartition::rows)
            .sum()
        + source.rows();
  }

  /** Records that are loaded, as planned. */
  public long loadedRows() {
    return partitions.stream().filter(this::loads).mapToLong(PlannedPartition::rows).sum();
  }

  /** Findings that keep the migration from starting. */
  public List<Finding> blocking() {
    return findings.stream()
        .filter(finding -> finding.severity() == Finding.Severity.BLOCKING)
        .toList();
  }
}
