package io.vecferry.store;

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
  void forget() {
    MemoryStore.forget(NAME);
  }
}
