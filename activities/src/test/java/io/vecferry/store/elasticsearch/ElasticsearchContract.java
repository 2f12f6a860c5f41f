package io.vecferry.store.elasticsearch;

import static org.assertj.core.api.Assertions.assertThat;

import io.vecferry.plan.FailureClass;
import io.vecferry.plan.NameSwitch;
import io.vecferry.store.CollectionInfo;
import io.vecferry.store.StoreContractTest;
import io.vecferry.store.StoreProvider;
import io.vecferry.store.StoreSettings;
import io.vecferry.store.Stores;
import io.vecferry.testing.RunningServer;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The contract, as an Elasticsearch of any version keeps it. */
abstract class ElasticsearchContract extends StoreContractTest {
  final String collection = "contract-" + UUID.randomUUID();
  TestElasticsearch elasticsearch;

  @BeforeEach
  void connect(RunningServer server) {
    elasticsearch = connected(server);
  }

  /** The server, as those see it who may do everything. */
  TestElasticsearch connected(RunningServer server) {
    return new TestElasticsearch(server.url());
  }

  @AfterEach
  @Override
  protected void clear() {
    elasticsearch.dropAll(collection);
  }

  @Override
  protected StoreProvider provider() {
    return Stores.get("elasticsearch");
  }

  @Override
  protected StoreSettings settings() {
    return StoreSettings.of("target", "url", elasticsearch.url(), "collection", collection);
  }

  /** Its square leaves the range of a float, and such a record is refused. */
  @Override
  protected boolean holds(Sample sample) {
    return !sample.id().equals("huge");
  }

  @Test
  void isRegistered() {
    assertThat(Stores.get("elasticsearch")).isInstanceOf(ElasticsearchProvider.class);
  }

  @Override
  protected void alias(String alias, String to) {
    elasticsearch.alias(alias, to);
  }

  @Override
  protected void decorate(String decorated) {
    elasticsearch.decorate(decorated);
  }

  @Override
  protected Object setup(String name, CollectionInfo info) {
    return List.of(info.configuration(), info.rows(), elasticsearch.lasting(name));
  }

  @Override
  protected Map<String, Runnable> interruptions(NameSwitch planned) {
    return elasticsearch.interruptions(planned);
  }

  @Override
  protected Map<String, Runnable> interruptionsOfTheWayBack(NameSwitch planned) {
    return elasticsearch.interruptionsOfTheWayBack(planned);
  }

  @Override
  protected boolean clones() {
    return true;
  }

  /** A clone has its name before it has shards. */
  @Override
  protected List<FailureClass> failuresInTheGap() {
    return List.of(FailureClass.MISSING, FailureClass.TRANSIENT);
  }
}
