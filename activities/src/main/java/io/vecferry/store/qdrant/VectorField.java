package io.vecferry.store.qdrant;

import io.vecferry.record.ElementType;
import io.vecferry.record.VectorKind;
import io.vecferry.store.Metric;

/**
 * A vector field of a collection.
 *
 * @param name its name in the collection; empty for the one without a name
 * @param recordName its name in records
 * @param kind its shape
 * @param element how the server keeps its components
 * @param dimension components of each vector; 0 for sparse ones
 * @param metric how its vectors are compared
 */
record VectorField(
    String name,
    String recordName,
    VectorKind kind,
    ElementType element,
    int dimension,
    Metric metric) {

  /** Whether the server brings its vectors to unit length when they are written. */
  boolean normalised() {
    return metric == Metric.COSINE && element != ElementType.UINT8 && kind != VectorKind.SPARSE;
  }
}
