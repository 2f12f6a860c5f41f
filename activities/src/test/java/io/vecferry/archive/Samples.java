package io.vecferry.archive;

import static org.assertj.core.api.Assertions.assertThat;

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
import io.vecferry.store.Metric;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import java.util.Set;

/** Records that are hard to keep exactly. */
final class Samples {
  static final PartSchema SCHEMA =
      new PartSchema(
          List.of(
              new PartSchema.VectorField("", 3, Metric.COSINE, 0),
              new PartSchema.VectorField("tiny", 1, Metric.LP, 1.5f)),
          Set.of(IdKind.STRING, IdKind.UINT64));

  /** A field of each kind; records may lack all of them but the bits. */
  static final PartSchema KINDS =
      new PartSchema(
          List.of(
              field("", VectorKind.DENSE, ElementType.FLOAT32, 3, Metric.COSINE, true),
              field("lexical", VectorKind.SPARSE, ElementType.FLOAT32, 0, Metric.IP, true),
              field("tokens", VectorKind.MULTI, ElementType.FLOAT16, 2, Metric.COSINE, true),
              field("bits", VectorKind.DENSE, ElementType.BIT, 8, Metric.HAMMING, false)),
          Set.of(IdKind.STRING, IdKind.UINT64));

  private Samples() {}

  static PartSchema.VectorField field(
      String name,
      VectorKind kind,
      ElementType element,
      int dimension,
      Metric metric,
      boolean optional) {
    return new PartSchema.VectorField(name, kind, element, dimension, metric, 0, optional);
  }

  /** The records of {@link #adversarial()} with the fields of {@link #KINDS}. */
  static RecordBatch adversarialKinds() {
    RecordBatch records = adversarial();
    float[] dense = ((DenseVectors) records.vectors().get(0)).values().clone();
    boolean[] noDense = {true, false, false, true, false, true};
    for (int row = 0; row < 6; row++) {
      for (int i = 0; noDense[row] && i < 3; i++) {
        dense[row * 3 + i] = 0;
      }
    }
    float[] bits = new float[6 * 8];
    for (int i = 0; i < bits.length; i++) {
      bits[i] = i % 3 == 0 || i < 8 ? 1 : 0;
    }
    return new RecordBatch(
        records.ids(),
        List.of(
            new DenseVectors("", 3, dense, noDense),
            new SparseVectors(
                "lexical",
                new int[] {0, 3, 3, 3, 4, 6, 7},
                new int[] {0, 7, -1, 5, Integer.MAX_VALUE, Integer.MIN_VALUE, 0},
                new float[] {-0.0f, Float.MIN_VALUE, 1, Float.NaN, 1e-40f, 0.1f, -3},
                new boolean[] {false, true, false, false, false, false}),
            new MultiVectors(
                "tokens",
                2,
                new int[] {0, 0, 2, 2, 3, 3, 6},
                new float[] {1, -0.0f, Float.MIN_VALUE, 2, Float.NaN, 3, 4, 5, 6, 7, 8, 9},
                new boolean[] {false, false, true, false, true, false}),
            new DenseVectors("bits", 8, bits)),
        records.documents(),
        records.metadata());
  }

  /** Fails unless a row has the same bits everywhere, and is absent where it should be. */
  static void assertSame(RecordBatch actual, int row, RecordBatch expected, int expectedRow) {
    assertThat(actual.ids().sameAt(row, expected.ids(), expectedRow)).isTrue();
    assertThat(actual.documents().sameAt(row, expected.documents(), expectedRow)).isTrue();
    assertThat(actual.metadata().sameAt(row, expected.metadata(), expectedRow)).isTrue();
    assertThat(actual.vectors()).hasSameSizeAs(expected.vectors());
    for (int field = 0; field < expected.vectors().size(); field++) {
      VectorColumn ours = actual.vectors().get(field);
      VectorColumn theirs = expected.vectors().get(field);
      assertThat(ours.name()).isEqualTo(theirs.name());
      assertThat(ours.getClass()).isEqualTo(theirs.getClass());
      assertThat(spell(ours, row)).isEqualTo(spell(theirs, expectedRow));
    }
  }

