package io.vecferry.archive;

import io.vecferry.record.IdKind;
import io.vecferry.record.RecordBatch;
import io.vecferry.store.Metric;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.Random;

/** Writes and reads 1M x 128 in both layouts. Run by hand with a folder; prints MB/s of floats. */
public final class PartTiming {
  private PartTiming() {}

  public static void main(String[] arguments) {
    ArtifactStore store = new LocalArtifactStore(Path.of(arguments[0]));
    int dimension = 128;
    int batches = 1000;
    RecordBatch[] pool = new RecordBatch[32];
    for (int i = 0; i < pool.length; i++) {
      pool[i] = Samples.random(new Random(i), 1000, dimension, 1000L * i);
    }
    double megabytes = 4.0 * dimension * 1000 * batches / 1e6;
    PartSchema schema = PartSchema.of(IdKind.INT64, dimension, Metric.L2);
    for (int round = 0; round < 2; round++) {
      for (PartWriter.Layout layout : PartWriter.Layout.values()) {
        String path = layout + ".parquet";
        long start = System.nanoTime();
        PartSidecar sidecar;
        try (PartWriter writer = new PartWriter(store, path, schema, layout)) {
          for (int i = 0; i < batches; i++) {
            writer.append(pool[i % pool.length]);
          }
          sidecar = writer.finish(null, null, true, "", null);
        }
        long written = System.nanoTime();
        double allSpeed = megabytes / (read(store, path, PartReader.Column.values()) / 1e9);
        double vectorSpeed = megabytes / (read(store, path, PartReader.Column.VECTORS) / 1e9);
        System.out.printf(
            "%s write %.0f MB/s, read %.0f MB/s, vectors only %.0f MB/s, %d bytes (%.3f)%n",
            layout,
            megabytes / ((written - start) / 1e9),
            allSpeed,
            vectorSpeed,
            sidecar.bytes(),
            sidecar.bytes() / megabytes / 1e6);
      }
    }
  }

  private static long read(ArtifactStore store, String path, PartReader.Column... columns) {
    long start = System.nanoTime();
    try (PartReader reader = PartReader.open(store, path)) {
      EnumSet<PartReader.Column> wanted = EnumSet.noneOf(PartReader.Column.class);
      wanted.addAll(java.util.List.of(columns));
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
