package io.vecferry.store.faiss;

import io.vecferry.record.ElementType;
import java.util.Locale;

/**
 * Each component as a small number (FAISS' ScalarQuantizer).
 *
 * @param kind how many bits, and what they mean
 * @param dimension components of a vector
 * @param trained smallest value and width of the range: of all components ({@code 2} floats), or of
 *     each ({@code 2 x dimension}, first all smallest values); empty where codes need no range
 */
record ScalarCodec(Kind kind, int dimension, float[] trained) implements Codec {

  /** The library's quantizer types, in the order of their numbers. */
  enum Kind {
    BITS_8("SQ8, 8 bits per component", 8, 255),
    BITS_4("SQ4, 4 bits per component", 4, 15),
    BITS_8_UNIFORM("SQ8 uniform, 8 bits per component", 8, 255),
    BITS_4_UNIFORM("SQ4 uniform, 4 bits per component", 4, 15),
    HALF("SQfp16, half precision", 16, 0),
    BYTES("SQ8_direct, whole numbers from 0 to 255", 8, 0),
    BITS_6("SQ6, 6 bits per component", 6, 63),
    BRAIN_HALF("SQbf16, bfloat16", 16, 0),
    SIGNED_BYTES("SQ8_direct_signed, whole numbers from -128 to 127", 8, 0),
    NOTHING("SQ0, nothing but the centroid of the list", 0, 0);

    private final String codec;
    private final int bits;
    private final int levels;

    Kind(String codec, int bits, int levels) {
      this.codec = codec;
      this.bits = bits;
      this.levels = levels;
    }

    /** Floats that are trained for it. */
    int trainedFloats(int dimension) {
      return levels == 0 ? 0 : uniform() ? 2 : 2 * dimension;
    }

    private boolean uniform() {
      return this == BITS_8_UNIFORM || this == BITS_4_UNIFORM;
    }

    int codeSize(int dimension) {
      return (int) (((long) dimension * bits + 7) / 8);
    }
  }

  @Override
  public int codeSize() {
    return kind.codeSize(dimension);
  }

  @Override
  public Precision precision() {
    return switch (kind) {
      case HALF ->
          new Precision(
              ElementType.FLOAT16,
              kind.codec,
              "11 significant bits are kept, an error of up to 0.05 % of each component");
      case BRAIN_HALF ->
          new Precision(
              ElementType.BFLOAT16,
              kind.codec,
              "8 significant bits are kept, an error of up to 0.4 % of each component");
      case BYTES -> new Precision(ElementType.UINT8, kind.codec, null);
      case SIGNED_BYTES -> new Precision(ElementType.INT8, kind.codec, null);
      case NOTHING ->
          new Precision(
              ElementType.FLOAT32, kind.codec, "all vectors of a list are the same, its centroid");
      case BITS_8, BITS_4, BITS_6, BITS_8_UNIFORM, BITS_4_UNIFORM ->
          new Precision(
              ElementType.FLOAT32,
              kind.codec,
              String.format(
                  Locale.ROOT,
                  "an error of up to %.3g in a component, more outside of the range that was"
                      + " trained",
                  // The library cuts off when it encodes and decodes to the middle of the step.
                  widest() / kind.levels / 2));
    };
  }

  private float widest() {
    float widest = 0;
    for (int i = trained.length / 2; i < trained.length; i++) {
      widest = Math.max(widest, Math.abs(trained[i]));
    }
    return widest;
  }

  @Override
  public Decoder decoder(IndexHandles handles) {
    float[] steps = new float[kind.levels + 1];
    for (int i = 0; i < steps.length; i++) {
      steps[i] = (i + 0.5f) / kind.levels;
    }
    float[] smallest = new float[dimension];
    float[] width = new float[dimension];
    for (int i = 0; i < dimension && trained.length > 0; i++) {
      smallest[i] = kind.uniform() ? trained[0] : trained[i];
      width[i] = kind.uniform() ? trained[1] : trained[dimension + i];
    }
    int codeSize = codeSize();
    boolean fused = dimension % 8 == 0;
    return (codes, from, count, target, offset) -> {
      for (int row = 0; row < count; row++) {
        int code = from + row * codeSize;
        int at = offset + row * dimension;
        switch (kind) {
          case BITS_8, BITS_8_UNIFORM -> {
            for (int i = 0; i < dimension; i++) {
              target[at + i] = scaled(steps[codes[code + i] & 0xff], smallest[i], width[i], fused);
            }
          }
          case BITS_4, BITS_4_UNIFORM -> {
            for (int i = 0; i < dimension; i++) {
              int step = codes[code + (i >> 1)] >> ((i & 1) << 2) & 0xf;
              target[at + i] = scaled(steps[step], smallest[i], width[i], fused);
            }
          }
          case BITS_6 -> {
            for (int i = 0; i < dimension; i++) {
              target[at + i] = scaled(steps[sixBits(codes, code, i)], smallest[i], width[i], fused);
            }
          }
          case HALF -> {
            for (int i = 0; i < dimension; i++) {
              target[at + i] = ofHalf(twoBytes(codes, code + i * 2));
            }
          }
          case BRAIN_HALF -> {
            for (int i = 0; i < dimension; i++) {
              target[at + i] = Float.intBitsToFloat(twoBytes(codes, code + i * 2) << 16);
            }
          }
          case BYTES -> {
            for (int i = 0; i < dimension; i++) {
              target[at + i] = codes[code + i] & 0xff;
            }
          }
          case SIGNED_BYTES -> {
            for (int i = 0; i < dimension; i++) {
              target[at + i] = (codes[code + i] & 0xff) - 128;
            }
          }
          case NOTHING -> java.util.Arrays.fill(target, at, at + dimension, 0);
        }
      }
    };
  }

  /**
   * The library takes the fused multiplication of the processor where its vector code fits, which
   * is for multiples of eight components, and rounds the product elsewhere. Its builds for
   * processors without one round always.
   */
  private static float scaled(float step, float smallest, float width, boolean fused) {
    return fused ? Math.fma(step, width, smallest) : smallest + step * width;
  }

  /** Six bits each, a stream from the least significant bit on. */
  private static int sixBits(byte[] codes, int code, int i) {
    int bit = i * 6;
    int at = code + (bit >> 3);
    int two = codes[at] & 0xff;
    if ((bit & 7) > 2) {
      two |= (codes[at + 1] & 0xff) << 8;
    }
    return two >> (bit & 7) & 0x3f;
  }

  private static int twoBytes(byte[] codes, int at) {
    return codes[at] & 0xff | (codes[at + 1] & 0xff) << 8;
  }

  /** Widens an IEEE half; Java has this from version 20 on only. */
  static float ofHalf(int half) {
    int sign = (half & 0x8000) << 16;
    int exponent = half >> 10 & 0x1f;
    int fraction = half & 0x3ff;
    if (exponent == 0x1f) {
      // A quiet NaN, as the processor's own conversion makes it.
      return Float.intBitsToFloat(
          sign | 0x7f800000 | fraction << 13 | (fraction == 0 ? 0 : 0x400000));
    }
    if (exponent == 0) {
      float small = fraction * 0x1p-24f;
      return sign == 0 ? small : -small;
    }
    return Float.intBitsToFloat(sign | exponent + 112 << 23 | fraction << 13);
  }
}
