package io.vecferry.record;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * A column of nullable UTF-8 texts: one byte array with all texts one after the other, and the
 * offsets between them. Texts are bytes because that is what files and protocols hold; nothing is
 * decoded unless somebody asks for a {@link String}.
 *
 * <p>Immutable once built; the arrays are handed out without a copy and must not be changed.
 */
public final class TextColumn {
  private final byte[] bytes;
  private final int[] offsets;
  private final boolean[] nulls;
  private final int rows;

  private TextColumn(byte[] bytes, int[] offsets, boolean[] nulls, int rows) {
    this.bytes = bytes;
    this.offsets = offsets;
    this.nulls = nulls;
    this.rows = rows;
  }

  /** A column of {@code rows} nulls. */
  public static TextColumn allNull(int rows) {
    boolean[] nulls = new boolean[rows];
    Arrays.fill(nulls, true);
    return new TextColumn(new byte[0], new int[rows + 1], nulls, rows);
  }

  /** A column of these texts, in order; a null element is a null. */
  public static TextColumn of(String... texts) {
    Builder builder = new Builder(texts.length);
    for (String text : texts) {
      builder.add(text);
    }
    return builder.build();
  }

  public int rows() {
    return rows;
  }

  public boolean isNull(int row) {
    return nulls != null && nulls[row];
  }

  /** The text of a row, or null. */
  public String get(int row) {
    return isNull(row)
        ? null
        : new String(bytes, offsets[row], length(row), StandardCharsets.UTF_8);
  }

  /** All texts one after the other; see {@link #start} and {@link #length}. */
  public byte[] bytes() {
    return bytes;
  }

  /** Where the text of a row starts in {@link #bytes()}. */
  public int start(int row) {
    return offsets[row];
  }

  /** Length of the text of a row in bytes; 0 for null. */
  public int length(int row) {
    return offsets[row + 1] - offsets[row];
  }

  /** Length of all texts together in bytes. */
  public int totalBytes() {
    return offsets[rows];
  }

  /** Whether a row here and a row there hold the same bytes, or are both null. */
  public boolean sameAt(int row, TextColumn other, int otherRow) {
    if (isNull(row) || other.isNull(otherRow)) {
      return isNull(row) && other.isNull(otherRow);
    }
    return Arrays.equals(
        bytes,
        offsets[row],
        offsets[row + 1],
        other.bytes,
        other.offsets[otherRow],
        other.offsets[otherRow + 1]);
  }

  /** The rows with these numbers, in this order. */
  public TextColumn select(int[] selected) {
    Builder builder = new Builder(selected.length);
    for (int row : selected) {
      builder.add(this, row);
    }
    return builder.build();
  }

  /** Collects texts. Not thread-safe. */
  public static final class Builder {
    private byte[] bytes;
    private int[] offsets;
    private boolean[] nulls;
    private int rows;
    private int end;

    public Builder(int expectedRows) {
      this.bytes = new byte[Math.max(64, expectedRows * 16)];
      this.offsets = new int[Math.max(8, expectedRows) + 1];
    }

    public Builder add(String text) {
      if (text == null) {
        return addNull();
      }
      byte[] encoded = text.getBytes(StandardCharsets.UTF_8);
      return add(encoded, 0, encoded.length);
    }

    public Builder add(byte[] source, int start, int length) {
      int newEnd = Math.addExact(end, length);
      if (newEnd > bytes.length) {
        bytes =
            Arrays.copyOf(
                bytes, (int) Math.min(Integer.MAX_VALUE - 16, Math.max(newEnd, bytes.length * 2L)));
      }
      System.arraycopy(source, start, bytes, end, length);
      return endRow(newEnd);
    }

    /** Adds a row of another column, null or not. */
    public Builder add(TextColumn other, int row) {
      return other.isNull(row) ? addNull() : add(other.bytes, other.start(row), other.length(row));
    }

    public Builder addNull() {
      if (nulls == null) {
        nulls = new boolean[offsets.length];
      } else if (rows >= nulls.length) {
        nulls = Arrays.copyOf(nulls, nulls.length * 2);
      }
      nulls[rows] = true;
      return endRow(end);
    }

    public int rows() {
      return rows;
    }

    public TextColumn build() {
      boolean[] finalNulls =
          nulls == null ? null : Arrays.copyOf(nulls, Math.max(rows, nulls.length));
      return new TextColumn(bytes, offsets, finalNulls, rows);
    }

    private Builder endRow(int newEnd) {
      if (rows + 1 >= offsets.length) {
        offsets = Arrays.copyOf(offsets, offsets.length * 2);
      }
      if (nulls != null && rows >= nulls.length) {
        nulls = Arrays.copyOf(nulls, Math.max(rows + 1, nulls.length * 2));
      }
      end = newEnd;
      rows++;
      offsets[rows] = newEnd;
      return this;
    }
  }
}
