package io.vecferry.store.qdrant;

import static org.assertj.core.api.Assertions.assertThat;

import io.vecferry.store.StoreContractTest;
import io.vecferry.store.StoreProvider;
import io.vecferry.store.StoreSettings;
import io.vecferry.store.Stores;
import io.vecferry.testing.RunningServer;
import io.vecferry.testing.Server;
import io.vecferry.testing.WithServer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The contract, with the newest server. */
class QdrantContractTest extends StoreContractTest {
  @WithServer(Server.QDRANT)
  static RunningServer server;

  private String url;
  private final String collection = QdrantTests.uniqueName();

  @BeforeEach
  void chooseServer() {
    url = QdrantTests.url(server());
  }

  @AfterEach
  void dropCollection() {
    QdrantTests.drop(url, collection);
  }

  RunningServer server() {
    return server;
  }

  @Override
  protected StoreProvider provider() {
    return Stores.get("qdrant");
  }

  @Override
  protected StoreSettings settings() {
    return QdrantTests.settings("target", url, collection);
  }

  @Test
  void isRegistered() {
    assertThat(provider()).isInstanceOf(QdrantProvider.class);
  }
}
