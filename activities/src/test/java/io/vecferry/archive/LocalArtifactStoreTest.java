package io.vecferry.archive;

import java.nio.file.Path;
import org.junit.jupiter.api.io.TempDir;

class LocalArtifactStoreTest extends ArtifactStoreContract {
  @TempDir Path folder;

  @Override
  protected ArtifactStore store() {
    return new LocalArtifactStore(folder);
  }
}
