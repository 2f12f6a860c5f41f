package io.vecferry.archive;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import org.apache.parquet.column.ColumnReader;

/** A growing array of 4-byte values: floats, of which only the bits count, or integers. */
abstract sealed class Words {
  int size;

  int size() {
    return size;
  }

  void clear() {
    size = 0;
  }

  /** An empty array of the same type with room for so many values. */
  abstract Words empty(int capacity);

  /** Adds some values of another array of the same type. */
  abstract void add(Words other, int from, int count);

  /** Adds the value that the library stands on. */
  abstract void add(ColumnReader reader);

  /** Adds values of a page; the caller has made sure that the page has them. */
  abstract void addPage(byte[] page, int start, int count, boolean split);

  /** Puts all values into a page. */
  abstract void toPage(byte[] page, int start, boolean split);

  final int grown(int capacity, int count) {
    int wanted = Math.addExact(size, count);
    return wanted <= capacity ? capacity : (int) Math.max(wanted, Math.min(1L << 30, 2L * size));
  }

  private static ByteBuffer at(byte[] page, int start) {
    return ByteBuffer.wrap(page, start, page.length - start).order(ByteOrder.LITTLE_ENDIAN);
  }

  /** Floats. */
  static final class Floats extends Words {
    private float[] values;

    /** Takes over an array that holds {@code size} values. */
    Floats(float[] values, int size) {
      this.values = values;
      this.size = size;
    }

    /** The values, without room for more. */
    float[] toArray() {
      return values.length == size ? values : Arrays.copyOf(values, size);
    }

    @Override
    Floats empty(int capacity) {
      return new Floats(new float[capacity], 0);
    }

    @Override
    void add(Words other, int from, int count) {
      System.arraycopy(((Floats) other).values, from, room(count), size, count);
      size += count;
    }

    @Override
    void add(ColumnReader reader) {
      room(1)[size++] = reader.getFloat();
    }

    @Override
    void addPage(byte[] page, int start, int count, boolean split) {
      if (split) {
        FloatPages.merge(page, start, count, room(count), size);
      } else {
        at(page, start).asFloatBuffer().get(room(count), size, count);
      }
      size += count;
    }

    @Override
    void toPage(byte[] page, int start, boolean split) {
      if (split) {
        FloatPages.split(values, 0, size, page, start);
      } else {
        at(page, start).asFloatBuffer().put(values, 0, size);
      }
    }

    private float[] room(int count) {
      int capacity = grown(values.length, count);
      return values = capacity == values.length ? values : Arrays.copyOf(values, capacity);
    }
  }

  /** Integers. */
  static final class Integers extends Words {
    private int[] values;

    /** Takes over an array that holds {@code size} values. */
    Integers(int[] values, int size) {
      this.values = values;
      this.size = size;
    }

    /** The values, without room for more. */
    int[] toArray() {
      return values.length == size ? values : Arrays.copyOf(values, size);
    }

    @Override
    Integers empty(int capacity) {
      return new Integers(new int[capacity], 0);
    }

    @Override
    void add(Words other, int from, int count) {
      System.arraycopy(((Integers) other).values, from, room(count), size, count);
      size += count;
    }

    @Override
    void add(ColumnReader reader) {
      room(1)[size++] = reader.getInteger();
    }

    @Override
    void addPage(byte[] page, int start, int count, boolean split) {
      requirePlain(split);
      at(page, start).asIntBuffer().get(room(count), size, count);
      size += count;
    }

    @Override
    void toPage(byte[] page, int start, boolean split) {
      requirePlain(split);
      at(page, start).asIntBuffer().put(values, 0, size);
    }

    // Many readers cannot read integers in that encoding.
    private static void requirePlain(boolean split) {
      if (split) {
        throw new IllegalArgumentException("integers are not split");
      }
    }

    private int[] room(int count) {
      int capacity = grown(values.length, count);
      return values = capacity == values.length ? values : Arrays.copyOf(values, capacity);
    }
  }
}
