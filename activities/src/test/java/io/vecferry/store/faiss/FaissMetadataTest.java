package io.vecferry.store.faiss;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.vecferry.plan.FailureClass;
import io.vecferry.plan.Finding;
import io.vecferry.record.IdKind;
import io.vecferry.record.RecordBatch;
import io.vecferry.store.BatchReader;
import io.vecferry.store.SourceRange;
import io.vecferry.store.StoreException;
import io.vecferry.store.StoreSettings;
import io.vecferry.store.VectorStore;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Metadata that stands beside an index: lists by position or key, LangChain, LlamaIndex. */
class FaissMetadataTest {
  private static final Path FILES = Path.of("src", "test", "resources", "faiss", "metadata");
  private static final int ROWS = 40;

  @TempDir Path folder;

  private static StoreSettings settings(Path path, String... options) {
    List<String> all = new ArrayList<>(List.of("path", path.toString()));
    for (int i = 0; i < options.length; i += 2) {
      all.add("options." + options[i]);
      all.add(options[i + 1]);
    }
    return StoreSettings.of("source", all.toArray(String[]::new));
  }

  /** All rows; every part by a reader of its own. */
  private static List<RecordBatch> read(StoreSettings settings) {
    List<RecordBatch> batches = new ArrayList<>();
    try (VectorStore store = new FaissProvider().open(settings)) {
      for (SourceRange range : store.split(3)) {
        try (BatchReader reader = store.read(range, null, 7)) {
          for (RecordBatch batch = reader.next(); batch != null; batch = reader.next()) {
            batches.add(batch);
          }
        }
      }
      assertThat(store.assess())
          .noneMatch(finding -> finding.severity() == Finding.Severity.BLOCKING);
    }
    return batches;
  }

  private static StoreException failure(StoreSettings settings) {
    return catchThrowableOfType(
        StoreException.class,
        () -> {
          try (VectorStore store = new FaissProvider().open(settings)) {
            store.describe();
          }
        });
  }

  /** The rows of an index and its metadata belong together, whatever the order of the file is. */
  private void assertRows(String name, List<RecordBatch> batches, Check check) throws IOException {
    float[] expected = FaissTypesTest.expected(name);
    long[] ids = FaissTypesTest.expectedIds(name, ROWS);
    int dimension = expected.length / ROWS;
    int seen = 0;
    for (RecordBatch batch : batches) {
      for (int i = 0; i < batch.rows(); i++, seen++) {
        long label = check.label(batch, i);
        int row = 0;
        while (ids[row] != label) {
          row++;
        }
        assertThat(
                Arrays.copyOfRange(
                    batch.onlyVectors().values(), i * dimension, (i + 1) * dimension))
            .isEqualTo(Arrays.copyOfRange(expected, row * dimension, (row + 1) * dimension));
      }
    }
    assertThat(seen).isEqualTo(ROWS);
  }

  /** Checks a record and says which label its vector must have. */
  private interface Check {
    long label(RecordBatch batch, int row);
  }

  @ParameterizedTest
  @ValueSource(strings = {"ivf-flat", "hnsw-flat", "ivf-flat-direct-array"})
  void listsAreMatchedByPosition(String name) throws IOException {
    Path index = FaissTypesTest.index(name, folder);
    StringBuilder lines = new StringBuilder();
    for (int i = 0; i < ROWS; i++) {
      lines.append("{\"n\": ").append(i).append(", \"x\": 1.50}\n");
    }
    Files.writeString(folder.resolve("list.jsonl"), lines);
    assertRows(
        name,
        read(settings(index, "metadata", "list.jsonl")),
        (batch, row) -> {
          String id = batch.ids().get(row);
          assertThat(batch.ids().kind(row)).isEqualTo(IdKind.INT64);
          assertThat(batch.metadata().get(row)).isEqualTo("{\"n\":" + id + ",\"x\":1.50}");
          assertThat(batch.documents().isNull(row)).isTrue();
          return Long.parseLong(id);
        });
  }

