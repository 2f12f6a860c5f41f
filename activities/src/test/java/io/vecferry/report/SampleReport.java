package io.vecferry.report;

import io.vecferry.plan.FieldMapping;
import io.vecferry.plan.Finding;
import io.vecferry.plan.Forecast;
import io.vecferry.report.MigrationReport.Check;
import io.vecferry.report.MigrationReport.Counts;
import io.vecferry.report.MigrationReport.Difference;
import io.vecferry.report.MigrationReport.ExportValidation;
import io.vecferry.report.MigrationReport.FilteredSearch;
import io.vecferry.report.MigrationReport.ImportValidation;
import io.vecferry.report.MigrationReport.OperatorAction;
import io.vecferry.report.MigrationReport.Outcome;
import io.vecferry.report.MigrationReport.Phase;
import io.vecferry.report.MigrationReport.Quality;
import io.vecferry.report.MigrationReport.Range;
import io.vecferry.report.MigrationReport.RecallBin;
import io.vecferry.report.MigrationReport.RejectedRecord;
import io.vecferry.report.MigrationReport.Rejects;
import io.vecferry.report.MigrationReport.Requests;
import io.vecferry.report.MigrationReport.ResourceSample;
import io.vecferry.report.MigrationReport.RollbackStep;
import io.vecferry.report.MigrationReport.ScoreDifferences;
import io.vecferry.report.MigrationReport.SearchWidthStep;
import io.vecferry.report.MigrationReport.Side;
import io.vecferry.report.MigrationReport.Speed;
import io.vecferry.report.MigrationReport.Thresholds;
import io.vecferry.report.MigrationReport.ThroughputSample;
import io.vecferry.report.MigrationReport.VectorField;
import io.vecferry.report.MigrationReport.WorstQuery;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * Invented reports that look like real ones. Run it with a folder as argument to write them there
 * as HTML, JSON and Markdown. The picture in the documentation is the top of {@code products.html},
 * taken with {@code chromium --headless --hide-scrollbars --window-size=1200,1300
 * --screenshot=report.png products.html}.
 */
final class SampleReport {
  private static final long START = 1_772_355_600_000L;
  private static final long ROWS = 1_240_000;

  private SampleReport() {}

  public static void main(String[] arguments) throws IOException {
    Path folder = Files.createDirectories(Path.of(arguments[0]));
    ReportWriter writer = new ReportWriter();
    for (MigrationReport report : List.of(migrated(), rolledBack(), refused())) {
      Files.writeString(folder.resolve(report.name() + ".html"), writer.toHtml(report));
      Files.writeString(folder.resolve(report.name() + ".json"), writer.toJson(report));
      Files.writeString(folder.resolve(report.name() + ".md"), writer.toMarkdown(report));
    }
  }

  /** A migration that went well, with a pause in between. */
  static MigrationReport migrated() {
    return new MigrationReport(
        MigrationReport.FORMAT_VERSION,
        "products",
        Outcome.MIGRATED,
        "All 1\u202f240\u202f000 records of the source are in the target: each was read back and compared, none is missing, "
            + "none is extra, and search finds what it found before.",
        START,
        START + 1_421_000,
        side("chroma", "products", "HNSW", Map.of("M", "16", "efConstruction", "100")),
        side("milvus", "vectors", "IVF_FLAT", Map.of("nlist", "1024", "nprobe", "16")),
        phases(),
        new Counts(ROWS, 0, 1_290_000, 0),
        findings(),
        plan(),
        exportValidation(),
        new ImportValidation(
            "full",
            0.001,
            ROWS,
            1_239_959,
            41,
            0,
            0,
            Map.of("vector", 0L, "metadata", 0L, "document", 0L),
            5.96e-8,
            List.of(),
            null,
            0,
            null),
        quality(true),
        new Rejects(0, List.of(), null),
        List.of(
            new OperatorAction(
                START + 520_000,
                "mira@example.com",
                "pause",
                "Target cluster is being resized",
                "Paused after 412 parts"),
            new OperatorAction(
                START + 611_000, "mira@example.com", "resume", "Resize finished", "Running")),
        List.of(),
        resources(1_421),
        throughput(),
        List.of(),
        versions(),
        "s3://backups/vecferry/products",
        SPEC);
  }

