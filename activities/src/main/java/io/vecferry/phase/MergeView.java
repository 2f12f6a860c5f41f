package io.vecferry.phase;

import io.vecferry.activity.PartTask;
import io.vecferry.archive.PartSidecar;
import io.vecferry.plan.PlannedField;
import io.vecferry.plan.PlannedPartition.Origin;
import io.vecferry.record.RecordBatch;
import java.util.List;

/**
 * The records of a part as they are loaded: as they are, except in a merge, where those of the
 * source come under the names of the target's fields, and those of the target lack what the source
 * has too.
 *
 * @param superseded null where nothing is left out
 * @param fields names of the fields to be given; null where they stay as they are
 */
record MergeView(Superseded superseded, List<String> fields) {

  static MergeView of(Workspace workspace, PartTask task, PartSidecar sidecar) {
    if (!workspace.plan().merges()) {
      return new MergeView(null, null);
    }
    if (task.partition().origin() == Origin.TARGET) {
      return new MergeView(Superseded.read(workspace.archive(), task.partName(), sidecar), null);
    }
    return new MergeView(
        null,
        workspace.plan().existing().collection().vectors().stream()
            .map(PlannedField::name)
            .toList());
  }

  /** Whether some records of the part are not loaded. */
  boolean leavesOut() {
    return leftOut() > 0;
  }

  /** How many records of the part are not loaded. */
  long leftOut() {
    return superseded == null ? 0 : superseded.rows().length;
  }

  /**
   * A batch as it is loaded.
   *
   * @param firstRow number in the part of its first row
   */
  RecordBatch loaded(RecordBatch batch, long firstRow) {
    RecordBatch left = superseded == null ? batch : superseded.left(batch, firstRow);
    return fields == null ? left : MergedFields.asLoaded(left, fields);
  }
}
