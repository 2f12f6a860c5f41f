package io.vecferry.store.qdrant;

import io.vecferry.testing.RunningServer;
import io.vecferry.testing.Server;
import io.vecferry.testing.WithServer;

/** The same with the oldest server, as far as it can. */
class QdrantOldStoreTest extends QdrantStoreTest {
  @WithServer(Server.QDRANT_OLD)
  static RunningServer oldServer;

  @Override
  RunningServer server() {
    return oldServer;
  }

  @Override
  boolean isNew() {
    return false;
  }
}
