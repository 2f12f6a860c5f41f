package io.vecferry.store.milvus;

import static org.assertj.core.api.Assertions.assertThat;

import io.vecferry.store.StoreContractTest;
import io.vecferry.store.StoreProvider;
import io.vecferry.store.StoreSettings;
import io.vecferry.store.Stores;
import io.vecferry.testing.RunningServer;
import io.vecferry.testing.Server;
import io.vecferry.testing.WithServer;
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
  void dropCollections() {
    Collections.drop(url(), collection);
    Collections.drop(
        url(), provider().loadSettings(settings(), STAMP.migration()).text("collection", ""));
  }

  @Test
  void isRegistered() {
    assertThat(Stores.get("milvus")).isInstanceOf(MilvusProvider.class);
  }
}
