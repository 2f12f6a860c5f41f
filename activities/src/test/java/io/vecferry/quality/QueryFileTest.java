package io.vecferry.quality;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.vecferry.plan.FailureClass;
import io.vecferry.record.ElementType;
import io.vecferry.store.StoreException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Parquet files, which pyarrow writes, are read in {@code CompareTest}. */
class QueryFileTest {
  private static final double[] VALUES = {1, -0.5, 0.25, 8, 1e-3, 1e6};

  @TempDir Path folder;

  private QueryFile file(String name, byte[] content) throws IOException {
    return new QueryFile(Files.write(folder.resolve(name), content), 3, ElementType.FLOAT32, false);
  }

  private QueryFile lines(String... lines) throws IOException {
    return file("q.jsonl", String.join("\n", lines).getBytes(StandardCharsets.UTF_8));
  }

  private static byte[] numpy(String type, String shape, String more, double... values) {
    String dictionary =
        "{'descr': '" + type + "', 'fortran_order': False, 'shape': " + shape + ", }";
    dictionary += more + " ".repeat(118 - dictionary.length() - more.length() - 1) + "\n";
    int width = type.charAt(2) - '0';
    ByteBuffer file =
        ByteBuffer.allocate(128 + width * values.length).order(ByteOrder.LITTLE_ENDIAN);
    file.put((byte) 0x93).put("NUMPY".getBytes(StandardCharsets.US_ASCII));
    file.put((byte) 1).put((byte) 0).putShort((short) 118);
    file.put(dictionary.getBytes(StandardCharsets.US_ASCII));
    file.order(type.charAt(0) == '>' ? ByteOrder.BIG_ENDIAN : ByteOrder.LITTLE_ENDIAN);
    for (double value : values) {
      if (width == 4) {
        file.putFloat((float) value);
      } else {
        file.putDouble(value);
      }
    }
    return file.array();
  }

  private static void assertRead(Queries queries) {
    assertThat(queries.count()).isEqualTo(2);
    assertThat(queries.vectors()).containsExactly(1, -0.5f, 0.25f, 8, 1e-3f, 1e6f);
  }

  @ParameterizedTest
  @ValueSource(strings = {"<f4", "<f8", ">f4", ">f8"})
  void numpyArraysOfAllFloats(String type) throws IOException {
    assertRead(file("q.npy", numpy(type, "(2, 3)", "", VALUES)).read(null));
  }

  @Test
  void oneNumpyVectorIsOneQuery() throws IOException {
    assertThat(file("q.npy", numpy("<f4", "(3,)", "", 1, 2, 3)).read(null).vectors())
        .containsExactly(1, 2, 3);
  }

  @Test
  void linesMayBeListsOrObjects() throws IOException {
    Queries queries =
        lines(
                "[1, -0.5, 0.25]",
                "",
                "{\"text\": \"red shoes\", \"vector\": [8, 1e-3, 1000000], \"id\": 7}\r")
            .read(null);
    assertRead(queries);
    assertThat(queries.names()).containsExactly("line 1", "red shoes");
    assertThat(lines("{\"id\": 7, \"embedding\": [1, 2, 3]}").read(null).names())
        .containsExactly("7");
  }

  @Test
  void theFirstOnesAreTakenWhenFewerAreWanted() throws IOException {
    assertThat(file("q.npy", numpy("<f4", "(2, 3)", "", VALUES)).read(1).vectors())
        .containsExactly(1, -0.5f, 0.25f);
    assertThat(lines("[1, 2, 3]", "[4, 5, 6]", "not read").check(2)).isEqualTo(2);
  }

