package io.vecferry.store.elasticsearch;

import io.vecferry.store.Metric;

/** The contract, for an index that compares by inner product. */
class Elasticsearch8InnerProductContractTest extends Elasticsearch8ContractTest {
  @Override
  protected Metric metric() {
    return Metric.IP;
  }
}
