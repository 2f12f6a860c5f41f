package io.vecferry.store.faiss;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;

/** Vectors as they are: 32-bit floats, little-endian. */
record FloatCodec(int dimension) implements Codec {
  private static final VarHandle FLOATS =
      MethodHandles.byteArrayViewVarHandle(float[].class, ByteOrder.LITTLE_ENDIAN);

  @Override
  public int codeSize() {
    return Math.multiplyExact(dimension, 4);
  }

  @Override
  public Precision precision() {
    return Precision.EXACT;
  }

  @Override
  public Decoder decoder(IndexHandles handles) {
    return (codes, from, count, target, offset) -> {
      int values = count * dimension;
      for (int i = 0; i < values; i++) {
        target[offset + i] = (float) FLOATS.get(codes, from + i * 4);
      }
    };
  }
}