  /** A migration that found differences and was rolled back by a person. */
  static MigrationReport rolledBack() {
    List<Difference> differences = new ArrayList<>();
    for (int i = 0; i < 12; i++) {
      differences.add(
          switch (i % 3) {
            case 0 ->
                new Difference("sku-" + (40_211 + 7 * i), "missing", null, "present", "absent");
            case 1 -> new Difference("sku-" + (40_211 + 7 * i), "metadata", "price", "19.0", "19");
            default ->
                new Difference(
                    "sku-" + (40_211 + 7 * i),
                    "vector",
                    "embedding[118]",
                    "0.0381274",
                    "0.0398110");
          });
    }
    return new MigrationReport(
        MigrationReport.FORMAT_VERSION,
        "reviews",
        Outcome.ROLLED_BACK,
        "Import validation found 1\u202f311 records that differ and 204 that are missing; the target was put back as it was before.",
        START,
        START + 1_100_000,
        side("chroma", "reviews", "HNSW", Map.of("M", "16")),
        side("qdrant", "reviews", "HNSW", Map.of("m", "32")),
        List.of(
            phase("PLANNING", "COMPLETED", 0, 9, -1, null),
            phase("EXPORT", "COMPLETED", 9, 480, ROWS, null),
            phase("VALIDATE_EXPORT", "COMPLETED", 40, 500, ROWS, null),
            phase("IMPORT", "COMPLETED", 60, 820, ROWS, null),
            phase("VALIDATE_IMPORT", "FAILED", 822, 1_010, ROWS, "1\u202f515 rows did not pass"),
            phase("CUTOVER", "SKIPPED", -1, -1, -1, null),
            phase("ROLLBACK", "COMPLETED", 1_060, 1_100, -1, null)),
        new Counts(ROWS, 204, 1_050_000, 1_515),
        findings(),
        plan(),
        exportValidation(),
        new ImportValidation(
            "full",
            0.001,
            ROWS - 204,
            ROWS - 1_515,
            0,
            204,
            0,
            Map.of("vector", 871L, "metadata", 440L),
            0.0016836,
            differences,
            null,
            0,
            "differences"),
        quality(false),
        new Rejects(
            204,
            List.of(
                new RejectedRecord(
                    "sku-40211",
                    "Payload is larger than the target allows (33\u202f554\u202f432 bytes)")),
            "rejects/part-00017.ndjson"),
        List.of(
            new OperatorAction(
                START + 1_058_000,
                "jonas@example.com",
                "rollback",
                "Prices must keep their type",
                "Rolling back")),
        List.of(
            new RollbackStep("Stop all writers", "COMPLETED", "6 activities cancelled and awaited"),
            new RollbackStep(
                "Drop collection reviews__vecferry_1",
                "COMPLETED",
                "Created by this migration, 1\u202f239\u202f796 rows"),
            new RollbackStep(
                "Check that alias reviews points to reviews_v3",
                "COMPLETED",
                "It was never moved")),
        List.of(),
        List.of(),
        List.of(),
        versions(),
        "s3://backups/vecferry/reviews",
        SPEC);
  }

  /** A migration that planning refused: nearly every section is absent. */
  static MigrationReport refused() {
    return MigrationReport.builder(
            "images",
            Outcome.REFUSED,
            "The target's dimension 512 does not match the source's 768; nothing was changed.")
        .times(START, START + 1_800)
        .findings(
            List.of(
                Finding.blocking(
                    "target.dimension",
                    "The source has 768 components, the spec says 512.",
                    "Remove the field or set it to 768.")))
        .build();
  }

  private static Side side(
      String store, String collection, String index, Map<String, String> parameters) {
    boolean source = store.equals("chroma");
    return new Side(
        store,
        collection,
        List.of(new VectorField("embedding", "DENSE", "FLOAT32", 768, "cosine", index, parameters)),
        ROWS,
        source ? 4_812_000_000L : 4_377_000_000L,
        Map.of(
            "version", source ? "1.0.20" : "2.6.4",
            "metric", "cosine",
            "consistency", source ? "strong" : "bounded",
            "index", index,
            "partition key", source ? Format.UNKNOWN : "category"));
  }

