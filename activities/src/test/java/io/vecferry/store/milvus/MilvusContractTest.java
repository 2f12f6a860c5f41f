package io.vecferry.store.milvus;

import static org.assertj.core.api.Assertions.assertThat;

import io.vecferry.plan.NameSwitch;
import io.vecferry.store.StoreContractTest;
import io.vecferry.store.StoreProvider;
import io.vecferry.store.StoreSettings;
import io.vecferry.store.Stores;
import io.vecferry.testing.RunningServer;
import io.vecferry.testing.Server;
import io.vecferry.testing.WithServer;
import java.util.Map;
import java.util.UUID;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** The contract, on a real Milvus. */
class MilvusContractTest extends StoreContractTest {
  @WithServer(Server.MILVUS)
  static RunningServer milvus;

  private final String collection =
      "contract_" + UUID.randomUUID().toString().replace("-", "").substring(0, 12);

  protected String url() {
    return milvus.url();
  }

  @Override
  protected StoreProvider provider() {
    return Stores.get("milvus");
  }

  @Override
  protected StoreSettings settings() {
    return StoreSettings.of("target", "url", url(), "collection", collection);
  }

  @AfterEach
  @Override
  protected void clear() {
    Collections.dropAll(url(), collection);
  }

  @Test
  void isRegistered() {
    assertThat(Stores.get("milvus")).isInstanceOf(MilvusProvider.class);
  }

  @Override
  protected void alias(String alias, String to) {
    Collections.alias(url(), alias, to);
  }

  @Override
  protected Map<String, Runnable> interruptions(NameSwitch planned) {
    return planned.kept().equals(planned.before())
        ? Map.of()
        : Map.of("renamed once", () -> Collections.rename(url(), collection, planned.kept()));
  }

  @Override
  protected void decorate(String decorated) {
    alias(decorated + "_other", decorated);
  }
}
