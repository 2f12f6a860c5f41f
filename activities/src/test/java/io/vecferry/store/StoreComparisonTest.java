package io.vecferry.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;

import io.vecferry.plan.Finding;
import io.vecferry.plan.NameSwitch;
import io.vecferry.record.DenseVectors;
import io.vecferry.record.ElementType;
import io.vecferry.record.IdColumn;
import io.vecferry.record.IdKind;
import io.vecferry.record.MultiVectors;
import io.vecferry.record.RecordBatch;
import io.vecferry.record.SparseVectors;
import io.vecferry.record.TextColumn;
import io.vecferry.record.VectorColumn;
import io.vecferry.record.VectorKind;
import io.vecferry.testing.RunningServer;
import io.vecferry.testing.Server;
import io.vecferry.testing.WithServer;
import io.vecferry.verify.RecordComparator;
import io.vecferry.verify.RecordProfiler;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.UUID;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Writes what each store does to records of every kind, as seen on the servers, and compares it
 * with {@code docs/vector-store-comparison.md}. To renew the document, copy {@code
 * activities/target/vector-store-comparison.md} over it.
 */
@Tag("slow")
class StoreComparisonTest {
  private static final LoadStamp STAMP = new LoadStamp("comparison", "load-1");
  private static final String PART = "p0000";
  private static final int DIMENSION = 4;

  @TempDir static Path folder;

  @WithServer(Server.CHROMA)
  static RunningServer chroma;

  @WithServer(Server.MILVUS)
  static RunningServer milvus;

  @WithServer(Server.QDRANT)
  static RunningServer qdrant;

  @WithServer(Server.ELASTICSEARCH_8)
  static RunningServer elasticsearch8;

  @WithServer(Server.ELASTICSEARCH_9)
  static RunningServer elasticsearch9;

  /** One store and where a collection of a name is. */
  private record Place(String title, String type, String addressKey, String address) {
    StoreProvider provider() {
      return Stores.get(type);
    }

    StoreSettings settings(String collection) {
      return addressKey.equals("path")
          ? StoreSettings.of("target", "path", Path.of(address, collection).toString())
          : StoreSettings.of("target", addressKey, address, "collection", collection);
    }
  }

  /** Records that are loaded together; each of them is a line of the document. */
  private static final class Trial {
    private final String heading;
    private final List<VectorFieldInfo> fields;
    private final Map<String, RecordBatch> records = new LinkedHashMap<>();

    Trial(String heading, VectorFieldInfo... fields) {
      this.heading = heading;
      this.fields = List.of(fields);
    }

    Trial row(String line, RecordBatch record) {
      records.put(line, record);
      return this;
    }

    LoadSchema schema() {
      RecordProfiler profiler = new RecordProfiler();
      Set<IdKind> kinds = new LinkedHashSet<>();
      long rows = 0;
      for (RecordBatch record : records.values()) {
        profiler.add(record);
        rows += record.rows();
        kinds.add(record.ids().kind(0));
      }
      return new LoadSchema(
          fields, kinds, "test", rows, profiler.profile(true), Map.of(), List.of());
    }
  }

  private static VectorFieldInfo dense(Metric metric) {
    return new VectorFieldInfo("", DIMENSION, metric, 0, "", Map.of());
  }

  private static VectorFieldInfo field(
      String name, VectorKind kind, ElementType element, int dimension, Metric metric) {
    return new VectorFieldInfo(name, kind, element, dimension, metric, 0, "", Map.of());
  }

  private static RecordBatch record(
      IdKind kind, String id, String document, String metadata, VectorColumn... vectors) {
    return new RecordBatch(
        IdColumn.of(kind, TextColumn.of(id)),
        List.of(vectors),
        TextColumn.of(document),
        TextColumn.of(metadata));
  }

  private static DenseVectors vector(float... components) {
    return new DenseVectors("", components.length, components);
  }

  private static RecordBatch withId(IdKind kind, String id) {
    return record(kind, id, null, "{\"a\":1}", vector(1, 0, 0, 0));
  }

  private static RecordBatch withMetadata(String id, String metadata) {
    return record(IdKind.STRING, id, null, metadata, vector(1, 0, 0, 0));
  }

  private static RecordBatch withDocument(String id, String document) {
    return record(IdKind.STRING, id, document, "{\"a\":1}", vector(1, 0, 0, 0));
  }

  private static RecordBatch withVector(String id, float... components) {
    return record(IdKind.STRING, id, null, "{\"a\":1}", vector(components));
  }

