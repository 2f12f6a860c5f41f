package io.vecferry.archive.source;

import io.vecferry.archive.ArtifactStore;
import io.vecferry.archive.PartReader;
import io.vecferry.record.RecordBatch;
import io.vecferry.store.BatchReader;
import java.util.EnumSet;
import java.util.List;

/** Reads parts one after the other. A batch does not reach over the end of a part. */
final class ArchiveReader implements BatchReader {
  private final ArtifactStore store;
  private final List<String> parts;
  private final ArchivePosition end;
  private final int batchSize;
  private ArchivePosition position;
  private PartReader reader;
  private PartReader.Batches batches;

  /**
   * @param parts all parts of the archive, in order
   * @param end the start of a part, or of the one behind the last
   */
  ArchiveReader(
      ArtifactStore store,
      List<String> parts,
      ArchivePosition start,
      ArchivePosition end,
      int batchSize) {
    this.store = store;
    this.parts = parts;
    this.position = start;
    this.end = end;
    this.batchSize = batchSize;
  }

  @Override
  public RecordBatch next() {
    while (position.compareTo(end) < 0) {
      if (batches == null) {
        reader = PartReader.open(store, parts.get(position.part()));
        batches = reader.batches(position.row(), batchSize, EnumSet.allOf(PartReader.Column.class));
      }
      RecordBatch batch = batches.next();
      if (batch != null) {
        long row = position.row() + batch.rows();
        position =
            row == reader.sidecar().rows()
                ? new ArchivePosition(position.part() + 1, 0)
                : new ArchivePosition(position.part(), row);
        if (position.row() == 0) {
          close();
        }
        return batch;
      }
      position = new ArchivePosition(position.part() + 1, 0);
      close();
    }
    return null;
  }

  @Override
  public String cursor() {
    return position.toString();
  }

  @Override
  public void close() {
    if (reader != null) {
      reader.close();
    }
    reader = null;
    batches = null;
  }
}
