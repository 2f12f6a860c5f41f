package io.vecferry.store;

import java.util.List;

/**
 * What a collection to be loaded should look like.
 *
 * @param vectors its vector fields with metric and index
 * @param sourceStore display name of where the records come from
 * @param rows number of records expected
 */
public record LoadSchema(List<VectorFieldInfo> vectors, String sourceStore, long rows) {}