  /** A hundred records, since a store that changes vectors changes only some. */
  private static RecordBatch withVectors(String id, boolean unit) {
    Random random = new Random(7);
    int rows = 100;
    float[] components = new float[rows * DIMENSION];
    TextColumn.Builder ids = new TextColumn.Builder(rows);
    TextColumn.Builder absent = new TextColumn.Builder(rows);
    for (int row = 0; row < rows; row++) {
      ids.add(id + "-" + row);
      absent.add(null);
      double squares = 0;
      for (int i = 0; i < DIMENSION; i++) {
        components[row * DIMENSION + i] = (float) random.nextGaussian() * (1 + row % 5);
        squares += (double) components[row * DIMENSION + i] * components[row * DIMENSION + i];
      }
      for (int i = 0; unit && i < DIMENSION; i++) {
        components[row * DIMENSION + i] /= (float) Math.sqrt(squares);
      }
    }
    TextColumn nothing = absent.build();
    return new RecordBatch(
        IdColumn.of(IdKind.STRING, ids.build()),
        List.of(new DenseVectors("", DIMENSION, components)),
        nothing,
        nothing);
  }

  private static List<Trial> trials() {
    return List.of(
        new Trial("Ids", dense(Metric.L2))
            .row("text `007`", withId(IdKind.STRING, "007"))
            .row("empty text", withId(IdKind.STRING, ""))
            .row("text with quotes, line breaks, NUL", withId(IdKind.STRING, "q\"'\\\n\0"))
            .row("text of 2,000 bytes", withId(IdKind.STRING, "é".repeat(1000)))
            .row("int64 -2^63", withId(IdKind.INT64, "-9223372036854775808"))
            .row("uint64 2^64 - 1", withId(IdKind.UINT64, "18446744073709551615"))
            .row("UUID", withId(IdKind.UUID, "4d1d1a65-5215-4078-b025-e8d1dcc21d3c"))
            .row(
                "UUID as text in capitals",
                withId(IdKind.STRING, "4D1D1A65-5215-4078-B025-E8D1DCC21D3C")),
        new Trial("Documents", dense(Metric.L2))
            .row("none", withDocument("none", null))
            .row("empty", withDocument("empty", ""))
            .row("with NUL and emoji", withDocument("nul", "a\0b \uD83D\uDE80"))
            .row("60 KB", withDocument("long", "0123456789abcdef".repeat(3840))),
        new Trial("Metadata", dense(Metric.L2))
            .row("none", withMetadata("none", null))
            .row("`{}`", withMetadata("empty", "{}"))
            .row(
                "int64 extremes",
                withMetadata("extremes", "{\"a\":9223372036854775807,\"b\":-9223372036854775808}"))
            .row("`1` and `1.0`", withMetadata("numbers", "{\"a\":1,\"b\":1.0}"))
            .row("integers beyond int64", withMetadata("beyond", "{\"a\":18446744073709551616}"))
            .row("null", withMetadata("null", "{\"a\":null}"))
            .row("lists", withMetadata("lists", "{\"a\":[1,2],\"b\":[\"x\",null],\"c\":[]}"))
            .row("nested objects", withMetadata("nested", "{\"a\":{\"b\":{\"c\":1}}}"))
            .row(
                "keys with dots, dollars, empty",
                withMetadata("keys", "{\"a.b\":1,\"$\":2,\"\":3}"))
            .row("60 KB text", withMetadata("long", "{\"a\":\"" + "x".repeat(61_440) + "\"}")),
        new Trial("Vectors, l2", dense(Metric.L2))
            .row("any", withVector("any", 0.1f, -2.5f, 3e10f, 7))
            .row("-0.0 and denormals", withVector("tiny", -0f, Float.MIN_VALUE, 1e-40f, 1))
            .row("largest floats", withVector("huge", Float.MAX_VALUE, -Float.MAX_VALUE, 0, 0))
            .row("zero", withVector("zero", 0, 0, 0, 0)),
        new Trial("Vectors, ip", dense(Metric.IP))
            .row("any", withVector("any", 0.1f, -2.5f, 3e10f, 7))
            .row("of length 1", withVector("unit", 0.5f, -0.5f, 0.5f, 0.5f))
            .row("zero", withVector("zero", 0, 0, 0, 0)),
        new Trial("Vectors, cosine", dense(Metric.COSINE))
            .row("any", withVectors("any", false))
            .row("of length 1", withVectors("unit", true))
            .row("zero", withVector("zero", 0, 0, 0, 0)),
        new Trial(
                "Several vector fields",
                field("title", VectorKind.DENSE, ElementType.FLOAT32, 2, Metric.COSINE),
                field("body", VectorKind.DENSE, ElementType.FLOAT32, 3, Metric.L2))
            .row("dense fields", named("both", false))
            .row("dense fields, one absent", named("one", true)),
        one("half precision", ElementType.FLOAT16, 0.5f, -2, 3, 65504),
        one("bfloat16", ElementType.BFLOAT16, 0.5f, -2, 3, 1),
        one("int8", ElementType.INT8, -128, 0, 1, 127),
        one("uint8", ElementType.UINT8, 0, 1, 128, 255),
        new Trial(
                "Kinds of vectors", field("", VectorKind.DENSE, ElementType.BIT, 8, Metric.HAMMING))
            .row("bits", record(IdKind.STRING, "bits", null, "{}", vector(0, 1, 1, 0, 1, 0, 0, 1))),
        new Trial(
                "Kinds of vectors",
                field("words", VectorKind.SPARSE, ElementType.FLOAT32, 0, Metric.IP))
            .row(
                "sparse",
                record(
                    IdKind.STRING,
                    "sparse",
                    null,
                    "{}",
                    new SparseVectors(
                        "words",
                        new int[] {0, 3},
                        new int[] {0, 7, -2},
                        new float[] {0.1f, 2.5f, 3},
                        null))),
        new Trial(
                "Kinds of vectors",
                field("tokens", VectorKind.MULTI, ElementType.FLOAT32, 2, Metric.COSINE))
            .row(
                "several per record",
                record(
                    IdKind.STRING,
                    "multi",
                    null,
                    "{}",
                    new MultiVectors(
                        "tokens", 2, new int[] {0, 2}, new float[] {0.6f, 0.8f, 1, 0}, null))));
  }

