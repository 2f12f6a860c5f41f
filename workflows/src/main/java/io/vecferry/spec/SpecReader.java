package io.vecferry.spec;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.vecferry.plan.PlanBasis;
import java.time.Instant;
import java.time.format.DateTimeParseException;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * Makes a {@link MigrationSpec} of a JSON document. Pure and deterministic, so that the command
 * line, the client and the workflow say the same about the same document. Reports all problems, not
 * the first. What a store understands beside the keys that all stores have is checked where the
 * stores are.
 */
public final class SpecReader {
  private static final String NAME = "[A-Za-z0-9][A-Za-z0-9._-]{0,99}";
  private static final int LARGEST_BATCH = 100_000;

  /** Records of a sample when nothing is said. */
  private static final long SAMPLE_SIZE = 10_000;

  private static final double SMALLEST_SHARE = 1e-6;

  private static final int MOST_NOTIFICATION_TARGETS = 10;

  private SpecReader() {}

  /**
   * A document that was read.
   *
   * @param spec the spec; usable only when there are no problems
   * @param problems everything that is wrong
   */
  public record Result(MigrationSpec spec, List<SpecProblem> problems) {}

  /** Reads a document; null is an empty one. */
  public static Result read(JsonNode document) {
    return read(document, new SpecKeys());
  }

  static Result read(JsonNode document, SpecKeys keys) {
    List<SpecProblem> problems = new ArrayList<>();
    SpecSection root = new SpecSection("", document, problems, keys);
    root.moveDown("source", "batchSize", "export").moveDown("target", "batchSize", "import");
    MigrationSpec spec =
        new MigrationSpec(
            name(root),
            store(root, "source", false),
            store(root, "target", true),
            export(root.section("export")),
            load(root.section("import")),
            validation(root.section("validation")),
            quality(root.section("quality")),
            rollback(root.section("rollback")),
            approval(root.section("approval")),
            schedule(root.section("schedule")),
            cutover(root.section("cutover")),
            archive(root.section("archive")),
            root.flag("overlap", true),
            root.flag("rehearsal", false),
            root.flag("canary", true) ? null : Boolean.FALSE,
            root.flag("checkResources", true) ? null : Boolean.FALSE,
            approvedPlan(root),
            notifications(root));
    root.finish();
    return new Result(spec, List.copyOf(problems));
  }

  private static PlanBasis approvedPlan(SpecSection root) {
    JsonNode plan = root.object("approvedPlan");
    PlanBasis basis = plan == null ? null : PlanBasis.read(plan).orElse(null);
    if (plan != null && basis == null) {
      root.problem("approvedPlan", "must be what `run --plan FILE` writes there. Use that.");
    }
    return basis;
  }

  private static List<NotificationTarget> notifications(SpecSection root) {
    List<NotificationTarget> targets = new ArrayList<>();
    root.sections("notify", MOST_NOTIFICATION_TARGETS)
        .forEach(section -> targets.add(NotificationTarget.read(section)));
    return targets;
  }

  private static String name(SpecSection root) {
    String name = root.requiredText("name", "name: products");
    root.requireForm(
        "name",
        name,
        NAME,
        "must be 1 to 100 of the characters A-Z a-z 0-9 . _ - and start with a letter or digit");
    return name;
  }

