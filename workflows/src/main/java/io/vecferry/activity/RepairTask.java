package io.vecferry.activity;

import java.util.List;

/**
 * Records on the target that are not as archived, to be put right.
 *
 * @param whole the migration
 * @param parts names of the parts that they are of; an empty name stands for what only the counts
 *     have shown
 */
public record RepairTask(WholeTask whole, List<String> parts) {}