  private void assertBad(QueryFile file, String... words) {
    assertThatThrownBy(() -> file.read(null))
        .isInstanceOfSatisfying(
            StoreException.class,
            e -> assertThat(e.failureClass()).isEqualTo(FailureClass.INCOMPATIBLE))
        .hasMessageStartingWith("quality.queries: " + file.path() + ": ")
        .hasMessageContainingAll(words);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "[1, 2]                        | line 1: 2 components, the vectors of the source have 3",
        "[1, 2, 3, 4]                  | line 1: 4 components, the vectors of the source have 3",
        "[1, 2, NaN]                   | line 1, component 2 is no finite 32-bit float: NaN",
        "[1, -Infinity, 2]             | line 1, component 1 is no finite 32-bit float: -Infinity",
        "[1, 2, 1e39]                  | line 1, component 2 is no finite 32-bit float: 1.0E39",
        "[1, 2, null]                  | line 1, component 2 is no number: null",
        "[1, 2,                        | line 1 is no JSON, or is truncated",
        "{\"text\": \"red shoes\"}     | line 1 has no vector",
        "''                            | it has no queries",
      })
  void aBadLineIsNamed(String line, String message) throws IOException {
    assertBad(lines(line), message);
  }

  @Test
  void aBadNumpyFileSaysWhatIsWrong() throws IOException {
    byte[] good = numpy("<f4", "(2, 3)", "", VALUES);
    assertBad(
        file("cut.npy", Arrays.copyOf(good, good.length - 1)),
        "truncated: 2 rows are announced, there are bytes for 1");
    assertBad(file("header.npy", Arrays.copyOf(good, 40)), "it ends too early");
    assertBad(
        file("text.npy", "1,2,3 4,5,6 7".getBytes(StandardCharsets.UTF_8)), "is no .npy file");
    assertBad(
        file("huge.npy", numpy("<f4", "(999999999999, 3)", "")), "999999999999 rows are announced");
    assertBad(
        file("more.npy", numpy("<f4", "(99999999999999999999, 3)", "")), "rows are announced");
    assertBad(file("wide.npy", numpy("<f4", "(3, 2)", "", VALUES)), "its rows: 2 components");
    assertBad(file("deep.npy", numpy("<f4", "(1, 2, 3)", "", VALUES)), "it has 3 axes");
    assertBad(file("whole.npy", numpy("<i4", "(2, 3)", "", VALUES)), "of type <i4");
    assertBad(
        file("turned.npy", numpy("<f4", "(2, 3)", "'fortran_order': True", VALUES)), "Fortran");
    assertBad(
        file("nan.npy", numpy("<f8", "(1, 3)", "", 1, Double.NaN, 2)), "query 1, component 1");
    assertBad(file("empty.npy", numpy("<f4", "(0, 3)", "")), "it has no queries");
  }

  @Test
  void otherFilesAreRefused() throws IOException {
    assertBad(file("q.csv", new byte[] {1}), "\".csv\" is not known. Use .parquet, .jsonl");
    assertBad(file("queries", new byte[] {1}), "its ending is missing");
    assertBad(file("q.parquet", new byte[100]), "truncated, or no Parquet file");
    assertBad(file("short.parquet", new byte[3]), "truncated, or no Parquet file");
    Files.createDirectory(folder.resolve("folder.npy"));
    assertBad(
        new QueryFile(folder.resolve("folder.npy"), 3, ElementType.FLOAT32, false),
        "it is no file");
    assertThatThrownBy(
            () ->
                new QueryFile(folder.resolve("no.npy"), 3, ElementType.FLOAT32, false).check(null))
        .hasMessageContaining("there is no file " + folder.resolve("no.npy") + " on this worker");
  }

  @Test
  void aZeroVectorHasNoCosine() throws IOException {
    Path zero = Files.writeString(folder.resolve("zero.jsonl"), "[0, 0, 0]");
    assertThat(new QueryFile(zero, 3, ElementType.FLOAT32, false).check(null)).isEqualTo(1);
    assertBad(new QueryFile(zero, 3, ElementType.FLOAT32, true), "line 1 is a zero vector");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "INT8  | [1, 0.13, 2] | line 1, component 1 is 0.13; the searched field has components of type"
            + " INT8: whole numbers from -128 to 127.",
        "INT8  | [1, 128, 2]  | line 1, component 1 is 128.0",
        "UINT8 | [1, 2, -1]   | line 1, component 2 is -1.0",
        "BIT   | [2, 0, 1]    | line 1, component 0 is 2.0; the searched field has components of type"
            + " BIT: 0 or 1.",
        "FLOAT16 | [1, 2, 7e4] | line 1, component 2 is 70000.0",
      })
  void whatTheFieldCannotHoldIsRefused(ElementType element, String line, String message)
      throws IOException {
    Path file = Files.writeString(folder.resolve("q.jsonl"), line);
    assertBad(new QueryFile(file, 3, element, false), message);
  }

  @Test
  void whatTheFieldHoldsIsAskedAsItHoldsIt() throws IOException {
    Path whole = Files.writeString(folder.resolve("whole.jsonl"), "[-128, 127, 0]");
    assertThat(new QueryFile(whole, 3, ElementType.INT8, false).read(null).vectors())
        .containsExactly(-128, 127, 0);
    Path tenth = Files.writeString(folder.resolve("tenth.jsonl"), "[0.1, 1, -0.5]");
    assertThat(new QueryFile(tenth, 3, ElementType.FLOAT16, false).read(null).vectors())
        .containsExactly(0.099975586f, 1, -0.5f);
  }

  @Test
  void aFileNeedsNoQueriesWhereNoneAreWanted() throws IOException {
    assertThat(lines("").check(0)).isZero();
    assertThat(lines("[1, 2, 3]").check(0)).isZero();
  }
}
