package io.vecferry.spec;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Map;

/**
 * One side of a migration.
 *
 * @param type kind of store, as {@code faiss}
 * @param dimension components per vector that the user expects; null to take the source's
 * @param metric {@code cosine}, {@code l2} or {@code ip}; null to take the source's
 * @param indexType wanted index; null for the one nearest to the source's
 * @param indexParams parameters of the wanted index
 * @param ifExists what to do when the target exists
 * @param settings the whole section with camelCase keys, for the store to read
 */
public record StoreSpec(
    String type,
    Integer dimension,
    String metric,
    String indexType,
    Map<String, String> indexParams,
    IfExists ifExists,
    ObjectNode settings) {

  /** What to do when the target exists. */
  public enum IfExists {
    FAIL,
    REPLACE,
    MERGE
  }
}
