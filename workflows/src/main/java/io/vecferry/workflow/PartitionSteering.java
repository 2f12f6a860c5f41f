package io.vecferry.workflow;

/**
 * What a migration tells its partition workflows.
 *
 * @param paused whether to start no new step
 * @param interrupt whether to stop those that run, to be done again after the pause
 * @param tuning how fast to go; null for the plan's speed
 */
public record PartitionSteering(boolean paused, boolean interrupt, Tuning tuning) {}
