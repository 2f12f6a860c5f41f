package io.vecferry.cli;

import io.vecferry.testing.RunningServer;
import io.vecferry.testing.Server;
import io.vecferry.testing.WithServer;
import org.junit.jupiter.api.Test;

class ChromaMilvusLossTest extends ServerLossTest {
  @WithServer(value = Server.CHROMA, instance = "lost")
  static RunningServer chroma;

  @WithServer(value = Server.MILVUS, instance = "lost")
  static RunningServer milvus;

  @Override
  RunningServer server(String type) {
    return type.equals("chroma") ? chroma : milvus;
  }

  @Test
  void chromaAsSource() throws Exception {
    losesSource("chroma", "milvus");
  }

  @Test
  void milvusAsTarget() throws Exception {
    losesTarget("chroma", "milvus");
  }

  @Test
  void milvusAsSource() throws Exception {
    losesSource("milvus", "chroma");
  }

  @Test
  void chromaAsTarget() throws Exception {
    losesTarget("milvus", "chroma");
  }
}
