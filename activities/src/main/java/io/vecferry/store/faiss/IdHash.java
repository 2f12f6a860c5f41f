package io.vecferry.store.faiss;

import io.vecferry.record.IdKind;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;

/** A 64-bit hash of an id: equal ids have equal hashes, the rest has to be compared. */
final class IdHash {
  private static final VarHandle LONGS =
      MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);
  private static final long MULTIPLIER = 0x9E3779B97F4A7C15L;

  private IdHash() {}

  static long of(IdKind kind, byte[] bytes, int start, int length) {
    long hash = (kind.ordinal() + 1) * MULTIPLIER ^ length;
    int at = start;
    int end = start + length;
    for (; at + 8 <= end; at += 8) {
      hash = mix(hash ^ (long) LONGS.get(bytes, at));
    }
    long tail = 0;
    for (; at < end; at++) {
      tail = tail << 8 | bytes[at] & 0xff;
    }
    return mix(hash ^ tail);
  }

  static long ofLabel(long label) {
    return mix(label * MULTIPLIER ^ 1);
  }

  private static long mix(long value) {
    long mixed = (value ^ value >>> 32) * 0xD6E8FEB86659FD93L;
    mixed = (mixed ^ mixed >>> 32) * 0xD6E8FEB86659FD93L;
    return mixed ^ mixed >>> 32;
  }
}
