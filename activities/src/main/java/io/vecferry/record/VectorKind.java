package io.vecferry.record;

/** Shape of a vector field. */
public enum VectorKind {
  /** One vector per record: {@link DenseVectors}. */
  DENSE,
  /** Indices and values: {@link SparseVectors}. */
  SPARSE,
  /** Several vectors per record: {@link MultiVectors}. */
  MULTI
}
