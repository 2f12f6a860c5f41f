package io.vecferry.store.chroma;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.vecferry.store.GoldenSchemaTest;
import io.vecferry.store.Metric;
import io.vecferry.store.StoreProvider;
import io.vecferry.store.StoreSettings;
import io.vecferry.store.VectorFieldInfo;
import io.vecferry.testing.RunningServer;
import io.vecferry.testing.Server;
import io.vecferry.testing.WithServer;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;

/** Collections of Chroma. */
@WithServer(Server.CHROMA)
class ChromaGoldenSchemaTest extends GoldenSchemaTest {
  private final String collection = "golden-" + UUID.randomUUID();
  private TestChroma chroma;

  @BeforeEach
  void connect(RunningServer server) {
    chroma = new TestChroma(server.url());
  }

  @AfterEach
  void removeCollections() {
    chroma.dropAll(collection);
  }

  @Override
  protected StoreProvider provider() {
    return new ChromaProvider();
  }

  @Override
  protected StoreSettings settings() {
    return StoreSettings.of("target", "url", chroma.url(), "collection", collection);
  }

  @Override
  protected StoreSettings manySettings() {
    return settings();
  }

  @Override
  protected List<VectorFieldInfo> oddVectors() {
    return List.of(
        new VectorFieldInfo(
            "title vector.en",
            8,
            Metric.IP,
            0,
            "hnsw",
            Map.of("M", "32", "hnsw:construction_ef", "300", "batchSize", "500")));
  }

  /** Servers of all versions since 1.0 say that they are 1.0.0. */
  @Override
  protected String serverName() {
    return "chroma-1";
  }

  @Override
  protected ObjectNode described(String name) {
    ObjectNode described = (ObjectNode) chroma.describe(name);
    // As many as the machine has.
    described.findParents("num_threads").forEach(node -> without((ObjectNode) node, "num_threads"));
    return without(described, "id", "log_position", "version", "tenant", "database");
  }
}