  @Test
  void listsAreMatchedByTheIdsOfTheIndex() throws IOException {
    for (String name : List.of("ivf-flat-own-ids", "idmap-hnsw-flat", "idmap2-ivf-flat")) {
      Path index = FaissTypesTest.index(name, folder);
      long[] ids = FaissTypesTest.expectedIds(name, ROWS);
      StringBuilder csv = new StringBuilder("\uFEFFvector,name,text,zip\r\n");
      for (int i = ROWS - 1; i >= 0; i--) {
        csv.append(ids[i]).append(",id-").append(ids[i]).append(",\"a \"\"q\"\",\nb\",007\r\n");
      }
      Files.writeString(folder.resolve("list.csv"), csv);
      StoreSettings settings =
          settings(
              index,
              "metadata",
              "list.csv",
              "metadataKey",
              "vector",
              "metadataId",
              "name",
              "metadataDocument",
              "text");
      assertRows(
          name,
          read(settings),
          (batch, row) -> {
            long label = Long.parseLong(batch.ids().get(row).substring(3));
            assertThat(batch.ids().kind(row)).isEqualTo(IdKind.STRING);
            assertThat(batch.documents().get(row)).isEqualTo("a \"q\",\nb");
            assertThat(batch.metadata().get(row))
                .isEqualTo("{\"vector\":\"" + label + "\",\"zip\":\"007\"}");
            return label;
          });
      Files.delete(index);
    }
  }

  @Test
  void parquetOfPandasIsRead() throws IOException {
    Path index = FaissTypesTest.index("ivf-flat", folder);
    Files.copy(FILES.resolve("rows.parquet"), folder.resolve("rows.parquet"));
    assertRows(
        "ivf-flat",
        read(settings(index, "metadata", "rows.parquet", "metadataId", "key")),
        (batch, row) -> {
          int number = Integer.parseInt(batch.ids().get(row).substring(4));
          assertThat(batch.metadata().get(row))
              .isEqualTo(
                  "{\"number\":"
                      + number
                      + ",\"price\":"
                      + number
                      + ".25,\"flag\":"
                      + (number % 2 == 0)
                      + ",\"tags\":[\"a\",\"b"
                      + number
                      + "\"],\"inner\":{\"x\":"
                      + number
                      + ",\"y\":null},\"day\":\"2024-01-02\",\"time\":\"2024-01-02T03:04:05.000006Z\","
                      + "\"nothing\":null,\"big\":18446744073709551615}");
          return number;
        });
  }

