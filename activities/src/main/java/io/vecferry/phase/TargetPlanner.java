package io.vecferry.phase;

import io.vecferry.plan.CanaryResult;
import io.vecferry.plan.ExistingTarget;
import io.vecferry.plan.FieldMapping;
import io.vecferry.plan.Finding;
import io.vecferry.plan.MigrationPlan;
import io.vecferry.plan.NameSwitch;
import io.vecferry.plan.PlannedPartition;
import io.vecferry.plan.PlannedSide;
import io.vecferry.plan.RecordProfile;
import io.vecferry.spec.MigrationSpec;
import io.vecferry.spec.StoreSpec;
import io.vecferry.store.CollectionInfo;
import io.vecferry.store.LoadSchema;
import io.vecferry.store.LoadStamp;
import io.vecferry.store.StoreException;
import io.vecferry.store.StoreProvider;
import io.vecferry.store.StoreSettings;
import io.vecferry.store.Stores;
import io.vecferry.store.VectorFieldInfo;
import io.vecferry.store.VectorStore;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * Plans the target: what is under its name, what becomes of that, and how the load gets the name.
 * Writes nothing.
 */
final class TargetPlanner {
  private final MigrationSpec spec;
  private final LoadStamp stamp;
  private final boolean resumed;
  private final List<Finding> findings;
  private final StoreProvider provider;
  private final StoreSettings settings;

  /**
   * What was planned.
   *
   * @param side the load
   * @param existing what has the name; null when it is free
   * @param nameSwitch null when it could not be planned, or an earlier run has planned it
   * @param backup ranges of what has the name, to be exported; numbered from 0
   * @param targetPlan what happens to the name, in words
   */
  record Result(
      PlannedSide side,
      ExistingTarget existing,
      NameSwitch nameSwitch,
      List<PlannedPartition> backup,
      List<String> targetPlan,
      List<FieldMapping> mapping) {}

  /** Splits a collection that is to be exported. */
  interface Splitter {
    List<PlannedPartition> split(VectorStore store, CollectionInfo info);
  }

  /**
   * @param resumed whether an earlier run has planned the switch, which may have begun
   * @param findings where to add what is found
   */
  TargetPlanner(MigrationSpec spec, String loadId, boolean resumed, List<Finding> findings) {
    this.spec = spec;
    this.stamp = new LoadStamp(spec.name(), loadId);
    this.resumed = resumed;
    this.findings = findings;
    this.provider = Stores.get(spec.target().type());
    this.settings = new StoreSettings("target", spec.target().settings());
  }

  Result plan(CollectionInfo source, RecordProfile profile, Splitter splitter) {
    String name = Planner.nameOf(settings.values());
    LoadSchema schema = Planner.loadSchema(spec, source, profile);
    ExistingTarget existing = null;
    NameSwitch nameSwitch = null;
    List<PlannedPartition> backup = List.of();
    List<FieldMapping> mapping = List.of();
    try (VectorStore target = provider.open(settings)) {
      boolean taken = target.exists() && !target.stamp().map(this::isOfThisMigration).orElse(false);
      boolean beside = taken && spec.target().ifExists() != StoreSpec.IfExists.FAIL;
      if (taken && !beside) {
        findings.add(
            Finding.blocking(
                "target",
                name + " exists and was not made by this migration; ifExists is fail.",
                "Choose another name, move what is there away, or set target.ifExists to replace"
                    + " or merge."));
      }
      if (beside) {
        try (VectorStore store = provider.open(readSettings(settings))) {
          boolean merge = spec.target().ifExists() == StoreSpec.IfExists.MERGE;
          if (merge) {
            store.assess().stream().map(TargetPlanner::aboutTarget).forEach(findings::add);
          }
          CollectionInfo info = store.describe();
          existing = new ExistingTarget(Planner.side(info, RecordProfile.EMPTY), merge);
          if (merge) {
            MergedFields.check(source.vectors(), info.vectors(), findings);
            findings.add(
                Finding.info(
                    "quality",
                    "is not checked in a merge: the merged records have neighbours that neither"
                        + " side has, so that its answers are no measure. Every record of both sides"
                        + " is compared on the target."));
            schema = mergedSchema(spec, source, profile, existing);
          }
          backup = splitter.split(store, info);
        }
      }
      StoreSettings loadSettings =
          beside
              ? provider.loadBesideSettings(settings, spec.name())
              : provider.loadSettings(settings, spec.name());
      try (VectorStore load = provider.open(loadSettings)) {
        List<Finding> assessed = load.assessLoad(schema);
        findings.addAll(assessed);
        if (assessed.stream().noneMatch(f -> f.severity() == Finding.Severity.BLOCKING)) {
          mapping = load.mapping(schema);
        }
        if (!resumed && (beside || !taken)) {
          nameSwitch = target.planSwitch(load, stamp);
          if (!nameSwitch.possible()) {
            findings.add(Finding.blocking("target.ifExists", nameSwitch.words(), ""));
          }
        }
      }
    } catch (StoreException e) {
      findings.add(Finding.blocking("target", e.getMessage(), ""));
    }
    if (!needsBackup(existing, nameSwitch)) {
      backup = List.of();
    }
    PlannedSide side =
        new PlannedSide(
            provider.type(),
            name,
            schema.vectors().stream().map(Planner::planned).toList(),
            List.of(),
            0,
            -1,
            Map.of(),
            "",
            RecordProfile.EMPTY);
    return new Result(
        side,
        existing,
        nameSwitch,
        backup,
        targetPlan(name, existing, nameSwitch, !backup.isEmpty()),
        mapping);
  }

