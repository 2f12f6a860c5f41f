package io.vecferry.phase;

import io.vecferry.archive.Archive;
import io.vecferry.verify.Difference;
import io.vecferry.verify.RecordComparator;
import io.vecferry.workflow.Payloads;
import java.util.ArrayList;
import java.util.List;

/**
 * What the comparison of a part with the target found; kept in the archive.
 *
 * @param rows records expected on the target
 * @param bitExact records with exactly the expected bits
 * @param tolerance largest deviation of a component that counts as equal
 * @param withinTolerance records whose vectors deviate within the tolerance
 * @param different records that differ
 * @param missing records that are not there
 * @param largestDeviation largest deviation of a component
 * @param differences the first differences
 */
record PartProof(
    long rows,
    long bitExact,
    double tolerance,
    long withinTolerance,
    long different,
    long missing,
    double largestDeviation,
    List<Difference> differences) {
  private static final String FOLDER = Archive.REPORTS + "/proof";
  private static final int KEPT = 100;

  static PartProof of(RecordComparator.Result result, double tolerance) {
    return new PartProof(
        result.rows(),
        result.bitExactRows(),
        tolerance,
        result.withinToleranceRows(),
        result.differentRows(),
        result.missingRows(),
        result.largestAbsolute(),
        result.differences());
  }

  void write(Archive archive, String part) {
    archive.writeJson(FOLDER + "/" + part + ".json", Payloads.MAPPER, this);
  }

  /** All proofs of a migration as one. */
  static PartProof total(Archive archive) {
    PartProof total = new PartProof(0, 0, 0, 0, 0, 0, 0, List.of());
    String prefix = archive.path("");
    for (String path : archive.store().list(archive.path(FOLDER))) {
      total =
          total.plus(
              archive.readJson(path.substring(prefix.length()), Payloads.MAPPER, PartProof.class));
    }
    return total;
  }

  private PartProof plus(PartProof other) {
    List<Difference> joined = new ArrayList<>(differences);
    joined.addAll(
        other.differences.subList(
            0, Math.min(other.differences.size(), KEPT - Math.min(KEPT, joined.size()))));
    return new PartProof(
        rows + other.rows,
        bitExact + other.bitExact,
        Math.max(tolerance, other.tolerance),
        withinTolerance + other.withinTolerance,
        different + other.different,
        missing + other.missing,
        Math.max(largestDeviation, other.largestDeviation),
        joined);
  }
}
