package io.vecferry.store.faiss;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.vecferry.plan.FailureClass;
import io.vecferry.plan.Finding;
import io.vecferry.record.IdColumn;
import io.vecferry.record.IdKind;
import io.vecferry.record.RecordBatch;
import io.vecferry.record.TextColumn;
import io.vecferry.store.BatchReader;
import io.vecferry.store.CollectionInfo;
import io.vecferry.store.Metric;
import io.vecferry.store.SourceRange;
import io.vecferry.store.StoreException;
import io.vecferry.store.StoreSettings;
import io.vecferry.store.VectorStore;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Reads files of the real FAISS and LangChain, and files that somebody broke. */
class FaissFilesTest {
  private static final int ROWS = 17;
  private static final int DIMENSION = 5;

  @TempDir Path folder;

  private static Path fixture(String name) {
    return Path.of("src", "test", "resources", "faiss", name);
  }

  private static VectorStore open(Path path) {
    return new FaissProvider().open(StoreSettings.of("source", "path", path.toString()));
  }

  private static RecordBatch readAll(VectorStore store) {
    SourceRange range = store.split(1).get(0);
    try (BatchReader reader = store.read(range, null, 10_000)) {
      return reader.next();
    }
  }

  private static StoreException failure(Path path) {
    return catchThrowableOfType(
        StoreException.class,
        () -> {
          try (VectorStore store = open(path)) {
            store.describe();
            readAll(store);
          }
        });
  }

  @ParameterizedTest
  @CsvSource({
    "flat-l2,Flat,L2,0",
    "flat-ip,Flat,IP,0",
    "flat-l1,Flat,L1,0",
    "flat-lp,Flat,LP,2.5",
    "flat-canberra,Flat,CANBERRA,0",
    "idmap,'IDMap,Flat',L2,0",
    "idmap2,'IDMap2,Flat',L2,0"
  })
  void readsWhatFaissWrote(String name, String indexType, Metric metric, float argument)
      throws IOException {
    Path copy = Files.copy(fixture(name + ".faiss"), folder.resolve(name + ".faiss"));
    try (VectorStore store = open(copy)) {
      CollectionInfo info = store.describe();
      assertThat(info.rows()).isEqualTo(ROWS);
      assertThat(info.vectors().get(0).dimension()).isEqualTo(DIMENSION);
      assertThat(info.vectors().get(0).metric()).isEqualTo(metric);
      assertThat(info.vectors().get(0).metricArgument()).isEqualTo(argument);
      assertThat(info.vectors().get(0).indexType()).isEqualTo(indexType);
      assertThat(info.idKinds()).containsExactly(IdKind.INT64);
      RecordBatch batch = readAll(store);
      assertSameBits(batch, name);
      ByteBuffer labels =
          Files.exists(fixture(name + ".i64"))
              ? ByteBuffer.wrap(Files.readAllBytes(fixture(name + ".i64")))
                  .order(ByteOrder.LITTLE_ENDIAN)
              : null;
      for (int row = 0; row < ROWS; row++) {
        long label = labels == null ? row : labels.getLong();
        assertThat(batch.ids().get(row)).isEqualTo(Long.toString(label));
        assertThat(batch.documents().isNull(row)).isTrue();
        assertThat(batch.metadata().isNull(row)).isTrue();
      }
      RecordBatch one = store.fetch(batch.ids().select(new int[] {9, 2}));
      assertThat(one.ids().get(0)).isEqualTo(batch.ids().get(9));
      assertThat(one.onlyVectors())
          .usingRecursiveComparison()
          .isEqualTo(batch.onlyVectors().select(new int[] {9, 2}));
      assertThat(store.assess())
          .noneMatch(finding -> finding.severity() == Finding.Severity.BLOCKING);
    }
  }

