package io.vecferry.archive;

import io.vecferry.record.DenseVectors;
import io.vecferry.record.IdColumn;
import io.vecferry.record.IdKind;
import io.vecferry.record.RecordBatch;
import io.vecferry.record.TextColumn;
import io.vecferry.store.Metric;
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

  private Samples() {}

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
