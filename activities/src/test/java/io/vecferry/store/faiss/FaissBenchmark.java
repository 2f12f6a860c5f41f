package io.vecferry.store.faiss;

import io.vecferry.benchmark.RecordBenchmark;
import io.vecferry.record.IdKind;
import io.vecferry.record.RecordBatch;
import io.vecferry.store.BatchReader;
import io.vecferry.store.BatchWriter;
import io.vecferry.store.LoadSchema;
import io.vecferry.store.LoadStamp;
import io.vecferry.store.Metric;
import io.vecferry.store.SourceRange;
import io.vecferry.store.StoreSettings;
import io.vecferry.store.VectorFieldInfo;
import io.vecferry.store.VectorStore;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.TearDown;

/** An index of FAISS with documents and metadata beside it. */
public class FaissBenchmark extends RecordBenchmark {
  private static final LoadStamp STAMP = new LoadStamp("benchmark", "load");

  private Path folder;
  private VectorStore store;
  private SourceRange all;

  @Setup
  public void prepare() throws IOException {
    folder = Files.createTempDirectory("faiss");
    RecordBatch batch = batch();
    store =
        new FaissProvider()
            .open(StoreSettings.of("target", "path", folder.resolve("index").toString()));
    store.create(
        new LoadSchema(
            List.of(new VectorFieldInfo("", dimension, Metric.L2, 0, "", Map.of())),
            Set.of(IdKind.STRING),
            "benchmark",
            ROWS),
        STAMP);
    try (BatchWriter writer = store.write("part", STAMP)) {
      writer.write(batch);
      writer.finish();
    }
    store.finishLoad(List.of("part"), STAMP);
    all = store.split(1).get(0);
  }

  @Benchmark
  public long readIndex() {
    long rows = 0;
    try (BatchReader reader = store.read(all, null, ROWS)) {
      for (RecordBatch batch = reader.next(); batch != null; batch = reader.next()) {
        rows += batch.rows();
      }
    }
    return rows;
  }

  @TearDown
  public void remove() throws IOException {
    store.close();
    try (Stream<Path> paths = Files.walk(folder)) {
      for (Path path : paths.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(path);
      }
    }
  }
}
