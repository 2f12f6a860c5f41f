package io.vecferry.store.milvus;

import io.vecferry.testing.RunningServer;
import io.vecferry.testing.Server;
import io.vecferry.testing.WithServer;

/** The contract, on a Milvus Lite that runs as a server. */
class MilvusLiteContractTest extends MilvusContractTest {
  @WithServer(Server.MILVUS_LITE)
  static RunningServer lite;

  @Override
  protected String url() {
    return lite.url();
  }

  /** Squares of huge components overflow in its index, which ends the whole server. */
  @Override
  protected boolean holds(Sample sample) {
    for (float component : sample.vector()) {
      if (Math.abs(component) > 1e18f) {
        return false;
      }
    }
    return true;
  }

  /**
   * A collection that is opened while it is renamed gets its folder again, empty, and then the name
   * is refused. The plan says so.
   */
  @Override
  protected boolean survivesReadersInTheGap() {
    return false;
  }

  /** It releases what it renames. */
  @Override
  protected boolean readsWhatIsKept() {
    return false;
  }
}
