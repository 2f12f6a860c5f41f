package io.vecferry.store.elasticsearch;

import io.vecferry.testing.RunningServer;
import io.vecferry.testing.Server;
import io.vecferry.testing.WithServer;

/** Indices on a server of version 9. */
class Elasticsearch9GoldenSchemaTest extends Elasticsearch8GoldenSchemaTest {
  @WithServer(Server.ELASTICSEARCH_9)
  static RunningServer newServer;

  @Override
  RunningServer server() {
    return newServer;
  }
}
