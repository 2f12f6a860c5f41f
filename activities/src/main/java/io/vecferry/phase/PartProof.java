package io.vecferry.phase;

import io.vecferry.archive.Archive;
import io.vecferry.plan.FailureClass;
import io.vecferry.store.StoreException;
import io.vecferry.verify.Difference;
import io.vecferry.verify.RecordComparator;
import io.vecferry.workflow.Payloads;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

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

  /**
   * Records that both sides have and that were compared.
   *
   * @param counts what only the counts have shown, which is part of this
   */
  long compared(PartProof counts) {
    return rows - missing + counts.missing;
  }

  /** Records that the target has if all of this is so. */
  long onTarget() {
    return expected - refused - missing + extra;
  }

  /**
   * @param subject name of the part
   * @param allowed records that may be not as archived
   * @throws StoreException NOT_PROVED where more are
   */
  void require(Archive archive, String subject, long allowed) {
    if (mismatches() > allowed) {
      throw new StoreException(
          FailureClass.NOT_PROVED,
          subject
              + ": of "
              + rows
              + " records "
              + missing
              + " are missing on the target and "
              + different
              + " differ; all are in "
              + DifferenceLog.place(archive, subject)
              + ". The first: "
              + ImportProof.first(this));
    }
  }

  /**
   * The same when records were taken out of the part; empty where only another comparison can tell
   * what they were.
   *
   * @param loaded records of the part that are left on the target
   * @param rejects records that are left and were refused
   */
  Optional<PartProof> shrunk(long loaded, long rejects) {
    boolean allCompared = rows == expected - refused;
    boolean alike = bitExact == rows || withinTolerance == rows || bitExact + withinTolerance == 0;
    return allCompared && alike && mismatches() == 0
        ? Optional.of(
            new PartProof(
                loaded,
                bitExact == 0 ? 0 : loaded,
                tolerance,
                withinTolerance == 0 ? 0 : loaded,
                0,
                0,
                largestDeviation,
                List.of(),
                loaded + rejects,
                rejects,
                0,
                Map.of()))
        : Optional.empty();
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

  /** The proof of a part; empty when it was not compared. */
  static Optional<PartProof> find(Archive archive, String subject) {
    return archive.exists(name(subject))
        ? Optional.of(archive.readJson(name(subject), Payloads.MAPPER, PartProof.class))
        : Optional.empty();
  }

  /** What only the counts have shown, if anything. */
  static PartProof counts(Archive archive) {
    return find(archive, COUNTS).orElse(NONE);
  }

  /** The proofs of some parts as one. */
  static PartProof total(Archive archive, List<String> subjects) {
    return subjects.stream()
        .flatMap(subject -> find(archive, subject).stream())
        .reduce(NONE, PartProof::plus);
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
