package io.vecferry.plan;

/**
 * What readers of the target's name get before the migration. It is never written to: the load is
 * made beside it and takes the name at the cutover.
 *
 * @param collection what it is
 * @param merged whether its records become part of the load, but for those whose id the source has
 */
public record ExistingTarget(PlannedSide collection, boolean merged) {}