  private static List<Phase> phases() {
    return List.of(
        phase("PLANNING", "COMPLETED", 0, 11, -1, null),
        phase("EXPORT", "COMPLETED", 11, 702, ROWS, null),
        phase("VALIDATE_EXPORT", "COMPLETED", 34, 731, ROWS, null),
        phase("IMPORT", "COMPLETED", 52, 1_036, ROWS, "Paused for 1 min 31 s by an operator"),
        phase("VALIDATE_IMPORT", "COMPLETED", 1_037, 1_287, ROWS, null),
        phase("QUALITY_CHECK", "COMPLETED", 1_289, 1_398, 1_000, null),
        phase("CUTOVER", "COMPLETED", 1_400, 1_402, -1, null),
        phase("FINALIZE", "COMPLETED", 1_402, 1_421, -1, null));
  }

  private static Phase phase(
      String name, String state, long fromSeconds, long untilSeconds, long rows, String note) {
    boolean ran = fromSeconds >= 0;
    return new Phase(
        name,
        state,
        ran ? START + fromSeconds * 1000 : 0,
        ran ? START + untilSeconds * 1000 : 0,
        rows,
        rows == ROWS ? ROWS * 3_880 : -1,
        note,
        switch (name) {
          case "EXPORT" -> new Requests("chroma", 1_000, 2, 1_800);
          case "IMPORT" -> new Requests("milvus", 3_000, 8, 4_200);
          default -> null;
        });
  }

  private static List<Finding> findings() {
    return List.of(
        Finding.warning(
            "metadata.tags",
            "Lists of strings become arrays with at most 128 elements; the longest list has 17.",
            ""),
        Finding.warning(
            "target.index",
            "The target searches 16 of 1024 lists, so that recall may fall.",
            "Raise index.params.nprobe if the quality check fails."),
        Finding.info("ids", "String ids of up to 36 bytes are kept as the primary key."),
        Finding.info("target.partitionKey", "category has 214 distinct values."));
  }

  private static MigrationReport.Plan plan() {
    return new MigrationReport.Plan(
        1500,
        new Forecast(
            null,
            List.of(
                new Forecast.PhaseTime(io.vecferry.plan.Phase.EXPORT, 500),
                new Forecast.PhaseTime(io.vecferry.plan.Phase.IMPORT, 780)),
            List.of("It starts at once.", "Readers see the new collection after one call."),
            List.of(
                Forecast.Need.ofBytes("archive storage", 4_810_000_000L, 92_000_000_000L),
                Forecast.Need.ofBytes("target memory", 4_900_000_000L, -1))),
        List.of("`vectors` is loaded under its own name"),
        List.of("remove `vectors`: about 1 s"),
        List.of(
            new FieldMapping("id, string", "id, VarChar(1024), primary key", FieldMapping.EXACT),
            new FieldMapping(
                "vectors, 768 float32, cosine",
                "vector, FloatVector(768), IVF_FLAT COSINE",
                FieldMapping.EXACT),
            new FieldMapping("metadata category, text", "dynamic field", FieldMapping.EXACT)));
  }

  private static ExportValidation exportValidation() {
    return new ExportValidation(
        620,
        ROWS,
        List.of(
            new Check(
                "Row count equals the source", true, "1\u202f240\u202f000 of 1\u202f240\u202f000"),
            new Check("Checksums of all parts", true, "620 of 620 parts, 4.48 GiB read"),
            new Check("Vectors have 768 finite components", true, "no NaN, no infinity"),
            new Check("Ids are present and unique", true, "1\u202f240\u202f000 distinct"),
            new Check("Metadata parses", true, "23 keys, kinds unchanged")));
  }