  private static RecordBatch named(String id, boolean absent) {
    return record(
        IdKind.STRING,
        id,
        null,
        "{}",
        new DenseVectors("title", 2, new float[] {0.6f, 0.8f}),
        new DenseVectors(
            "body", 3, absent ? new float[3] : new float[] {1, 2, 3}, new boolean[] {absent}));
  }

  private static Trial one(String line, ElementType element, float... components) {
    return new Trial(
            "Kinds of vectors", field("", VectorKind.DENSE, element, components.length, Metric.L2))
        .row(line, record(IdKind.STRING, "one", null, "{}", vector(components)));
  }

  @Test
  void theDocumentSaysWhatStoresDo() throws Exception {
    List<Place> places =
        List.of(
            new Place("FAISS", "faiss", "path", folder.toString()),
            new Place("Chroma", "chroma", "url", chroma.url()),
            new Place("Milvus", "milvus", "url", milvus.url()),
            new Place("Qdrant", "qdrant", "url", qdrant.url()),
            new Place("Elasticsearch 8", "elasticsearch", "url", elasticsearch8.url()),
            new Place("Elasticsearch 9", "elasticsearch", "url", elasticsearch9.url()));
    List<Trial> trials = trials();
    Map<String, Map<String, List<String>>> cells = new LinkedHashMap<>();
    Map<String, Set<String>> said = new LinkedHashMap<>();
    for (Place place : places) {
      for (Trial trial : trials) {
        Map<String, String> outcome =
            outcome(place, trial, said.computeIfAbsent(place.title(), t -> new LinkedHashSet<>()));
        Map<String, List<String>> lines =
            cells.computeIfAbsent(trial.heading, heading -> new LinkedHashMap<>());
        outcome.forEach(
            (line, cell) -> lines.computeIfAbsent(line, l -> new ArrayList<>()).add(cell));
      }
      Map<String, List<String>> lines =
          cells.computeIfAbsent("Cutover", heading -> new LinkedHashMap<>());
      cutover(place, trials.get(0), said.get(place.title()))
          .forEach((line, cell) -> lines.computeIfAbsent(line, l -> new ArrayList<>()).add(cell));
    }
    String document = document(places, cells, said);
    Path written = Path.of("target", "vector-store-comparison.md");
    Files.writeString(written, document);
    assertThat(Path.of("..", "docs", "vector-store-comparison.md"))
        .as("copy activities/%s over it when it is right", written)
        .hasContent(document);
  }

