package io.vecferry.store.qdrant;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.vecferry.plan.NameSwitch;
import io.vecferry.store.LoadStamp;
import io.vecferry.store.StoreContractTest;
import io.vecferry.store.StoreProvider;
import io.vecferry.store.StoreSettings;
import io.vecferry.store.Stores;
import io.vecferry.store.VectorStore;
import io.vecferry.testing.RunningServer;
import io.vecferry.testing.Server;
import io.vecferry.testing.WithServer;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The contract, with the newest server. */
class QdrantContractTest extends StoreContractTest {
  @WithServer(Server.QDRANT)
  static RunningServer server;

  private String url;
  private final String collection = QdrantTests.uniqueName();

  @BeforeEach
  void chooseServer() {
    url = server().url();
  }

  @AfterEach
  @Override
  protected void clear() {
    for (String name :
        List.of(
            collection,
            collection + "_old",
            collection + "_third",
            provider().loadBesideSettings(settings(), "products").text("collection", ""))) {
      QdrantTests.drop(url, name);
    }
  }

  RunningServer server() {
    return server;
  }

  @Override
  protected StoreProvider provider() {
    return Stores.get("qdrant");
  }

  @Override
  protected StoreSettings settings() {
    return QdrantTests.settings("target", url, collection);
  }

  @Test
  void isRegistered() {
    assertThat(provider()).isInstanceOf(QdrantProvider.class);
  }

  @Override
  protected void alias(String alias, String to) {
    QdrantTests.alias(url, alias, to);
  }

  @Override
  protected void decorate(String decorated) {
    alias(decorated + "_other", decorated);
  }

  @Test
  void aCollectionGivesItsNameToAnAliasWhenTheUserSaysSo() {
    StoreSettings settings = settings();
    settings.values().withObjectProperty("options").put("takeOverName", true);
    String other = collection + "_other";
    make(settings, EARLIER, labelled("old"));
    alias(other, collection);
    try (VectorStore target = provider().open(settings);
        VectorStore load = provider().open(provider().loadBesideSettings(settings, "products"))) {
      NameSwitch planned = target.planSwitch(load, STAMP);
      assertThat(planned.possible()).isTrue();
      assertThat(planned.gap()).isEqualTo(NameSwitch.Gap.SHORT);
      assertThat(planned.kept()).isEmpty();
      assertThat(planned.details()).containsEntry(NameSwitch.RESTORE_FROM_BACKUP, "true");
      assertThat(planned.words()).contains("is deleted after its backup is verified", other);
      make(provider().loadBesideSettings(settings, "products"), STAMP, labelled("new"));
      target.switchBack(planned, STAMP);
      assertThat(target.stamp()).contains(EARLIER);
      target.switchTo(planned, STAMP);
      target.switchTo(planned, STAMP);
      assertThat(target.stamp()).contains(STAMP);
      assertThat(stampOf(other)).contains(STAMP);
      assertThat(target.dropReplaced(planned, STAMP)).isFalse();
      target.switchBack(planned, STAMP);
      target.switchBack(planned, STAMP);
      assertThat(target.exists()).isFalse();
      assertThat(stampOf(other)).isEmpty();
      // A worker that was killed between the two calls leaves the same.
      target.switchTo(planned, STAMP);
      assertThat(target.stamp()).contains(STAMP);
      assertThat(stampOf(other)).contains(STAMP);
      target.switchBack(planned, STAMP);
      assertThat(load.drop(STAMP)).isTrue();
    }
  }

  private Optional<LoadStamp> stampOf(String name) {
    try (VectorStore store = provider().open(settings().with("collection", name))) {
      return store.stamp();
    }
  }

  @Test
  void aCollectionThatChangedIsNotDeletedForItsName() {
    StoreSettings settings = settings();
    settings.values().withObjectProperty("options").put("takeOverName", true);
    make(settings, EARLIER, labelled("old"));
    try (VectorStore target = provider().open(settings);
        VectorStore load = provider().open(provider().loadBesideSettings(settings, "products"))) {
      NameSwitch planned = target.planSwitch(load, STAMP);
      make(provider().loadBesideSettings(settings, "products"), STAMP, labelled("new"));
      changeOld(planned);
      assertThatThrownBy(() -> target.switchTo(planned, STAMP))
          .hasMessageContaining("has changed since the switch was planned, when it had 60 records")
          .hasMessageContaining("Nothing was changed");
      assertThat(target.describe().rows()).isEqualTo(61);
    }
  }
}
