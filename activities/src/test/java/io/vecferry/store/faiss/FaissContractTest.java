package io.vecferry.store.faiss;

import static org.assertj.core.api.Assertions.assertThat;

import io.vecferry.store.StoreContractTest;
import io.vecferry.store.StoreProvider;
import io.vecferry.store.StoreSettings;
import io.vecferry.store.Stores;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The contract, with vecferry's own layout. */
class FaissContractTest extends StoreContractTest {
  @TempDir Path folder;

  @Override
  protected StoreProvider provider() {
    return Stores.get("faiss");
  }

  @Override
  protected StoreSettings settings() {
    return StoreSettings.of(
        "target", "path", folder.resolve("products").toString(), "options.layout", layout());
  }

  protected String layout() {
    return "vecferry";
  }

  @Test
  void isRegistered() {
    assertThat(Stores.get("faiss")).isInstanceOf(FaissProvider.class);
  }

  @AfterEach
  void leavesNoTemporaryFiles() throws Exception {
    try (var files = java.nio.file.Files.walk(folder)) {
      assertThat(files.filter(file -> file.toString().endsWith(".tmp"))).isEmpty();
    }
  }
}
