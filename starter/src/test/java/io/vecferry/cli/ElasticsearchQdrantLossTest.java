package io.vecferry.cli;

import io.vecferry.testing.RunningServer;
import io.vecferry.testing.Server;
import io.vecferry.testing.WithServer;
import org.junit.jupiter.api.Test;

class ElasticsearchQdrantLossTest extends ServerLossTest {
  @WithServer(value = Server.ELASTICSEARCH_8, instance = "lost")
  static RunningServer elasticsearch;

  @WithServer(value = Server.QDRANT, instance = "lost")
  static RunningServer qdrant;

  @Override
  RunningServer server(String type) {
    return type.equals("elasticsearch") ? elasticsearch : qdrant;
  }

  @Test
  void elasticsearchAsSource() throws Exception {
    losesSource("elasticsearch", "qdrant");
  }

  @Test
  void qdrantAsTarget() throws Exception {
    losesTarget("elasticsearch", "qdrant");
  }

  @Test
  void qdrantAsSource() throws Exception {
    losesSource("qdrant", "elasticsearch");
  }

  @Test
  void elasticsearchAsTarget() throws Exception {
    losesTarget("qdrant", "elasticsearch");
  }
}
