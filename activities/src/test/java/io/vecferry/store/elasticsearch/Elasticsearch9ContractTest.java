package io.vecferry.store.elasticsearch;

import io.vecferry.testing.Server;
import io.vecferry.testing.WithServer;

/** The contract, on a server of version 9. */
@WithServer(Server.ELASTICSEARCH_9)
class Elasticsearch9ContractTest extends ElasticsearchContract {}
