package io.vecferry.store.chroma;

import static org.assertj.core.api.Assertions.assertThat;

import io.vecferry.plan.NameSwitch;
import io.vecferry.store.CollectionInfo;
import io.vecferry.store.StoreContractTest;
import io.vecferry.store.StoreProvider;
import io.vecferry.store.StoreSettings;
import io.vecferry.store.Stores;
import io.vecferry.testing.RunningServer;
import io.vecferry.testing.Server;
import io.vecferry.testing.WithServer;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The contract; vectors of an l2 collection come back to the bit. */
@WithServer(Server.CHROMA)
class ChromaContractTest extends StoreContractTest {
  private final String collection = "contract-" + UUID.randomUUID();
  private TestChroma chroma;

  @BeforeEach
  void connect(RunningServer server) {
    chroma = new TestChroma(server.url());
  }

  @AfterEach
  @Override
  protected void clear() {
    chroma.dropAll(collection);
  }

  @Override
  protected StoreProvider provider() {
    return Stores.get("chroma");
  }

  @Override
  protected StoreSettings settings() {
    return StoreSettings.of("target", "url", chroma.url(), "collection", collection);
  }

  @Test
  void isRegistered() {
    assertThat(Stores.get("chroma")).isInstanceOf(ChromaProvider.class);
  }

  /** All that the server says, and the id by which clients that run address it. */
  @Override
  protected Object setup(String collection, CollectionInfo info) {
    return List.of(info, chroma.describe(collection));
  }

  @Override
  protected Map<String, Runnable> interruptions(NameSwitch planned) {
    return Map.of(
        "renamed once",
        () ->
            assertThat(
                    chroma
                        .call(
                            "PUT",
                            TestChroma.COLLECTIONS
                                + "/"
                                + chroma.describe(collection).path("id").asText(),
                            "{\"new_name\":\"" + planned.kept() + "\"}")
                        .status())
                .isEqualTo(200));
  }
}
