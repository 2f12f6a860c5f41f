package io.vecferry.store.qdrant;

import io.vecferry.testing.RunningServer;
import io.vecferry.testing.Server;
import io.vecferry.testing.WithServer;

/** Collections of the oldest Qdrant. */
class QdrantOldGoldenSchemaTest extends QdrantGoldenSchemaTest {
  @WithServer(Server.QDRANT_OLD)
  static RunningServer oldServer;

  @Override
  RunningServer server() {
    return oldServer;
  }
}
