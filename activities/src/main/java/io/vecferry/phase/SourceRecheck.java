package io.vecferry.phase;

import io.vecferry.activity.CheckResult;
import io.vecferry.archive.Archive;
import io.vecferry.archive.PartReader;
import io.vecferry.plan.FailureClass;
import io.vecferry.record.RecordBatch;
import io.vecferry.store.StoreException;
import io.vecferry.store.VectorStore;
import io.vecferry.verify.RecordComparator;
import io.vecferry.workflow.Payloads;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;

/**
 * Reads some records of the source once more, by their ids, and compares them with the archive to
 * the bit. For sources that rest; one that is written to is compared as a whole before the cutover.
 */
final class SourceRecheck {
  /** Places in the archive that records are taken from: each costs a request. */
  private static final int PLACES = 4;

  private static final int ROWS_PER_PLACE = 250;

  /** What was done, in the archive. */
  static final String RESULT = Archive.REPORTS + "/source-again.json";

  private SourceRecheck() {}

  /**
   * Compares records of parts that are spread over the archive.
   *
   * @return how many
   * @throws StoreException NOT_PROVED when some are not in the source as they were archived
   */
  static long run(Workspace workspace, List<String> parts) {
    VectorStore source = workspace.source();
    RecordComparator comparator = new RecordComparator(0, true, true);
    int rows = Math.min(ROWS_PER_PLACE, workspace.spec().export().batchRows());
    int places = Math.min(PLACES, parts.size());
    for (int place = 0; place < places; place++) {
      String part = parts.get((int) ((long) place * parts.size() / places));
      try (PartReader reader = PartReader.open(workspace.archive().store(), part)) {
        // The same records for every attempt, and not always those of the beginning.
        long first =
            Math.floorMod(
                reader.sidecar().checksum().hashCode(),
                Math.max(1, reader.sidecar().rows() - rows + 1));
        RecordBatch archived =
            reader.batches(first, rows, EnumSet.allOf(PartReader.Column.class)).next();
        if (archived != null) {
          comparator.compare(archived, source.fetch(archived.ids()));
          Calls.stillRunning(comparator.result().rows());
        }
      }
    }
    RecordComparator.Result found = comparator.result();
    if (!found.isEqual()) {
      throw new StoreException(
          FailureClass.NOT_PROVED,
          "of "
              + found.rows()
              + " records that were read from the source again, "
              + found.missingRows()
              + " are missing and "
              + found.differentRows()
              + " are not as they were archived. The first: "
              + found.differences().get(0)
              + ". Somebody writes to the source: stop that, then roll back and start again with"
              + " another name, or with cutover.catchUp: true.");
    }
    workspace
        .archive()
        .writeJson(
            RESULT,
            Payloads.MAPPER,
            new CheckResult(found.rows(), String.format(Locale.ROOT, "%,d", found.rows())));
    return found.rows();
  }
}
