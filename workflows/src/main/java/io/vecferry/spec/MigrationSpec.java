package io.vecferry.spec;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;
import io.vecferry.plan.PlanBasis;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import java.util.Optional;

/**
 * What a user asks for, with every default filled in. Made by {@link SpecReader}; the meaning of
 * each field is in the spec reference of the documentation.
 *
 * @param canary whether planning tries a few records on the target; null for yes
 * @param checkResources whether a lack of disk, memory and the like blocks; null for yes
 * @param approvedPlan what an approved plan was made for; null when there is none
 * @param notifications where people are told how it goes; a spec calls it {@code notify}
 */
public record MigrationSpec(
    String name,
    StoreSpec source,
    StoreSpec target,
    Export export,
    @JsonProperty("import") Import load,
    Validation validation,
    Quality quality,
    Rollback rollback,
    Approval approval,
    Schedule schedule,
    Cutover cutover,
    Archive archive,
    boolean overlap,
    boolean rehearsal,
    Boolean canary,
    Boolean checkResources,
    PlanBasis approvedPlan,
    @JsonProperty("notify") @JsonInclude(JsonInclude.Include.NON_EMPTY)
        List<NotificationTarget> notifications) {

  /** Records per request where nobody has said how many, and nothing tells better. */
  public static final int USUAL_BATCH = 1000;

  /** The mode of a validation that compares some records. */
  static final String SAMPLE = "sample";

  public MigrationSpec {
    cutover = cutover == null ? new Cutover(false, 0) : cutover;
    notifications =
        notifications == null
            ? List.of()
            : notifications.stream().filter(Objects::nonNull).toList();
  }

  /** Whether a lack of disk, memory and the like blocks. */
  public boolean blocksOnResources() {
    return checkResources == null || checkResources;
  }

  /** Whether planning tries a few records on the target. */
  public boolean wantsCanary() {
    return canary == null || canary;
  }

  /** Whether parts are imported while later ones are exported, unless records are merged. */
  public boolean importsWhileExporting() {
    return overlap && !approval.beforeImport() && !cutover.catchUp();
  }

  /** The same under another name. */
  public MigrationSpec named(String other) {
    return copy(other, source, target, export, load, approvedPlan, notifications);
  }

  /** The same without the plan that somebody has approved. */
  public MigrationSpec withoutApprovedPlan() {
    return copy(name, source, target, export, load, null, notifications);
  }

  /** What is moved, and how. Whom to tell and how large requests are may change under way. */
  public MigrationSpec withoutWhatMayChange() {
    return copy(
        name,
        source,
        target,
        new Export(
            export.format(),
            export.includeMetadata(),
            export.preserveIds(),
            0,
            export.partRows(),
            export.parallelism()),
        new Import(0, load.parallelism(), load.validate(), load.maxRejects()),
        approvedPlan,
        List.of());
  }

  /** The same about other stores. */
  public MigrationSpec with(StoreSpec otherSource, StoreSpec otherTarget) {
    return copy(name, otherSource, otherTarget, export, load, approvedPlan, notifications);
  }

  private MigrationSpec copy(
      String otherName,
      StoreSpec otherSource,
      StoreSpec otherTarget,
      Export otherExport,
      Import otherLoad,
      PlanBasis otherPlan,
      List<NotificationTarget> otherNotifications) {
    return new MigrationSpec(
        otherName,
        otherSource,
        otherTarget,
        otherExport,
        otherLoad,
        validation,
        quality,
        rollback,
        approval,
        schedule,
        cutover,
        archive,
        overlap,
        rehearsal,
        canary,
        checkResources,
        otherPlan,
        otherNotifications);
  }

  /**
   * @param batchSize records per request to the source; 0 lets the run find them out
   * @param partRows records per part; 0 lets planning decide
   * @param parallelism partitions worked on at once; 0 lets planning decide
   */
  public record Export(
      String format,
      boolean includeMetadata,
      boolean preserveIds,
      int batchSize,
      int partRows,
      int parallelism) {

    /** Records per request where each counts alike. */
    public int batchRows() {
      return batchSize == 0 ? USUAL_BATCH : batchSize;
    }
  }

  /**
   * @param batchSize records per request to the target; 0 lets the run find them out
   * @param parallelism parts written at once; 0 lets planning decide
   * @param maxRejects records that may be refused by the target before the migration needs
   *     attention
   */
  public record Import(int batchSize, int parallelism, boolean validate, long maxRejects) {

    /** Records per request where each counts alike. */
    public int batchRows() {
      return batchSize == 0 ? USUAL_BATCH : batchSize;
    }
  }

  /**
   * How the target is compared with the archive.
   *
   * @param mode {@code full} or {@code sample}
   * @param strict whether one record that differs is too many
   * @param tolerance largest deviation of a vector component from the expected value, relative to
   *     its size above 1; null for what the target store is known for, which is none in most
   * @param maxMismatch records that may differ, be missing or be extra where it is not strict
   * @param sampleSize records of a sample, about; 0 where {@code sampleShare} says how many, or
   *     nothing is sampled
   * @param sampleShare share of the records in a sample, 0 to 1; null where {@code sampleSize} says
   *     how many, or nothing is sampled
   */
  public record Validation(
      boolean checkVectors,
      boolean checkMetadata,
      String mode,
      boolean strict,
      Double tolerance,
      @JsonInclude(JsonInclude.Include.NON_DEFAULT) long maxMismatch,
      @JsonInclude(JsonInclude.Include.NON_DEFAULT) long sampleSize,
      @JsonInclude(JsonInclude.Include.NON_NULL) Double sampleShare) {

    /** Whether only some records are compared. */
    public boolean samples() {
      return mode.equals(SAMPLE);
    }

    /** Records that may differ, be missing or be extra before a person is asked. */
    public long allowedMismatches() {
      return strict ? 0 : maxMismatch;
    }

    /**
     * Share of the records that is compared.
     *
     * @param rows records of the collection
     * @return above 0, at most 1
     */
    public double share(long rows) {
      if (!samples()) {
        return 1;
      }
      return sampleShare == null
          ? Math.min(1, (double) sampleSize / Math.max(1, rows))
          : sampleShare;
    }
  }

  /**
   * @param sampleSize queries taken from the source; null for as many as are worth their time
   * @param topK answers compared per query
   * @param minRecall share of right answers that the target must reach; null for a hundredth, or
   *     one answer where a hundredth is less than one, below what the source reaches
   * @param scoreTolerance largest score difference between the sides
   * @param iterations single queries timed on each side
   * @param clients most clients that search at once to measure throughput; 0 not to measure it
   * @param queries file of queries on the worker; null to ask for vectors of the source
   */
  public record Quality(
      Integer sampleSize,
      int topK,
      Double minRecall,
      double scoreTolerance,
      int iterations,
      int clients,
      @JsonInclude(JsonInclude.Include.NON_NULL) String queries) {}

  /**
   * @param automatic roll back at a failure instead of waiting for a person
   */
  public record Rollback(boolean automatic) {}

  public record Approval(boolean beforeImport, boolean beforeCutover) {}

  /**
   * @param startAfterMillis start of the work in milliseconds since 1970; 0 for at once
   * @param cutoverWindows times in which the cutover may begin; empty for at any time
   */
  public record Schedule(long startAfterMillis, List<CutoverWindow> cutoverWindows) {
    public Schedule {
      cutoverWindows =
          cutoverWindows == null
              ? List.of()
              : cutoverWindows.stream().filter(Objects::nonNull).toList();
    }

    /** The opening of a window that a moment is in, or the next one; empty without windows. */
    public Optional<CutoverWindow.Opening> opening(long millis) {
      return cutoverWindows.stream()
          .map(window -> window.at(millis))
          .min(Comparator.comparingLong(CutoverWindow.Opening::start));
    }
  }

  /**
   * @param catchUp look before the cutover for what was written to the source meanwhile, and apply
   *     it to the target
   * @param maxDifference records that a pass may find for the cutover to follow it; they are
   *     applied too
   */
  public record Cutover(boolean catchUp, long maxDifference) {}

  /**
   * @param retain keep the archive after a successful migration
   * @param deleteOldCollectionAfterMillis how long the collection that was replaced is kept after
   *     the cutover; null for ever
   * @param moveTo folder, below that of all archives, that the archive moves into at the end; null
   *     for where it is
   */
  public record Archive(
      boolean retain,
      Long deleteOldCollectionAfterMillis,
      @JsonInclude(JsonInclude.Include.NON_NULL) String moveTo) {

    /** Whether the collection that was replaced is dropped some day. */
    public boolean deletesOldCollection() {
      return deleteOldCollectionAfterMillis != null;
    }
  }
}
