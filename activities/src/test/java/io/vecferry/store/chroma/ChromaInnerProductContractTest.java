package io.vecferry.store.chroma;

import io.vecferry.store.Metric;

/** The contract, for a collection that compares by inner product. */
class ChromaInnerProductContractTest extends ChromaContractTest {
  @Override
  protected Metric metric() {
    return Metric.IP;
  }
}
