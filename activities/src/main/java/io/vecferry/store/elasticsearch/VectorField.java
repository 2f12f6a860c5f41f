package io.vecferry.store.elasticsearch;

import io.vecferry.record.ElementType;
import io.vecferry.store.Metric;
import java.util.Map;

/**
 * A field of vectors, as a mapping has it.
 *
 * @param path its name, with the objects that it is in
 * @param element how components are kept; {@link ElementType#FLOAT32}, {@code INT8}, {@code BIT} or
 *     {@code BFLOAT16}
 * @param dimension components; 0 where there has never been a record with one
 * @param similarity the server's name of how vectors are compared; empty where they are not indexed
 * @param indexType the server's name of the index; empty where there is none, or it does not say
 * @param indexParams parameters of the index
 */
record VectorField(
    String path,
    ElementType element,
    int dimension,
    String similarity,
    String indexType,
    Map<String, String> indexParams) {

  boolean indexed() {
    return !similarity.isEmpty();
  }

  /**
   * How vectors are compared.
   *
   * @param unindexed what holds where the server does not compare them; null for cosine, which is
   *     what it would do if nothing was said
   */
  Metric metric(String unindexed) {
    if (element == ElementType.BIT) {
      return Metric.HAMMING;
    }
    return switch (similarity) {
      case "l2_norm" -> Metric.L2;
      case "dot_product", "max_inner_product" -> Metric.IP;
      case "cosine" -> Metric.COSINE;
      default -> unindexed == null ? Metric.COSINE : Metric.ofSpelling(unindexed);
    };
  }

  /** The same field, compared as it would be by the index that it does not have. */
  VectorField comparedBy(Metric metric) {
    String assumed =
        switch (metric) {
          case L2 -> "l2_norm";
          case IP -> "max_inner_product";
          default -> "cosine";
        };
    return new VectorField(path, element, dimension, assumed, indexType, indexParams);
  }

  /** A score of the server, on the scale of {@link Metric}. */
  float score(double score) {
    if (element == ElementType.BIT) {
      return Math.round((1 - score) * dimension);
    }
    double converted =
        switch (similarity) {
          case "l2_norm" -> 1 / score - 1;
          case "dot_product" ->
              element == ElementType.INT8 ? (score - 0.5) * 32768 * dimension : 2 * score - 1;
          case "max_inner_product" -> score < 1 ? 1 - 1 / score : score - 1;
          default -> 2 * score - 1;
        };
    return (float) converted;
  }
}
