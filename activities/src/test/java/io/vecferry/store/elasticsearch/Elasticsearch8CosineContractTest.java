package io.vecferry.store.elasticsearch;

import io.vecferry.store.Metric;
import java.util.Set;

/** The contract, for an index that compares by cosine. */
class Elasticsearch8CosineContractTest extends Elasticsearch8ContractTest {
  private static final Set<String> WITHOUT_LENGTH = Set.of("zero", "denormals", "huge");

  @Override
  protected Metric metric() {
    return Metric.COSINE;
  }

  /** A vector without a direction, as far as floats can tell, is refused. */
  @Override
  protected boolean holds(Sample sample) {
    return !WITHOUT_LENGTH.contains(sample.id());
  }
}