  /** What became of each record, by its line. */
  private static Map<String, String> outcome(Place place, Trial trial, Set<String> said) {
    String collection = "comparison_" + UUID.randomUUID().toString().replace("-", "");
    StoreSettings settings = place.settings(collection);
    Map<String, String> outcome = new LinkedHashMap<>();
    try (VectorStore target = place.provider().open(settings);
        VectorStore load =
            place.provider().open(place.provider().loadSettings(settings, STAMP.migration()))) {
      List<Finding> findings = target.assessLoad(trial.schema());
      findings.forEach(
          finding ->
              said.add(
                  finding.message().replace(collection, "products").replace(place.address(), "")));
      if (findings.stream().anyMatch(f -> f.severity() == Finding.Severity.BLOCKING)) {
        trial.records.keySet().forEach(line -> outcome.put(line, "refused"));
        return outcome;
      }
      load.create(trial.schema(), STAMP);
      Map<String, String> rejected = new LinkedHashMap<>();
      try (BatchWriter writer = load.write(PART, STAMP)) {
        for (RecordBatch record : trial.records.values()) {
          writer.write(record);
        }
        writer.finish().forEach(reject -> rejected.put(reject.id(), reject.reason()));
      }
      load.finishLoad(List.of(PART), STAMP);
      target.switchTo(target.planSwitch(load, STAMP), STAMP);
      try (VectorStore source = place.provider().open(settings)) {
        for (Map.Entry<String, RecordBatch> entry : trial.records.entrySet()) {
          RecordBatch record = entry.getValue();
          outcome.put(
              entry.getKey(),
              rejected.containsKey(record.ids().get(0))
                  ? "refused"
                  : difference(record, source.fetch(record.ids())));
        }
        source.drop(STAMP);
      }
    }
    return outcome;
  }

  /** What readers notice when their name gets a load. */
  private static Map<String, String> cutover(Place place, Trial trial, Set<String> said) {
    String collection = "comparison_" + UUID.randomUUID().toString().replace("-", "");
    StoreSettings settings = place.settings(collection);
    LoadStamp earlier = new LoadStamp("earlier", "load-0");
    Map<String, String> outcome = new LinkedHashMap<>();
    try (VectorStore target = place.provider().open(settings);
        VectorStore load =
            place.provider().open(place.provider().loadSettings(settings, STAMP.migration()));
        VectorStore beside =
            place
                .provider()
                .open(place.provider().loadBesideSettings(settings, STAMP.migration()))) {
      outcome.put("the name is free", gap(target.planSwitch(load, STAMP)));
      target.create(trial.schema(), earlier);
      target.finishLoad(List.of(), earlier);
      NameSwitch planned = target.planSwitch(beside, STAMP);
      outcome.put("the name is a collection", gap(planned));
      said.add(
          "cutover: "
              + planned
                  .words()
                  .replace(collection, "products")
                  .replace(place.address() + "/", "")
                  .replaceAll("[-._][0-9a-f]{8,16}`", "`")
              + (planned.words().endsWith(".") ? "" : "."));
      target.drop(earlier);
    }
    return outcome;
  }

  private static String gap(NameSwitch planned) {
    return !planned.possible()
        ? "refused"
        : planned.gap() == NameSwitch.Gap.NONE ? "no gap" : "short gap";
  }

  private static String difference(RecordBatch expected, RecordBatch actual) {
    RecordComparator exact = new RecordComparator(0, true, true);
    exact.compare(expected, actual);
    if (exact.result().isEqual() && exact.result().bitExactRows() == expected.rows()) {
      return "exact";
    }
    RecordComparator near = new RecordComparator(1e-6, true, true);
    near.compare(expected, actual);
    if (!near.result().isEqual()) {
      return fail("%s", near.result().differences());
    }
    return "within 1e-6";
  }

  private static String document(
      List<Place> places,
      Map<String, Map<String, List<String>>> cells,
      Map<String, Set<String>> said) {
    StringBuilder text = new StringBuilder();
    text.append(
        """
        # Stores compared

        What becomes of a record when vecferry loads it into a store and reads it back. `StoreComparisonTest` makes this document from
        what it sees on the servers of [deploy/local](local-servers.md); for Qdrant that is the test server.

        - exact: id, document and metadata as they were, every bit of the vectors
        - within 1e-6: the vectors differ by that much, relative to components above 1
        - refused: planning stops the migration, or this record is rejected with its reason; nothing is changed silently
        - no gap: at the cutover readers of the name get what was there before or what was loaded, and no error, on the way back too
        - short gap: between two calls they get an error; what planning says names it, and what avoids it
          A name that is an alias (FAISS: a symbolic link) moves without a gap in every store; Chroma has none.
        """);
    cells.forEach(
        (heading, lines) -> {
          text.append("\n## ").append(heading).append("\n\n| |");
          places.forEach(place -> text.append(' ').append(place.title()).append(" |"));
          text.append("\n|---|").append("---|".repeat(places.size())).append('\n');
          lines.forEach(
              (line, outcomes) ->
                  text.append("| ")
                      .append(line)
                      .append(" | ")
                      .append(String.join(" | ", outcomes))
                      .append(" |\n"));
        });
    text.append("\n## What planning says\n\nOf loads such as these.\n");
    for (Place place : places) {
      StoreProvider provider = place.provider();
      text.append("\n### ").append(place.title()).append("\n\n");
      text.append(provider.description()).append(".\n\n");
      said.get(place.title()).forEach(message -> text.append("- ").append(message).append('\n'));
    }
    return text.toString();
  }
}