  private static StoreSpec store(SpecSection root, String role, boolean target) {
    SpecSection section = root.section(role);
    if (!root.requires(role, role + ": {type: faiss, path: ./folder}")) {
      return null;
    }
    section
        .alias("storeType", "type")
        .alias("metricType", "metric")
        .alias("vectorSize", "dimension")
        .alias("collectionName", "collection")
        .alias("indexConfig", "index");
    // What other stores call a collection is an index there.
    if (section.values().path("type").asText().equalsIgnoreCase("elasticsearch")
        && section.values().path("index").isTextual()) {
      section.alias("index", "collection");
    }
    indexInPieces(section);
    String type =
        (section.text("connection", "").isEmpty()
                ? section.requiredText("type", "type: faiss")
                : section.text("type", ""))
            .toLowerCase(Locale.ROOT);
    String metric = section.choice("metric", null, List.of("cosine", "l2", "ip"));
    long dimension = section.integer("dimension", 0, 1, 1 << 20);
    SpecSection index = section.section("index");
    String indexType = index.text("type", null);
    Map<String, String> parameters = new LinkedHashMap<>();
    SpecSection params = index.section("params");
    for (Iterator<Map.Entry<String, JsonNode>> fields = params.values().fields();
        fields.hasNext(); ) {
      Map.Entry<String, JsonNode> field = fields.next();
      if (field.getValue().isValueNode()) {
        parameters.put(field.getKey(), field.getValue().asText());
      } else {
        params.problem(
            field.getKey(),
            "must be a single value, got " + SpecSection.shown(field.getValue()) + ".");
      }
    }
    index.finish();
    String ifExists = "fail";
    if (target) {
      ifExists = section.choice("ifExists", "fail", List.of("fail", "replace", "merge"));
    }
    return new StoreSpec(
        type,
        dimension == 0 ? null : (int) dimension,
        metric,
        indexType,
        parameters,
        StoreSpec.IfExists.valueOf(ifExists.toUpperCase(Locale.ROOT)),
        section.values());
  }

  /**
   * The guide writes what belongs to an index beside the other keys of a store, or everything that
   * has to do with comparing into the index.
   */
  private static void indexInPieces(SpecSection section) {
    ObjectNode values = section.values();
    JsonNode given = values.path("index");
    if (!given.isMissingNode() && !given.isObject()) {
      // Reported where the section is read.
      return;
    }
    if (given.isObject()) {
      ObjectNode index = new SpecSection("", given, new ArrayList<>(), new SpecKeys()).values();
      values.set("index", index);
      rename(index, "indexType", index, "type");
      rename(index, "metricType", values, "metric");
      rename(index, "metric", values, "metric");
    }
    if (values.has("indexType")) {
      ObjectNode index = values.withObjectProperty("index");
      rename(values, "indexType", index, "type");
      rename(values, "params", index, "params");
    }
  }

  /** Moves a key; what stands under the other one already wins. */
  private static void rename(ObjectNode from, String key, ObjectNode to, String other) {
    JsonNode value = from.get(key);
    if (value != null && !to.has(other)) {
      from.remove(key);
      to.set(other, value);
    }
  }

  private static MigrationSpec.Export export(SpecSection section) {
    MigrationSpec.Export export =
        new MigrationSpec.Export(
            section.choice("format", "parquet", List.of("parquet")),
            section.flag("includeMetadata", true),
            section.flag("preserveIds", true),
            (int) section.integerOrAuto("batchSize", 1, LARGEST_BATCH),
            (int) section.integerOrAuto("partRows", 1, 100_000_000),
            (int) section.integerOrAuto("parallelism", 1, 256));
    section.notYet("preserveIds", !export.preserveIds(), "giving records new ids");
    section.notYet("includeMetadata", !export.includeMetadata(), "leaving metadata behind");
    section.finish();
    return export;
  }

  private static MigrationSpec.Import load(SpecSection section) {
    MigrationSpec.Import load =
        new MigrationSpec.Import(
            (int) section.integerOrAuto("batchSize", 1, LARGEST_BATCH),
            (int) section.integerOrAuto("parallelism", 1, 256),
            section.flag("validate", true),
            section.integer("maxRejects", 0, 0, Long.MAX_VALUE));
    section.notYet("validate", !load.validate(), "an import without proof");
    section.notYet(
        "parallelism",
        load.parallelism() != 0,
        "an import parallelism of its own (export's counts)");
    section.finish();
    return load;
  }

