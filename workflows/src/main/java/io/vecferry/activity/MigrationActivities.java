package io.vecferry.activity;

import com.fasterxml.jackson.databind.JsonNode;
import io.temporal.activity.ActivityInterface;
import io.vecferry.plan.MigrationPlan;
import io.vecferry.spec.MigrationSpec;
import io.vecferry.spec.SpecProblem;
import java.util.List;

/** The steps that concern a migration as a whole. Each may run more than once. */
@ActivityInterface
public interface MigrationActivities {

  /**
   * Checks a spec against what this worker knows; the problems that {@link
   * io.vecferry.spec.SpecReader} finds are among them.
   */
  List<SpecProblem> checkSpec(JsonNode document);

  /**
   * Finds the migration that uses a target. A lease whose migration has ended is ended too.
   *
   * @param lease workflow id of the target's lease
   * @return workflow id of the migration; empty when there is none any more
   */
  String targetHolder(String lease);

  /**
   * Looks at both sides, writes spec and plan into the archive, or returns the plan that an earlier
   * run left there.
   */
  MigrationPlan plan(MigrationSpec spec);

  /**
   * Checks the archive as a whole (counts, unique ids, source unchanged) and writes its manifest.
   */
  CheckResult completeExport(WholeTask task);

  /** Creates the collection to load into, unless it is there and ours. */
  CheckResult prepareTarget(WholeTask task);

  /** Builds indexes and makes the load searchable. */
  CheckResult finishLoad(WholeTask task);

  /** Compares counts both ways, after every part has been compared. */
  CheckResult completeImportValidation(WholeTask task);

  /**
   * Loads the records of parts that are not on the target as they are in the archive, removes those
   * that the archive does not have, and ends the load again. Nothing else is written.
   */
  CheckResult repair(RepairTask task);

  /**
   * Compares search results of both sides with each other and with exact search over the archive.
   */
  CheckResult checkQuality(WholeTask task);

  /**
   * What passes have brought into the archive already: one over what was written to while it was
   * exported, and those of an earlier run.
   */
  List<CatchUpPass> keptChanges(WholeTask task);

  /** Compares the source, as it is now, with the archive, by id and content. */
  CatchUpPass findChanges(CatchUpTask task);

  /**
   * Brings the archive to what a pass has found: new and changed records become further parts,
   * changed and deleted ones are taken out of the earlier parts.
   */
  CatchUpPass keepChanges(CatchUpTask task);

  /** Removes from the load what a pass has found changed or deleted; the changed come again. */
  CheckResult removeChanged(CatchUpTask task);

  /** Ends the load again, and compares its number of records with the archive. */
  CheckResult finishChanges(CatchUpTask task);

  /** Makes the load visible under the name that the user gave. */
  CheckResult cutover(WholeTask task);

  /** Undoes one thing; does nothing when there is nothing to undo. */
  CheckResult compensate(WholeTask task, Compensation compensation);

  /** Drops what was replaced if its backup is whole and equal to it; nothing can be undone then. */
  CheckResult endRetention(WholeTask task);

  /**
   * Moves the archive to the folder that the spec names; goes on where that was interrupted.
   *
   * @return where it is now
   */
  String moveArchive(WholeTask task);

  /** Writes the reports and frees what the worker holds for this migration. */
  ReportLocation writeReport(ReportRequest request);
}
