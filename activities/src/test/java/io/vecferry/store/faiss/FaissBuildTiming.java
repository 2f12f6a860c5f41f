package io.vecferry.store.faiss;

import io.vecferry.record.IdKind;
import io.vecferry.store.BatchReader;
import io.vecferry.store.BatchWriter;
import io.vecferry.store.LoadSchema;
import io.vecferry.store.LoadStamp;
import io.vecferry.store.Metric;
import io.vecferry.store.StoreSettings;
import io.vecferry.store.VectorFieldInfo;
import io.vecferry.store.VectorStore;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Builds an index from the vectors of another: {@code SOURCE TARGET TYPE [PARAMETER=VALUE ...]}.
 * Run by {@code benchmarks/faiss_index.py}; prints the seconds of building and writing, without
 * those of reading the source.
 */
public final class FaissBuildTiming {
  private FaissBuildTiming() {}

  public static void main(String[] arguments) throws IOException {
    Map<String, String> parameters = new HashMap<>();
    for (int i = 3; i < arguments.length; i++) {
      String[] parameter = arguments[i].split("=");
      parameters.put(parameter[0], parameter[1]);
    }
    LoadStamp stamp = new LoadStamp("timing", "1");
    StoreSettings settings = StoreSettings.of("target", "path", arguments[1]);
    settings.values().withObjectProperty("options").put("allowLossy", true);
    FaissProvider provider = new FaissProvider();
    try (VectorStore source = provider.open(StoreSettings.of("source", "path", arguments[0]));
        VectorStore target = provider.open(settings)) {
      int dimension = source.describe().vectors().get(0).dimension();
      VectorFieldInfo field =
          new VectorFieldInfo("", dimension, Metric.L2, 0, arguments[2], parameters);
      target.create(
          new LoadSchema(List.of(field), Set.of(IdKind.INT64), "timing", source.describe().rows()),
          stamp);
      try (BatchWriter writer = target.write("p0", stamp);
          BatchReader reader = source.read(source.split(1).get(0), null, 1000)) {
        for (var batch = reader.next(); batch != null; batch = reader.next()) {
          writer.write(batch);
        }
        writer.finish();
      }
      long start = System.nanoTime();
      target.finishLoad(List.of("p0"), stamp);
      System.out.printf("built in %.2f s%n", (System.nanoTime() - start) / 1e9);
    }
    Path status = Path.of("/proc/self/status");
    if (Files.exists(status)) {
      Files.readAllLines(status).stream()
          .filter(line -> line.startsWith("VmHWM:"))
          .forEach(System.out::println);
    }
  }
}
