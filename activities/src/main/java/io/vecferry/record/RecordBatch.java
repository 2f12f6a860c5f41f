package io.vecferry.record;

import java.util.List;
import java.util.stream.IntStream;

/**
 * Some records, column by column. All columns have the same number of rows.
 *
 * @param ids ids, unique inside a collection
 * @param vectors one column for each vector field
 * @param documents document text, null where a record has none
 * @param metadata canonical metadata JSON (see {@link MetadataJson}), always an object; null where
 *     a record has none
 */
public record RecordBatch(
    IdColumn ids, List<VectorColumn> vectors, TextColumn documents, TextColumn metadata) {

  public RecordBatch {
    vectors = List.copyOf(vectors);
    int rows = ids.rows();
    for (VectorColumn column : vectors) {
      requireRows("vectors '" + column.name() + "'", column.rows(), rows);
    }
    requireRows("documents", documents.rows(), rows);
    requireRows("metadata", metadata.rows(), rows);
  }

  public int rows() {
    return ids.rows();
  }

  /** The only vector field, when there is exactly one. */
  public DenseVectors onlyVectors() {
    if (vectors.size() == 1 && vectors.get(0) instanceof DenseVectors dense) {
      return dense;
    }
    throw new IllegalStateException(
        "one dense vector field was expected, the batch has " + vectors.size());
  }

  /** What the columns take in memory, in bytes. */
  public long bytes() {
    long vectorBytes = vectors.stream().mapToLong(VectorColumn::bytes).sum();
    return vectorBytes + ids.texts().totalBytes() + documents.totalBytes() + metadata.totalBytes();
  }

  /** The rows with these numbers, in this order. */
  public RecordBatch select(int[] rows) {
    return new RecordBatch(
        ids.select(rows),
        vectors.stream().map(column -> column.select(rows)).toList(),
        documents.select(rows),
        metadata.select(rows));
  }

  /** All rows of some batches of the same columns, in order; at least one batch. */
  public static RecordBatch concat(List<RecordBatch> batches) {
    if (batches.size() == 1) {
      return batches.get(0);
    }
    int rows = batches.stream().mapToInt(RecordBatch::rows).sum();
    TextColumn.Builder documents = new TextColumn.Builder(rows);
    TextColumn.Builder metadata = new TextColumn.Builder(rows);
    for (RecordBatch batch : batches) {
      for (int row = 0; row < batch.rows(); row++) {
        documents.add(batch.documents(), row);
        metadata.add(batch.metadata(), row);
      }
    }
    List<VectorColumn> vectors =
        IntStream.range(0, batches.get(0).vectors().size())
            .mapToObj(
                field ->
                    VectorColumn.concat(
                        batches.stream().map(batch -> batch.vectors().get(field)).toList()))
            .toList();
    return new RecordBatch(
        IdColumn.concat(batches.stream().map(RecordBatch::ids).toList()),
        vectors,
        documents.build(),
        metadata.build());
  }

  private static void requireRows(String column, int actual, int expected) {
    if (actual != expected) {
      throw new IllegalArgumentException(
          column + " must have " + expected + " rows, got " + actual);
    }
  }
}
