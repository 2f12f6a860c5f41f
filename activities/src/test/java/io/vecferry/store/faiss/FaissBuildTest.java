package io.vecferry.store.faiss;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.abort;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.vecferry.plan.Finding;
import io.vecferry.record.DenseVectors;
import io.vecferry.record.IdColumn;
import io.vecferry.record.IdKind;
import io.vecferry.record.RecordBatch;
import io.vecferry.record.TextColumn;
import io.vecferry.search.ExactSearch;
import io.vecferry.store.BatchWriter;
import io.vecferry.store.LoadSchema;
import io.vecferry.store.LoadStamp;
import io.vecferry.store.Metric;
import io.vecferry.store.Neighbours;
import io.vecferry.store.StoreSettings;
import io.vecferry.store.VectorFieldInfo;
import io.vecferry.store.VectorStore;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.reflect.RecordComponent;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Indexes that are built: searched by us, loaded and searched by the real library, next to what the
 * library builds with the same parameters. VECFERRY_PYTHON names a Python with the newest release,
 * VECFERRY_OLD_FAISS_PYTHON one with FAISS 1.7.3; skipped without, except in CI.
 */
class FaissBuildTest {
  private static final LoadStamp STAMP = new LoadStamp("build", "1");
  private static final int DIMENSION = 24;
  private static final int ROWS = 4000;
  private static final double RECALL_MARGIN = 0.01;

  @TempDir Path folder;

  private static float[] vectors() {
    Random random = new Random(11);
    float[] centres = new float[60 * DIMENSION];
    for (int i = 0; i < centres.length; i++) {
      centres[i] = (float) random.nextGaussian();
    }
    float[] vectors = new float[ROWS * DIMENSION];
    for (int i = 0; i < vectors.length; i++) {
      int centre = i / DIMENSION * 7919 % 60;
      vectors[i] =
          centres[centre * DIMENSION + i % DIMENSION] + 0.4f * (float) random.nextGaussian();
    }
    return vectors;
  }

  private static RecordBatch records(IdKind kind, int from, int to) {
    TextColumn.Builder ids = new TextColumn.Builder(to - from);
    TextColumn.Builder documents = new TextColumn.Builder(to - from);
    TextColumn.Builder metadata = new TextColumn.Builder(to - from);
    for (int row = from; row < to; row++) {
      ids.add(kind == IdKind.INT64 ? Integer.toString(row * 31 % ROWS * 7 - 5) : "row " + row);
      documents.add("document " + row);
      metadata.add("{\"row\":" + row + "}");
    }
    float[] some = java.util.Arrays.copyOfRange(vectors(), from * DIMENSION, to * DIMENSION);
    return new RecordBatch(
        IdColumn.of(kind, ids.build()),
        List.of(new DenseVectors("", DIMENSION, some)),
        documents.build(),
        metadata.build());
  }

  private static VectorStore open(Path path, String layout, String role) {
    StoreSettings settings =
        StoreSettings.of(role, "path", path.toString(), "options.layout", layout);
    settings.values().withObjectProperty("options").put("allowLossy", true);
    return new FaissProvider().open(settings);
  }

