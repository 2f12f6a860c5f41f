package io.vecferry.store.chroma;

import io.vecferry.store.Metric;

/**
 * The contract, for a collection that compares by cosine. The server takes vectors apart into
 * direction and length, so that the last two bits may differ.
 */
class ChromaCosineContractTest extends ChromaContractTest {
  @Override
  protected Metric metric() {
    return Metric.COSINE;
  }

  @Override
  protected double tolerance() {
    return 3e-7;
  }

  /** Their squares leave the range of floats; such records are refused. */
  @Override
  protected boolean holds(Sample sample) {
    return !sample.id().equals("denormals") && !sample.id().equals("huge");
  }
}
