package io.vecferry.store;

import io.vecferry.plan.NameSwitch;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;

/** The store of other tests does what stores do. */
class MemoryContractTest extends StoreContractTest {
  private static final String NAME = "contract";

  @Override
  protected StoreProvider provider() {
    return Stores.get("memory");
  }

  @Override
  protected StoreSettings settings() {
    return StoreSettings.of("target", "collection", NAME);
  }

  @AfterEach
  @Override
  protected void clear() {
    MemoryStore.forget(NAME);
  }

  @Override
  protected void alias(String alias, String collection) {
    MemoryStore.alias(alias, collection);
  }

  @Override
  protected Map<String, Runnable> interruptions(NameSwitch planned) {
    return planned.kept().equals(planned.before())
        ? Map.of()
        : Map.of("renamed once", () -> MemoryStore.rename(NAME, planned.kept()));
  }
}
