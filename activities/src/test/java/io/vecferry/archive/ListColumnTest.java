package io.vecferry.archive;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.vecferry.archive.ListColumn.Lists;
import io.vecferry.record.ElementType;
import io.vecferry.record.IdKind;
import io.vecferry.record.VectorKind;
import io.vecferry.store.Metric;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.Set;
import org.apache.parquet.schema.MessageType;
import org.apache.parquet.schema.PrimitiveType.PrimitiveTypeName;
import org.junit.jupiter.api.Test;

/** Pages taken apart without the checksum that usually stands before them. */
class ListColumnTest {
  /** Levels of a list that may be absent. */
  private static final int ABSENT = 0;

  private static final int EMPTY = 1;
  private static final int VALUE = 2;

  private static ListColumn column(VectorKind kind, int dimension) {
    PartSchema schema =
        new PartSchema(
            List.of(Samples.field("x", kind, ElementType.FLOAT32, dimension, Metric.IP, true)),
            Set.of(IdKind.STRING));
    MessageType type = PartWriter.parquetSchema(schema);
    return new ListColumn(
        type,
        kind == VectorKind.SPARSE ? List.of("x", "values") : List.of("x"),
        PrimitiveTypeName.FLOAT,
        kind == VectorKind.MULTI ? 2 : 1,
        dimension);
  }

  private static ListColumn sparse() {
    return column(VectorKind.SPARSE, 0);
  }

  private static byte[] page(byte[] repetition, byte[] definition, float... values) {
    ByteBuffer page =
        ByteBuffer.allocate(8 + repetition.length + definition.length + 4 * values.length)
            .order(ByteOrder.LITTLE_ENDIAN);
    page.putInt(repetition.length).put(repetition).putInt(definition.length).put(definition);
    for (float value : values) {
      page.putFloat(value);
    }
    return page.array();
  }

