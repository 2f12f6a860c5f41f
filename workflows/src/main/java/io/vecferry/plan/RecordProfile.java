package io.vecferry.plan;

import java.util.List;

/**
 * What the records of a source are like, as far as planning has looked.
 *
 * @param rows records looked at
 * @param complete whether these are all
 * @param longestId bytes of the longest id
 * @param longestDocument bytes of the longest document; -1 when no record has one
 * @param longestMetadata bytes of the longest metadata text
 * @param smallestNorm length of the shortest dense vector
 * @param largestNorm length of the longest dense vector
 * @param keys top-level metadata keys in the order in which they were met; at most {@link
 *     #MOST_KEYS}
 * @param vectors dense vectors looked at; 0 in plans of earlier versions, as are the next two
 * @param unitLength of those, the ones that have unit length
 * @param zero of those, the ones that are zero
 */
public record RecordProfile(
    long rows,
    boolean complete,
    int longestId,
    int longestDocument,
    int longestMetadata,
    double smallestNorm,
    double largestNorm,
    List<Key> keys,
    long vectors,
    long unitLength,
    long zero) {
  /** Records have more keys than this only when keys are data. */
  public static final int MOST_KEYS = 200;

  /** How far from 1 a norm may be for a vector to count as one of unit length. */
  public static final double UNIT_TOLERANCE = 1e-3;

  /** Nothing was looked at. */
  public static final RecordProfile EMPTY = new RecordProfile(0, false, 0, -1, 0, 0, 0, List.of());

  /** A profile that does not count vectors. */
  public RecordProfile(
      long rows,
      boolean complete,
      int longestId,
      int longestDocument,
      int longestMetadata,
      double smallestNorm,
      double largestNorm,
      List<Key> keys) {
    this(
        rows,
        complete,
        longestId,
        longestDocument,
        longestMetadata,
        smallestNorm,
        largestNorm,
        keys,
        0,
        0,
        0);
  }

  public RecordProfile {
    keys = keys == null ? List.of() : List.copyOf(keys);
  }

  /**
   * A top-level metadata key.
   *
   * @param name the key
   * @param rows records that have it
   * @param types kinds of its values: {@code null}, {@code boolean}, {@code integer}, {@code
   *     number}, {@code text}, {@code array}, {@code object}
   * @param longest bytes of its longest value as JSON
   */
  public record Key(String name, long rows, List<String> types, int longest) {}

  /** Whether all vectors looked at have unit length, so that cosine and inner product agree. */
  public boolean unitVectors() {
    return rows > 0
        && Math.abs(smallestNorm - 1) <= UNIT_TOLERANCE
        && Math.abs(largestNorm - 1) <= UNIT_TOLERANCE;
  }
}
