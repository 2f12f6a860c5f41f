package io.vecferry.store.faiss;

import io.vecferry.record.IdKind;
import io.vecferry.store.LoadSchema;
import io.vecferry.store.Metric;
import io.vecferry.store.StoreSettings;
import io.vecferry.store.VectorFieldInfo;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** The contract, with codes, of which approximations come back. */
class FaissSq8ContractTest extends FaissContractTest {

  /** Components of the contract's records reach from -4000 to 4000, in 255 steps. */
  @Override
  protected double tolerance() {
    return 16;
  }

  @Override
  protected boolean holds(Sample sample) {
    return !sample.id().equals("huge");
  }

  @Override
  protected StoreSettings settings() {
    StoreSettings settings = super.settings();
    settings.values().withObjectProperty("options").put("allowLossy", true);
    return settings;
  }

  @Override
  protected LoadSchema schema(long rows) {
    VectorFieldInfo field = new VectorFieldInfo("", DIMENSION, Metric.L2, 0, "SQ8", Map.of());
    return new LoadSchema(List.of(field), Set.of(IdKind.STRING), "test", rows);
  }
}
