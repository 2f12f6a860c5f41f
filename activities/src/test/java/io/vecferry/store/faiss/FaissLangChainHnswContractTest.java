package io.vecferry.store.faiss;

import io.vecferry.record.IdKind;
import io.vecferry.store.LoadSchema;
import io.vecferry.store.Metric;
import io.vecferry.store.VectorFieldInfo;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** The contract, with a graph that LangChain loads. */
class FaissLangChainHnswContractTest extends FaissLangChainContractTest {

  @Override
  protected LoadSchema schema(long rows) {
    VectorFieldInfo field = new VectorFieldInfo("", DIMENSION, Metric.L2, 0, "HNSW", Map.of());
    return new LoadSchema(List.of(field), Set.of(IdKind.STRING), "test", rows);
  }
}
