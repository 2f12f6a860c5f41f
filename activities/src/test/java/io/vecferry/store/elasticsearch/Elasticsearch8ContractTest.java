package io.vecferry.store.elasticsearch;

import io.vecferry.testing.Server;
import io.vecferry.testing.WithServer;

/** The contract, on a server of version 8. */
@WithServer(Server.ELASTICSEARCH_8)
class Elasticsearch8ContractTest extends ElasticsearchContract {}
