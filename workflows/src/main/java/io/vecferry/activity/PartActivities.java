package io.vecferry.activity;

import io.temporal.activity.ActivityInterface;

/**
 * The long work, part by part. Every method may run more than once for the same part, also at the
 * same time, and finds out from the archive what is done already.
 */
@ActivityInterface
public interface PartActivities {

  /** Reads records of the source into one Parquet file of the archive. */
  PartResult exportPart(PartTask task);

  /** Reads a part back from storage and checks it. */
  PartResult validateExportedPart(PartTask task);

  /** Writes a part to the target. */
  PartResult importPart(PartTask task);

  /** Fetches every record of a part from the target by id and compares it. */
  PartResult validateImportedPart(PartTask task);
}
