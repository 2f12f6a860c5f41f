package io.vecferry.verify;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import io.vecferry.archive.ArtifactStore;
import io.vecferry.archive.PartReader;
import io.vecferry.plan.RecordProfile;
import io.vecferry.record.DenseVectors;
import io.vecferry.record.MetadataJson;
import io.vecferry.record.RecordBatch;
import io.vecferry.record.TextColumn;
import io.vecferry.record.VectorColumn;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/** Checks one part of an archive by reading every byte and every record of it. */
public final class PartChecks {
  private static final int BATCH_ROWS = 1000;

  private PartChecks() {}

  /**
   * What was found in a part that is whole.
   *
   * @param part path of the part
   * @param rows records read
   * @param nonFiniteRows records with a NaN or an infinity in a vector
   * @param badMetadataRows records whose metadata is not a JSON object
   * @param problems the first of those, each naming its id, field and value
   */
  public record Result(
      String part, long rows, long nonFiniteRows, long badMetadataRows, List<String> problems) {

    /** Whether every record can be loaded. */
    public boolean isValid() {
      return nonFiniteRows == 0 && badMetadataRows == 0;
    }
  }

  /**
   * Checks checksum, size, row count, schema, dimensions, ids (all there), vectors (all finite) and
   * metadata (JSON objects).
   *
   * @param unitVectors whether each dense vector has to have unit length too
   * @param maxProblems how many problems are named; counts are complete
   * @throws io.vecferry.store.StoreException ARCHIVE_DAMAGED when the file itself is not whole,
   *     MISSING when the part is not finished
   */
  public static Result check(
      ArtifactStore store, String part, boolean unitVectors, int maxProblems) {
    long rows = 0;
    long nonFinite = 0;
    long badMetadata = 0;
    List<String> problems = new ArrayList<>();
    try (PartReader reader = PartReader.open(store, part)) {
      reader.verifyChecksum();
      PartReader.Batches batches = reader.batches(BATCH_ROWS);
      for (RecordBatch batch = batches.next(); batch != null; batch = batches.next()) {
        for (int row = 0; row < batch.rows(); row++) {
          String vectorProblem = vectorProblem(batch, row, unitVectors);
          if (vectorProblem != null) {
            nonFinite++;
            add(problems, maxProblems, batch, row, rows, vectorProblem);
          }
          String metadataProblem = metadataProblem(batch.metadata(), row);
          if (metadataProblem != null) {
            badMetadata++;
            add(problems, maxProblems, batch, row, rows, metadataProblem);
          }
        }
        rows += batch.rows();
      }
    }
    return new Result(part, rows, nonFinite, badMetadata, List.copyOf(problems));
  }

  private static void add(
      List<String> problems,
      int maxProblems,
      RecordBatch batch,
      int row,
      long rowsBefore,
      String problem) {
    if (problems.size() < maxProblems) {
      problems.add(
          "id '%s' (row %d): %s"
              .formatted(Difference.shorten(batch.ids().get(row)), rowsBefore + row, problem));
    }
  }

  private static String vectorProblem(RecordBatch batch, int row, boolean unitVectors) {
    for (VectorColumn column : batch.vectors()) {
      DenseVectors dense = (DenseVectors) column;
      int start = row * dense.dimension();
      for (int i = 0; i < dense.dimension(); i++) {
        if (!Float.isFinite(dense.values()[start + i])) {
          return "vector '%s' is %s at component %d"
              .formatted(dense.name(), dense.values()[start + i], i);
        }
      }
      double norm = unitVectors ? RecordProfiler.norm(dense, row) : 1;
      if (Math.abs(norm - 1) > RecordProfile.UNIT_TOLERANCE) {
        return "vector '%s' has the length %s; the metric of the target is right for vectors of unit length only"
            .formatted(dense.name(), norm);
      }
    }
    return null;
  }

  private static String metadataProblem(TextColumn metadata, int row) {
    if (metadata.isNull(row)) {
      return null;
    }
    try (JsonParser parser =
        MetadataJson.FACTORY.createParser(
            metadata.bytes(), metadata.start(row), metadata.length(row))) {
      if (parser.nextToken() != JsonToken.START_OBJECT) {
        return "metadata is not a JSON object: " + Difference.shorten(metadata.get(row));
      }
      parser.skipChildren();
      return parser.nextToken() == null
          ? null
          : "metadata goes on after its object: " + Difference.shorten(metadata.get(row));
    } catch (IOException e) {
      return "metadata is not JSON: " + Difference.shorten(e.getMessage());
    }
  }
}