  private static List<String> members(Path json) {
    try {
      List<String> names = new ArrayList<>();
      new ObjectMapper().readTree(json.toFile()).fieldNames().forEachRemaining(names::add);
      return names;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private Path write(
      String layout, IdKind kind, Metric metric, String type, Map<String, String> parameters) {
    Path path = folder.resolve(layout + kind + metric + type);
    try (VectorStore store = open(path, layout, "target")) {
      VectorFieldInfo field = new VectorFieldInfo("", DIMENSION, metric, 0, type, parameters);
      store.create(new LoadSchema(List.of(field), Set.of(kind), "test", ROWS), STAMP);
      assertThat(store.searchesExactly("")).isEqualTo(type.isEmpty() || type.equals("FLAT"));
      List<String> parts = List.of("p0", "p1", "p2");
      int[] cuts = {0, 1, 2501, ROWS};
      for (int part = 0; part < 3; part++) {
        try (BatchWriter writer = store.write(parts.get(part), STAMP)) {
          writer.write(records(kind, cuts[part], cuts[part + 1]));
          assertThat(writer.finish()).isEmpty();
        }
      }
      store.finishLoad(parts, STAMP);
    }
    assertThat(members(path.resolve(Manifest.NAME)))
        .as("what follows from the rest is not written")
        .isSubsetOf(
            Stream.of(Manifest.class.getRecordComponents()).map(RecordComponent::getName).toList());
    return path;
  }

  private static final Map<String, String> GRAPH = Map.of("M", "8", "efSearch", "32");
  private static final Map<String, String> LISTS = Map.of("nlist", "32", "nprobe", "6");

  private void libraryFindsAsMuch(String variable, String defaultPython, String modules)
      throws Exception {
    String python = System.getenv().getOrDefault(variable, defaultPython);
    String problem = python.isEmpty() ? variable + " is not set" : null;
    if (problem == null) {
      Process process = start(python, "-c", "import " + modules);
      String said = output(process);
      problem = process.exitValue() == 0 ? null : said;
    }
    if (problem != null) {
      if ("true".equals(System.getenv("CI"))) {
        throw new AssertionError("a Python with " + modules + " is needed in CI: " + problem);
      }
      abort("no Python with " + modules + ": " + problem);
    }
    List<Path> written =
        List.of(
            write("vecferry", IdKind.STRING, Metric.L2, "HNSW", GRAPH),
            write("vecferry", IdKind.INT64, Metric.IP, "HNSW", GRAPH),
            write("vecferry", IdKind.INT64, Metric.L2, "IVF_FLAT", LISTS),
            write("vecferry", IdKind.STRING, Metric.IP, "IVF_FLAT", LISTS),
            write("vecferry", IdKind.INT64, Metric.L2, "SQ8", Map.of()),
            write("vecferry", IdKind.STRING, Metric.L2, "IVF_SQ8", LISTS),
            write("vecferry", IdKind.INT64, Metric.IP, "IVF_SQ8", LISTS),
            write("langchain", IdKind.STRING, Metric.L2, "HNSW", GRAPH),
            write("langchain", IdKind.STRING, Metric.L2, "IVF_FLAT", LISTS),
            write("langchain", IdKind.STRING, Metric.L2, "SQ8", Map.of()));
    ByteBuffer bytes = ByteBuffer.allocate(ROWS * DIMENSION * 4).order(ByteOrder.LITTLE_ENDIAN);
    bytes.asFloatBuffer().put(vectors());
    Path raw = Files.write(folder.resolve("vectors.f32"), bytes.array());
    List<String> command =
        new ArrayList<>(
            List.of(
                Path.of("src", "test", "python", "check_built_index.py").toString(),
                raw.toString(),
                Integer.toString(DIMENSION)));
    written.forEach(path -> command.add(path.toString()));
    Process process = start(python, command.toArray(String[]::new));
    String text = output(process);
    assertThat(process.exitValue()).as(text).isZero();
    String[] lines = text.strip().split("\n");
    List<String> classes =
        List.of(
            "IndexHNSWFlat IndexHNSWFlat",
            "IndexIDMap2 IndexHNSWFlat",
            "IndexIVFFlat IndexIVFFlat",
            "IndexIVFFlat IndexIVFFlat",
            "IndexIDMap2 IndexScalarQuantizer",
            "IndexIVFScalarQuantizer IndexIVFScalarQuantizer",
            "IndexIVFScalarQuantizer IndexIVFScalarQuantizer",
            "IndexHNSWFlat IndexHNSWFlat",
            "IndexIVFFlat IndexIVFFlat",
            "IndexScalarQuantizer IndexScalarQuantizer");
    assertThat(lines).as(text).hasSameSizeAs(classes);
    for (int i = 0; i < lines.length; i++) {
      assertThat(lines[i]).startsWith(classes.get(i) + " " + ROWS + " ").endsWith(" same");
      String[] words = lines[i].split(" ");
      assertThat(Double.parseDouble(words[3]))
          .as(written.get(i).getFileName() + ": " + lines[i])
          .isGreaterThanOrEqualTo(Double.parseDouble(words[4]) - RECALL_MARGIN);
    }
  }

  private static Process start(String python, String... arguments) throws IOException {
    List<String> command = new ArrayList<>(List.of(python, "-W", "ignore"));
    command.addAll(List.of(arguments));
    return new ProcessBuilder(command).redirectErrorStream(true).start();
  }

  private static String output(Process process) throws IOException, InterruptedException {
    String text = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor(2, TimeUnit.MINUTES)).isTrue();
    return text;
  }

  @Test
  void newestFaissFindsAsMuchAsInItsOwn() throws Exception {
    libraryFindsAsMuch("VECFERRY_PYTHON", "python3", "faiss, langchain_community.vectorstores");
  }

  @Test
  void oldFaissFindsAsMuchAsInItsOwn() throws Exception {
    libraryFindsAsMuch("VECFERRY_OLD_FAISS_PYTHON", "", "faiss");
  }

  @ParameterizedTest
  @CsvSource({
    "HNSW,vecferry,STRING,L2",
    "HNSW,langchain,INT64,IP",
    "IVF_FLAT,vecferry,INT64,L2",
    "IVF_FLAT,langchain,STRING,IP",
    "IVF_SQ8,vecferry,STRING,L2"
  })
  void searchesWithWhatWasBuilt(String type, String layout, IdKind kind, Metric metric) {
    Path path = write(layout, kind, metric, type, type.equals("HNSW") ? GRAPH : LISTS);
    float[] queries = java.util.Arrays.copyOf(vectors(), 200 * DIMENSION);
    RecordBatch all = records(kind, 0, ROWS);
    ExactSearch exact = new ExactSearch(metric, 0, DIMENSION, queries, 200, 10);
    exact.offer(vectors(), 0, ROWS, 0);
    try (VectorStore target = open(path, layout, "target");
        VectorStore source = open(path, layout, "source")) {
      assertThat(target.searchesExactly("")).isFalse();
      assertThat(source.searchesExactly("")).isTrue();
      Neighbours found = target.search("", queries, 200, 10);
      Neighbours scanned = source.search("", queries, 200, 10);
      double built = recall(found, exact, all);
      assertThat(built).isGreaterThan(0.8).isLessThanOrEqualTo(1);
      assertThat(recall(scanned, exact, all)).isGreaterThan(type.equals("IVF_SQ8") ? 0.97 : 0.9999);
      float best = exact.scores(0)[0];
      assertThat(found.scores()[0])
          .isCloseTo(
              best, org.assertj.core.data.Offset.offset(type.equals("IVF_SQ8") ? 0.1f : 1e-3f));
    }
  }

  private static double recall(Neighbours found, ExactSearch exact, RecordBatch all) {
    int right = 0;
    for (int query = 0; query < 200; query++) {
      Set<String> wanted = new HashSet<>();
      for (long row : exact.rows(query)) {
        wanted.add(all.ids().get((int) row));
      }
      for (int i = 0; i < found.counts()[query]; i++) {
        right += wanted.contains(found.ids().get(query * found.k() + i)) ? 1 : 0;
      }
    }
    return right / 2000.0;
  }

  private List<String> findings(
      String layout, boolean allowLossy, Metric metric, String type, long rows, String... params) {
    StoreSettings settings =
        StoreSettings.of(
            "target", "path", folder.resolve("new").toString(), "options.layout", layout);
    settings.values().withObjectProperty("options").put("allowLossy", allowLossy);
    Map<String, String> parameters = new java.util.LinkedHashMap<>();
    for (int i = 0; i < params.length; i += 2) {
      parameters.put(params[i], params[i + 1]);
    }
    try (VectorStore store = new FaissProvider().open(settings)) {
      VectorFieldInfo field = new VectorFieldInfo("", 128, metric, 0, type, parameters);
      return store
          .assessLoad(new LoadSchema(List.of(field), Set.of(IdKind.STRING), "test", rows))
          .stream()
          .filter(finding -> !finding.subject().equals("target.options.layout"))
          .map(finding -> finding.severity() + " " + finding)
          .toList();
    }
  }

  @Test
  void planningSaysWhatAnIndexTakesAndLoses() {
    assertThat(findings("vecferry", false, Metric.L2, "Flat", 1000)).isEmpty();
    assertThat(findings("vecferry", false, Metric.L2, "HNSW", 200_000))
        .singleElement()
        .asString()
        .startsWith(
            Finding.Severity.INFO
                + " target.index: HNSW32,Flat, M 32, efConstruction 40, efSearch 64, seed 1234:"
                + " about 157 MB on disk; building it takes about 16")
        .contains("1.0 times the index");
    assertThat(findings("vecferry", false, Metric.L2, "IVF_FLAT", 1_000_000, "nlist", "1024"))
        .singleElement()
        .asString()
        .contains(
            "IVF1024,Flat, nlist 1024, nprobe 64, seed 1234: about 521 MB on disk; building it"
                + " takes about 143 MB of memory, 0.3 times the index");
    assertThat(findings("vecferry", false, Metric.L2, "SQ8", 1000))
        .first()
        .isEqualTo(
            "BLOCKING target.index.type: SQ8 keeps each component as one of 256 steps of its range:"
                + " a component comes back up to 1/510 of the range of that component away Set"
                + " target.options.allowLossy to true to accept it, or use HNSW, IVF_FLAT or Flat,"
                + " which keep every bit.");
    assertThat(findings("vecferry", true, Metric.IP, "IVF_SQ8", 100_000))
        .first()
        .asString()
        .startsWith("WARNING target.index.type: IVF_SQ8 keeps each component")
        .endsWith("must be as large; scores move too, see quality.scoreTolerance");
    assertThat(findings("vecferry", false, Metric.L1, "HNSW", 1000))
        .containsExactly(
            "BLOCKING target.index.type: HNSW compares by l2 or ip, not by l1 Use Flat, which knows"
                + " all metrics of FAISS.");
    assertThat(findings("vecferry", false, Metric.L2, "HNSW", 1L << 32))
        .containsExactly(
            "BLOCKING target.index.type: HNSW holds up to 2147483639 records, the source has"
                + " 4294967296 Use Flat, or divide the source.");
    assertThat(findings("vecferry", false, Metric.L2, "HNSW", 2_000_000_000))
        .last()
        .asString()
        .startsWith("BLOCKING target.index: building the index takes about 1,5")
        .contains("Start the worker with a larger -Xmx, or use IVF_FLAT");
    assertThat(findings("vecferry", false, Metric.L2, "IVF_FLAT", 1000, "nlist", "100"))
        .first()
        .isEqualTo(
            "WARNING target.index.params.nlist: 1000 records are few for 100 lists; FAISS advises"
                + " at least 39 records per list");
    assertThat(findings("vecferry", false, Metric.L2, "IVF_FLAT", 10, "nlist", "100"))
        .first()
        .isEqualTo(
            "WARNING target.index.params.nlist: nlist 100 is more than the 10 records: there will"
                + " be one list per record");
    assertThat(findings("langchain", false, Metric.L2, "HNSW", 1000))
        .first()
        .isEqualTo(
            "WARNING target.index.type: LangChain searches an HNSW index and adds to it, but cannot"
                + " delete from it: FAISS does not remove vectors from a graph");
    assertThat(findings("langchain", false, Metric.L2, "IVF_FLAT", 1000))
        .first()
        .isEqualTo(
            "WARNING target.index.type: LangChain searches an IVF index and adds to it, but must"
                + " not delete from it: it renumbers the rows, FAISS does not");
  }
}
