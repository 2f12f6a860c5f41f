package io.vecferry.activity;

import java.util.List;

/**
 * Work on a migration as a whole.
 *
 * @param migration name of the migration, which finds spec and plan in the archive
 * @param partsPerPartition number of parts of each partition, as far as they are exported
 */
public record WholeTask(String migration, List<Integer> partsPerPartition) {}
