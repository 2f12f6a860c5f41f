package io.vecferry.store.qdrant;

import io.vecferry.testing.RunningServer;
import io.vecferry.testing.Server;
import io.vecferry.testing.WithServer;

/** The contract, with the oldest server: another wire format, and no place for a note. */
class QdrantOldContractTest extends QdrantContractTest {
  @WithServer(Server.QDRANT_OLD)
  static RunningServer oldServer;

  @Override
  RunningServer server() {
    return oldServer;
  }
}
