package io.vecferry.record;

/**
 * How a store keeps the components of a vector. In a {@link RecordBatch} they are always floats;
 * every type here widens to a float exactly, and a float that came from it narrows back exactly.
 */
public enum ElementType {
  FLOAT32,
  /** IEEE 754 half precision. */
  FLOAT16,
  /** The upper half of a 32-bit float. */
  BFLOAT16,
  /** Whole numbers from -128 to 127. */
  INT8,
  /** Whole numbers from 0 to 255. */
  UINT8,
  /**
   * 0 or 1; the dimension counts bits. Where eight of them are in a byte, the first one is the most
   * significant bit, as in {@code numpy.packbits}.
   */
  BIT
}
