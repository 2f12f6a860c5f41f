package io.vecferry.archive;

import java.nio.ByteBuffer;
import java.util.Arrays;

/**
 * Repetition or definition levels of a data page (version 1) in the hybrid of runs and packed bits.
 * A list column has long runs of equal levels, so they are handed on as runs.
 */
final class Levels {
  private Levels() {}

  /** Bits that a level takes. */
  static int width(int highest) {
    return 32 - Integer.numberOfLeadingZeros(highest);
  }

  /** Writes runs. */
  static final class Encoder {
    private byte[] bytes = new byte[256];
    private int size;
    private int level;
    private int length;

    /** Adds a level so many times. */
    void add(int next, int count) {
      if (next != level && count > 0) {
        endRun();
        level = next;
      }
      length += count;
    }

    /** All runs so far; the encoder then starts anew. */
    byte[] take() {
      endRun();
      byte[] taken = Arrays.copyOf(bytes, size);
      size = 0;
      return taken;
    }

    private void endRun() {
      if (length > 0) {
        byte[] run = FloatPages.run(length, level);
        if (size + run.length > bytes.length) {
          bytes = Arrays.copyOf(bytes, 2 * bytes.length);
        }
        System.arraycopy(run, 0, bytes, size, run.length);
        size += run.length;
        length = 0;
      }
    }
  }

  /** Reads runs and packed bits. */
  static final class Decoder {
    private final ByteBuffer in;
    private final int width;
    private int level;
    private int left;
    private long packedLeft;
    private long packed;

    /** Takes the levels, which their length precedes, from the front of a page. */
    Decoder(ByteBuffer page, int width) {
      int length = page.remaining() < 4 ? -1 : page.getInt();
      if (length < 0 || length > page.remaining()) {
        throw new BadColumn("levels of %d bytes in a page that is shorter".formatted(length));
      }
      this.in = page.slice(page.position(), length);
      this.width = width;
      page.position(page.position() + length);
    }

    /** How often the level at the front stands there at least. */
    int ready() {
      while (left == 0) {
        if (packedLeft > 0) {
          unpack();
        } else {
          nextRun();
        }
      }
      return left;
    }

    /** The level at the front, once it is ready. */
    int level() {
      return level;
    }

    void skip(int count) {
      left -= count;
    }

    private void nextRun() {
      long header = variable();
      if ((header & 1) == 0) {
        left = (int) (header >>> 1);
        require(1);
        level = in.get() & 0xff;
      } else {
        long groups = header >>> 1;
        require(groups * width);
        packedLeft = 8 * groups;
      }
    }

    private void unpack() {
      if (packedLeft % 8 == 0) {
        packed = 0;
        for (int i = 0; i < width; i++) {
          packed |= (in.get() & 0xffL) << (8 * i);
        }
      }
      level = (int) (packed & ((1 << width) - 1));
      packed >>>= width;
      packedLeft--;
      left = 1;
    }

    private long variable() {
      long value = 0;
      for (int shift = 0; shift < 32; shift += 7) {
        require(1);
        byte next = in.get();
        value |= (next & 0x7fL) << shift;
        if (next >= 0) {
          return value & 0xffffffffL;
        }
      }
      throw new BadColumn("a run of levels without an end");
    }

    private void require(long bytes) {
      if (in.remaining() < bytes) {
        throw new BadColumn("a page has fewer levels than values");
      }
    }
  }
}
