package io.vecferry.store.faiss;

import io.vecferry.record.IdKind;
import io.vecferry.store.LoadSchema;
import io.vecferry.store.Metric;
import io.vecferry.store.VectorFieldInfo;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** The contract, with inverted lists. */
class FaissIvfContractTest extends FaissContractTest {

  @Override
  protected LoadSchema schema(long rows) {
    VectorFieldInfo field =
        new VectorFieldInfo(
            "", DIMENSION, Metric.L2, 0, "IVF_FLAT", Map.of("nlist", "4", "nprobe", "4"));
    return new LoadSchema(List.of(field), Set.of(IdKind.STRING), "test", rows);
  }
}
