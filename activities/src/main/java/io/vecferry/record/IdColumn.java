package io.vecferry.record;

import java.util.Arrays;
import java.util.List;

/**
 * The ids of a batch: texts, and of each its {@link IdKind}. Two ids are the same when both kind
 * and text are.
 *
 * @param texts the ids as text, never null
 * @param kinds the kind of each row; one element when all rows are of one kind
 */
public record IdColumn(TextColumn texts, IdKind[] kinds) {

  public IdColumn {
    if (kinds.length != 1 && kinds.length != texts.rows()) {
      throw new IllegalArgumentException(
          "kinds must have 1 or " + texts.rows() + " elements, got " + kinds.length);
    }
  }

  /** Ids that are all of one kind. */
  public static IdColumn of(IdKind kind, TextColumn texts) {
    return new IdColumn(texts, new IdKind[] {kind});
  }

  /** Text ids. */
  public static IdColumn ofStrings(String... ids) {
    return of(IdKind.STRING, TextColumn.of(ids));
  }

  public int rows() {
    return texts.rows();
  }

  public IdKind kind(int row) {
    return kinds.length == 1 ? kinds[0] : kinds[row];
  }

  /** Whether all rows are of one kind, which then is {@code kind(0)}. */
  public boolean uniform() {
    return kinds.length == 1 || Arrays.stream(kinds).distinct().count() <= 1;
  }

  public String get(int row) {
    return texts.get(row);
  }

  public boolean sameAt(int row, IdColumn other, int otherRow) {
    return kind(row) == other.kind(otherRow) && texts.sameAt(row, other.texts, otherRow);
  }

  /** All rows of some columns, in order. */
  public static IdColumn concat(List<IdColumn> columns) {
    int rows = columns.stream().mapToInt(IdColumn::rows).sum();
    if (rows == 0) {
      return ofStrings();
    }
    TextColumn.Builder texts = new TextColumn.Builder(rows);
    IdKind[] kinds = new IdKind[rows];
    int next = 0;
    for (IdColumn column : columns) {
      for (int row = 0; row < column.rows(); row++) {
        texts.add(column.texts, row);
        kinds[next++] = column.kind(row);
      }
    }
    return new IdColumn(texts.build(), kinds);
  }

  public IdColumn select(int[] rows) {
    IdKind[] selected = kinds;
    if (kinds.length != 1) {
      selected = new IdKind[rows.length];
      for (int i = 0; i < rows.length; i++) {
        selected[i] = kinds[rows[i]];
      }
      if (rows.length == 0) {
        selected = new IdKind[] {IdKind.STRING};
      }
    }
    return new IdColumn(texts.select(rows), selected);
  }
}
