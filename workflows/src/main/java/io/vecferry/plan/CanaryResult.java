package io.vecferry.plan;

/**
 * What a few records on the target have shown: written to a scratch collection, read back,
 * compared, searched, and removed.
 *
 * @param collection the scratch collection, which is gone
 * @param rows records of the source that were written
 * @param madeRows records made up beside them, each of which is a real one with something in it
 *     that has broken a migration before
 * @param bitExactRows of both, those that came back with every bit
 * @param withinToleranceRows of both, those whose vectors came back within the tolerance
 * @param largestDeviation largest deviation of a component, relative to its size above 1
 * @param searched records whose own vector was searched for
 * @param found of those, the ones that were among the nearest, or had one at least as near
 * @param readRowsPerSecond speed at which the sample was read from the source; 0 when unknown
 * @param writeRowsPerSecond speed at which the records were written
 * @param fetchRowsPerSecond speed at which they were read back by id
 * @param searchMillis time of one search
 * @param finishSeconds time until the collection was ready
 */
public record CanaryResult(
    String collection,
    long rows,
    long madeRows,
    long bitExactRows,
    long withinToleranceRows,
    double largestDeviation,
    long searched,
    long found,
    double readRowsPerSecond,
    double writeRowsPerSecond,
    double fetchRowsPerSecond,
    double searchMillis,
    double finishSeconds) {

  /** Whether every vector came back with every bit. */
  public boolean exact() {
    return withinToleranceRows == 0 && bitExactRows > 0;
  }
}
