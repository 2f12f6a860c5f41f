package io.vecferry.store;

import io.vecferry.record.IdKind;
import java.util.List;
import java.util.Set;

/**
 * What a collection to be loaded should look like.
 *
 * @param vectors its vector fields with metric and index
 * @param idKinds kinds of ids that will come
 * @param sourceStore display name of where the records come from
 * @param rows number of records expected
 */
public record LoadSchema(
    List<VectorFieldInfo> vectors, Set<IdKind> idKinds, String sourceStore, long rows) {}
