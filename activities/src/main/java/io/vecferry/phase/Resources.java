package io.vecferry.phase;

import io.vecferry.archive.Disk;
import io.vecferry.archive.LocalArtifactStore;
import io.vecferry.archive.PartSchema;
import io.vecferry.archive.PartWriter;
import io.vecferry.plan.Estimate;
import io.vecferry.plan.Finding;
import io.vecferry.plan.Forecast.Need;
import io.vecferry.plan.PlannedSide;
import io.vecferry.record.RecordBatch;
import io.vecferry.record.VectorKind;
import io.vecferry.spec.MigrationSpec;
import io.vecferry.store.StoreException;
import io.vecferry.store.VectorFieldInfo;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What a migration needs, and whether that is there. The formulas are in docs/planning.md; who
 * changes one changes the other.
 */
final class Resources {
  private static final Logger LOG = LoggerFactory.getLogger(Resources.class);

  /** Events of one workflow history; a service ends a workflow with 51,200. */
  static final long MOST_EVENTS = 40_000;

  /** Share of the heap that batches may take. */
  private static final double HEAP_SHARE = 0.8;

  /** Links of a node of a graph at the ground level and above it, in bytes per M. */
  private static final long LINK_BYTES = 10;

  private static final int DEFAULT_M = 16;

  private Resources() {}

  /** Bytes of archive for a record, as a part of a sample takes them; 0 when that is unknown. */
  static double archiveBytesPerRow(PartSchema schema, List<RecordBatch> sample) {
    if (sample.isEmpty()) {
      return 0;
    }
    try {
      Path folder = Files.createTempDirectory("vecferry-sample");
      try {
        LocalArtifactStore store = new LocalArtifactStore(folder);
        try (PartWriter writer = new PartWriter(store, "sample.parquet", schema)) {
          sample.forEach(writer::append);
          return (double) writer.finish("", "", true, "", "").bytes() / writer.rows();
        } finally {
          for (String path : store.list("")) {
            Files.deleteIfExists(folder.resolve(path));
          }
        }
      } finally {
        Files.deleteIfExists(folder);
      }
    } catch (StoreException | IOException e) {
      LOG.debug("a sample cannot be written as a part", e);
      return 0;
    }
  }

  /**
   * Memory that the target needs to search all vectors of some fields fast, in bytes.
   *
   * @param storeDefault index of a field that asks for none
   */
  static long memoryBytes(List<VectorFieldInfo> fields, long rows, String storeDefault) {
    return fields.stream()
        .filter(field -> field.kind() == VectorKind.DENSE)
        .mapToLong(field -> rows * bytesPerVector(field, storeDefault))
        .sum();
  }

  private static long bytesPerVector(VectorFieldInfo field, String storeDefault) {
    String type =
        (field.indexType().isEmpty() ? storeDefault : field.indexType()).toUpperCase(Locale.ROOT);
    long dimension = field.dimension();
    long vector =
        switch (field.element()) {
          case BIT -> (dimension + 7) / 8;
          case INT8, UINT8 -> dimension;
          case FLOAT16, BFLOAT16 -> 2 * dimension;
          default -> 4 * dimension;
        };
    if (type.contains("BQ") || type.contains("BBQ")) {
      vector = (dimension + 7) / 8 + 16;
    } else if (type.contains("INT4")) {
      vector = (dimension + 1) / 2 + 8;
    } else if (type.contains("SQ") || type.contains("INT8")) {
      vector = dimension + 8;
    } else if (type.contains("PQ")) {
      vector = Math.max(8, dimension / 4);
    }
    boolean graph = type.contains("HNSW");
    return vector + (graph ? LINK_BYTES * m(field.indexParams()) : 8);
  }

  private static long m(Map<String, String> parameters) {
    try {
      return Long.parseLong(parameters.getOrDefault("M", Integer.toString(DEFAULT_M)));
    } catch (NumberFormatException e) {
      return DEFAULT_M;
    }
  }

  /**
   * All that is needed.
   *
   * @param estimate what was estimated for the plan
   * @param target the collection that is loaded
   * @param loaded records that are loaded
   * @param archiveFree bytes that are free for the archive; -1 when nobody can tell
   */
  static List<Need> of(
      MigrationSpec spec, Estimate estimate, PlannedSide target, long loaded, long archiveFree) {
    String path = spec.target().settings().path("path").asText();
    long targetFree = path.isEmpty() ? -1 : Disk.freeBytes(Path.of(path));
    List<VectorFieldInfo> fields = target.vectors().stream().map(Planner::fieldInfo).toList();
    long targetMemory = memoryBytes(fields, loaded, path.isEmpty() ? "HNSW" : "FLAT");
    return List.of(
        Need.ofBytes("archive storage", estimate.archiveBytes(), archiveFree),
        Need.ofBytes("target storage", estimate.targetBytes(), targetFree),
        Need.ofBytes("target memory", targetMemory, -1),
        Need.ofBytes(
            "worker memory",
            estimate.workerMemoryBytes(),
            (long) (HEAP_SHARE * Runtime.getRuntime().maxMemory())),
        Need.ofBytes("network volume", estimate.networkBytes(), -1),
        new Need("parts", estimate.parts(), -1, false),
        new Need("history events", estimate.historyEvents(), MOST_EVENTS, false));
  }

  /** Adds a finding for everything that is not there. */
  static void check(List<Need> needs, List<Finding> findings) {
    for (Need need : needs) {
      if (!need.isThere()) {
        findings.add(
            Finding.blocking(
                "resources",
                String.format(
                    Locale.ROOT,
                    "%s: about %s needed, %s there.",
                    need.name(),
                    need.words(need.needed()),
                    need.words(need.available())),
                remedy(need)));
      }
    }
  }

  private static String remedy(Need need) {
    String enough = need.words(need.needed());
    String how =
        switch (need.name()) {
          case "archive storage" ->
              "Make " + enough + " free there, or name another folder with --archive.";
          case "target storage" -> "Make " + enough + " free there, or choose another path.";
          case "worker memory" ->
              String.format(
                  Locale.ROOT,
                  "Start the worker with -Xmx%dm or more, or set smaller export.batchSize,"
                      + " import.batchSize or export.parallelism.",
                  (long) Math.ceil(need.needed() / HEAP_SHARE / (1 << 20)));
          default -> "Set export.partRows to a larger number.";
        };
    return how + " checkResources: false goes on all the same.";
  }
}