  /** Runs: level and length in turns. */
  private static byte[] runs(int... levelsAndLengths) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    for (int i = 0; i < levelsAndLengths.length; i += 2) {
      out.writeBytes(FloatPages.run(levelsAndLengths[i + 1], levelsAndLengths[i]));
    }
    return out.toByteArray();
  }

  private static Lists read(ListColumn column, int rows, int entries, byte[]... pages) {
    ListColumn.Reading reading = column.reading(rows, new Words.Floats(new float[0], 0));
    for (byte[] page : pages) {
      reading.add(page, entries, false);
    }
    return reading.finish();
  }

  private static void refuse(
      String message, ListColumn column, int rows, int entries, byte[] page) {
    assertThatThrownBy(() -> read(column, rows, entries, page))
        .isInstanceOf(BadColumn.class)
        .hasMessage(message);
  }

  @Test
  void readsRuns() {
    Lists lists =
        read(
            sparse(),
            4,
            5,
            page(runs(0, 1, 1, 1, 0, 3), runs(VALUE, 2, ABSENT, 1, EMPTY, 1, VALUE, 1), 1, 2, 3));
    assertThat(lists.offsets()).containsExactly(0, 2, 2, 2, 3);
    assertThat(lists.nulls()).containsExactly(false, true, false, false);
    assertThat(((Words.Floats) lists.values()).toArray()).containsExactly(1, 2, 3);
  }

  /** As other programs write them: three groups of eight, the last one not full. */
  @Test
  void readsPackedLevels() {
    // 20 rows: 9 with one value, 1 absent, 10 with one value. Levels of 2 bits, lowest first.
    byte[] definition = {3 << 1 | 1, -86, -86, (byte) 0b1010_0010, -86, -86, 0};
    byte[] repetition = {3 << 1 | 1, 0, 0, 0};
    float[] values = new float[19];
    Lists lists = read(sparse(), 20, 20, page(repetition, definition, values));
    boolean[] nulls = new boolean[20];
    nulls[9] = true;
    assertThat(lists.nulls()).isEqualTo(nulls);
    assertThat(lists.offsets()[20]).isEqualTo(19);
  }

  @Test
  void aRowMayGoOnInTheNextPage() {
    byte[] first = page(runs(0, 1, 1, 1), runs(VALUE, 2), 1, 2);
    byte[] second = page(runs(1, 1, 0, 1), runs(VALUE, 2), 3, 4);
    assertThat(read(sparse(), 2, 2, first, second).offsets()).containsExactly(0, 3, 4);
  }

  @Test
  void countsThatLieAreRefused() {
    byte[] zeros = runs(0, 3);
    byte[] values = runs(VALUE, 3);
    byte[] good = page(zeros, values, 1, 2, 3);
    assertThat(read(sparse(), 3, 3, good).rows()).isEqualTo(3);
    refuse("it has more than 2 rows", sparse(), 2, 3, good);
    refuse("it has 3 rows, expected 4", sparse(), 4, 3, good);
    refuse("a page has fewer levels than values", sparse(), 4, 4, good);
    refuse("a page has 12 bytes for 2 values", sparse(), 2, 2, good);
    refuse("a page has 8 bytes for 3 values", sparse(), 3, 3, page(zeros, values, 1, 2));
    refuse(
        "a page has 0 bytes for 1000000000 values",
        sparse(),
        1,
        1_000_000_000,
        page(runs(0, 1, 1, 999_999_999), runs(VALUE, 1_000_000_000)));
    refuse(
        "it has more than 1 rows",
        sparse(),
        1,
        1_000_000_000,
        page(runs(0, 1_000_000_000), runs(ABSENT, 1_000_000_000)));
    byte[] longLevels = good.clone();
    longLevels[3] = 0x7f;
    refuse(
        "levels of %d bytes in a page that is shorter".formatted(0x7f000002),
        sparse(),
        3,
        3,
        longLevels);
    longLevels[3] = -1;
    refuse(
        "levels of %d bytes in a page that is shorter".formatted(0xff000002),
        sparse(),
        3,
        3,
        longLevels);
    refuse("levels of -1 bytes in a page that is shorter", sparse(), 3, 3, new byte[3]);
    refuse(
        "a page has fewer levels than values",
        sparse(),
        3,
        3,
        page(new byte[] {-1, -1, -1, -1, 15, 0}, values));
    refuse(
        "a run of levels without an end",
        sparse(),
        3,
        3,
        page(new byte[] {-1, -1, -1, -1, -1, 1, 0}, values));
  }

  @Test
  void levelsThatMakeNoSenseAreRefused() {
    refuse("row 0 starts in its middle", sparse(), 1, 1, page(runs(1, 1), runs(VALUE, 1), 1));
    refuse(
        "row 1 starts in its middle",
        sparse(),
        2,
        2,
        page(runs(0, 1, 1, 1), runs(EMPTY, 1, VALUE, 1), 1));
    refuse(
        "row 0 has a null in it",
        sparse(),
        1,
        2,
        page(runs(0, 1, 1, 1), runs(VALUE, 1, EMPTY, 1), 1));
    refuse(
        "row 0 has a null or an empty list in it",
        sparse(),
        1,
        1,
        page(runs(0, 1), runs(VALUE + 1, 1), 1));
    ListColumn multi = column(VectorKind.MULTI, 2);
    Lists two = read(multi, 1, 4, page(runs(0, 1, 2, 1, 1, 1, 2, 1), runs(3, 4), 1, 2, 3, 4));
    assertThat(two.offsets()).containsExactly(0, 4);
    refuse(
        "row 0 has a vector of dimension 1, expected 2",
        multi,
        1,
        3,
        page(runs(0, 1, 1, 1, 2, 1), runs(3, 3), 1, 2, 3));
    refuse(
        "row 0 has a vector of dimension 3, expected 2",
        multi,
        1,
        3,
        page(runs(0, 1, 2, 2), runs(3, 3), 1, 2, 3));
    refuse("row 0 has a null or an empty list in it", multi, 1, 1, page(runs(0, 1), runs(2, 1)));
  }

  /** Whatever a page holds, it is read or refused, and takes no more memory than its bytes. */
  @Test
  void pagesOfNoiseDoNoHarm() {
    Random random = new Random(7);
    float[] values = {1, 2, 3, 4, 5, 6, 7, 8, 9};
    byte[] sparse =
        page(
            runs(0, 1, 1, 4, 0, 3, 1, 2, 0, 1),
            runs(VALUE, 5, ABSENT, 1, EMPTY, 1, VALUE, 4),
            values);
    byte[] multi =
        page(
            runs(0, 1, 2, 2, 1, 1, 2, 2, 0, 3, 2, 2),
            runs(VALUE + 1, 6, ABSENT, 1, EMPTY, 1, VALUE + 1, 3),
            values);
    assertThat(read(sparse(), 5, 11, sparse).rows()).isEqualTo(5);
    assertThat(read(column(VectorKind.MULTI, 3), 4, 11, multi).rows()).isEqualTo(4);
    int refused = 0;
    for (int i = 0; i < 200_000; i++) {
      byte[] page = i % 2 == 0 ? sparse : multi;
      byte[] noisy = Arrays.copyOf(page, page.length - (i % 5 == 0 ? random.nextInt(20) : 0));
      for (int changes = 1 + random.nextInt(3); changes > 0; changes--) {
        noisy[random.nextInt(noisy.length)] = (byte) random.nextInt();
      }
      try {
        if (i % 2 == 0) {
          assertThat(read(sparse(), 5, 11, noisy).rows()).isEqualTo(5);
        } else {
          assertThat(read(column(VectorKind.MULTI, 3), 4, 11, noisy).rows()).isEqualTo(4);
        }
      } catch (BadColumn e) {
        refused++;
      }
    }
    assertThat(refused).isBetween(50_000, 199_000);
  }
}