  @Test
  void aJsonArrayIsAList() throws IOException {
    Path index = FaissTypesTest.index("hnsw-flat", folder);
    StringBuilder array = new StringBuilder("[");
    for (int i = 0; i < ROWS; i++) {
      array.append(i == 0 ? "" : ",\n").append("{\"id\":\"k").append(i).append("\",\"v\":[]}");
    }
    Files.writeString(folder.resolve("list.json"), array.append("]"));
    assertRows(
        "hnsw-flat",
        read(settings(index, "metadata", "list.json", "metadataId", "id")),
        (batch, row) -> {
          assertThat(batch.metadata().get(row)).isEqualTo("{\"v\":[]}");
          return Long.parseLong(batch.ids().get(row).substring(1));
        });
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "a.csv | | | a.csv is empty",
        "a.csv | a,a\\n1,2 | | a name of a column is there twice",
        "a.csv | a,b\\n1 | | a.csv, line 2: it has 1 values, there are 2 columns",
        "a.csv | a\\n\"1 | | a.csv, line 2: a quote is not closed",
        "a.csv | a\\n\"1\"2\\n | | a.csv, line 2: there is text behind a closing quote",
        "a.csv | a\\n1\\n2\\n | | a.csv has 2 rows, the index has 40 vectors",
        "a.csv | a\\n1\\n | b | a.csv, line 2: there is no 'b'; there is a",
        "a.csv | a\\nx\\n | a | a.csv, line 2: 'a' is no integer",
        "a.jsonl | [1] | | a.jsonl, line 1: a JSON object was expected",
        "a.jsonl | {\"a\":1}\\n{\"a\" | | a.jsonl, line 2: ",
        "a.jsonl | {\"a\":1,\"a\":2} | | Duplicate field 'a'",
        "a.parquet | PAR1 | | a.parquet is not a Parquet file that can be read",
        "a.txt | x | | metadata is read from .jsonl, .ndjson, .json, .csv, .tsv and .parquet files",
      })
  void saysWhatIsWrongWithAList(String file, String content, String key, String message)
      throws IOException {
    Path index = FaissTypesTest.index("ivf-flat", folder);
    Files.writeString(folder.resolve(file), content == null ? "" : content.replace("\\n", "\n"));
    StoreSettings settings =
        key == null
            ? settings(index, "metadata", file)
            : settings(index, "metadata", file, "metadataKey", key);
    assertThat(failure(settings)).hasMessageContaining(message);
  }

  @Test
  void keysAndPositionsAreChecked() throws IOException {
    Path index = FaissTypesTest.index("ivf-flat-own-ids", folder);
    assertThat(failure(settings(index, "metadata", "absent.csv")).failureClass())
        .isEqualTo(FailureClass.MISSING);
    assertThat(failure(settings(index, "metadataKey", "a")))
        .hasMessageContaining("source.options.metadata has to name");
    Files.writeString(folder.resolve("a.csv"), "n\n" + "5\n".repeat(ROWS));
    assertThat(failure(settings(index, "metadata", "a.csv")))
        .hasMessageContaining("cannot be matched by position")
        .hasMessageContaining("source.options.metadataKey");
    assertThat(failure(settings(index, "metadata", "a.csv", "metadataKey", "n")))
        .hasMessageContaining("row 2 has the key '5', which an earlier row has");
    StringBuilder other = new StringBuilder("n\n");
    for (int i = 0; i < ROWS; i++) {
      other.append(i).append('\n');
    }
    Files.writeString(folder.resolve("a.csv"), other);
    assertThat(failure(settings(index, "metadata", "a.csv", "metadataKey", "n")))
        .hasMessageContaining("has no row whose 'n' is ");
  }

  @ParameterizedTest
  @ValueSource(strings = {"flat", "map", "old"})
  void llamaIndexFoldersAreRead(String name) throws IOException {
    Path path = FILES.resolve("llamaindex-" + name);
    List<String> expected = Files.readAllLines(FILES.resolve("llamaindex-" + name + ".txt"));
    List<RecordBatch> batches = read(settings(path));
    int row = 0;
    for (RecordBatch batch : batches) {
      for (int i = 0; i < batch.rows(); i++, row++) {
        String[] line = expected.get(row).split("\t");
        assertThat(batch.ids().get(i)).isEqualTo(line[0]);
        assertThat(batch.documents().get(i)).isEqualTo(line[1]);
        assertThat(batch.metadata().get(i)).startsWith(line[2]);
        assertThat(batch.onlyVectors().values()[i * 4]).isEqualTo(Float.parseFloat(line[3]));
      }
    }
    assertThat(row).isEqualTo(expected.size());
    try (VectorStore store = new FaissProvider().open(settings(path))) {
      assertThat(store.describe().configuration()).containsEntry("layout", "llamaindex");
      assertThat(store.describe().configuration().get("metadataFile")).contains("docstore.json");
    }
  }

  @Test
  void aDocstoreOfAnotherLlamaIndexIsNoticed() throws IOException {
    for (String file : List.of("default__vector_store.json", "index_store.json")) {
      Files.copy(FILES.resolve("llamaindex-flat").resolve(file), folder.resolve(file));
    }
    assertThat(failure(settings(folder)))
        .hasMessageContaining("LlamaIndex folder without docstore");
    Files.writeString(folder.resolve("docstore.json"), "{\"docstore/data\":{}}");
    assertThat(failure(settings(folder)))
        .hasMessageContaining("docstore.json has no node '")
        .hasMessageContaining("which index_store.json names for the vector 0");
    Files.writeString(folder.resolve("index_store.json"), "{\"index_store/data\":{}}");
    assertThat(failure(settings(folder))).hasMessageContaining("it names nodes for 0");
    Files.writeString(folder.resolve("index_store.json"), "{");
    assertThat(failure(settings(folder))).hasMessageContaining("index_store.json is not JSON");
  }

  @ParameterizedTest
  @ValueSource(strings = {"langchain-v1", "langchain-schema", "langchain-gaps"})
  void langChainFoldersOfOldReleasesAreRead(String name) throws IOException {
    int seen = 0;
    for (RecordBatch batch : read(settings(FILES.resolve(name)))) {
      for (int i = 0; i < batch.rows(); i++, seen++) {
        String number = batch.ids().get(i).substring(4);
        assertThat(batch.documents().get(i)).isEqualTo("text " + number);
        assertThat(batch.metadata().get(i)).isEqualTo("{\"n\":" + number + "}");
        assertThat(batch.onlyVectors().values()[i * 4]).isEqualTo(Float.parseFloat(number));
      }
    }
    assertThat(seen).isEqualTo(6);
  }

  @Test
  void documentsOfHaystackAreAskedFor() throws Exception {
    Path index = folder.resolve("store.faiss");
    Files.copy(Path.of("src", "test", "resources", "faiss", "flat-l2.faiss"), index);
    Files.writeString(folder.resolve("store.json"), "{\"sql_url\":\"sqlite:///documents.db\"}");
    String said;
    try (VectorStore store = new FaissProvider().open(settings(index))) {
      said =
          store.assess().stream()
              .filter(finding -> finding.severity() == Finding.Severity.BLOCKING)
              .map(Finding::toString)
              .collect(Collectors.joining());
    }
    assertThat(said)
        .contains("store.json", "a FAISSDocumentStore of Haystack", "are in documents.db")
        .contains("sqlite3 documents.db \"select ", "metadataKey: vector_id, metadataId: id");
    Files.writeString(folder.resolve("store.json"), "{\"something\":\"else\"}");
    try (VectorStore store = new FaissProvider().open(settings(index))) {
      assertThat(store.assess())
          .noneMatch(finding -> finding.severity() == Finding.Severity.BLOCKING);
    }
    Assumptions.assumeTrue(System.getenv("VECFERRY_PYTHON") != null, "no Python with SQLite");
    assertQueryGivesDocuments(said);
  }

  /** What the message says to run, run against tables as Haystack makes them. */
  private void assertQueryGivesDocuments(String said) throws Exception {
    String query = said.replaceAll("(?s).*documents.db \"(select .*)\" > documents.jsonl.*", "$1");
    String program =
        """
        import sqlite3, sys
        db = sqlite3.connect(":memory:")
        db.execute('create table document (id, content, "index", vector_id)')
        db.execute("create table meta_document (name, value, document_id, document_index)")
        for row in range(17):
            place = (f"d{row}", "document")
            db.execute("insert into document values (?, ?, ?, ?)", (place[0], f'"text {row}"', place[1], str(row)))
            db.execute("insert into meta_document values ('row', ?, ?, ?)", (str(row), *place))
        db.execute("insert into document values ('none', '1', 'document', null)")
        print(*(row for row, in db.execute(sys.argv[1])), sep="\\n")
        """;
    Path list = folder.resolve("documents.jsonl");
    Process python =
        new ProcessBuilder(
                System.getenv("VECFERRY_PYTHON"), "-c", program, query.replace("\\\"", "\""))
            .redirectErrorStream(true)
            .redirectOutput(list.toFile())
            .start();
    assertThat(python.waitFor()).as(Files.readString(list)).isZero();
    RecordBatch batch =
        read(settings(
                folder.resolve("store.faiss"),
                "metadata",
                "documents.jsonl",
                "metadataKey",
                "vector_id",
                "metadataId",
                "id",
                "metadataDocument",
                "content"))
            .get(0);
    assertThat(batch.ids().get(3)).isEqualTo("d3");
    assertThat(batch.documents().get(3)).isEqualTo("text 3");
    assertThat(batch.metadata().get(3)).contains("\"row\":3");
  }
}
