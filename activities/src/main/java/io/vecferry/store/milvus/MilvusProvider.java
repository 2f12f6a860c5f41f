package io.vecferry.store.milvus;

import io.vecferry.store.StoreOption;
import io.vecferry.store.StoreProvider;
import io.vecferry.store.StoreSettings;
import io.vecferry.store.TlsSettings;
import io.vecferry.store.VectorStore;
import java.util.List;

/** Collections of Milvus servers. */
public final class MilvusProvider implements StoreProvider {

  @Override
  public String type() {
    return "milvus";
  }

  @Override
  public String description() {
    return "Milvus 2.3 to 2.6, Zilliz Cloud, and Milvus Lite as a server, over gRPC";
  }

  @Override
  public List<StoreOption> options() {
    return TlsSettings.optionsWith(MilvusOptions.all());
  }

  @Override
  public StoreSettings loadSettings(StoreSettings settings, String migration) {
    String collection = settings.text("collection", "");
    // A name that cannot be is left as it is, so that planning says so.
    return Names.isLegal(collection)
        ? settings.with("collection", Names.load(collection, migration))
        : settings;
  }

  @Override
  public VectorStore open(StoreSettings settings) {
    return new MilvusStore(MilvusOptions.read(settings));
  }
}
