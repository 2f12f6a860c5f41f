package io.vecferry.store.elasticsearch;

import io.vecferry.store.Metric;

/** The contract, for an index that compares by inner product. */
class Elasticsearch9InnerProductContractTest extends Elasticsearch9ContractTest {
  @Override
  protected Metric metric() {
    return Metric.IP;
  }
}
