package io.vecferry.activity;

/**
 * One pass over what was written to the source since it was exported.
 *
 * @param migration name of the migration, which finds spec, plan and parts in the archive
 * @param pass number of the pass, from 0; 0 is about ids that the export has read more than once
 */
public record CatchUpTask(String migration, int pass) {}
