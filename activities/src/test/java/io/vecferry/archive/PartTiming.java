package io.vecferry.archive;

import io.vecferry.record.DenseVectors;
import io.vecferry.record.ElementType;
import io.vecferry.record.IdKind;
import io.vecferry.record.MultiVectors;
import io.vecferry.record.RecordBatch;
import io.vecferry.record.SparseVectors;
import io.vecferry.record.VectorColumn;
import io.vecferry.record.VectorKind;
import io.vecferry.store.Metric;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Random;
import java.util.Set;

/**
 * Writes and reads a gigabyte or less of each kind of field in both layouts. Run by hand with a
 * folder and the kinds (dense, absent, sparse, multi; all when none is given); prints MB/s of the
 * columns.
 */
public final class PartTiming {
  private static final int BATCHES = 1000;
  private static final int DIMENSION = 128;

  private PartTiming() {}

  public static void main(String[] arguments) {
    ArtifactStore store = new LocalArtifactStore(Path.of(arguments[0]));
    List<String> kinds =
        arguments.length > 1
            ? List.of(arguments).subList(1, arguments.length)
            : List.of("dense", "absent", "sparse", "multi");
    for (String kind : kinds) {
      time(store, kind);
    }
  }

  private static void time(ArtifactStore store, String kind) {
    RecordBatch[] pool = new RecordBatch[32];
    double megabytes = 0;
    for (int i = 0; i < pool.length; i++) {
      RecordBatch dense = Samples.random(new Random(i), 1000, DIMENSION, 1000L * i);
      pool[i] =
          new RecordBatch(
              dense.ids(),
              List.of(column(kind, dense.onlyVectors())),
              dense.documents(),
              dense.metadata());
      megabytes += pool[i].vectors().get(0).bytes() / 1e6 * BATCHES / pool.length;
    }
    PartSchema schema = new PartSchema(List.of(field(kind)), Set.of(IdKind.INT64));
    for (int round = 0; round < 2; round++) {
      for (PartWriter.Layout layout : PartWriter.Layout.values()) {
        String path = layout + ".parquet";
        long start = System.nanoTime();
        PartSidecar sidecar;
        try (PartWriter writer = new PartWriter(store, path, schema, layout)) {
          for (int i = 0; i < BATCHES; i++) {
            writer.append(pool[i % pool.length]);
          }
          sidecar = writer.finish(null, null, true, "", null);
        }
        long written = System.nanoTime();
        double allSpeed = megabytes / (read(store, path, PartReader.Column.values()) / 1e9);
        double vectorSpeed = megabytes / (read(store, path, PartReader.Column.VECTORS) / 1e9);
        System.out.printf(
            "%s %s write %.0f MB/s, read %.0f MB/s, vectors only %.0f MB/s, %d bytes (%.3f)%n",
            kind,
            layout,
            megabytes / ((written - start) / 1e9),
            allSpeed,
            vectorSpeed,
            sidecar.bytes(),
            sidecar.bytes() / megabytes / 1e6);
      }
    }
  }

  private static PartSchema.VectorField field(String kind) {
    return switch (kind) {
      case "sparse" ->
          Samples.field("", VectorKind.SPARSE, ElementType.FLOAT32, 0, Metric.IP, true);
      case "multi" ->
          Samples.field("", VectorKind.MULTI, ElementType.FLOAT32, DIMENSION, Metric.IP, true);
      default ->
          Samples.field(
              "",
              VectorKind.DENSE,
              ElementType.FLOAT32,
              DIMENSION,
              Metric.L2,
              kind.equals("absent"));
    };
  }

  /** The same floats: one row in ten absent, as sparse vectors, or no to seven vectors a row. */
  private static VectorColumn column(String kind, DenseVectors dense) {
    int rows = dense.rows();
    int[] offsets = new int[rows + 1];
    switch (kind) {
      case "absent" -> {
        boolean[] nulls = new boolean[rows];
        for (int row = 0; row < rows; row += 10) {
          nulls[row] = true;
        }
        return new DenseVectors("", DIMENSION, dense.values(), nulls);
      }
      case "sparse" -> {
        int[] indices = new int[dense.values().length];
        for (int i = 0; i < indices.length; i++) {
          indices[i] = i % DIMENSION * 230 + i % 7;
        }
        Arrays.setAll(offsets, row -> row * DIMENSION);
        return new SparseVectors("", offsets, indices, dense.values(), null);
      }
      case "multi" -> {
        Arrays.setAll(offsets, row -> Math.min(rows, row / 8 * 8 + (row % 8) * (row % 8) / 8));
        offsets[rows] = rows;
        return new MultiVectors("", DIMENSION, offsets, dense.values(), null);
      }
      default -> {
        return dense;
      }
    }
  }

  private static long read(ArtifactStore store, String path, PartReader.Column... columns) {
    long start = System.nanoTime();
    try (PartReader reader = PartReader.open(store, path)) {
      EnumSet<PartReader.Column> wanted = EnumSet.noneOf(PartReader.Column.class);
      wanted.addAll(List.of(columns));
      PartReader.Batches batches = reader.batches(0, 1000, wanted);
      long rows = 0;
      for (RecordBatch batch = batches.next(); batch != null; batch = batches.next()) {
        rows += batch.rows();
      }
      if (rows != reader.sidecar().rows()) {
        throw new IllegalStateException(rows + " rows");
      }
    }
    return System.nanoTime() - start;
  }
}
