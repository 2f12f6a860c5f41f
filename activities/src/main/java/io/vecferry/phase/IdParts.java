package io.vecferry.phase;

import io.vecferry.archive.ArtifactStore;
import io.vecferry.archive.PartReader;
import io.vecferry.archive.PartSchema;
import io.vecferry.archive.PartWriter;
import io.vecferry.record.IdColumn;
import io.vecferry.record.IdKind;
import io.vecferry.record.RecordBatch;
import io.vecferry.record.TextColumn;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;

/** Writes a list of ids of any length, as a Parquet file that has nothing but ids. */
final class IdParts implements AutoCloseable {
  /** What such a file has. */
  static final Set<PartReader.Column> COLUMNS = EnumSet.of(PartReader.Column.IDS);

  private static final PartSchema SCHEMA = new PartSchema(List.of(), EnumSet.allOf(IdKind.class));

  private static final int BATCH_ROWS = 8192;

  private final PartWriter writer;
  private final List<IdKind> kinds = new ArrayList<>();
  private final List<String> texts = new ArrayList<>();

  IdParts(ArtifactStore store, String path) {
    writer = new PartWriter(store, path, SCHEMA);
  }

  /** Some ids as a column. */
  static IdColumn column(List<IdKind> kinds, List<String> texts) {
    TextColumn.Builder ids = new TextColumn.Builder(texts.size());
    texts.forEach(ids::add);
    return texts.isEmpty()
        ? IdColumn.ofStrings()
        : new IdColumn(ids.build(), kinds.toArray(IdKind[]::new));
  }

  void add(IdKind kind, String id) {
    kinds.add(kind);
    texts.add(id);
    if (texts.size() == BATCH_ROWS) {
      flush();
    }
  }

  private void flush() {
    int rows = texts.size();
    writer.append(
        new RecordBatch(
            column(kinds, texts), List.of(), TextColumn.allNull(rows), TextColumn.allNull(rows)));
    kinds.clear();
    texts.clear();
  }

  /** Publishes the list. */
  void finish() {
    flush();
    writer.finish("0", Long.toString(writer.rows()), true, "", null);
  }

  @Override
  public void close() {
    writer.close();
  }
}
