package io.vecferry.store.faiss;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.abort;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.vecferry.record.DenseVectors;
import io.vecferry.record.IdColumn;
import io.vecferry.record.IdKind;
import io.vecferry.record.RecordBatch;
import io.vecferry.record.TextColumn;
import io.vecferry.store.BatchReader;
import io.vecferry.store.BatchWriter;
import io.vecferry.store.LoadSchema;
import io.vecferry.store.LoadStamp;
import io.vecferry.store.Metric;
import io.vecferry.store.StoreSettings;
import io.vecferry.store.VectorFieldInfo;
import io.vecferry.store.VectorStore;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Lets the real FAISS and LangChain load what vecferry writes. Needs a Python with faiss-cpu and
 * langchain-community, named by VECFERRY_PYTHON; skipped without, except in CI.
 */
class FaissInteropTest {
  private static final LoadStamp STAMP = new LoadStamp("interop", "1");
  private static final int DIMENSION = 4;
  private static final int ROWS = 2503;

  @TempDir Path folder;

  @BeforeAll
  static void needsTheLibraries() throws Exception {
    Process process;
    String problem;
    try {
      process = python("-c", "import faiss, langchain_community.vectorstores");
      problem = output(process);
      if (process.exitValue() == 0) {
        return;
      }
    } catch (IOException e) {
      problem = e.getMessage();
    }
    if ("true".equals(System.getenv("CI"))) {
      throw new AssertionError("faiss-cpu and langchain-community are needed in CI: " + problem);
    }
    abort("no Python with faiss-cpu and langchain-community: " + problem);
  }

  private static Process python(String... arguments) throws IOException {
    List<String> command = new ArrayList<>();
    command.add(System.getenv().getOrDefault("VECFERRY_PYTHON", "python3"));
    command.addAll(List.of("-W", "ignore"));
    command.addAll(List.of(arguments));
    return new ProcessBuilder(command).redirectErrorStream(true).start();
  }

