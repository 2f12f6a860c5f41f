package io.vecferry.store.faiss;

import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.vecferry.record.IdKind;
import io.vecferry.store.LoadStamp;
import io.vecferry.store.Metric;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/**
 * {@code vecferry.json}: what a folder that vecferry wrote holds. Reading a folder does not need
 * it.
 *
 * @param format always {@value #FORMAT}
 * @param version of this file's format
 * @param stamp whose load this is
 * @param layout {@code vecferry} or {@code langchain}
 * @param vectorName what the records call their vector field; null when it has no name
 * @param dimension components of each vector
 * @param metric metric of the index
 * @param metricArgument argument of the metric, 0 where there is none
 * @param indexType what was asked for; empty for the default
 * @param indexParams parameters of the index; what was asked for, then what was made
 * @param finished whether everything is there
 * @param rows number of records
 * @param idKind kind of all ids; null when there are several or none
 * @param segments parts of the load, in order
 * @param files size and checksum of each file
 */
@JsonInclude(JsonInclude.Include.NON_NULL)
@JsonIgnoreProperties(ignoreUnknown = true)
record Manifest(
    String format,
    int version,
    LoadStamp stamp,
    String layout,
    String vectorName,
    int dimension,
    Metric metric,
    float metricArgument,
    String indexType,
    Map<String, String> indexParams,
    boolean finished,
    long rows,
    IdKind idKind,
    List<Segment> segments,
    Map<String, FileSum> files) {

  static final String NAME = "vecferry.json";
  static final String FORMAT = "vecferry-faiss";
  static final int VERSION = 1;

  Manifest {
    indexParams = indexParams == null ? Map.of() : indexParams;
  }

  private static final ObjectMapper JSON = new ObjectMapper();

  /** What the index is made from; null when that is not known here. */
  IndexPlan plan() {
    return IndexPlan.ofFile(indexType, indexParams);
  }

  /** Whether a search with what the index was built for may miss what exact search finds. */
  boolean mayMiss() {
    IndexPlan plan = plan();
    return plan != null && (BuiltIndex.isSearchable(plan.type()) || plan.type().codes());
  }

  /**
   * One part in the finished files.
   *
   * @param metaOffset position of its first line in {@code meta.jsonl}; -1 where there is none
   * @param firstId its first id; null when it has no rows
   */
  @JsonInclude(JsonInclude.Include.NON_NULL)
  @JsonIgnoreProperties(ignoreUnknown = true)
  record Segment(
      String part, long firstRow, long rows, long metaOffset, String firstId, IdKind firstIdKind) {}

  /** Size and CRC-32C of a file. */
  @JsonIgnoreProperties(ignoreUnknown = true)
  record FileSum(long bytes, String crc32c) {}

  /** The name of the vector field in records. */
  String fieldName() {
    return vectorName == null ? "" : vectorName;
  }

  /** The manifest of a folder, or null when it has none. */
  static Manifest read(Path folder) {
    Path path = folder.resolve(NAME);
    byte[] bytes;
    try {
      bytes = Files.readAllBytes(path);
    } catch (NoSuchFileException | NotDirectoryException e) {
      return null;
    } catch (IOException e) {
      if (!Files.isDirectory(folder)) {
        return null;
      }
      throw FileErrors.of("reading", path, e);
    }
    Manifest manifest;
    try {
      manifest = JSON.readValue(bytes, Manifest.class);
    } catch (IOException e) {
      throw FileErrors.bad(path + " is not a manifest of vecferry: " + e.getMessage());
    }
    if (manifest == null || !FORMAT.equals(manifest.format()) || manifest.stamp() == null) {
      throw FileErrors.bad(path + " is not a manifest of vecferry");
    }
    if (manifest.version() > VERSION) {
      throw FileErrors.incompatible(
          path + " has version " + manifest.version() + ", this vecferry reads up to " + VERSION);
    }
    return manifest;
  }

  /** Replaces the manifest of a folder; after a crash either the old or the new one is there. */
  void write(Path folder) throws IOException {
    Durable.replace(
        folder.resolve(NAME), JSON.writerWithDefaultPrettyPrinter().writeValueAsBytes(this));
  }

  /** Whether the files still are those that this manifest speaks of, by their sizes. */
  boolean matches(Path folder) throws IOException {
    if (!finished || files == null) {
      return false;
    }
    for (Map.Entry<String, FileSum> file : files.entrySet()) {
      Path path = folder.resolve(file.getKey());
      if (!Files.exists(path) || Files.size(path) != file.getValue().bytes()) {
        return false;
      }
    }
    return true;
  }
}
