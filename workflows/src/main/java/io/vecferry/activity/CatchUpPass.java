package io.vecferry.activity;

import io.vecferry.plan.PlannedPartition;
import java.util.Locale;

/**
 * What one pass over the source has found, compared with the archive by id and content.
 *
 * @param pass number of the pass
 * @param rows records that the source has; -1 when readers get the load already, so that nothing
 *     was looked for
 * @param added records that the archive does not have
 * @param changed records that it has with other content
 * @param deleted records that it has and the source does not
 * @param partition the partition that the new and changed records are parts of; null before they
 *     are in the archive, and when there are none
 * @param parts how many parts they are
 */
public record CatchUpPass(
    int pass,
    long rows,
    long added,
    long changed,
    long deleted,
    PlannedPartition partition,
    int parts) {

  /** A pass that has found nothing. */
  public static CatchUpPass nothing(int pass, long rows) {
    return new CatchUpPass(pass, rows, 0, 0, 0, null, 0);
  }

  /** Records in which source and archive differ. */
  public long differences() {
    return added + changed + deleted;
  }

  /** The same pass once its records are in the archive. */
  public CatchUpPass kept(PlannedPartition keptIn, int keptParts) {
    return new CatchUpPass(pass, rows, added, changed, deleted, keptIn, keptParts);
  }

  /** One sentence about it. */
  public String words() {
    if (pass == 0) {
      return String.format(
          Locale.ROOT, "%,d records were written to while they were exported", changed);
    }
    if (rows < 0) {
      return "an earlier run has switched to the target: the source was not compared again";
    }
    return differences() == 0
        ? String.format(
            Locale.ROOT, "pass %d: no difference in %,d records, by id and content", pass, rows)
        : String.format(
            Locale.ROOT,
            "pass %d: of %,d records %,d new, %,d changed; %,d deleted",
            pass,
            rows,
            added,
            changed,
            deleted);
  }
}
