package io.vecferry.report;

import io.vecferry.plan.FieldMapping;
import io.vecferry.plan.Finding;
import io.vecferry.plan.Forecast;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * Everything a migration has to say about itself once it came to rest. Plain data: it serialises to
 * JSON as it stands and reads back equal.
 *
 * <p>Conventions: a time is in milliseconds since 1970 (UTC), 0 when it did not happen; a count is
 * negative when it is not known; a measured number ({@link Double}) is null when it was not
 * measured; a section that does not apply is null and is left out of the rendered forms; a list or
 * map is never null (a null argument becomes an empty one), and a map is in order of its keys. No
 * value may hold a secret.
 *
 * @param formatVersion version of this layout, {@link #FORMAT_VERSION} when written by this code
 * @param name the migration's name
 * @param outcome how it ended
 * @param verdict the outcome in one sentence, with the numbers that carry it
 * @param startedMillis when the migration started
 * @param finishedMillis when it came to rest
 * @param source where the records came from; null when it could not be described
 * @param target where they went; null when it could not be described
 * @param phases in order of their start; phases may overlap
 * @param counts totals; null when nothing was processed
 * @param findings what planning found out, and notifications that were not delivered
 * @param plan what planning expected; null when it said nothing
 * @param exportValidation proof of the backup; null when it did not run
 * @param importValidation proof of the target; null when it did not run
 * @param quality comparison of search results; null when it did not run
 * @param rejects records that could not be moved; null when rejects were not collected
 * @param operatorActions what people did, oldest first
 * @param rollbackSteps what was undone, in order; empty when nothing was rolled back
 * @param resourceSamples what the worker used, by time; may be empty
 * @param throughputSamples progress by time; may be empty
 * @param rates mean rates per phase; a phase without one gets the rate its rows and times imply
 * @param versions component name to version
 * @param archiveLocation where the archive is; null when it was not kept
 * @param specJson the spec as pretty JSON, secrets as references; null to leave it out
 */
public record MigrationReport(
    int formatVersion,
    String name,
    Outcome outcome,
    String verdict,
    long startedMillis,
    long finishedMillis,
    Side source,
    Side target,
    List<Phase> phases,
    Counts counts,
    List<Finding> findings,
    Plan plan,
    ExportValidation exportValidation,
    ImportValidation importValidation,
    Quality quality,
    Rejects rejects,
    List<OperatorAction> operatorActions,
    List<RollbackStep> rollbackSteps,
    List<ResourceSample> resourceSamples,
    List<ThroughputSample> throughputSamples,
    List<PhaseRate> rates,
    Map<String, String> versions,
    String archiveLocation,
    String specJson) {

  /** The layout this code writes. */
  public static final int FORMAT_VERSION = 1;

  public MigrationReport {
    phases = list(phases);
    findings = list(findings);
    operatorActions = list(operatorActions);
    rollbackSteps = list(rollbackSteps);
    resourceSamples = list(resourceSamples);
    throughputSamples = list(throughputSamples);
    rates = list(rates);
    versions = map(versions);
  }

  /** How a migration ended. */
  public enum Outcome {
    /** The target holds every record and this was proved. */
    MIGRATED,
    /** Not migrated; the previous state is restored. */
    ROLLED_BACK,
    /** Not migrated, and the previous state is not fully restored. */
    ROLLBACK_INCOMPLETE,
    /** Stopped, waiting for a person. */
    NEEDS_ATTENTION,
    /** Never started: planning found something blocking. Nothing was changed. */
    REFUSED
  }

  /**
   * One of the two collections.
   *
   * @param store store type, for example {@code milvus}
   * @param collection the collection, index or folder
   * @param vectors its vector fields
   * @param rows rows it holds
   * @param bytes bytes it takes
   * @param configuration settings by name, as the store reports them
   */
  public record Side(
      String store,
      String collection,
      List<VectorField> vectors,
      long rows,
      long bytes,
      Map<String, String> configuration) {
    public Side {
      vectors = list(vectors);
      configuration = map(configuration);
    }
  }

  /**
   * One vector field.
   *
   * @param name field name
   * @param kind for example {@code DENSE}, {@code SPARSE} or {@code MULTI}
   * @param element how components are kept, for example {@code FLOAT32}
   * @param dimension number of components of each vector; negative for sparse vectors
   * @param metric for example {@code cosine}
   * @param index index type; null when there is none
   * @param parameters index parameters
   */
  public record VectorField(
      String name,
      String kind,
      String element,
      int dimension,
      String metric,
      String index,
      Map<String, String> parameters) {
    public VectorField {
      // Reports of earlier versions know dense 32-bit floats only.
      kind = kind == null ? "DENSE" : kind;
      element = element == null ? "FLOAT32" : element;
      parameters = map(parameters);
    }
  }

  /**
   * One phase of the migration.
   *
   * @param name for example {@code VALIDATE_IMPORT}
   * @param state for example {@code COMPLETED}, {@code FAILED}, {@code SKIPPED}, {@code RUNNING}
   * @param startedMillis when it started; 0 when it did not
   * @param finishedMillis when it finished; 0 when it did not
   * @param rows rows it handled
   * @param bytes bytes it handled
   * @param note anything worth saying; may be empty or null
   * @param requests what requests to the store were like in the end; null where that is not known
   */
  public record Phase(
      String name,
      String state,
      long startedMillis,
      long finishedMillis,
      long rows,
      long bytes,
      String note,
      Requests requests) {}

  /**
   * What requests to a store were like.
   *
   * @param store type of the store
   * @param rows records in a request
   * @param atOnce requests on their way at once
   * @param rowsPerSecond records a second of the time in which a request was on its way; of a
   *     source of the time in which a part was open
   */
  public record Requests(String store, int rows, int atOnce, long rowsPerSecond) {}

  /**
   * What was expected before anything was moved.
   *
   * @param seconds duration of the whole work, in seconds
   * @param forecast canary, times of the phases, timeline and what is needed
   * @param target what happens to the target's name, in order
   * @param rollback what a rollback would do, in order
   * @param mapping where everything that records have goes
   */
  public record Plan(
      long seconds,
      Forecast forecast,
      List<String> target,
      List<String> rollback,
      List<FieldMapping> mapping) {
    public Plan {
      mapping = list(mapping);
      forecast = forecast == null ? Forecast.NONE : forecast;
      target = list(target);
      rollback = list(rollback);
    }
  }

  /**
   * Totals.
   *
   * @param processedVectors vectors written to the target
   * @param failedVectors vectors that could not be moved
   * @param processingMillis time spent, without waiting for people
   * @param validationErrors checks that did not pass, rows included
   */
  public record Counts(
      long processedVectors, long failedVectors, long processingMillis, long validationErrors) {}

  /**
   * Proof of the backup.
   *
   * @param parts parts written
   * @param rows rows in them
   * @param checks what was checked
   */
  public record ExportValidation(long parts, long rows, List<Check> checks) {
    public ExportValidation {
      checks = list(checks);
    }
  }

  /**
   * One check.
   *
   * @param name what is claimed, for example {@code ids are unique}
   * @param passed whether it holds
   * @param detail the numbers behind it
   */
  public record Check(String name, boolean passed, String detail) {}

  /**
   * Proof of the target.
   *
   * @param mode {@code full} or {@code sample}
   * @param tolerance largest deviation of a vector component that counts as equal
   * @param compared rows that both sides have and that were compared
   * @param bitExact rows that are equal bit by bit
   * @param withinTolerance further rows that differ by no more than the tolerance
   * @param missing archived rows the target does not have
   * @param extra target rows the archive does not have
   * @param differentByKind rows that differ, by kind of difference, without missing and extra rows;
   *     one row may count under several kinds
   * @param largestDeviation largest deviation of any component; null when not measured
   * @param firstDifferences the first ones, not necessarily all
   * @param sample what a comparison of these records would find; null when all were compared
   * @param allowedMismatches records that may be missing, extra or different
   * @param allDifferences where all differences are; null when there are none
   */
  public record ImportValidation(
      String mode,
      Double tolerance,
      long compared,
      long bitExact,
      long withinTolerance,
      long missing,
      long extra,
      Map<String, Long> differentByKind,
      Double largestDeviation,
      List<Difference> firstDifferences,
      String sample,
      long allowedMismatches,
      String allDifferences) {
    public ImportValidation {
      differentByKind = map(differentByKind);
      firstDifferences = list(firstDifferences);
    }
  }

  /**
   * One difference between archive and target.
   *
   * @param id id of the record
   * @param kind kind of difference, for example {@code missing}, {@code vector}, {@code metadata}
   * @param field the field that differs; may be null
   * @param expected what the archive implies; may be null
   * @param actual what the target holds; may be null
   */
  public record Difference(String id, String kind, String field, String expected, String actual) {}

  /**
   * Comparison of search results. Quantile lists hold equally spaced quantiles from the smallest to
   * the largest value, so 101 values are p0, p1, ... p100.
   *
   * @param queries queries that the target was asked
   * @param k neighbours asked for
   * @param sourceRecall mean recall of the source against exact search, 0 to 1
   * @param targetRecall mean recall of the target against exact search, 0 to 1
   * @param targetAgainstSource mean overlap of the target's answers with the source's, 0 to 1
   * @param rankAgreement rank agreement of common answers, -1 to 1
   * @param scoreDifferences differences of scores on one scale; null when scores cannot be compared
   * @param thresholds what had to be met; null when nothing had to be
   * @param passed whether the thresholds are met
   * @param explanation one sentence that says what the numbers mean
   * @param recallHistogram queries by recall; may be empty
   * @param sourceRecallQuantiles quantiles of the source's recall; used when there is no histogram
   * @param targetRecallQuantiles quantiles of the target's recall; used when there is no histogram
   * @param sourceSpeed latency and throughput of the source; may be null
   * @param targetSpeed latency and throughput of the target; may be null
   * @param worstQueries queries with the lowest recall, worst first
   * @param sourceInterval where the source's recall lies with a confidence of 95 %; may be null
   * @param targetInterval the same of the target; may be null
   * @param searchWidths recall of the target by how far its searches look, ascending; empty when
   *     that was not looked for
   * @param filters searches among the records with a text in their metadata; may be empty
   * @param throughput searches by several clients; empty when that was not measured
   * @param sourceQueries queries that the source was asked; null for the same
   */
  public record Quality(
      long queries,
      int k,
      Double sourceRecall,
      Double targetRecall,
      Double targetAgainstSource,
      Double rankAgreement,
      ScoreDifferences scoreDifferences,
      Thresholds thresholds,
      boolean passed,
      String explanation,
      List<RecallBin> recallHistogram,
      List<Double> sourceRecallQuantiles,
      List<Double> targetRecallQuantiles,
      Speed sourceSpeed,
      Speed targetSpeed,
      List<WorstQuery> worstQueries,
      Range sourceInterval,
      Range targetInterval,
      List<SearchWidthStep> searchWidths,
      List<FilteredSearch> filters,
      List<Throughput> throughput,
      Long sourceQueries) {
    public Quality {
      throughput = list(throughput);
      filters = list(filters);
      searchWidths = list(searchWidths);
      recallHistogram = list(recallHistogram);
      sourceRecallQuantiles = list(sourceRecallQuantiles);
      targetRecallQuantiles = list(targetRecallQuantiles);
      worstQueries = list(worstQueries);
    }
  }

  /**
   * Searches per second.
   *
   * @param clients clients that search at once, each with one query at a time
   */
  public record Throughput(int clients, double source, double target) {}

  /** Bounds of a number. */
  public record Range(double low, double high) {}

  /**
   * Recall of the target with one value of a search parameter.
   *
   * @param parameter name of the parameter
   * @param seconds time of all queries
   * @param passes whether the recall is enough
   */
  public record SearchWidthStep(
      String parameter, long value, double recall, double seconds, boolean passes) {}

  /**
   * Recall of searches among the records with a text in their metadata; null where a side does not
   * filter by that key, or was not measured.
   *
   * @param sourceNotMeasured why the source, which filters, was not measured; null otherwise
   * @param targetNotMeasured the same of the target
   */
  public record FilteredSearch(
      String key,
      String text,
      long queries,
      Double sourceRecall,
      Double targetRecall,
      String sourceNotMeasured,
      String targetNotMeasured) {}

  /** Absolute differences of scores: median, 99th percentile and largest. */
  public record ScoreDifferences(double median, double percentile99, double largest) {}

  /**
   * What quality had to meet: smallest mean recall and largest score difference; null when free.
   */
  public record Thresholds(Double minimumRecall, Double scoreTolerance) {}

  /** How many queries of each side reached a recall. */
  public record RecallBin(double recall, long sourceQueries, long targetQueries) {}

  /**
   * Latency quantiles in milliseconds, equally spaced from smallest to largest, and queries per
   * second.
   */
  public record Speed(List<Double> latencyMillisQuantiles, Double queriesPerSecond) {
    public Speed {
      latencyMillisQuantiles = list(latencyMillisQuantiles);
    }
  }

  /**
   * One query that did badly: what was asked (usually an id), recall of both sides, and a remark.
   */
  public record WorstQuery(String query, Double sourceRecall, Double targetRecall, String note) {}

  /**
   * Records that could not be moved.
   *
   * @param count how many
   * @param first the first ones
   * @param file where all of them are; null when there are none
   */
  public record Rejects(long count, List<RejectedRecord> first, String file) {
    public Rejects {
      first = list(first);
    }
  }

  /** One record that could not be moved, and why. */
  public record RejectedRecord(String id, String reason) {}

  /** What a person did: when, who, which verb, for which reason, and what came of it. */
  public record OperatorAction(
      long whenMillis, String who, String verb, String reason, String result) {}

  /**
   * One step of a rollback: what it does, its state (for example {@code COMPLETED}), and what it
   * found.
   */
  public record RollbackStep(String description, String state, String detail) {}

  /** What the worker used at one moment after the start; a negative number was not measured. */
  public record ResourceSample(
      long elapsedMillis, double cpuPercent, long heapBytes, long rssBytes, long diskFreeBytes) {}

  /** Rows a phase had completed in total at one moment after the start of the migration. */
  public record ThroughputSample(long elapsedMillis, String phase, long rows) {}

  /** Mean rate of a phase; null when not measured. */
  public record PhaseRate(String phase, Double rowsPerSecond, Double bytesPerSecond) {}

  /** Starts a report; whatever is not set is unknown or left out. */
  public static Builder builder(String name, Outcome outcome, String verdict) {
    return new Builder(name, outcome, verdict);
  }

  /**
   * Collects the parts of a report by name; see the components of the record for what they mean.
   */
  public static final class Builder {
    private final String name;
    private final Outcome outcome;
    private final String verdict;
    private long startedMillis;
    private long finishedMillis;
    private Side source;
    private Side target;
    private List<Phase> phases;
    private Counts counts;
    private List<Finding> findings;
    private Plan plan;
    private ExportValidation exportValidation;
    private ImportValidation importValidation;
    private Quality quality;
    private Rejects rejects;
    private List<OperatorAction> operatorActions;
    private List<RollbackStep> rollbackSteps;
    private List<ResourceSample> resourceSamples;
    private List<ThroughputSample> throughputSamples;
    private List<PhaseRate> rates;
    private Map<String, String> versions;
    private String archiveLocation;
    private String specJson;

    private Builder(String name, Outcome outcome, String verdict) {
      this.name = name;
      this.outcome = outcome;
      this.verdict = verdict;
    }

    public Builder times(long started, long finished) {
      this.startedMillis = started;
      this.finishedMillis = finished;
      return this;
    }

    public Builder source(Side value) {
      this.source = value;
      return this;
    }

    public Builder target(Side value) {
      this.target = value;
      return this;
    }

    public Builder phases(List<Phase> value) {
      this.phases = value;
      return this;
    }

    public Builder counts(Counts value) {
      this.counts = value;
      return this;
    }

    public Builder findings(List<Finding> value) {
      this.findings = value;
      return this;
    }

    public Builder plan(Plan value) {
      this.plan = value;
      return this;
    }

    public Builder exportValidation(ExportValidation value) {
      this.exportValidation = value;
      return this;
    }

    public Builder importValidation(ImportValidation value) {
      this.importValidation = value;
      return this;
    }

    public Builder quality(Quality value) {
      this.quality = value;
      return this;
    }

    public Builder rejects(Rejects value) {
      this.rejects = value;
      return this;
    }

    public Builder operatorActions(List<OperatorAction> value) {
      this.operatorActions = value;
      return this;
    }

    public Builder rollbackSteps(List<RollbackStep> value) {
      this.rollbackSteps = value;
      return this;
    }

    public Builder resourceSamples(List<ResourceSample> value) {
      this.resourceSamples = value;
      return this;
    }

    public Builder throughputSamples(List<ThroughputSample> value) {
      this.throughputSamples = value;
      return this;
    }

    public Builder rates(List<PhaseRate> value) {
      this.rates = value;
      return this;
    }

    public Builder versions(Map<String, String> value) {
      this.versions = value;
      return this;
    }

    public Builder archiveLocation(String value) {
      this.archiveLocation = value;
      return this;
    }

    public Builder specJson(String value) {
      this.specJson = value;
      return this;
    }

    public MigrationReport build() {
      return new MigrationReport(
          FORMAT_VERSION,
          name,
          outcome,
          verdict,
          startedMillis,
          finishedMillis,
          source,
          target,
          phases,
          counts,
          findings,
          plan,
          exportValidation,
          importValidation,
          quality,
          rejects,
          operatorActions,
          rollbackSteps,
          resourceSamples,
          throughputSamples,
          rates,
          versions,
          archiveLocation,
          specJson);
    }
  }

  private static <T> List<T> list(List<T> values) {
    return values == null ? List.of() : List.copyOf(values);
  }

  private static <V> Map<String, V> map(Map<String, V> values) {
    return values == null ? Map.of() : Collections.unmodifiableMap(new TreeMap<>(values));
  }
}
