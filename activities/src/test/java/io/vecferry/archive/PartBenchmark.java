package io.vecferry.archive;

import io.vecferry.benchmark.RecordBenchmark;
import io.vecferry.record.IdKind;
import io.vecferry.record.RecordBatch;
import io.vecferry.store.Metric;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.TearDown;

/** Parts of an archive in a folder. A part has costs of its own, so it has more records. */
@OperationsPerInvocation(PartBenchmark.BATCHES * RecordBenchmark.ROWS)
public class PartBenchmark extends RecordBenchmark {
  static final int BATCHES = 16;

  private static final String WRITTEN = "written.parquet";
  private static final String READ = "read.parquet";

  private Path folder;
  private ArtifactStore store;
  private PartSchema schema;
  private RecordBatch batch;

  @Setup
  public void prepare() throws IOException {
    folder = Files.createTempDirectory("parts");
    store = new LocalArtifactStore(folder);
    schema =
        new PartSchema(
            List.of(new PartSchema.VectorField("", dimension, Metric.L2, 0)),
            Set.of(IdKind.STRING));
    batch = batch();
    write(READ);
  }

  private PartSidecar write(String path) {
    try (PartWriter writer = new PartWriter(store, path, schema)) {
      for (int i = 0; i < BATCHES; i++) {
        writer.append(batch);
      }
      return writer.finish(null, null, true, "", null);
    }
  }

  @Benchmark
  public Object writePart() {
    return write(WRITTEN);
  }

  @Benchmark
  public long readPart() {
    long rows = 0;
    try (PartReader reader = PartReader.open(store, READ)) {
      PartReader.Batches batches = reader.batches();
      for (RecordBatch one = batches.next(); one != null; one = batches.next()) {
        rows += one.rows();
      }
    }
    return rows;
  }

  @TearDown
  public void remove() throws IOException {
    try (Stream<Path> paths = Files.walk(folder)) {
      for (Path path : paths.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(path);
      }
    }
  }
}
