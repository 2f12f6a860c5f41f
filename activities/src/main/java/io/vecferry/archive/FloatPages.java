package io.vecferry.archive;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;

/**
 * Data pages (version 1) of a column of lists of floats that are all there and have the same
 * length. Levels are written as runs: per row one 0 and {@code dimension - 1} ones as repetition
 * levels, the level of a value throughout as definition levels. Moves float bits only, never
 * values.
 */
final class FloatPages {
  private FloatPages() {}

  /**
   * Builds a page of whole rows.
   *
   * @param valueAt definition level of a value
   */
  static byte[] encode(
      float[] values, int offset, int rows, int dimension, int valueAt, boolean split) {
    int count = rows * dimension;
    byte[] runOfOnes = run(dimension - 1, 1);
    int repetitionBytes = dimension == 1 ? run(count, 0).length : rows * (2 + runOfOnes.length);
    byte[] definition = run(count, valueAt);
    int valueStart = 8 + repetitionBytes + definition.length;
    byte[] page = new byte[valueStart + 4 * count];
    ByteBuffer buffer = ByteBuffer.wrap(page).order(ByteOrder.LITTLE_ENDIAN);
    buffer.putInt(repetitionBytes);
    if (dimension == 1) {
      buffer.put(run(count, 0));
    } else {
      for (int row = 0; row < rows; row++) {
        buffer.put((byte) 2).put((byte) 0).put(runOfOnes);
      }
    }
    buffer.putInt(definition.length).put(definition);
    if (split) {
      split(values, offset, count, page, valueStart);
    } else {
      buffer.asFloatBuffer().put(values, offset, count);
    }
    return page;
  }

  /**
   * Takes a page apart.
   *
   * @return whether the levels were as {@link #encode} writes them; if not, {@code target} is left
   *     as it was
   */
  static boolean decode(
      ByteBuffer page,
      int valueCount,
      int dimension,
      int valueAt,
      boolean split,
      float[] target,
      int offset) {
    ByteBuffer buffer = page.slice().order(ByteOrder.LITTLE_ENDIAN);
    if (valueCount < 1 || valueCount % dimension != 0 || buffer.remaining() < 8) {
      return false;
    }
    int rows = valueCount / dimension;
    int repetitionBytes = buffer.getInt();
    byte[] runOfOnes = run(dimension - 1, 1);
    byte[] onlyZeros = run(valueCount, 0);
    int expected = dimension == 1 ? onlyZeros.length : rows * (2 + runOfOnes.length);
    if (repetitionBytes != expected || buffer.remaining() < repetitionBytes + 4) {
      return false;
    }
    if (dimension == 1) {
      if (!matches(buffer, onlyZeros)) {
        return false;
      }
    } else {
      for (int row = 0; row < rows; row++) {
        if (buffer.get() != 2 || buffer.get() != 0 || !matches(buffer, runOfOnes)) {
          return false;
        }
      }
    }
    byte[] definition = run(valueCount, valueAt);
    if (buffer.getInt() != definition.length
        || buffer.remaining() != definition.length + 4L * valueCount
        || !matches(buffer, definition)) {
      return false;
    }
    if (split) {
      byte[] values = new byte[4 * valueCount];
      buffer.get(values);
      merge(values, 0, valueCount, target, offset);
    } else {
      buffer.asFloatBuffer().get(target, offset, valueCount);
    }
    return true;
  }

  private static boolean matches(ByteBuffer buffer, byte[] expected) {
    boolean same = true;
    for (byte value : expected) {
      same &= buffer.get() == value;
    }
    return same;
  }

  /** A run of one level in the RLE/bit-packing hybrid with a bit width of 1. */
  static byte[] run(int length, int level) {
    byte[] bytes = new byte[6];
    int size = putVariable(bytes, length << 1);
    bytes[size++] = (byte) level;
    return Arrays.copyOf(bytes, size);
  }

  static int putVariable(byte[] bytes, int value) {
    int size = 0;
    int rest = value;
    while ((rest & ~0x7f) != 0) {
      bytes[size++] = (byte) (rest & 0x7f | 0x80);
      rest >>>= 7;
    }
    bytes[size++] = (byte) rest;
    return size;
  }

  static void split(float[] values, int offset, int count, byte[] page, int start) {
    int second = start + count;
    int third = second + count;
    int fourth = third + count;
    for (int i = 0; i < count; i++) {
      int bits = Float.floatToRawIntBits(values[offset + i]);
      page[start + i] = (byte) bits;
      page[second + i] = (byte) (bits >> 8);
      page[third + i] = (byte) (bits >> 16);
      page[fourth + i] = (byte) (bits >> 24);
    }
  }

  static void merge(byte[] page, int start, int count, float[] target, int offset) {
    int second = start + count;
    int third = second + count;
    int fourth = third + count;
    for (int i = 0; i < count; i++) {
      target[offset + i] =
          Float.intBitsToFloat(
              page[start + i] & 0xff
                  | (page[second + i] & 0xff) << 8
                  | (page[third + i] & 0xff) << 16
                  | page[fourth + i] << 24);
    }
  }
}
