package io.vecferry.verify;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import io.vecferry.archive.ArtifactStore;
import io.vecferry.archive.PartReader;
import io.vecferry.plan.RecordProfile;
import io.vecferry.record.DenseVectors;
import io.vecferry.record.MetadataJson;
import io.vecferry.record.MultiVectors;
import io.vecferry.record.RecordBatch;
import io.vecferry.record.SparseVectors;
import io.vecferry.record.TextColumn;
import io.vecferry.record.VectorColumn;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/** Checks one part of an archive by reading every byte and every record of it. */
public final class PartChecks {
  private PartChecks() {}

  /**
   * What was found in a part that is whole.
   *
   * @param part path of the part
   * @param rows records read
   * @param bytes size of the part
   * @param badVectorRows records with a NaN or an infinity in a vector, or with indices of a sparse
   *     vector that do not ascend
   * @param badMetadataRows records whose metadata is not a JSON object
   * @param problems the first of those, each naming its id, field and value
   */
  public record Result(
      String part,
      long rows,
      long bytes,
      long badVectorRows,
      long badMetadataRows,
      List<String> problems) {

    /** Whether every record can be loaded. */
    public boolean isValid() {
      return badVectorRows == 0 && badMetadataRows == 0;
    }
  }

  /**
   * Checks checksum, size, row count, schema, dimensions, ids (all there), vectors (all finite,
   * indices ascending) and metadata (JSON objects).
   *
   * @param unitVectors whether each dense vector has to have unit length too
   * @param maxProblems how many problems are named; counts are complete
   * @throws io.vecferry.store.StoreException ARCHIVE_DAMAGED when the file itself is not whole,
   *     MISSING when the part is not finished
   */
  public static Result check(
      ArtifactStore store, String part, boolean unitVectors, int maxProblems) {
    long rows = 0;
    long badVectors = 0;
    long badMetadata = 0;
    List<String> problems = new ArrayList<>();
    try (PartReader reader = PartReader.openUnverified(store, part)) {
      try {
        PartReader.Batches batches = reader.batches();
        for (RecordBatch batch = batches.next(); batch != null; batch = batches.next()) {
          for (int row = 0; row < batch.rows(); row++) {
            String vectorProblem = vectorProblem(batch, row, unitVectors);
            if (vectorProblem != null) {
              badVectors++;
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
      } catch (RuntimeException | OutOfMemoryError e) {
        // Where the bytes are not those that were written, that is what is wrong.
        reader.verifyChecksum();
        throw e;
      }
      reader.verifyChecksum();
      return new Result(
          part, rows, reader.sidecar().bytes(), badVectors, badMetadata, List.copyOf(problems));
    }
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
      String problem = column.isNull(row) ? null : vectorProblem(column, row, unitVectors);
      if (problem != null) {
        return "vector '%s' %s".formatted(column.name(), problem);
      }
    }
    return null;
  }

  private static String vectorProblem(VectorColumn column, int row, boolean unitVectors) {
    if (column instanceof DenseVectors dense) {
      int start = row * dense.dimension();
      String problem = notFinite(dense.values(), start, start + dense.dimension());
      double norm = unitVectors && problem == null ? RecordProfiler.norm(dense, row) : 1;
      return Math.abs(norm - 1) > RecordProfile.UNIT_TOLERANCE
          ? "has the length %s; the metric of the target is right for vectors of unit length only"
              .formatted(norm)
          : problem;
    }
    if (column instanceof MultiVectors multi) {
      return notFinite(
          multi.values(),
          multi.offsets()[row] * multi.dimension(),
          multi.offsets()[row + 1] * multi.dimension());
    }
    SparseVectors sparse = (SparseVectors) column;
    int start = sparse.offsets()[row];
    int end = sparse.offsets()[row + 1];
    for (int i = start + 1; i < end; i++) {
      if (Integer.compareUnsigned(sparse.indices()[i - 1], sparse.indices()[i]) >= 0) {
        return "has index %s behind index %s at entry %d; indices must ascend"
            .formatted(
                Integer.toUnsignedString(sparse.indices()[i]),
                Integer.toUnsignedString(sparse.indices()[i - 1]),
                i - start);
      }
    }
    return notFinite(sparse.values(), start, end);
  }

  private static String notFinite(float[] values, int start, int end) {
    for (int i = start; i < end; i++) {
      if (!Float.isFinite(values[i])) {
        return "is %s at component %d".formatted(values[i], i - start);
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