  private static MigrationSpec.Validation validation(SpecSection section) {
    String mode = section.choice("mode", "full", List.of("full", MigrationSpec.SAMPLE));
    boolean sized = section.has("sampleSize");
    boolean shared = section.has("sampleShare");
    boolean samples = mode.equals(MigrationSpec.SAMPLE);
    MigrationSpec.Validation validation =
        new MigrationSpec.Validation(
            section.flag("checkVectors", true),
            section.flag("checkMetadata", true),
            mode,
            section.flag("strict", true),
            section.number("tolerance", null, 0, 1),
            section.integer("maxMismatch", 0, 0, Long.MAX_VALUE),
            section.integer("sampleSize", samples && !shared ? SAMPLE_SIZE : 0, 1, Long.MAX_VALUE),
            section.number("sampleShare", null, SMALLEST_SHARE, 1));
    for (String key : List.of("sampleSize", "sampleShare")) {
      if (section.has(key) && !samples) {
        section.problem(
            key, "is about validation.mode: sample. Set that, or leave it out: all are compared.");
      }
    }
    if (sized && shared) {
      section.problem("sampleShare", "says the same as sampleSize. Leave one of them out.");
    }
    if (validation.strict() == section.has("maxMismatch")) {
      section.problem(
          "maxMismatch",
          validation.strict()
              ? "is about validation.strict: false. Set that, or leave it out."
              : "is missing: with strict: false, say how many records may differ.");
    }
    section.finish();
    return validation;
  }

  private static MigrationSpec.Quality quality(SpecSection section) {
    MigrationSpec.Quality quality =
        new MigrationSpec.Quality(
            section.has("sampleSize") ? (int) section.integer("sampleSize", -1, 0, 100_000) : null,
            (int) section.integer("topK", 10, 1, 1000),
            section.number("minRecall", null, 0, 1),
            section.number("scoreTolerance", 0.01, 0, 1e9),
            (int) section.integer("iterations", 100, 0, 100_000),
            (int) section.integer("clients", 0, 0, 256),
            section.text("queries", null));
    section.finish();
    return quality;
  }

  private static MigrationSpec.Rollback rollback(SpecSection section) {
    String onFailure = section.choice("onFailure", "ask", List.of("ask", "automatic"));
    section.finish();
    return new MigrationSpec.Rollback(onFailure.equals("automatic"));
  }

  private static MigrationSpec.Approval approval(SpecSection section) {
    MigrationSpec.Approval approval =
        new MigrationSpec.Approval(
            section.flag("beforeImport", false), section.flag("beforeCutover", false));
    section.finish();
    return approval;
  }

  private static MigrationSpec.Schedule schedule(SpecSection section) {
    long startAfter = 0;
    String text = section.text("startAfter", null);
    if (text != null) {
      try {
        startAfter = Instant.parse(text).toEpochMilli();
      } catch (DateTimeParseException e) {
        section.problem(
            "startAfter", "must be a moment such as 2026-12-01T22:00:00Z, got \"" + text + "\".");
      }
    }
    List<CutoverWindow> windows = new ArrayList<>();
    section
        .sections("cutoverWindows", Integer.MAX_VALUE)
        .forEach(window -> windows.add(CutoverWindow.read(window)));
    section.finish();
    return new MigrationSpec.Schedule(startAfter, windows);
  }

  private static MigrationSpec.Cutover cutover(SpecSection section) {
    MigrationSpec.Cutover cutover =
        new MigrationSpec.Cutover(
            section.flag("catchUp", false), section.integer("maxDifference", 0, 0, Long.MAX_VALUE));
    if (cutover.maxDifference() > 0 && !cutover.catchUp()) {
      section.problem(
          "maxDifference",
          "is about cutover.catchUp, which is false. Set cutover.catchUp: true, or leave it out.");
    }
    section.finish();
    return cutover;
  }

  private static MigrationSpec.Archive archive(SpecSection section) {
    MigrationSpec.Archive archive =
        new MigrationSpec.Archive(
            section.flag("retain", true),
            section.millis("deleteOldCollectionAfter"),
            section.folder("moveTo"));
    section.notYet("retain", !archive.retain(), "deleting the archive after the migration");
    section.finish();
    return archive;
  }
}
