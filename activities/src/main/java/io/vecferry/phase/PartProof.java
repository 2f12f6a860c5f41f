package io.vecferry.phase;

import io.vecferry.archive.Archive;
import io.vecferry.verify.Difference;
import io.vecferry.verify.RecordComparator;
import io.vecferry.workflow.Payloads;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;

/**
 * What the comparison of a part with the target found; kept in the archive.
 *
 * @param rows records compared
 * @param bitExact records with exactly the expected bits
 * @param tolerance largest deviation of a component that counts as equal
 * @param withinTolerance records whose vectors deviate within the tolerance
 * @param different records that differ
 * @param missing records that are not there, without those that the target has refused
 * @param largestDeviation largest deviation of a component
 * @param differences the first differences
 * @param expected records that the load was to have, compared or not
 * @param refused records among those that the target has refused
 * @param extra records that are there and were not archived
 * @param kinds records by what is wrong with them; one may count under several
 */
record PartProof(
    long rows,
    long bitExact,
    double tolerance,
    long withinTolerance,
    long different,
    long missing,
    double largestDeviation,
    List<Difference> differences,
    long expected,
    long refused,
    long extra,
    Map<Difference.Kind, Long> kinds) {
  static final PartProof NONE = new PartProof(0, 0, 0, 0, 0, 0, 0, List.of(), 0, 0, 0, Map.of());

  /** What stands beside the parts: what only the counts have shown. */
  static final String COUNTS = "counts";

  private static final String FOLDER = Archive.REPORTS + "/proof";

  PartProof {
    // Those of earlier versions compared all records.
    expected = Math.max(expected, rows);
    kinds = kinds == null ? Map.of() : kinds;
  }

  static PartProof of(
      RecordComparator.Result result, double tolerance, long expected, long refused) {
    return new PartProof(
        result.rows(),
        result.bitExactRows(),
        tolerance,
        result.withinToleranceRows(),
        result.differentRows(),
        result.missingRows(),
        result.largestAbsolute(),
        result.differences(),
        expected,
        refused,
        0,
        result.kinds());
  }

  /** What only the counts have shown. */
  static PartProof counted(long missing, long extra, List<Difference> first) {
    Map<Difference.Kind, Long> kinds = new EnumMap<>(Difference.Kind.class);
    if (missing > 0) {
      kinds.put(Difference.Kind.MISSING, missing);
    }
    if (extra > 0) {
      kinds.put(Difference.Kind.EXTRA, extra);
    }
    return new PartProof(0, 0, 0, 0, 0, missing, 0, first, 0, 0, extra, kinds);
  }

  /** Records that are not as archived. */
  long mismatches() {
    return different + missing + extra;
  }

  /** Records that the target has if all of this is so. */
  long onTarget() {
    return expected - refused - missing + extra;
  }

  private static String name(String subject) {
    return FOLDER + "/" + subject + ".json";
  }

  void write(Archive archive, String subject) {
    archive.writeJson(name(subject), Payloads.MAPPER, this);
  }

  static void remove(Archive archive, String subject) {
    archive.store().delete(archive.path(name(subject)));
  }

  /** The proof of a part; nothing when it was not compared. */
  static PartProof read(Archive archive, String subject) {
    return archive.exists(name(subject))
        ? archive.readJson(name(subject), Payloads.MAPPER, PartProof.class)
        : NONE;
  }

  /** All proofs of a migration as one. */
  static PartProof total(Archive archive) {
    PartProof total = NONE;
    String prefix = archive.path("");
    for (String path : archive.store().list(archive.path(FOLDER))) {
      total =
          total.plus(
              archive.readJson(path.substring(prefix.length()), Payloads.MAPPER, PartProof.class));
    }
    return total;
  }

  PartProof plus(PartProof other) {
    List<Difference> joined = new ArrayList<>(differences);
    int kept = RecordComparator.KEPT - Math.min(RecordComparator.KEPT, joined.size());
    joined.addAll(other.differences.subList(0, Math.min(other.differences.size(), kept)));
    Map<Difference.Kind, Long> all = new EnumMap<>(Difference.Kind.class);
    all.putAll(kinds);
    other.kinds.forEach((kind, records) -> all.merge(kind, records, Long::sum));
    return new PartProof(
        rows + other.rows,
        bitExact + other.bitExact,
        Math.max(tolerance, other.tolerance),
        withinTolerance + other.withinTolerance,
        different + other.different,
        missing + other.missing,
        Math.max(largestDeviation, other.largestDeviation),
        joined,
        expected + other.expected,
        refused + other.refused,
        extra + other.extra,
        all);
  }
}
