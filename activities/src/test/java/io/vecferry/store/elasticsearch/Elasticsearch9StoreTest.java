package io.vecferry.store.elasticsearch;

import io.vecferry.testing.RunningServer;
import io.vecferry.testing.Server;
import io.vecferry.testing.WithServer;

/** The same on a server of version 9, which hides vectors from those who do not ask for them. */
class Elasticsearch9StoreTest extends ElasticsearchStoreTest {
  @WithServer(Server.ELASTICSEARCH_9)
  static RunningServer newServer;

  @Override
  RunningServer server() {
    return newServer;
  }
}
