package io.vecferry.store;

import io.vecferry.record.ElementType;
import io.vecferry.record.VectorKind;
import java.util.Map;

/**
 * A vector field of a collection.
 *
 * @param name name of the field; empty where the store has one vector without a name
 * @param kind its shape
 * @param element how the store keeps its components
 * @param dimension components of each vector; 0 for {@link VectorKind#SPARSE}
 * @param metric how its vectors are compared
 * @param metricArgument argument of the metric, as {@code p} of {@link Metric#LP}; 0 where there is
 *     none
 * @param indexType the store's own name of the index, as {@code Flat} or {@code HNSW}; empty when
 *     the store may choose
 * @param indexParams parameters of the index by their field-wide names
 * @param optional whether a record may have no vector in it
 */
public record VectorFieldInfo(
    String name,
    VectorKind kind,
    ElementType element,
    int dimension,
    Metric metric,
    float metricArgument,
    String indexType,
    Map<String, String> indexParams,
    boolean optional) {

  /** A field in which a record may have no vector. */
  public VectorFieldInfo(
      String name,
      VectorKind kind,
      ElementType element,
      int dimension,
      Metric metric,
      float metricArgument,
      String indexType,
      Map<String, String> indexParams) {
    this(name, kind, element, dimension, metric, metricArgument, indexType, indexParams, true);
  }

  /** A field of dense 32-bit floats that every record has. */
  public VectorFieldInfo(
      String name,
      int dimension,
      Metric metric,
      float metricArgument,
      String indexType,
      Map<String, String> indexParams) {
    this(
        name,
        VectorKind.DENSE,
        ElementType.FLOAT32,
        dimension,
        metric,
        metricArgument,
        indexType,
        indexParams,
        false);
  }
}