  private boolean isOfThisMigration(LoadStamp found) {
    return found.equals(stamp);
  }

  /** As what a collection has to be opened whose records are exported. */
  static StoreSettings readSettings(StoreSettings target) {
    return new StoreSettings("source", target.values());
  }

  private static Finding aboutTarget(Finding finding) {
    String subject = finding.subject();
    return new Finding(
        finding.severity(),
        subject.startsWith("source") ? "target" + subject.substring(6) : "target: " + subject,
        finding.message(),
        finding.remedy());
  }

  /** Nothing is dropped that is not in the archive. */
  private boolean needsBackup(ExistingTarget existing, NameSwitch nameSwitch) {
    return existing != null
        && (existing.merged()
            || spec.archive().deletesOldCollection()
            || nameSwitch != null && nameSwitch.restoresFromBackup());
  }

  /**
   * The collection that takes the records of both sides: as the one that is there, with the index
   * that the spec asks for.
   */
  static LoadSchema mergedSchema(
      MigrationSpec spec, CollectionInfo source, RecordProfile profile, ExistingTarget existing) {
    PlannedSide there = existing.collection();
    List<VectorFieldInfo> fields = there.vectors().stream().map(Planner::fieldInfo).toList();
    return Planner.loadSchema(
        spec,
        new CollectionInfo(
            there.store(),
            there.collection(),
            MergedFields.withOptional(fields, source.vectors()),
            MergedFields.idKinds(there, source.idKinds()),
            there.rows() + source.rows(),
            -1,
            there.configuration(),
            ""),
        profile,
        true);
  }

  private List<String> targetPlan(
      String name, ExistingTarget existing, NameSwitch nameSwitch, boolean backup) {
    List<String> words = new ArrayList<>();
    if (existing == null || nameSwitch == null || !nameSwitch.possible()) {
      return words;
    }
    String load = nameSwitch.load();
    words.add(
        String.format(
            Locale.ROOT,
            "%s exists with %,d records. It is not written to.",
            name,
            existing.collection().rows()));
    if (backup) {
      words.add("Its records go into the archive as target-backup and are compared with it.");
    }
    words.add(
        existing.merged()
            ? "merge: loads "
                + load
                + " with all records of the source, and with those of "
                + name
                + " whose id the source does not have."
            : "replace: loads " + load + " with the records of the source.");
    words.add("Cutover: " + nameSwitch.words() + ".");
    if (!nameSwitch.kept().isEmpty()) {
      words.add(
          "Afterwards: "
              + nameSwitch.kept()
              + (spec.archive().deletesOldCollection()
                  ? " is kept for "
                      + words(Duration.ofMillis(spec.archive().deleteOldCollectionAfterMillis()))
                      + ", then dropped."
                  : " is kept; nothing drops it. `finalize` ends the time in which rollback"
                      + " works."));
    }
    return List.copyOf(words);
  }

  /**
   * What a rollback would do, in words, in the order in which it would be done.
   *
   * @param canary what was measured; null when nothing was
   */
  static List<String> rollbackPlan(Result planned, CanaryResult canary) {
    String name = planned.side().collection();
    ExistingTarget existing = planned.existing();
    NameSwitch nameSwitch = planned.nameSwitch();
    String last = "The source is only read. The archive is kept.";
    String before =
        "Before the cutover: remove what was loaded beside "
            + name
            + "; readers never saw it. Seconds.";
    if (existing == null || nameSwitch == null || !nameSwitch.possible()) {
      return List.of(
          "After the cutover: take "
              + name
              + " away again, if it still is what this migration made. Seconds.",
          before,
          last);
    }
    if (nameSwitch.restoresFromBackup()) {
      return List.of(
          String.format(
              Locale.ROOT,
              "After the cutover: make %s again from its backup, %,d records, and compare every"
                  + " one. About %,d s, in which readers get nothing.",
              name,
              existing.collection().rows(),
              restoreSeconds(existing.collection(), canary)),
          before,
          last);
    }
    return List.of(
        "After the cutover, also when the migration has ended and until the old collection is"
            + " dropped: readers of "
            + name
            + " get "
            + nameSwitch.before()
            + " again, then what was loaded is removed. Seconds.",
        before,
        last);
  }

  /** How long a collection takes to be written again and compared. */
  private static long restoreSeconds(PlannedSide side, CanaryResult canary) {
    return canary == null
        ? Planner.seconds(side.rows(), side.vectors().stream().map(Planner::fieldInfo).toList())
        : (long)
            Math.ceil(
                side.rows() / canary.writeRowsPerSecond()
                    + canary.finishSeconds()
                    + side.rows() / canary.fetchRowsPerSecond());
  }

  static String words(Duration time) {
    if (time.toSeconds() % 86_400 == 0) {
      return count(time.toDays(), "day");
    }
    return time.toSeconds() % 3600 == 0
        ? count(time.toHours(), "hour")
        : count(time.toMinutes(), "minute");
  }

  private static String count(long number, String unit) {
    return number + " " + unit + (number == 1 ? "" : "s");
  }

  /** The schema of the load that a plan has decided on. */
  static LoadSchema loadSchema(MigrationSpec spec, MigrationPlan plan) {
    CollectionInfo source = Planner.info(plan.source());
    return plan.merges()
        ? mergedSchema(spec, source, plan.source().profile(), plan.existing())
        : Planner.loadSchema(spec, source, plan.source().profile());
  }
}