  private static Quality quality(boolean passed) {
    List<RecallBin> bins = new ArrayList<>();
    long[] source = {0, 0, 0, 0, 0, 0, 0, 1, 6, 38, 955};
    long[] target = {0, 0, 0, 0, 0, 0, 1, 2, 9, 45, 943};
    for (int i = 0; i <= 10; i++) {
      bins.add(new RecallBin(i / 10.0, source[i], target[i]));
    }
    return new Quality(
        1_000,
        10,
        0.9947,
        passed ? 0.9927 : 0.9811,
        0.9902,
        0.9984,
        new ScoreDifferences(1.2e-7, 4.8e-7, 0.00031),
        new Thresholds(0.99, 0.01),
        passed,
        passed
            ? "The target finds 99.3 % of the true nearest neighbours, the source 99.5 %; the small gap comes from its index, not from the data."
            : "The target finds fewer of the true neighbours than required.",
        bins,
        List.of(),
        List.of(),
        new Speed(latencies(3.1, 1.9), 284.0),
        new Speed(latencies(1.4, 2.3), 611.0),
        List.of(
            new WorstQuery("sku-118822", 0.9, 0.6, "Four answers share one score"),
            new WorstQuery("sku-77410", 1.0, 0.7, "Neighbours lie in lists that are not probed"),
            new WorstQuery("sku-9031", 0.7, 0.7, "")),
        new Range(0.9880, 0.9977),
        passed ? new Range(0.9852, 0.9965) : new Range(0.9705, 0.9879),
        passed
            ? List.of()
            : List.of(
                new SearchWidthStep("nprobe", 16, 0.9811, 0.41, false),
                new SearchWidthStep("nprobe", 24, 0.9893, 0.52, false),
                new SearchWidthStep("nprobe", 28, 0.9921, 0.60, true),
                new SearchWidthStep("nprobe", 32, 0.9948, 0.66, true)),
        List.of(
            new FilteredSearch("category", "shoes", 20, null, 0.995, null, null),
            new FilteredSearch(
                "colour", "red", 20, null, null, null, "an index is required for \"colour\"")),
        List.of(
            new MigrationReport.Throughput(1, 410.2, 530.1),
            new MigrationReport.Throughput(2, 702.8, 911.4)),
        passed ? 100L : null);
  }

  private static List<Double> latencies(double median, double spread) {
    List<Double> quantiles = new ArrayList<>();
    for (int i = 0; i <= 100; i++) {
      double share = (i + 0.5) / 101;
      quantiles.add(median * Math.pow(share / (1 - share), 0.22 * spread));
    }
    return quantiles;
  }

  private static List<ResourceSample> resources(int seconds) {
    List<ResourceSample> samples = new ArrayList<>();
    for (int second = 0; second < seconds; second += 5) {
      double load = second < 702 ? 150 : second < 1_036 ? 110 : 70;
      samples.add(
          new ResourceSample(
              second * 1000L,
              load + 22 * Math.sin(second * 1.7) + 12 * Math.sin(second / 37.0),
              (long) (310e6 + (second * 7 % 240) * 1.1e6),
              (long) (780e6 + 60e6 * Math.min(1, second / 300.0) + 9e6 * Math.sin(second)),
              (long) (92e9 - 4.8e9 * Math.min(1, second / 702.0))));
    }
    return samples;
  }

  private static List<ThroughputSample> throughput() {
    List<ThroughputSample> samples = new ArrayList<>();
    progress(samples, "EXPORT", 11, 702);
    progress(samples, "IMPORT", 52, 1_036);
    progress(samples, "VALIDATE_IMPORT", 1_037, 1_287);
    return samples;
  }

  private static void progress(List<ThroughputSample> samples, String phase, int from, int until) {
    double total = 0;
    double[] reached = new double[until - from + 1];
    for (int second = 1; second < reached.length; second++) {
      boolean paused = phase.equals("IMPORT") && second + from > 522 && second + from < 611;
      total += paused ? 0 : 1 + 0.08 * Math.sin(second / 9.0) + 0.05 * Math.sin(second / 2.1);
      reached[second] = total;
    }
    for (int second = 0; second < reached.length; second += 10) {
      samples.add(
          new ThroughputSample(
              (from + second) * 1000L, phase, (long) (ROWS * reached[second] / total)));
    }
  }

  private static Map<String, String> versions() {
    return Map.of(
        "vecferry",
        "0.1.0",
        "java",
        "17.0.16",
        "temporal server",
        "1.29.0",
        "chroma",
        "1.0.20",
        "milvus",
        "2.6.4");
  }

  private static final String SPEC =
      """
      {
        "name" : "products",
        "source" : {
          "type" : "chroma",
          "url" : "https://chroma.example.com",
          "collection" : "products",
          "auth" : { "apiKey" : "env:CHROMA_API_KEY" }
        },
        "target" : {
          "type" : "milvus",
          "url" : "https://milvus.example.com",
          "collection" : "vectors",
          "index" : { "type" : "IVF_FLAT", "params" : { "nlist" : 1024, "nprobe" : 16 } },
          "partitionKey" : "category"
        },
        "validation" : { "mode" : "full", "tolerance" : 0.001 }
      }
      """;
}
