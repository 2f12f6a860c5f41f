package io.vecferry.store;

import java.util.Map;

/**
 * A vector field of a collection.
 *
 * @param name name of the field; empty where the store has one vector without a name
 * @param dimension components of each vector
 * @param metric how its vectors are compared
 * @param metricArgument argument of the metric, as {@code p} of {@link Metric#LP}; 0 where there is
 *     none
 * @param indexType the store's own name of the index, as {@code Flat} or {@code HNSW}
 * @param indexParams parameters of the index by their field-wide names
 */
public record VectorFieldInfo(
    String name,
    int dimension,
    Metric metric,
    float metricArgument,
    String indexType,
    Map<String, String> indexParams) {}