  private static void assertSameBits(RecordBatch batch, String name) throws IOException {
    byte[] expected = Files.readAllBytes(fixture(name + ".f32"));
    ByteBuffer actual = ByteBuffer.allocate(expected.length).order(ByteOrder.LITTLE_ENDIAN);
    actual.asFloatBuffer().put(batch.onlyVectors().values());
    assertThat(HexFormat.of().formatHex(actual.array()))
        .isEqualTo(HexFormat.of().formatHex(expected));
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 2, 3, 4, 5})
  void readsLangChainFoldersOfEveryProtocol(int protocol) throws IOException {
    Path path = fixture("langchain-protocol-" + protocol);
    try (VectorStore store = open(path)) {
      assertThat(store.describe().idKinds()).containsExactly(IdKind.STRING);
      assertThat(store.describe().configuration()).containsEntry("layout", "langchain");
      RecordBatch batch = readAll(store);
      assertSameBits(batch, "flat-l2");
      List<String> expected = Files.readAllLines(fixture("langchain-rows.jsonl"));
      for (int row = 0; row < ROWS; row++) {
        JsonNode line = new ObjectMapper().readTree(expected.get(row));
        assertThat(batch.ids().get(row)).isEqualTo(line.get(0).asText());
        assertThat(batch.documents().get(row)).isEqualTo(line.get(1).asText());
        assertThat(batch.metadata().get(row)).isEqualTo(line.get(2).asText());
      }
    }
  }

  @ParameterizedTest
  @CsvSource({
    "1f8b0800000000,a gzip file",
    "934e554d50590100,a NumPy array file",
    "504152311504,a Parquet file",
    "504b03041400,a zip file",
    "7b22612220,a JSON file",
    "68656c6c6f20776f726c64,a text file",
    "80049520,a Python pickle",
    "00ff00ff00,a file that starts with the bytes 00 ff 00 ff 00"
  })
  void namesForeignFiles(String content, String name) throws IOException {
    Path file = Files.write(folder.resolve("x.faiss"), HexFormat.of().parseHex(content));
    assertThat(failure(file)).hasMessageContaining(" is " + name + ", not a FAISS index");
    Files.write(file, new byte[0]);
    assertThat(failure(file)).hasMessageContaining("is an empty file");
  }

  @ParameterizedTest
  @ValueSource(strings = {"flat-l2", "flat-lp", "idmap2"})
  void saysWhereAFileIsCutOff(String name) throws IOException {
    byte[] whole = Files.readAllBytes(fixture(name + ".faiss"));
    Path file = folder.resolve("cut.faiss");
    for (int length = 1; length < whole.length; length++) {
      Files.write(file, Arrays.copyOf(whole, length));
      StoreException failure = failure(file);
      assertThat(failure).as("cut to %d bytes", length).isNotNull();
      assertThat(failure)
          .hasMessageContaining(file.toString())
          .hasMessageContaining("is truncated")
          .hasMessageContaining("expected");
      assertThat(failure.failureClass()).isEqualTo(FailureClass.BAD_RECORD);
    }
    Files.write(file, Arrays.copyOf(whole, whole.length + 3));
    assertThat(failure(file)).hasMessageContaining("3 more than it should");
  }

  @Test
  void believesNoCount() throws IOException {
    byte[] whole = Files.readAllBytes(fixture("flat-l2.faiss"));
    Path file = folder.resolve("lie.faiss");
    for (int position = 4; position < 45; position++) {
      for (byte lie : new byte[] {0x7f, (byte) 0xff, (byte) 0x80}) {
        byte[] lying = whole.clone();
        lying[position] = lie;
        Files.write(file, lying);
        boolean unused = position >= 16 && position < 32 || position == 32 && lie == 1;
        StoreException failure = failure(file);
        if (unused) {
          assertThat(failure).isNull();
        } else {
          assertThat(failure).as("byte %d", position).isNotNull();
        }
      }
    }
    ByteBuffer huge = ByteBuffer.wrap(whole.clone()).order(ByteOrder.LITTLE_ENDIAN);
    huge.putLong(8, Long.MAX_VALUE / 2);
    Files.write(file, huge.array());
    assertThat(failure(file)).hasMessageContaining("cannot be in a file of");
  }

  @Test
  void truncatedPicklesAreNamed() throws IOException {
    Path source = fixture("langchain-protocol-4");
    byte[] whole = Files.readAllBytes(source.resolve("index.pkl"));
    Files.copy(source.resolve("index.faiss"), folder.resolve("index.faiss"));
    Path pickle = folder.resolve("index.pkl");
    for (int length = 0; length < whole.length; length++) {
      Files.write(pickle, Arrays.copyOf(whole, length));
      StoreException failure = failure(folder);
      assertThat(failure).as("cut to %d bytes", length).isNotNull();
      assertThat(failure).hasMessageContaining(pickle.toString());
    }
  }

  @Test
  void damagedPicklesNeverEscapeTheReader() throws IOException {
    Path source = fixture("langchain-protocol-4");
    byte[] whole = Files.readAllBytes(source.resolve("index.pkl"));
    Files.copy(source.resolve("index.faiss"), folder.resolve("index.faiss"));
    Path pickle = folder.resolve("index.pkl");
    java.util.Random random = new java.util.Random(7);
    for (int i = 0; i < 3000; i++) {
      byte[] damaged = whole.clone();
      for (int n = 0; n <= i % 3; n++) {
        damaged[random.nextInt(damaged.length)] = (byte) random.nextInt(256);
      }
      Files.write(pickle, damaged);
      try (VectorStore store = open(folder)) {
        store.describe();
        readAll(store);
      } catch (StoreException e) {
        assertThat(e.failureClass()).isIn(FailureClass.BAD_RECORD, FailureClass.INCOMPATIBLE);
      }
    }
  }

  @ParameterizedTest
  @CsvSource({
    "os-system,refused: posix.system",
    "os-system-inside,refused: posix.system",
    "nan,document 'a': metadata 'k' is NaN",
    "infinity,document 'a': metadata 'k.inner' is -Infinity",
    "number-key,document 'a': metadata 'k' has a key that is no text: 1",
    "surrogate,document 'a': metadata 'k' has half of a surrogate pair",
    "bytes,document 'a': metadata 'k' is of a type that JSON does not have",
    "surrogate-id,half of a surrogate pair",
    "two-rows,'the index has 1 vectors, the docstore 1 documents, index_to_docstore_id 2 entries'"
  })
  void refusesHostilePickles(String name, String message) throws IOException {
    Files.copy(fixture("hostile-" + name + ".pkl"), folder.resolve("index.pkl"));
    writeIndex(1);
    StoreException failure = failure(folder);
    assertThat(failure).hasMessageContaining(message);
    if (name.startsWith("os")) {
      assertThat(failure).hasMessageContaining("nothing was run");
    }
  }

  @ParameterizedTest
  @CsvSource({
    // memo entry two billion; LONG4 of two GB; BINUNICODE8 of an exabyte; POP on nothing
    "80044e72ffffff7f2e,out of range",
    "80048bffffff7f2e,longer than supported",
    "80048d000000000000001f2e,is truncated",
    "8004302e,takes more from the stack",
    "80044b0168002e,never set",
    "800463706f7369780a73797374656d0a2e,refused: posix.system",
    "8004635f5f6275696c74696e5f5f0a6576616c0a2e,refused: __builtin__.eval",
    "80042878692e,opcode 0x78",
    "80065d2e,protocol 6",
    "80045d2e,not what LangChain's FAISS.save_local writes"
  })
  void refusesTricksOfThePickleMachine(String content, String message) throws IOException {
    Files.write(folder.resolve("index.pkl"), HexFormat.of().parseHex(content));
    writeIndex(1);
    assertThat(failure(folder)).hasMessageContaining(message);
  }

  private void writeIndex(int rows, float... first) throws IOException {
    ByteBuffer header = ByteBuffer.allocate(45).order(java.nio.ByteOrder.LITTLE_ENDIAN);
    header.put("IxF2".getBytes(StandardCharsets.US_ASCII));
    header.putInt(2).putLong(rows).putLong(1 << 20).putLong(1 << 20).put((byte) 1).putInt(1);
    header.putLong(rows * 2).flip();
    ByteBuffer file =
        ByteBuffer.allocate(header.limit() + rows * 8).order(ByteOrder.LITTLE_ENDIAN).put(header);
    for (float value : first) {
      file.putFloat(value);
    }
    Files.write(folder.resolve("index.faiss"), file.array());
  }

  private List<String> blocking() {
    try (VectorStore store = open(folder)) {
      return store.assess().stream()
          .filter(finding -> finding.severity() == Finding.Severity.BLOCKING)
          .map(Finding::toString)
          .toList();
    }
  }

  private void writeLines(String... lines) throws IOException {
    Files.writeString(folder.resolve("meta.jsonl"), String.join("\n", lines) + "\n");
  }

  @Test
  void assessFindsWhatWouldStopAMigration() throws IOException {
    writeIndex(3, 1, Float.NaN, 0, 0, Float.POSITIVE_INFINITY, 1);
    writeLines("{\"id\":\"a\",\"faiss_id\":0}", "{\"id\":\"b\"}", "{\"id\":\"a\",\"faiss_id\":7}");
    assertThat(blocking())
        .anyMatch(
            text ->
                text.contains("2 of 3 vectors are not finite")
                    && text.contains("id 'a' (row 0, component 1 is NaN)")
                    && text.contains("(row 2, component 0 is Infinity)"))
        .anyMatch(text -> text.contains("'a' (rows 0 and 2)"))
        .anyMatch(text -> text.contains("line 3 says 7, the index 2"));
    writeLines("{\"id\":\"a\"}", "{\"id\":1}");
    assertThat(blocking()).anyMatch(text -> text.contains("has 2 lines, the index has 3 vectors"));
    assertThatThrownBy(
            () -> {
              try (VectorStore store = open(folder)) {
                store.split(2);
              }
            })
        .hasMessageContaining("has 2 lines, the index has 3 vectors");
    writeIndex(2, 1, 0, 0, 1);
    writeLines("{\"id\":\"1\"}", "{\"id\":1}");
    assertThat(blocking()).isEmpty();
  }

  @Test
  void linesAreCanonicalisedAndTheirDefectsNamed() throws IOException {
    writeIndex(3);
    writeLines(
        "{ \"metadata\" : { \"b\" : 1.0 , \"a\" : [ 1, 2e5 ] , \"u\" : \"\\u00e9 \\ud83d\\ude00\\/\" },"
            + " \"id\" : 7, \"other\" : [{}], \"document\" : \"\\u00e9\" }",
        "{\"idKind\":\"uuid\",\"id\":\"4d1d1a65-5215-4078-b025-e8d1dcc21d3c\",\"metadata\":{}}",
        "{\"id\":18446744073709551615,\"idKind\":\"uint64\",\"document\":null,\"metadata\":null}\r");
    try (VectorStore store = open(folder)) {
      RecordBatch batch = readAll(store);
      assertThat(batch.metadata().get(0))
          .isEqualTo("{\"b\":1.0,\"a\":[1,2e5],\"u\":\"é \uD83D\uDE00/\"}");
      assertThat(batch.documents().get(0)).isEqualTo("é");
      assertThat(batch.ids().kind(0)).isEqualTo(IdKind.INT64);
      assertThat(batch.ids().kind(1)).isEqualTo(IdKind.UUID);
      assertThat(batch.ids().kind(2)).isEqualTo(IdKind.UINT64);
      assertThat(batch.metadata().get(1)).isEqualTo("{}");
      assertThat(batch.metadata().get(2)).isNull();
      IdColumn other = IdColumn.of(IdKind.STRING, TextColumn.of("7"));
      assertThat(store.fetch(other).rows()).isZero();
    }
    writeIndex(1);
    String[][] defects = {
      {"", "line 1: the line is empty"},
      {"[]", "line 1: a JSON object was expected"},
      {"{\"document\":\"x\"}", "line 1: the line has no id"},
      {"{\"id\":1.5}", "the id must be a string or an integer"},
      {"{\"id\":9223372036854775808}", "is not a signed 64-bit integer"},
      {"{\"id\":\"a\",\"metadata\":[]}", "metadata must be an object"},
      {"{\"id\":\"a\",\"metadata\":{\"k\":1,\"k\":2}}", "Duplicate"},
      {"{\"id\":\"a\",\"metadata\":{\"k\":\"\\ud800\"}}", "surrogate"},
      {"{\"id\":\"a\",\"document\":\"\\ud800\"}", "half of a surrogate pair"},
      {"{\"id\":\"a\"} {}", "more than one JSON value"},
      {"{\"id\":\"a\"", "line 1: "},
      {"{\"id\":\"a\",\"faiss_id\":3}", "it says faiss_id 3, the index has 0"},
    };
    for (String[] defect : defects) {
      writeLines(defect[0]);
      StoreException failure = failure(folder);
      assertThat(failure).as(defect[0]).isNotNull();
      assertThat(failure).hasMessageContaining(defect[1]).hasMessageContaining("meta.jsonl");
    }
  }

  @Test
  void aFileThatChangesWhileItIsOpenIsNoticed() throws IOException {
    writeIndex(1);
    writeLines("{\"id\":\"a\"}");
    try (VectorStore store = open(folder)) {
      store.describe();
      writeLines("{\"id\":\"bbb\"}");
      StoreException failure =
          catchThrowableOfType(StoreException.class, () -> store.fetch(IdColumn.ofStrings("a")));
      assertThat(failure.failureClass()).isEqualTo(FailureClass.SOURCE_CHANGED);
    }
  }

  @Test
  void missingThingsAreNamed() throws IOException {
    assertThat(failure(folder.resolve("absent")).failureClass()).isEqualTo(FailureClass.MISSING);
    Files.writeString(folder.resolve("products.faiss"), "x");
    assertThat(failure(folder))
        .hasMessageContaining("has no index.faiss; it has products.faiss; say which with");
  }

  @Test
  void spellsFloatsAsPythonDoes() {
    double[] values = {
      1,
      -0.0,
      1e16,
      9999999999999998.0,
      1e-5,
      1e-4,
      5e-324,
      0.1,
      1.5e300,
      123456.789,
      2e-323,
      1e22,
      -2.5e-7,
      9007199254740993.0,
      2.2250738585072014E-308,
      1.7976931348623157e308,
      100
    };
    String[] spelled = {
      "1.0",
      "-0.0",
      "1e+16",
      "9999999999999998.0",
      "1e-05",
      "0.0001",
      "5e-324",
      "0.1",
      "1.5e+300",
      "123456.789",
      "2e-323",
      "1e+22",
      "-2.5e-07",
      "9007199254740992.0",
      "2.2250738585072014e-308",
      "1.7976931348623157e+308",
      "100.0"
    };
    for (int i = 0; i < values.length; i++) {
      assertThat(PythonNumbers.repr(values[i])).isEqualTo(spelled[i]);
    }
  }

  @Test
  void longLinesAreReadWhole() throws IOException {
    writeIndex(2);
    String text = "x".repeat(700_000);
    writeLines("{\"id\":\"a\",\"document\":\"" + text + "\"}", "{\"id\":\"b\"}");
    try (VectorStore store = open(folder)) {
      assertThat(readAll(store).documents().length(0)).isEqualTo(700_000);
      assertThat(store.fetch(IdColumn.ofStrings("b", "a")).documents().get(1))
          .isEqualTo(new String(text.getBytes(StandardCharsets.UTF_8), StandardCharsets.UTF_8));
    }
  }
}
