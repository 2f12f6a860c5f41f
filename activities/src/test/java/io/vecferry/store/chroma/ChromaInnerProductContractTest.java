package io.vecferry.store.chroma;

import io.vecferry.record.IdKind;
import io.vecferry.store.LoadSchema;
import io.vecferry.store.Metric;
import io.vecferry.store.VectorFieldInfo;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** The contract, for a collection that compares by inner product. */
class ChromaInnerProductContractTest extends ChromaContractTest {
  @Override
  protected Metric metric() {
    return Metric.IP;
  }

  /**
   * With room for a link from each record of a search to each other one: a sparser graph of inner
   * products falls apart, because its long vectors are neighbours of all and its short ones of
   * none.
   */
  @Override
  protected LoadSchema schema(long rows) {
    return new LoadSchema(
        List.of(
            new VectorFieldInfo(
                "", DIMENSION, metric(), 0, "", Map.of("M", "128", "efConstruction", "400"))),
        Set.of(IdKind.STRING),
        "test",
        rows);
  }
}
