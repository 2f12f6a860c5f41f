package io.vecferry.record;

/**
 * How a store keeps the components of a vector. In a {@link RecordBatch} they are always floats;
 * every type here widens to a float exactly, and a float that came from it narrows back exactly.
 */
public enum ElementType {
  FLOAT32("floats"),
  /** IEEE 754 half precision. */
  FLOAT16("floats from -65504 to 65504"),
  /** The upper half of a 32-bit float. */
  BFLOAT16("floats from -3.38e38 to 3.38e38"),
  /** Whole numbers from -128 to 127. */
  INT8("whole numbers from -128 to 127"),
  /** Whole numbers from 0 to 255. */
  UINT8("whole numbers from 0 to 255"),
  /**
   * 0 or 1; the dimension counts bits. Where eight of them are in a byte, the first one is the most
   * significant bit, as in {@code numpy.packbits}.
   */
  BIT("0 or 1");

  private static final float LARGEST_HALF = 65504;

  private final String range;

  ElementType(String range) {
    this.range = range;
  }

  /** The values that a component can have, in words. */
  public String range() {
    return range;
  }

  /**
   * The value of this type that is nearest to a finite one, of two the even one; infinite where a
   * float is too large for it.
   */
  public float nearest(float value) {
    return switch (this) {
      case FLOAT32 -> value;
      case FLOAT16 -> {
        float rounded = rounded(value, 10, -14);
        yield Math.abs(rounded) > LARGEST_HALF
            ? Math.copySign(Float.POSITIVE_INFINITY, value)
            : rounded;
      }
      case BFLOAT16 -> rounded(value, 7, Float.MIN_EXPONENT);
      case INT8 -> (float) Math.rint(Math.max(-128, Math.min(127, value)));
      case UINT8 -> (float) Math.rint(Math.max(0, Math.min(255, value)));
      case BIT -> (float) Math.rint(Math.max(0, Math.min(1, value)));
    };
  }

  private static float rounded(float value, int fractionBits, int smallestExponent) {
    int exponent = Math.max(Math.getExponent(value), smallestExponent);
    double unit = Math.scalb(1.0, exponent - fractionBits);
    return (float) (Math.rint(value / unit) * unit);
  }
}