  private static String output(Process process) throws IOException, InterruptedException {
    String text = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor(2, TimeUnit.MINUTES)).isTrue();
    return text;
  }

  private static RecordBatch records(IdKind kind, int rows) {
    float[] vectors = new float[rows * DIMENSION];
    for (int i = 0; i < vectors.length; i++) {
      vectors[i] = i % 11 == 0 ? -0.0f : i % 13 == 0 ? 1e-42f : (float) Math.sin(i) * 1e3f;
    }
    TextColumn.Builder ids = new TextColumn.Builder(rows);
    TextColumn.Builder documents = new TextColumn.Builder(rows);
    TextColumn.Builder metadata = new TextColumn.Builder(rows);
    for (int i = 0; i < rows; i++) {
      ids.add(
          kind == IdKind.INT64 ? Long.toString((i - 9L) * 1_000_003_000_007L) : "id \u00e9 " + i);
      documents.add(i % 300 == 299 ? "long \uD83D\uDE00".repeat(100) : "text\n" + i + "\0");
      metadata.add(
          "{\"row\":"
              + i
              + ",\"float\":"
              + i
              + ".0,\"big\":-123456789012345678901234567890,\"l\":[9223372036854775807,1e-07,null,true,"
              + "{\"a.b\":\"\uD83D\uDE00\"}],\"e\":{},\"$k\":[]}");
    }
    return new RecordBatch(
        IdColumn.of(kind, ids.build()),
        List.of(new DenseVectors("", DIMENSION, vectors)),
        documents.build(),
        metadata.build());
  }

  private Path write(
      String layout, RecordBatch records, Metric metric, float argument, String type) {
    Path path = folder.resolve("written");
    try (VectorStore store =
        new FaissProvider()
            .open(StoreSettings.of("target", "path", path.toString(), "options.layout", layout))) {
      VectorFieldInfo field = new VectorFieldInfo("", DIMENSION, metric, argument, type, Map.of());
      store.create(
          new LoadSchema(List.of(field), Set.of(records.ids().kinds()), "test", records.rows()),
          STAMP);
      int half = records.rows() / 2;
      for (int part = 0; part < 2; part++) {
        try (BatchWriter writer = store.write("p" + part, STAMP)) {
          int[] rows = new int[part == 0 ? half : records.rows() - half];
          for (int i = 0; i < rows.length; i++) {
            rows[i] = i + part * half;
          }
          writer.write(records.select(rows));
          assertThat(writer.finish()).isEmpty();
        }
      }
      store.finishLoad(List.of("p0", "p1"), STAMP);
    }
    return path;
  }

  private String load(String layout, Path path) throws Exception {
    Process process =
        python(
            Path.of("src", "test", "python", "read_faiss_folder.py").toString(),
            layout,
            path.toString(),
            folder.resolve("out").toString());
    String text = output(process);
    assertThat(process.exitValue()).as(text).isZero();
    return text.strip();
  }

  private void assertSameVectors(RecordBatch records) throws IOException {
    byte[] actual = Files.readAllBytes(folder.resolve("out.f32"));
    ByteBuffer expected = ByteBuffer.allocate(actual.length).order(ByteOrder.LITTLE_ENDIAN);
    expected.asFloatBuffer().put(records.onlyVectors().values());
    assertThat(actual).isEqualTo(expected.array());
  }

  @ParameterizedTest
  @CsvSource({
    "L2,0,'',INT64,IndexIDMap2 2503 4 1 0.0",
    "IP,0,'IDMap2,Flat',INT64,IndexIDMap2 2503 4 0 0.0",
    "IP,0,Flat,INT64,IndexFlatIP 2503 4 0 0.0",
    "L2,0,'',STRING,IndexFlatL2 2503 4 1 0.0",
    "LP,2.5,'',STRING,IndexFlat 2503 4 4 2.5",
    "L1,0,'',INT64,IndexIDMap2 2503 4 2 0.0",
    "JENSEN_SHANNON,0,'',STRING,IndexFlat 2503 4 22 0.0"
  })
  void faissLoadsOurIndex(Metric metric, float argument, String type, IdKind kind, String says)
      throws Exception {
    RecordBatch records = records(kind, ROWS);
    assertThat(load("vecferry", write("vecferry", records, metric, argument, type))).endsWith(says);
    assertSameVectors(records);
    List<String> lines = Files.readAllLines(folder.resolve("out.jsonl"));
    for (int row = 0; row < ROWS; row++) {
      String label = new ObjectMapper().readTree(lines.get(row)).get(0).asText();
      assertThat(label)
          .isEqualTo(says.startsWith("IndexIDMap2") ? records.ids().get(row) : "" + row);
    }
  }

  @Test
  void langChainLoadsOurFolder() throws Exception {
    RecordBatch records = records(IdKind.STRING, ROWS);
    Path written = write("langchain", records, Metric.L2, 0, "");
    assertThat(load("langchain", written)).endsWith("IndexFlatL2 2503 4 1 0.0");
    assertSameVectors(records);
    List<String> lines = Files.readAllLines(folder.resolve("out.jsonl"));
    for (int row = 0; row < ROWS; row++) {
      JsonNode line = new ObjectMapper().readTree(lines.get(row));
      assertThat(line.get(1).asText()).isEqualTo(records.ids().get(row));
      assertThat(line.get(2).asText()).isEqualTo(records.documents().get(row));
      assertThat(line.get(3).asText())
          .isEqualTo(records.metadata().get(row).replace("\uD83D\uDE00", "\\ud83d\\ude00"));
    }
    for (Path path : List.of(written, folder.resolve("out.again"))) {
      try (VectorStore store =
              new FaissProvider().open(StoreSettings.of("source", "path", path.toString()));
          BatchReader reader = store.read(store.split(1).get(0), null, ROWS)) {
        RecordBatch again = reader.next();
        assertThat(again.onlyVectors().values()).isEqualTo(records.onlyVectors().values());
        for (int row = 0; row < ROWS; row++) {
          assertThat(again.ids().sameAt(row, records.ids(), row)).isTrue();
          assertThat(again.documents().get(row)).isEqualTo(records.documents().get(row));
          assertThat(again.metadata().get(row)).isEqualTo(records.metadata().get(row));
        }
      }
    }
  }

  @Test
  void langChainLoadsRecordsThatItCannotHold() throws Exception {
    RecordBatch plain = records(IdKind.INT64, 3);
    RecordBatch records =
        new RecordBatch(plain.ids(), plain.vectors(), TextColumn.allNull(3), TextColumn.allNull(3));
    Path written = write("langchain", records, Metric.IP, 0, "");
    assertThat(load("langchain", written)).endsWith("IndexFlatIP 3 4 0 0.0");
    try (VectorStore store =
        new FaissProvider().open(StoreSettings.of("source", "path", written.toString()))) {
      RecordBatch again = store.fetch(records.ids());
      assertThat(again.rows()).isEqualTo(3);
      assertThat(again.ids().kind(0)).isEqualTo(IdKind.INT64);
      assertThat(again.documents().isNull(1)).isTrue();
      assertThat(again.metadata().isNull(1)).isTrue();
    }
  }
}
