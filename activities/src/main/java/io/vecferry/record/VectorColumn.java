package io.vecferry.record;

/** One vector field of a batch. */
public sealed interface VectorColumn permits DenseVectors {

  /** Name of the field; empty for a store whose records have one vector without a name. */
  String name();

  int rows();

  /** Bytes that the values take. */
  long bytes();

  /** The rows with these numbers, in this order. */
  VectorColumn select(int[] rows);
}
