package io.vecferry.workflow;

import io.vecferry.plan.Phase;

/** What a partition workflow has done in one phase since it last said so. */
public record PartitionProgress(Phase phase, long parts, long rows, long rowsReused, long bytes) {}
