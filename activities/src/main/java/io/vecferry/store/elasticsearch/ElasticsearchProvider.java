package io.vecferry.store.elasticsearch;

import io.vecferry.store.StoreOption;
import io.vecferry.store.StoreProvider;
import io.vecferry.store.StoreSettings;
import io.vecferry.store.TlsSettings;
import io.vecferry.store.VectorStore;
import java.util.List;

/** Indices, aliases and data streams of Elasticsearch servers. */
public final class ElasticsearchProvider implements StoreProvider {

  @Override
  public String type() {
    return "elasticsearch";
  }

  @Override
  public String description() {
    return "Elasticsearch 8 and 9, over REST";
  }

  /** A part is read at one point in time. */
  @Override
  public Snapshot snapshot() {
    return Snapshot.PER_RANGE;
  }

  @Override
  public List<StoreOption> options() {
    return TlsSettings.optionsWith(Settings.OPTIONS);
  }

  @Override
  public StoreSettings loadSettings(StoreSettings settings, String migration) {
    String collection = settings.text("collection", "");
    // A name that cannot be is left as it is, so that planning says so.
    return IndexNames.isLegal(collection)
        ? settings.with("collection", IndexNames.ofLoad(collection, migration))
        : settings;
  }

  @Override
  public VectorStore open(StoreSettings settings) {
    Settings read = Settings.of(settings);
    if (read.role().equals("target")) {
      IndexNames.require(read.collection());
    }
    return new ElasticsearchStore(read, new RestClient(read));
  }
}
