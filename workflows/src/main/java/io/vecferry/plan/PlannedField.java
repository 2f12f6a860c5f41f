package io.vecferry.plan;

import java.util.Map;

/**
 * A vector field as a plan shows it; see the store's own description for the meaning of the index.
 *
 * @param kind {@code DENSE}, {@code SPARSE} or {@code MULTI}
 * @param element how the store keeps components, as {@code FLOAT32}
 * @param dimension components of each vector; 0 for sparse ones
 * @param optional whether a record may have no vector in it
 */
public record PlannedField(
    String name,
    String kind,
    String element,
    int dimension,
    String metric,
    float metricArgument,
    String indexType,
    Map<String, String> indexParams,
    boolean optional) {

  public PlannedField {
    // Plans of earlier versions know dense 32-bit floats only.
    kind = kind == null ? "DENSE" : kind;
    element = element == null ? "FLOAT32" : element;
  }
}
