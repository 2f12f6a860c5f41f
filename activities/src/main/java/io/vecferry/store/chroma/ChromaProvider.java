package io.vecferry.store.chroma;

import io.vecferry.store.StoreOption;
import io.vecferry.store.StoreProvider;
import io.vecferry.store.StoreSettings;
import io.vecferry.store.TlsSettings;
import io.vecferry.store.VectorStore;
import java.util.List;

/** Collections of a Chroma server. */
public final class ChromaProvider implements StoreProvider {

  @Override
  public String type() {
    return "chroma";
  }

  @Override
  public String description() {
    return "Collections of a Chroma server, 1.0 or later, over REST version 2";
  }

  @Override
  public List<StoreOption> options() {
    return TlsSettings.optionsWith(ChromaSettings.OPTIONS);
  }

  @Override
  public StoreSettings loadSettings(StoreSettings settings, String migration) {
    return settings
        .text("collection")
        .map(name -> settings.with("collection", CollectionNames.ofLoad(name, migration)))
        .orElse(settings);
  }

  @Override
  public VectorStore open(StoreSettings settings) {
    ChromaSettings chroma = ChromaSettings.of(settings);
    if (chroma.role().equals("target")) {
      CollectionNames.require(chroma.collection());
    }
    return new ChromaStore(chroma);
  }
}