  /** The vector of a row: bits of floats as hexadecimal numbers, {@code null} when it is absent. */
  static String spell(VectorColumn column, int row) {
    if (column.isNull(row)) {
      return "null";
    }
    if (column instanceof DenseVectors dense) {
      return bits(dense.values(), row * dense.dimension(), (row + 1) * dense.dimension());
    }
    if (column instanceof MultiVectors multi) {
      StringBuilder all = new StringBuilder();
      for (int i = multi.offsets()[row]; i < multi.offsets()[row + 1]; i++) {
        int start = i * multi.dimension();
        all.append('[').append(bits(multi.values(), start, start + multi.dimension())).append(']');
      }
      return all.toString();
    }
    SparseVectors sparse = (SparseVectors) column;
    StringBuilder all = new StringBuilder();
    for (int i = sparse.offsets()[row]; i < sparse.offsets()[row + 1]; i++) {
      all.append(Integer.toUnsignedString(sparse.indices()[i])).append('=');
      all.append(bits(sparse.values(), i, i + 1)).append(' ');
    }
    return all.toString().strip();
  }

  private static String bits(float[] values, int start, int end) {
    StringBuilder all = new StringBuilder();
    for (int i = start; i < end; i++) {
      all.append(i == start ? "" : " ");
      all.append(HexFormat.of().toHexDigits(Float.floatToRawIntBits(values[i])));
    }
    return all.toString();
  }

  static RecordBatch adversarial() {
    String[] ids = {
      "007", "", "18446744073709551615", "a\"b\nc\td", "emoji \uD83D\uDE80", "nul\0nul"
    };
    IdKind[] kinds = {
      IdKind.STRING, IdKind.STRING, IdKind.UINT64, IdKind.STRING, IdKind.STRING, IdKind.STRING
    };
    float[] values = {
      -0.0f,
      0.0f,
      Float.MIN_VALUE,
      -Float.MIN_VALUE,
      Float.MAX_VALUE,
      -Float.MAX_VALUE,
      0,
      0,
      0,
      Float.NaN,
      Float.intBitsToFloat(0x7fc01234),
      Float.intBitsToFloat(0xff800001),
      Float.POSITIVE_INFINITY,
      Float.NEGATIVE_INFINITY,
      1e-40f,
      1,
      -1,
      0.1f
    };
    TextColumn documents =
        TextColumn.of("x".repeat(60_000), null, "", "line\nline", "\uD83D\uDE80", "a\0b");
    TextColumn metadata =
        TextColumn.of(
            "{}",
            null,
            "{\"a\":null}",
            "{\"n\":1,\"f\":1.0,\"big\":9223372036854775807}",
            "{\"nested\":{\"list\":[1,[2,{}],\"x\"]}}",
            "{\"\":\"\\u0000\"}");
    return new RecordBatch(
        new IdColumn(TextColumn.of(ids), kinds),
        List.of(
            new DenseVectors("", 3, values),
            new DenseVectors("tiny", 1, new float[] {1, -0.0f, 3, 4, Float.NaN, 6})),
        documents,
        metadata);
  }

  static RecordBatch random(Random random, int rows, int dimension, long firstId) {
    float[] values = new float[rows * dimension];
    for (int i = 0; i < values.length; i++) {
      values[i] = random.nextFloat() - 0.5f;
    }
    TextColumn.Builder ids = new TextColumn.Builder(rows);
    TextColumn.Builder metadata = new TextColumn.Builder(rows);
    for (int row = 0; row < rows; row++) {
      ids.add(Long.toString(firstId + row));
      metadata.add("{\"row\":" + (firstId + row) + "}");
    }
    return new RecordBatch(
        IdColumn.of(IdKind.INT64, ids.build()),
        List.of(new DenseVectors("", dimension, values)),
        TextColumn.allNull(rows),
        metadata.build());
  }
}
