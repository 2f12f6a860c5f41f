package io.vecferry.plan;

import java.util.Map;

/**
 * A vector field as a plan shows it; see the store's own description for the meaning of the index.
 */
public record PlannedField(
    String name,
    int dimension,
    String metric,
    float metricArgument,
    String indexType,
    Map<String, String> indexParams) {}
